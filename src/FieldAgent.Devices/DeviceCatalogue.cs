using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>All sensor kinds of this project: one line a kind.</summary>
public static class DeviceCatalogue
{
    /// <summary>The kinds that a configuration may name.</summary>
    public static IReadOnlyList<ISensorKind> Kinds { get; } =
    [
        new ReplayKind(),
        new IioKind(),
        new HwmonKind(),
        new W1.W1Kind(),
        new Gnss.GnssKind(),
        new CameraKind(),
        new Exec.ExecKind(),
        new Modbus.ModbusKind(),
        new Gpio.GpioKind(),
        new Gpio.PulseCounterKind(),
        new I2c.I2cKind(),
        new HealthKind(),
        new ActivityKind(),
        new SharedUplinkKind(),
        .. DeviceStack.Kinds,
    ];
}
