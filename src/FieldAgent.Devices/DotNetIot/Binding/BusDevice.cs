using System.Device.I2c;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>What a binding takes for its I2C device: a chip on one of the agent's buses, so that bindings and the agent's own drivers share a
/// bus, its turns and its faults. A transfer that fails throws <see cref="Core.SensorFault"/> through the binding.</summary>
internal sealed class BusDevice(I2cChip chip, byte address) : I2cDevice
{
    /// <inheritdoc/>
    public override I2cConnectionSettings ConnectionSettings { get; } = new(0, address);

    /// <inheritdoc/>
    public override void Read(Span<byte> buffer) => chip.MustTransfer([], buffer);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => chip.MustTransfer(buffer, []);

    /// <inheritdoc/>
    public override void WriteRead(ReadOnlySpan<byte> writeBuffer, Span<byte> readBuffer) => chip.MustTransfer(writeBuffer, readBuffer);
}
