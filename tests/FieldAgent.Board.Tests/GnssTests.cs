using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>The real gpsd on the board, a receiver on its serial line that sends a recording, and the agent behind gpsd.</summary>
public sealed class GnssTests : IDisposable
{
    // In the recording the fix is lost from 09:02:30 to 09:02:44.
    private const int FirstEpoch = 135;
    private const int LostEpoch = 150;
    private const int FoundEpoch = 165;

    private readonly VirtualBoard _board = new();

    [Fact]
    [Promise("R13")]
    public void A_fix_of_gpsd_arrives_coarsened_and_a_lost_one_is_told_with_mode_and_age_and_no_stale_position()
    {
        _board.Share.Write("config.json", """
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B" }, "recipients": [],
              "sensors": [ { "name": "gnss", "kind": "gnss", "gpsd": "localhost:2947", "interval": "1s" } ] }
            """);
        using var receiver = new Receiver(_board.Share.File("gnss"));
        using var live = _board.TurnOn("--gnss", receiver.Path);

        // Before consent nothing of the receiver is touched.
        live.Ok("date -s '2026-01-01 09:02:00' >/dev/null");
        live.StartAgent();
        Assert.Equal("Closed", StateOf(live.Status()));
        live.Ok("fieldagent consent grant fleet-location --precision 1km --config config.json");
        live.StatusUntil(static s => StateOf(s) == "Absent" && DetailOf(s).Contains("gpsd does not listen there", StringComparison.Ordinal), "gpsd is missing, and that is said");

        live.Ok("chgrp dialout /dev/ttyS1; chmod 660 /dev/ttyS1; gpsd -n -s 9600 /dev/ttyS1");
        live.Ok("""
            setsid fieldagent sample --sensor gnss --config config.json --json >fixes.json 2>sample.log </dev/null &
            echo $! >sample.pid
            """);
        Eventually.True(() => Fixes().Count > 0, "the agent says that there is no fix yet", 300);
        Assert.DoesNotContain(Fixes(), static f => f.GetProperty("stream").GetString() == "gnss.position.latitude");

        receiver.SendFrom(FirstEpoch);
        Eventually.True(() => Changes() >= 2, "a fix, and then none", 300);
        Eventually.True(() => Changes() >= 3, "a fix again", 300);
        var found = live.StatusUntil(static s => DetailOf(s).StartsWith("3D fix", StringComparison.Ordinal), "a fix in the status");
        Assert.Equal("Gnss", found.GetProperty("clock").GetProperty("quality").GetString());

        // The receiver falls silent: that is no fix either.
        receiver.FallSilent();
        live.StatusUntil(static s => DetailOf(s).StartsWith("no fix", StringComparison.Ordinal), "the silence is said");
        live.Ok("kill $(cat sample.pid); kill $(pidof gpsd)");
        live.StatusUntil(static s => StateOf(s) == "Absent", "gpsd is gone, and that is said");
        live.StopAgent();

        var fixes = Fixes();
        AssertCoarse(fixes);
        AssertLost(fixes);
    }

    public void Dispose() => _board.Dispose();

    private List<JsonElement> Fixes() => !File.Exists(_board.Share.File("fixes.json")) ? [] :
        [.. File.ReadAllLines(_board.Share.File("fixes.json")).Where(static line => line.EndsWith('}')).Select(static line => JsonDocument.Parse(line).RootElement)];

    // From no fix to one and back.
    private int Changes()
    {
        var modes = Stream(Fixes(), "gnss.receiver.mode").Select(static m => m.Value >= 2).ToList();
        return modes.Zip(modes.Skip(1)).Count(static pair => pair.First != pair.Second);
    }

    private static string StateOf(JsonElement status) => LiveBoard.Sensor(status, "gnss").GetProperty("state").GetString()!;

    private static string DetailOf(JsonElement status) => LiveBoard.Sensor(status, "gnss").GetProperty("detail").GetString()!;

