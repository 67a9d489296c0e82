using FieldAgent.Core;

namespace FieldAgent.Devices.EffaceableMemory;

/// <summary>The 56 bytes of battery-backed RAM in a DS1307 clock. They stay as long as its battery does: without one, and without power,
/// what is stored cannot be read any more.</summary>
/// <remarks>Datasheet Maxim DS1307, 19-5213, tables 1 and 2: address 1101000; a byte with the register's number, then data; registers 0x00 to
/// 0x07 are the clock, 0x08 to 0x3F the RAM; the register's number wraps from 0x3F to the clock, which a longer transfer would change.</remarks>
internal sealed class Ds1307(MemoryChip chip) : IEffaceableMemory
{
    /// <summary>Its only address.</summary>
    public const byte DefaultAddress = 0x68;

    private const int FirstRegister = 0x08;

    /// <inheritdoc/>
    public string Place => $"ds1307 at {chip.Place}";

    /// <inheritdoc/>
    public int Bytes => 56;

    /// <inheritdoc/>
    public void Read(int offset, Span<byte> into)
    {
        Check(offset, into.Length);
        chip.Transfer([(byte)(FirstRegister + offset)], into);
    }

    /// <inheritdoc/>
    public void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        Check(offset, bytes.Length);
        chip.Transfer([(byte)(FirstRegister + offset), .. bytes], []);
    }

    private void Check(int offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + count, Bytes);
    }
}
