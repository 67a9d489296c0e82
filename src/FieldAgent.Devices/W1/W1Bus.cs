using System.Buffers;
using System.Buffers.Text;
using FieldAgent.Core;

namespace FieldAgent.Devices.W1;

/// <summary>What a look at a thermometer gave.</summary>
internal enum W1Outcome
{
    /// <summary>A temperature.</summary>
    Good,

    /// <summary>It is not on the bus.</summary>
    Absent,

    /// <summary>The check sum is wrong: noise, a long cable, no pull-up.</summary>
    Checksum,

    /// <summary>The text is none that the driver writes.</summary>
    Malformed,
}

/// <summary>Finds thermometers, and reads what the driver says of them. Sources: the kernel's Documentation/w1/slaves/w1_therm.rst and
/// Documentation/w1/w1-generic.rst.</summary>
internal static class W1Bus
{
    /// <summary>Where the kernel lists slaves, each under its family and serial number.</summary>
    public const string Folder = "/sys/bus/w1/devices";

    private const int IdLength = 15;

    private static readonly string[] Families = ["10-", "22-", "28-", "3b-", "42-"];
    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>True for the kernel's name of a thermometer.</summary>
    public static bool IsThermometer(string id) =>
        id.Length == IdLength && Array.Exists(Families, family => id.StartsWith(family, StringComparison.Ordinal))
            && id.AsSpan(3).IndexOfAnyExcept(Hexadecimal) < 0;

    /// <summary>The thermometers on all buses, in the order of their numbers.</summary>
    /// <exception cref="SensorFault">The kernel has no 1-Wire bus.</exception>
    public static IReadOnlyList<string> Thermometers(string folder)
    {
        try
        {
            return [.. SysfsFolder.Entries(folder).Where(IsThermometer).Order(StringComparer.Ordinal)];
        }
        catch (SensorFault fault) when (fault.Kind == SensorFaultKind.Absent)
        {
            throw new SensorFault(
                SensorFaultKind.Absent, Folder, "The kernel has no 1-Wire bus: add 'dtoverlay=w1-gpio' to the boot file, or load its driver.", fault);
        }
    }

    /// <summary>Reads the two lines of <c>w1_slave</c>: nine bytes and <c>: crc=1c YES</c>; the same bytes and <c>t=23125</c>, m°C.</summary>
    /// <param name="text">The file's content.</param>
    /// <param name="celsius">The temperature.</param>
    public static W1Outcome Parse(ReadOnlySpan<byte> text, out double celsius)
    {
        celsius = 0;
        var crc = text.IndexOf("crc="u8);
        var line = crc < 0 ? default : text[crc..];
        var end = line.IndexOf((byte)'\n');
        if (end < 0)
        {
            return W1Outcome.Malformed;
        }

        if (!line[..end].TrimEnd((byte)' ').EndsWith(" YES"u8))
        {
            return line[..end].TrimEnd((byte)' ').EndsWith(" NO"u8) ? W1Outcome.Checksum : W1Outcome.Malformed;
        }

        // All zeros have the right check sum: that is a line held low.
        if (text.StartsWith("00 00 00 00 00 00 00 00 00"u8))
        {
            return W1Outcome.Checksum;
        }

        line = line[(end + 1)..];
        var at = line.IndexOf("t="u8);
        if (at < 0 || !Utf8Parser.TryParse(line[(at + 2)..], out int milli, out _) || milli is < -55_000 or > 125_000)
        {
            return W1Outcome.Malformed;
        }

        celsius = milli / 1000.0;
        return W1Outcome.Good;
    }
}
