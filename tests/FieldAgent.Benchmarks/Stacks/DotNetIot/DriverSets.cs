using FieldAgent.Devices.DotNetIot;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Benchmarks.Stacks;

/// <summary>The GPIO and I2C drivers that are built in.</summary>
internal static class DriverSets
{
    /// <summary>Name, GPIO and I2C of each.</summary>
    public static IReadOnlyList<(string Name, Func<IGpioController> Gpio, Func<string, II2cBus> I2c)> All { get; } =
    [
        ("kernel interfaces", static () => new LinuxGpio("/dev"), static path => new LinuxI2cBus(path)),
        ("System.Device.Gpio", static () => new IotGpio("/dev"), static path => new IotI2cBus(path)),
    ];
}
