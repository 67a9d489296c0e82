namespace FieldAgent.Devices;

/// <summary>How the bits of a number are meant.</summary>
internal enum NumberFormat : byte
{
    /// <summary>From 0 up.</summary>
    Unsigned,

    /// <summary>Two's complement.</summary>
    Signed,

    /// <summary>IEEE 754.</summary>
    Float,
}

/// <summary>Where a number stands in bytes that a chip gave, and how.</summary>
/// <param name="At">Its first byte.</param>
/// <param name="Bits">Width of what holds it: 8 to 64, whole bytes.</param>
/// <param name="Format">Meaning; a float has 16, 32 or 64 bits.</param>
/// <param name="LittleEndian">Low byte first.</param>
/// <param name="Shift">Bits to the right of the field.</param>
/// <param name="Mask">Bits of the field after the shift; 0 for all. The highest one is the sign.</param>
internal readonly record struct BitField(
    int At, int Bits, NumberFormat Format = NumberFormat.Unsigned, bool LittleEndian = false, int Shift = 0, ulong Mask = 0)
{
    /// <summary>Bytes that it takes.</summary>
    public int Bytes => Bits / 8;

    /// <summary>The number in <paramref name="bytes"/>; no allocation.</summary>
    /// <returns>NaN or infinite for a float that is no number.</returns>
    public double Read(ReadOnlySpan<byte> bytes) => Format switch
    {
        NumberFormat.Signed => ReadInteger(bytes),
        NumberFormat.Unsigned => (ulong)ReadInteger(bytes),
        _ => Bits switch
        {
            16 => (double)BitConverter.UInt16BitsToHalf((ushort)Raw(bytes)),
            32 => BitConverter.UInt32BitsToSingle((uint)Raw(bytes)),
            _ => BitConverter.UInt64BitsToDouble(Raw(bytes)),
        },
    };

    /// <summary>The number as it is, of all 64 bits.</summary>
    public long ReadInteger(ReadOnlySpan<byte> bytes)
    {
        var raw = Raw(bytes) >> Shift;
        var width = Bits - Shift;
        if (Mask != 0)
        {
            raw &= Mask;
            width = Math.Min(width, 64 - (int)ulong.LeadingZeroCount(Mask));
        }

        return Format == NumberFormat.Signed ? (long)(raw << (64 - width)) >> (64 - width) : (long)raw;
    }

    private ulong Raw(ReadOnlySpan<byte> bytes)
    {
        ulong raw = 0;
        for (var i = 0; i < Bytes; i++)
        {
            raw = (raw << 8) | bytes[At + (LittleEndian ? Bytes - 1 - i : i)];
        }

        return raw;
    }
}
