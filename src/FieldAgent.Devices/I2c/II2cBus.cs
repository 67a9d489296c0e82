namespace FieldAgent.Devices.I2c;

/// <summary>How a transaction ended.</summary>
internal enum I2cOutcome : byte
{
    /// <summary>Well.</summary>
    Done,

    /// <summary>No chip acknowledged (ENXIO, EREMOTEIO).</summary>
    NoAnswer,

    /// <summary>Another master was faster (EAGAIN).</summary>
    ArbitrationLost,

    /// <summary>The bus or the chip held the clock for too long (ETIMEDOUT).</summary>
    TimedOut,

    /// <summary>The bus is held by somebody (EBUSY).</summary>
    Busy,

    /// <summary>The bus itself is not there.</summary>
    BusAbsent,

    /// <summary>The bus may not be opened.</summary>
    Refused,

    /// <summary>What was opened is no I2C bus.</summary>
    NotABus,

    /// <summary>Any other fault of the adapter.</summary>
    Failed,
}

/// <summary>An I2C bus: one transaction a call, from start to stop condition. Opened at the first transaction, and again after a fault of the
/// bus; closed by disposing. One caller at a time. Implemented over the kernel's character device, or over System.Device.I2c.</summary>
internal interface II2cBus : IDisposable
{
    /// <summary>Which bus, for messages: <c>/dev/i2c-1</c>.</summary>
    string Name { get; }

    /// <summary>Writes bytes, then reads after a repeated start; either may be empty. Blocks until the adapter is done (its own time-out ends
    /// that, a second as a rule); does not allocate.</summary>
    I2cOutcome Transfer(byte address, ReadOnlySpan<byte> write, Span<byte> read);
}
