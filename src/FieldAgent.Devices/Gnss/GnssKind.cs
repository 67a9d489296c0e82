using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gnss;

/// <summary>Sensor kind <c>gnss</c>: a receiver on a serial line, gpsd, or a recording. Writes <c>NAME.position</c> (field
/// <c>location.position</c>) and <c>NAME.receiver</c> (field <c>instrument.gnss</c>); is opened only when a position is permitted.</summary>
public sealed class GnssKind : ISensorKind
{
    /// <summary>The vocabulary's field of a position.</summary>
    internal const string PositionField = "location.position";

    /// <summary>The vocabulary's field of how well the receiver does.</summary>
    internal const string ReceiverField = "instrument.gnss";

    private const int GpsdPort = 2947;

    private static readonly Option<string> Device =
        Opt.File("device", "Serial device of a receiver that speaks NMEA 0183; /dev/serial/by-id/… stays the same over reboots");

    private static readonly Option<ConfigNode?> Baud = Opt.Raw(
        "baud", "Speed of the device, baud; auto, also when it is not given, finds it out and remembers it",
        """{"oneOf":[{"const":"auto"},{"type":"integer","minimum":1200,"maximum":921600}]}""");

    private static readonly Option<string> Gpsd =
        Opt.Text("gpsd", "Host and port of gpsd, such as localhost:2947; the port may be left out");

    private static readonly Option<string> Recording =
        Opt.File("file", "Recorded NMEA 0183 to replay, for tests and demonstrations; relative to the configuration file");

    private static readonly Option<string> Pace =
        Opt.Choice("pace", "How a recording is replayed: as it was recorded, or as fast as possible", "real-time", false, "real-time", "asap");

    private static readonly Option<bool> Loop =
        Opt.Flag("loop", "Begin the recording again when it ends");

    private static readonly Option<TimeSpan> Interval =
        Opt.Duration("interval", "Smallest time between two positions; 0s takes every fix", TimeSpan.FromSeconds(1), TimeSpan.Zero, TimeSpan.FromHours(24));

    /// <inheritdoc/>
    public string Kind => "gnss";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Position from a GNSS receiver: exactly one of 'device', 'gpsd' and 'file'.", [Device, Baud, Gpsd, Recording, Pace, Loop, Interval, .. DeviceStack.GnssOptions]);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var options = setup.Options;
        var errors = options.Errors;
        var sources = (options.Has(Device) ? 1 : 0) + (options.Has(Gpsd) ? 1 : 0) + (options.Has(Recording) ? 1 : 0);
        if (sources != 1)
        {
            errors.Add(options.Node, "give exactly one of 'device', 'gpsd' and 'file'");
        }

        var baud = 0;
        if (options.Get(Baud) is { } speed && speed is not { Kind: ConfigNodeKind.Text, Text: "auto" }
            && !(speed.Kind == ConfigNodeKind.Number && int.TryParse(speed.Text, NumberStyles.None, CultureInfo.InvariantCulture, out baud) && SerialLine.IsSpeed(baud)))
        {
            errors.Add(speed, $"must be one of auto, {SerialLine.KnownSpeeds}");
        }

        var (host, port) = ("localhost", GpsdPort);
        if (options.Has(Gpsd) && !TryHostPort(options.Get(Gpsd), out host, out port))
        {
            errors.Add(options.NodeOf(Gpsd), "must be a host and a port, such as localhost:2947 or [::1]:2947");
        }

        var intervalNs = options.Get(Interval).ToNs();
        var isPaced = options.Get(Pace) != "asap";
        var open = DeviceStack.NmeaOf(options);
        GnssSource source = options.Has(Gpsd)
            ? (sensor, publisher, stop) => GpsdSource.Run(host, port, sensor.Clock, publisher, stop)
            : options.Has(Device)
                ? Serial(setup.DevicePath(options.Get(Device)), baud, open)
                : File(setup.FilePath(options.Get(Recording)), isPaced, options.Get(Loop), open);
        var isLive = !options.Has(Recording);

        // A recording that is not paced has no intervals to keep.
        return new GnssSensor(setup.Name, source, isLive || isPaced ? intervalNs : 0, isLive);
    }

    /// <inheritdoc/>
    /// <remarks>A gpsd of another machine is that machine's.</remarks>
    public IReadOnlyList<string> PackagesFor(ConfigSection options) =>
        options.Has(Gpsd) && TryHostPort(options.Get(Gpsd), out var host, out _) && host is "localhost" or "127.0.0.1" or "::1" ? ["gpsd"] : [];

    /// <summary>Splits <c>host:port</c>, <c>host</c>, <c>[v6]:port</c>.</summary>
    internal static bool TryHostPort(string text, out string host, out int port)
    {
        port = GpsdPort;
        var colon = text.LastIndexOf(':');
        var hasPort = colon >= 0 && !text.EndsWith(']');
        host = (hasPort ? text[..colon] : text).Trim();
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            return false;
        }

        return (!hasPort || int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
            && port is > 0 and <= 65_535 && Uri.CheckHostName(host) != UriHostNameType.Unknown;
    }

    private static GnssSource Serial(string path, int baud, Func<int, INmeaDecoder> open) =>
        (sensor, publisher, stop) => SerialSource.Run(path, baud, open, sensor, publisher, stop);

    private static GnssSource File(string path, bool isPaced, bool isLooped, Func<int, INmeaDecoder> open) =>
        (sensor, publisher, stop) => FileSource.Run(path, isPaced, isLooped, open, sensor, publisher, stop);
}
