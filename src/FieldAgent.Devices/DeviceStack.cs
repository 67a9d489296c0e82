using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gnss;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices;

/// <summary>What this program was built with behind GPIO and I2C: the kernel's own interfaces.</summary>
internal static class DeviceStack
{
    /// <summary>Further sensor kinds.</summary>
    public static IReadOnlyList<ISensorKind> Kinds => [];

    /// <summary>Further options of kind <c>gnss</c>.</summary>
    public static Option[] GnssOptions => [];

    /// <summary>GPIO lines.</summary>
    /// <param name="dev">The folder of device nodes.</param>
    public static IGpioController OpenGpio(string dev) => new LinuxGpio(dev);

    /// <summary>An I2C bus.</summary>
    /// <param name="path">Its device node.</param>
    public static II2cBus OpenI2c(string path) => new LinuxI2cBus(path);

    /// <summary>What reads NMEA 0183 under these options of kind <c>gnss</c>; called with the earliest day a date can have.</summary>
    public static Func<int, INmeaDecoder> NmeaOf(ConfigSection options) => static notBeforeDay => new NmeaDecoder(notBeforeDay);
}
