using FieldAgent.Core;
using FieldAgent.Devices.Gnss;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests.Gnss;

public sealed class GnssSensorTests
{
    private const string Position = "gnss.position";
    private const string Receiver = "gnss.receiver";

    private static string Epoch(int second, string date = "180326") => Nmea.Lines(
        $"GPGGA,1200{second:00},4916.4500000,N,12311.1234567,W,1,08,0.9,545.4,M,46.9,M,,",
        "GPGSA,A,3,19,28,14,18,27,22,31,39,,,,,1.7,0.9,1.3",
        $"GPRMC,1200{second:00},A,4916.4500000,N,12311.1234567,W,010.0,054.7,{date},,,A");

    private static string LostEpoch(int second) => Nmea.Lines(
        $"GPGGA,1200{second:00},,,,,0,00,,,M,,M,,", "GPGSA,A,1,,,,,,,,,,,,,,,", $"GPRMC,1200{second:00},V,,,,,,,180326,,,N");

    [Fact]
    public void It_is_opened_for_a_position_only_and_its_constructor_opens_nothing()
    {
        var sensor = GnssHost.Sensor("""{ "device": "/nowhere/tty" }""");
        Assert.Equal(["location.position"], sensor.OpensFor);
        Assert.Equal("gnss", sensor.Name);
    }

    [Theory]
    [InlineData("{}", "exactly one")]
    [InlineData("""{ "device": "/dev/a", "gpsd": "localhost" }""", "exactly one")]
    [InlineData("""{ "device": "/dev/a", "baud": 12345 }""", "must be one of")]
    [InlineData("""{ "gpsd": "localhost:99999" }""", "host and a port")]
    [InlineData("""{ "gpsd": "bad host:1" }""", "host and a port")]
    public void Wrong_options_are_named(string options, string message)
    {
        var (_, errors) = GnssHost.Create(options);
        Assert.Contains(message, Assert.Single(errors.All).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Promise("R19")]
    public void The_serial_number_in_a_name_by_id_is_never_said()
    {
        using var root = new TempFolder();
        using var host = new RecordingHost();
        root.Write("dev/serial/by-id/usb-u-blox_CANARY123-if00", "");
        foreach (var device in new[] { "/dev/serial/by-id/usb-u-blox_CANARY123-if00", root.File("dev/serial/by-id/usb-u-blox_CANARY123-if00") })
        {
            var sensor = GnssHost.Sensor($$"""{ "device": "{{device}}" }""");
            var fault = Assert.Throws<SensorFault>(() => sensor.Run(host, CancellationToken.None));
            Assert.DoesNotContain("CANARY", fault.Message, StringComparison.Ordinal);
            Assert.EndsWith("/dev/serial/by-id/…", fault.Place, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("localhost", "localhost", 2947)]
    [InlineData("10.0.0.7:3000", "10.0.0.7", 3000)]
    [InlineData("[::1]:3000", "::1", 3000)]
    [InlineData("[::1]", "::1", 2947)]
    public void Hosts_and_ports_are_split(string text, string host, int port)
    {
        Assert.True(GnssKind.TryHostPort(text, out var h, out var p));
        Assert.Equal((host, port), (h, p));
    }

    [Fact]
    public void A_receiver_on_a_serial_line_gives_positions_and_the_time()
    {
        using var pty = new Pty();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "device": "{{pty.Path}}", "baud": 38400, "interval": "0s" }"""));
        Eventually.True(() => host.Rows(Receiver).Count == 0 && IsHeld(pty.Path), "the line is open");

        pty.Send(Epoch(1));
        Eventually.True(() => host.Text.Length > 0, "a fix when the line is quiet, before the next epoch");
        var row = host.Rows(Position)[0];
        Assert.Equal(49_274_166_667, Math.Round(row.Values[0]!.Value / 1e-9));
        Assert.Equal(-123_185_390_945, Math.Round(row.Values[1]!.Value / 1e-9));
        Assert.Equal([545.4, 5.1444, 54.7], row.Values.Skip(2).Select(static v => Math.Round(v!.Value, 4)));
        Assert.Equal([3, 8, 0.9, 0], host.Rows(Receiver)[0].Values.Select(static v => Math.Round(v!.Value, 3)));
        Assert.Equal("3D fix, 8 satellites", host.Text);
        var expected = new DateTimeOffset(2026, 3, 18, 12, 0, 1, TimeSpan.Zero);
        Assert.Equal((ClockQuality.Gnss, expected.ToUnixTimeMilliseconds() * 1_000_000, row.BootNs, 1), host.StepClock.Offered);

        host.StepClock.Advance(TimeSpan.FromSeconds(1));
        pty.Send("\u0001\u0002 noise\r\n$GPRMC,bad*01\r\n" + Epoch(2));
        Eventually.True(() => host.Rows(Position).Count == 2, "the next fix");
        Eventually.True(() => host.Counters["checksum"] == 1 && host.Counters["garbage"] >= 1, "what was skipped is counted");
        host.Stop();
    }

    [Fact]
    public void Values_are_whole_numbers_of_their_scale()
    {
        using var folder = new TempFolder();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "file": "{{folder.Write("a.nmea", Epoch(1))}}", "pace": "asap" }"""));
        Eventually.True(() => host.Text == "recording ended", "the end");
        var set = FixPublisher.PositionSet("gnss", 0);
        var values = host.Rows(Position)[0].Values;
        for (var i = 0; i < set.Streams.Length; i++)
        {
            Assert.Equal(values[i]!.Value, Math.Round(values[i]!.Value / set.Streams[i].Scale) * set.Streams[i].Scale);
        }

        host.Stop();
    }

