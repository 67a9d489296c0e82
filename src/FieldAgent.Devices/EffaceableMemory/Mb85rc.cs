using FieldAgent.Core;

namespace FieldAgent.Devices.EffaceableMemory;

/// <summary>A Fujitsu MB85RC256V, 32 KiB of FRAM: written byte by byte as the bytes arrive, without page or delay, 10^12 times.</summary>
/// <remarks>Datasheet DS501-00017 (MB85RC256V): device address 1010 A2 A1 A0; two address bytes, high first; sequential write and read; random
/// read by a write of the address and a repeated start.</remarks>
internal sealed class Mb85rc(MemoryChip chip) : IEffaceableMemory
{
    /// <summary>The address with A2, A1 and A0 open or low.</summary>
    public const byte DefaultAddress = 0x50;

    /// <inheritdoc/>
    public string Place => $"mb85rc at {chip.Place}";

    /// <inheritdoc/>
    public int Bytes => 32 << 10;

    /// <inheritdoc/>
    public void Read(int offset, Span<byte> into)
    {
        Check(offset, into.Length);
        chip.Transfer([(byte)(offset >> 8), (byte)offset], into);
    }

    /// <inheritdoc/>
    public void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        Check(offset, bytes.Length);
        chip.Transfer([(byte)(offset >> 8), (byte)offset, .. bytes], []);
    }

    private void Check(int offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + count, Bytes);
    }
}
