namespace FieldAgent.Devices.EffaceableMemory;

/// <summary>An I2C bus: one transaction a call, from start to stop condition.</summary>
internal interface II2cBus
{
    /// <summary>Which bus, for messages: <c>/dev/i2c-1</c>.</summary>
    string Name { get; }

    /// <summary>Writes bytes to a chip.</summary>
    /// <exception cref="Core.StoreFault">Io: nobody answers, or the bus is not there.</exception>
    void Write(byte address, ReadOnlySpan<byte> bytes);

    /// <summary>Writes bytes, then reads after a repeated start.</summary>
    /// <exception cref="Core.StoreFault">Io: nobody answers, or the bus is not there.</exception>
    void WriteThenRead(byte address, ReadOnlySpan<byte> write, Span<byte> read);
}
