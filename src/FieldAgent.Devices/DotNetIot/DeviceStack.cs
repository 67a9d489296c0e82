using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.DotNetIot;
using FieldAgent.Devices.Gnss;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices;

/// <summary>What this program was built with behind GPIO and I2C: <c>System.Device.Gpio</c>, with the sensors and the NMEA reader of
/// <c>Iot.Device.Bindings</c>.</summary>
internal static class DeviceStack
{
    private static readonly Option<string> Reader = Opt.Choice(
        "reader", "What reads NMEA 0183: agent, or nmea0183 for that of Iot.Device.Bindings.", "agent", false, "agent", "nmea0183");

    /// <summary>Further sensor kinds.</summary>
    public static IReadOnlyList<ISensorKind> Kinds { get; } = [new BindingKind()];

    /// <summary>Further options of kind <c>gnss</c>.</summary>
    public static Option[] GnssOptions => [Reader];

    /// <summary>GPIO lines.</summary>
    /// <param name="dev">The folder of device nodes.</param>
    public static IGpioController OpenGpio(string dev) => new IotGpio(dev);

    /// <summary>An I2C bus.</summary>
    /// <param name="path">Its device node.</param>
    public static II2cBus OpenI2c(string path) => new IotI2cBus(path);

    /// <summary>What reads NMEA 0183 under these options of kind <c>gnss</c>; called with the earliest day a date can have.</summary>
    public static Func<int, INmeaDecoder> NmeaOf(ConfigSection options) => options.Get(Reader) == "nmea0183"
        ? static notBeforeDay => new Nmea0183Decoder(notBeforeDay)
        : static notBeforeDay => new NmeaDecoder(notBeforeDay);
}
