using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>Chips with a driver of the kernel's hardware-monitoring subsystem, read from <c>/sys/class/hwmon</c>.</summary>
public sealed class HwmonKind : ISensorKind
{
    /// <inheritdoc/>
    public string Kind => "hwmon";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "A chip with a hwmon driver (board temperature, supply voltage, fan, power meter …): any that appears in /sys/class/hwmon. "
        + "Channels are named as the kernel does, without _input: temp1, in0, fan1, power1; or with their suffix: in0_lcrit_alarm.",
        SysfsOptions.Device, SysfsOptions.Label, SysfsOptions.Index, SensorOptions.Interval, SysfsOptions.Channels,
        SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        SysfsOptions.CheckNames(setup);
        return new HwmonSensor(setup);
    }
}