    private static List<(DateTimeOffset Time, double Value)> Stream(List<JsonElement> fixes, string stream) =>
        [.. fixes.Where(f => f.GetProperty("stream").GetString() == stream)
            .Select(static f => (f.GetProperty("time").GetDateTimeOffset(), f.GetProperty("value").GetDouble()))];

    private static void AssertCoarse(List<JsonElement> fixes)
    {
        var latitudes = Stream(fixes, "gnss.position.latitude");
        Assert.True(latitudes.Count > 5, $"{latitudes.Count} positions");
        // The walk stays within a few hundred metres: two cells of a kilometre at most, on its grid and not where it was.
        Assert.InRange(latitudes.Select(static l => l.Value).Distinct().Count(), 1, 2);
        Assert.All(latitudes, static l => Assert.InRange(l.Value, 0.48, 0.52));
    }

    private static void AssertLost(List<JsonElement> fixes)
    {
        var modes = Stream(fixes, "gnss.receiver.mode");
        var first = modes.FindIndex(static m => m.Value == 3);
        var lost = modes.FindIndex(first, static m => m.Value == 1);
        Assert.True(first >= 0 && lost > first, string.Join(' ', modes.Select(static m => m.Value)));
        var found = modes.FindIndex(lost, static m => m.Value == 3);
        Assert.True(found - lost >= 10, $"no fix for {found - lost} rows");
        var (from, to) = (modes[lost].Time, modes[found].Time);
        Assert.DoesNotContain(Stream(fixes, "gnss.position.latitude"), l => l.Time >= from && l.Time < to);

        var ages = Stream(fixes, "gnss.receiver.age").Where(a => a.Time >= from && a.Time < to).Select(static a => a.Value).ToList();
        Assert.Equal(ages.Order(), ages);
        Assert.True(ages[^1] > 10, $"the age of the last fix grows to {ages[^1]} s");
        Assert.True(Stream(fixes, "gnss.receiver.age").First(a => a.Time >= to).Value < 2);

        // And at the end, when the receiver said nothing more.
        Assert.Equal(1, modes[^1].Value);
    }

    /// <summary>A receiver that sends epochs of the recording, one a second, to whoever is at the other end of the line.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly List<string> _epochs = [];
        private readonly CancellationTokenSource _stop = new();
        private readonly Thread _thread;
        private volatile int _at = int.MaxValue;

        public Receiver(string path)
        {
            Path = path;
            foreach (var line in File.ReadLines(System.IO.Path.Join(Places.Repository, "hardware/boards/recordings/walk.nmea")).Where(static l => l.StartsWith('$')))
            {
                if (line.Contains("RMC,", StringComparison.Ordinal))
                {
                    _epochs.Add("");
                }

                _epochs[^1] += line + "\r\n";
            }

            Assert.Contains("090230.00,V", _epochs[LostEpoch], StringComparison.Ordinal);
            Assert.Contains("090245.00,A", _epochs[FoundEpoch], StringComparison.Ordinal);
            _listener.Bind(new UnixDomainSocketEndPoint(path));
            _listener.Listen();
            _thread = new Thread(Run);
            _thread.Start();
        }

        public string Path { get; }

        /// <summary>Sends the recording from there on.</summary>
        public void SendFrom(int epoch) => _at = epoch;

        public void FallSilent() => _at = int.MaxValue;

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Dispose();
            _thread.Join();
            _stop.Dispose();
        }

        private void Run()
        {
            try
            {
                using var line = _listener.Accept();
                var ignored = new byte[4096];
                while (!_stop.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(1)))
                {
                    // What gpsd tells the receiver.
                    while (line.Available > 0)
                    {
                        line.Receive(ignored);
                    }

                    var at = _at;
                    if (at < _epochs.Count)
                    {
                        line.Send(Encoding.ASCII.GetBytes(_epochs[at]));
                        Interlocked.CompareExchange(ref _at, at + 1, at);
                    }
                }
            }
            catch (SocketException)
            {
                // The board went off.
            }
        }
    }
}
