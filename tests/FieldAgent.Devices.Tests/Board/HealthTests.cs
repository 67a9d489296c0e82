using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

/// <summary>The board's health, from texts as the kernel prints them.</summary>
public sealed class HealthTests : IDisposable
{
    // Documentation/networking (wireless extensions): status, link, level, noise, …
    private const string Wireless = """
        Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
         face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
         wlan0: 0000   58.  -52.  -256        0      0      0      0      0        0
         wlan1: 0000   10.  -81.  -256        0      0      0      0      0        0

        """;

    private readonly TempFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Each_value_comes_in_its_base_unit()
    {
        _root.Write("sys/class/thermal/thermal_zone0/temp", "54321\n");
        _root.Write("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
        _root.Write("proc/meminfo", "MemTotal:        3884356 kB\nMemFree:          201020 kB\nMemAvailable:    3012345 kB\n");
        _root.Write("proc/self/net/wireless", Wireless);
        var row = Row();
        Assert.Equal(54.321, row["cpu-temperature"]);
        Assert.Equal(2, row["under-voltage"]);
        Assert.Equal(2, row["throttled"]);
        Assert.Equal(3012345 * 1024.0, row["memory-free"]);
        Assert.Equal(-52, row["wifi-signal"]);
        Assert.True(row["disk-free"] > 0);
        Assert.Equal("diagnostics.health", row.Set.Field);
        Assert.Equal(-81, Row("""{ "wifi": "wlan1" }""")["wifi-signal"]);
        Assert.Null(Row("""{ "wifi": "eth0" }""")["wifi-signal"]);
    }

    [Theory]
    [InlineData("0\n", 0, 0)]
    [InlineData("50000\n", 1, 1)] // under-voltage and throttling since the start
    [InlineData("1\n", 2, 0)]
    [InlineData("80008", 0, 2)] // the soft temperature limit
    [InlineData("0x4\n", 0, 2)]
    public void The_firmwares_flags_tell_now_from_before(string text, double voltage, double throttled)
    {
        _root.Write("sys/devices/platform/soc/soc:firmware/get_throttled", text);
        var row = Row();
        Assert.Equal(voltage, row["under-voltage"]);
        Assert.Equal(throttled, row["throttled"]);
    }

    [Fact]
    public void What_is_missing_or_makes_no_sense_is_absent_and_never_zero()
    {
        _root.Write("sys/class/thermal/thermal_zone0/temp", "hot\n");
        _root.Write("sys/devices/platform/soc/soc:firmware/get_throttled", "\n");
        _root.Write("proc/meminfo", "MemTotal: many kB\n");
        _root.Write("proc/self/net/wireless", "wlan0: 0000 58. -256. -256\nwlan1\n:\n");
        var row = Row();
        Assert.Equal(["disk-free"], row.Set.Streams.Select(static s => s.Name).Where(name => row[name] is not null));
    }

    private RecordedRow Row(string options = "{}")
    {
        using var host = new RecordingHost(new LeapingClock());
        using (host.Start(RecordingHost.Create(new HealthKind(), options, _root.Path, baseDirectory: _root.Path)))
        {
            Eventually.True(() => host.Rows.Count > 0, "a row");
        }

        return host.Rows[0];
    }
}