    [Fact]
    public void A_lost_fix_writes_no_position_and_its_age_grows()
    {
        using var pty = new Pty();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "device": "{{pty.Path}}" }"""));
        pty.Send(Epoch(1));
        Eventually.True(() => host.Rows(Position).Count == 1, "a fix");

        host.StepClock.Advance(TimeSpan.FromSeconds(3));
        pty.Send(LostEpoch(4));
        Eventually.True(() => host.Text.StartsWith("no fix", StringComparison.Ordinal), "the lost epoch");
        Assert.Equal([1.0, 0.0, null, 3.0], host.Rows(Receiver)[1].Values);
        Assert.Equal(2, host.Rows(Receiver).Count);

        host.StepClock.Advance(TimeSpan.FromSeconds(7));
        Eventually.True(() => host.Rows(Receiver).Count == 3, "the silence is told too");
        Assert.Equal([1.0, null, null, 10.0], host.Rows(Receiver)[2].Values);
        Assert.Single(host.Rows(Position));
        Assert.Equal(1, host.StepClock.Offered.Count);
        host.Stop();
    }

    [Fact]
    public void An_unplugged_receiver_is_absent_and_comes_back_with_the_next_run()
    {
        using var folder = new TempFolder();
        using var host = new GnssHost();
        var link = folder.File("gps0");
        var sensor = GnssHost.Sensor($$"""{ "device": "{{link}}" }""");

        host.Start(sensor);
        Assert.Equal(SensorFaultKind.Absent, host.Ended().Kind);

        using (var first = new Pty())
        {
            File.CreateSymbolicLink(link, first.Path);
            host.Start(sensor);
            first.Send(Epoch(1));
            Eventually.True(() => host.Rows(Position).Count == 1, "a fix");
        }

        Assert.Equal(SensorFaultKind.Absent, host.Ended().Kind);
        File.Delete(link);

        using var second = new Pty();
        File.CreateSymbolicLink(link, second.Path);
        host.StepClock.Advance(TimeSpan.FromSeconds(20));
        host.Start(sensor);
        second.Send(Epoch(21));
        Eventually.True(() => host.Rows(Position).Count == 2, "a fix again");
        host.Stop();
    }

    [Fact]
    public void A_silent_or_wrongly_set_line_is_a_named_fault()
    {
        using var pty = new Pty();
        using var host = new GnssHost();
        var sensor = GnssHost.Sensor($$"""{ "device": "{{pty.Path}}" }""");
        host.Start(sensor);
        Eventually.True(() => IsHeld(pty.Path), "the line is open");
        host.StepClock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(SensorFaultKind.Timeout, host.Ended().Kind);

        host.Start(sensor);
        pty.Send("\u00f8\u0080\u0078\u00f0");
        Eventually.True(() => host.Counters["garbage"] > 0, "garbage");
        host.StepClock.Advance(TimeSpan.FromSeconds(31));
        var fault = host.Ended();
        Assert.Equal(SensorFaultKind.Malformed, fault.Kind);
        Assert.Contains("baud", fault.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Libc.EACCES, SensorFaultKind.Refused, "dialout")]
    [InlineData(Libc.ENOENT, SensorFaultKind.Absent, "plug")]
    [InlineData(Libc.EIO, SensorFaultKind.Absent, "unplugged")]
    [InlineData(Libc.EBUSY, SensorFaultKind.Busy, "gpsd")]
    public void Faults_name_the_remedy(int errno, SensorFaultKind kind, string remedy)
    {
        var fault = FileDescriptor.Fault("/dev/ttyUSB0", errno);
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(remedy, fault.Remedy, StringComparison.Ordinal);
        Assert.Contains("/dev/ttyUSB0", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_serial_device_says_which_option_to_use()
    {
        using var folder = new TempFolder();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "device": "{{folder.Write("x", "")}}" }"""));
        Assert.Contains("'file'", host.Ended().Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rolled_over_date_sets_the_clock_only_when_it_is_likely()
    {
        using var pty = new Pty();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "device": "{{pty.Path}}", "interval": "0s" }"""));
        pty.Send(Epoch(1, "020806"));
        Eventually.True(() => host.Counters["unlikely-date"] == 1, "no such time to a clock of 1970");
        Assert.Equal(0, host.StepClock.Offered.Count);

        host.StepClock.WallOffsetNs = new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1_000_000;
        pty.Send(Epoch(2, "020806"));
        Eventually.True(() => host.StepClock.Offered.Count == 1, "a likely time");
        var expected = new DateTimeOffset(2026, 3, 18, 12, 0, 2, TimeSpan.Zero);
        Assert.Equal(expected.ToUnixTimeMilliseconds() * 1_000_000, host.StepClock.Offered.UnixNs);
        host.Stop();
    }

    [Fact]
    public void A_recording_is_replayed_at_its_own_pace_and_sets_no_clock()
    {
        using var folder = new TempFolder();
        folder.Write("drive.nmea", "# a note\n" + Epoch(1) + Epoch(2) + Epoch(5) + LostEpoch(6));
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor("""{ "file": "drive.nmea" }""", folder.Path));
        Eventually.True(() => host.Text == "recording ended", "the end");

        var start = host.Rows(Position)[0].BootNs;
        Assert.Equal([0, 1, 4], host.Rows(Position).Select(r => (r.BootNs - start) / ClockExtensions.NsPerSecond));
        Assert.Equal([3.0, 3.0, 3.0, 1.0], host.Rows(Receiver).Select(static r => r.Values[0]!.Value));
        Assert.Equal(0, host.StepClock.Offered.Count);
        host.Stop();
    }

    [Fact]
    public void A_looped_recording_goes_on_until_stopped()
    {
        using var folder = new TempFolder();
        folder.Write("drive.nmea", Epoch(1) + Epoch(2));
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor("""{ "file": "drive.nmea", "loop": true }""", folder.Path));
        Eventually.True(() => host.Rows(Position).Count > 20, "many rounds");
        host.Stop();
        var times = host.Rows(Position).Select(static r => r.BootNs).ToList();
        Assert.All(times.Skip(1).Zip(times), static p => Assert.Equal(ClockExtensions.NsPerSecond, p.First - p.Second));
    }

    [Fact]
    public void Fixes_are_thinned_to_the_interval()
    {
        using var folder = new TempFolder();
        folder.Write("drive.nmea", string.Concat(Enumerable.Range(0, 31).Select(static i => Epoch(i))));
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor("""{ "file": "drive.nmea", "interval": "10s" }""", folder.Path));
        Eventually.True(() => host.Text == "recording ended", "the end");
        var start = host.Rows(Position)[0].BootNs;
        Assert.Equal([0, 10, 20, 30], host.Rows(Position).Select(r => (r.BootNs - start) / ClockExtensions.NsPerSecond));
        host.Stop();
    }

    [Fact]
    public void A_fifo_whose_writer_is_quiet_is_awaited_and_no_call_that_hangs()
    {
        using var folder = new TempFolder();
        using var writer = Fifo.Make(folder.File("nmea"));
        using var host = new RecordingHost();
        using var run = host.Start(GnssHost.Sensor("""{ "file": "nmea", "pace": "asap" }""", folder.Path));
        writer.Write(Nmea.Bytes(Epoch(1) + Epoch(2)));
        Eventually.True(() => host.Rows.Count >= 2 || run.IsOver, "a fix");
        Eventually.True(() => host.Description == "its writer is quiet" || run.IsOver, "it says what it waits for");
        var before = host.Described;
        Eventually.True(() => host.Described > before + 1 || run.IsOver, "signs of life without a row");
        writer.Write(Nmea.Bytes(Epoch(3)));
        Eventually.True(() => host.Rows.Count >= 4 || run.IsOver, "the fix that comes after all");
        Assert.Null(run.Failure);
        Assert.False(run.IsOver);
    }

    [Theory]
    [InlineData("missing.nmea", SensorFaultKind.Absent)]
    [InlineData("empty.nmea", SensorFaultKind.Malformed)]
    [InlineData(".", SensorFaultKind.Malformed)]
    public void A_recording_that_is_none_is_a_named_fault(string name, SensorFaultKind kind)
    {
        using var folder = new TempFolder();
        folder.Write("empty.nmea", "nothing\n");
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "file": "{{name}}", "loop": true, "pace": "asap" }""", folder.Path));
        Assert.Equal(kind, host.Ended().Kind);
    }

    /// <summary>True when some descriptor of this process is open on <paramref name="path"/>.</summary>
    private static bool IsHeld(string path) =>
        Directory.EnumerateFiles("/proc/self/fd").Any(fd =>
        {
            try
            {
                return File.ResolveLinkTarget(fd, returnFinalTarget: false)?.FullName == path;
            }
            catch (IOException)
            {
                return false;
            }
        });
}
