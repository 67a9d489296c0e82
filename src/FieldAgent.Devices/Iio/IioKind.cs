using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>Chips with a driver of the kernel's Industrial I/O subsystem, read from <c>/sys/bus/iio/devices</c>.</summary>
public sealed class IioKind : ISensorKind
{
    /// <inheritdoc/>
    public string Kind => "iio";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "A chip with an IIO driver (ADC, temperature, humidity, pressure, light, acceleration …): any that appears in /sys/bus/iio/devices. "
        + "Channels are named as the kernel does, without in_ and _raw: temp, humidityrelative, voltage0, voltage0-voltage1, accel_x.",
        SysfsOptions.Device, SysfsOptions.Label, SysfsOptions.Index, SensorOptions.Interval, SysfsOptions.Channels, IioBufferOptions.Buffer,
        SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        SysfsOptions.CheckNames(setup);
        return setup.Options.Has(IioBufferOptions.Buffer) ? new IioBufferedSensor(setup) : new IioSensor(setup);
    }
}
