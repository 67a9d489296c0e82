namespace FieldAgent.Devices.I2c;

/// <summary>How the bits of a register are meant.</summary>
internal enum RegisterFormat : byte
{
    /// <summary>From 0 up.</summary>
    Unsigned,

    /// <summary>Two's complement.</summary>
    Signed,

    /// <summary>IEEE 754.</summary>
    Float,
}

/// <summary>Where a number stands in an answer, and how.</summary>
/// <param name="At">Its first byte.</param>
/// <param name="Bits">Width of the register: 8 to 64, whole bytes.</param>
/// <param name="Format">Meaning; a float has 16, 32 or 64 bits.</param>
/// <param name="LittleEndian">Low byte first.</param>
/// <param name="Shift">Bits to the right of the field.</param>
/// <param name="Mask">Bits of the field after the shift; 0 for all. The highest one is the sign.</param>
internal readonly record struct RegisterField(
    int At, int Bits, RegisterFormat Format = RegisterFormat.Unsigned, bool LittleEndian = false, int Shift = 0, ulong Mask = 0)
{
    /// <summary>Bytes that it takes.</summary>
    public int Bytes => Bits / 8;

    /// <summary>The number in <paramref name="answer"/>; no allocation.</summary>
    /// <returns>NaN for a float that is no number.</returns>
    public double Read(ReadOnlySpan<byte> answer)
    {
        ulong raw = 0;
        for (var i = 0; i < Bytes; i++)
        {
            raw = (raw << 8) | answer[At + (LittleEndian ? Bytes - 1 - i : i)];
        }

        if (Format == RegisterFormat.Float)
        {
            return Bits switch
            {
                16 => (double)BitConverter.UInt16BitsToHalf((ushort)raw),
                32 => BitConverter.UInt32BitsToSingle((uint)raw),
                _ => BitConverter.UInt64BitsToDouble(raw),
            };
        }

        raw >>= Shift;
        var width = Bits - Shift;
        if (Mask != 0)
        {
            raw &= Mask;
            width = Math.Min(width, 64 - (int)ulong.LeadingZeroCount(Mask));
        }

        return Format == RegisterFormat.Signed ? (long)(raw << (64 - width)) >> (64 - width) : raw;
    }
}
