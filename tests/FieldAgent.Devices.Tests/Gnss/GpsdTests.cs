using System.Net;
using System.Net.Sockets;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.Gnss;

public sealed class GpsdTests
{
    private const string Position = "gnss.position";
    private const string Receiver = "gnss.receiver";
    private const string Sky = """{"class":"SKY","device":"/dev/gps0","hdop":1.25,"uSat":9,"nSat":14,"satellites":[{"PRN":1,"used":true}]}""";

    private static string Tpv(int second) =>
        $$"""{"class":"TPV","device":"/dev/gps0","mode":3,"time":"2026-03-18T12:00:{{second:00}}.000Z","ept":0.005,"lat":49.274166667,"lon":-123.185390945,"altHAE":500.0,"altMSL":545.4,"alt":500.0,"speed":5.144,"track":54.7}""";

    [Fact]
    public void A_gpsd_is_watched_and_its_reports_are_read()
    {
        using var gpsd = new FakeGpsd();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "gpsd": "127.0.0.1:{{gpsd.Port}}", "interval": "0s" }"""));
        gpsd.Accept();
        gpsd.Send("""{"class":"VERSION","release":"3.25","proto_major":3,"proto_minor":15}""");
        Assert.Equal("?WATCH={\"enable\":true,\"json\":true};", gpsd.ReadLine());

        gpsd.Send("""{"class":"HOTNEWS","what":[1,{"class":"TPV"}]}""", "this is no JSON", new string('x', 20_000), Sky, Tpv(1), Tpv(1), Tpv(2));
        Eventually.True(() => host.Rows(Receiver).Count == 2, "two fixes, the repeated one once");
        Assert.Equal(2, host.Rows(Position).Count);
        Assert.Equal([49.274166667, -123.185390945, 545.4, 5.144, 54.7], host.Rows(Position)[0].Values.Select(static v => Math.Round(v!.Value, 9)));
        Assert.Equal([3, 9, 1.25, 0], host.Rows(Receiver)[0].Values.Select(static v => Math.Round(v!.Value, 3)));
        Assert.Equal("3D fix, 9 satellites", host.Text);
        Assert.Equal(2, host.StepClock.Offered.Count);
        Eventually.True(() => host.Counters["malformed"] == 1 && host.Counters["overlong"] == 1, "what was skipped is counted");
        host.Stop();
    }

    [Fact]
    public void Only_class_and_mode_need_be_there()
    {
        using var gpsd = new FakeGpsd();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "gpsd": "127.0.0.1:{{gpsd.Port}}", "interval": "0s" }"""));
        gpsd.Accept();
        gpsd.Send(
            """{"class":"TPV","mode":0}""",
            """{"class":"TPV","mode":1,"lat":1.0,"lon":2.0}""",
            """{"class":"TPV","mode":2,"lat":-1.5,"lon":2.5,"alt":7.0}""",
            """{"class":"TPV","mode":3,"lat":-1.5,"lon":2.5,"alt":7.0,"time":1234567}""");
        Eventually.True(() => host.Rows(Receiver).Count == 4, "four reports");
        Assert.Equal([1.0, 1.0, 2.0, 3.0], host.Rows(Receiver).Select(static r => r.Values[0]!.Value));
        Assert.Equal(2, host.Rows(Position).Count);
        Assert.Equal([-1.5, 2.5, null, null, null], host.Rows(Position)[0].Values);
        Assert.Equal([-1.5, 2.5, 7.0, null, null], host.Rows(Position)[1].Values);
        Assert.Equal(0, host.StepClock.Offered.Count);
        host.Stop();
    }

    [Fact]
    public void It_watches_again_when_a_device_comes_but_not_without_end()
    {
        using var gpsd = new FakeGpsd();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "gpsd": "127.0.0.1:{{gpsd.Port}}" }"""));
        gpsd.Accept();
        gpsd.ReadLine();
        gpsd.Send("""{"class":"DEVICES","devices":[]}""", Tpv(1));
        Eventually.True(() => host.Rows(Position).Count == 1, "the reports are read");
        Assert.False(gpsd.HasLine);

        host.StepClock.Advance(TimeSpan.FromSeconds(6));
        gpsd.Send("""{"class":"DEVICE","path":"/dev/gps1","activated":"2026-03-18T12:00:00.000Z"}""");
        Assert.StartsWith("?WATCH", gpsd.ReadLine(), StringComparison.Ordinal);
        host.Stop();
    }

    [Fact]
    public void A_gpsd_that_goes_away_is_absent_and_is_found_again_by_the_next_run()
    {
        // Held, so that nobody else listens there in between.
        using var port = new ClosedPort();
        using var host = new GnssHost();
        var sensor = GnssHost.Sensor($$"""{ "gpsd": "127.0.0.1:{{port.Number}}", "interval": "0s" }""");
        using (var gpsd = new FakeGpsd(port.Number))
        {
            host.Start(sensor);
            gpsd.Accept();
            gpsd.Send(Tpv(1));
            Eventually.True(() => host.Rows(Position).Count == 1, "a fix");
        }

        Assert.Equal(SensorFaultKind.Absent, host.Ended().Kind);
        host.Start(sensor);
        Assert.Equal(SensorFaultKind.Absent, host.Ended().Kind);

        using var again = new FakeGpsd(port.Number);
        host.Start(sensor);
        again.Accept();
        again.Send(Tpv(2));
        Eventually.True(() => host.Rows(Position).Count == 2, "a fix again");
        host.Stop();
    }

    [Fact]
    public void A_silent_gpsd_is_told_as_no_fix()
    {
        using var gpsd = new FakeGpsd();
        using var host = new GnssHost();
        host.Start(GnssHost.Sensor($$"""{ "gpsd": "127.0.0.1:{{gpsd.Port}}" }"""));
        gpsd.Accept();
        gpsd.ReadLine();
        host.StepClock.Advance(TimeSpan.FromSeconds(6));
        Eventually.True(() => host.Text == "no fix", "it is told");
        Assert.Equal([1.0, null, null, null], host.Rows(Receiver)[0].Values);
        host.Stop();
    }

    /// <summary>Older gpsd has no uSat: the satellites are listed with a flag.</summary>
    [Fact]
    public void Satellites_are_counted_where_gpsd_does_not()
    {
        var reader = new GpsdReader();
        var data = (ReadOnlySpan<byte>)Encoding.UTF8.GetBytes(
            """{"class":"SKY","satellites":[{"PRN":1,"used":true},{"PRN":2,"used":false,"x":{"used":true}},{"PRN":3,"used":true}]}""" + "\r\n" + Tpv(1) + "\n");
        Assert.True(reader.TryRead(ref data, out var fix));
        Assert.Equal(3, fix.InView);
        Assert.Equal(1_773_835_201_000_000_000, fix.UnixNs);
    }

    /// <summary>A gpsd on loopback that says what the test says.</summary>
    private sealed class FakeGpsd : IDisposable
    {
        private readonly TcpListener _listener;
        private TcpClient? _client;
        private StreamReader? _reader;

        public FakeGpsd(int port = 0)
        {
            _listener = new TcpListener(IPAddress.Loopback, port);
            _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);

            // One that was closed goes on listening until the exec of a child that another test was starting.
            Eventually.True(TryStart, "the port is free again");
        }

        private bool TryStart()
        {
            try
            {
                _listener.Start();
                return true;
            }
            catch (SocketException) when (Port > 0)
            {
                return false;
            }
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public bool HasLine => _client!.Available > 0;

        public void Accept()
        {
            Eventually.True(_listener.Pending, "a connection");
            _client = _listener.AcceptTcpClient();
            _client.ReceiveTimeout = 30_000;
            _reader = new StreamReader(_client.GetStream());
        }

        public void Send(params string[] lines) =>
            _client!.GetStream().Write(Encoding.UTF8.GetBytes(string.Concat(lines.Select(static l => l + "\r\n"))));

        public string? ReadLine() => _reader!.ReadLine();

        public void Dispose()
        {
            _reader?.Dispose();
            _client?.Dispose();
            _listener.Dispose();
        }
    }
}
