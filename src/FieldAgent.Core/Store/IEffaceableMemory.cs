namespace FieldAgent.Core;

/// <summary>A small memory whose bytes can be overwritten in place, unlike flash: FRAM, or the battery-backed RAM of a clock chip. Half of
/// what wraps the data keys lies there, so that an erasure can destroy it for good. One thread at a time.</summary>
public interface IEffaceableMemory
{
    /// <summary>Where it is, for messages: <c>mb85rc at /dev/i2c-1, address 0x50</c>.</summary>
    string Place { get; }

    /// <summary>Bytes that may be used.</summary>
    int Bytes { get; }

    /// <summary>Reads from <paramref name="offset"/>. Blocks for the bus, some milliseconds.</summary>
    /// <exception cref="StoreFault">Io: the chip does not answer; retry later, and check wiring and address.</exception>
    void Read(int offset, Span<byte> into);

    /// <summary>Overwrites in place from <paramref name="offset"/>; when it returns the old bytes are gone. A power cut leaves some of the
    /// bytes old. Blocks for the bus, some milliseconds.</summary>
    /// <exception cref="StoreFault">Io: the chip does not answer; retry later, and check wiring and address.</exception>
    void Write(int offset, ReadOnlySpan<byte> bytes);
}
