using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>Sources on the board that keep a rate and count what they give: nothing of it is missing.</summary>
public sealed class ExactRateTests
{
    // Twenty seconds of each.
    private const int Samples = 200_000;
    private const int Edges = 100_000;

    [Fact]
    public void Ten_thousand_samples_a_second_arrive_at_the_consumer_each_with_its_number_and_its_time()
    {
        // The kernel keeps 13 seconds' worth: so long this machine may stand still.
        using var delivery = new DeliveryBoard
        {
            Sensors = """{ "name": "fast", "kind": "iio", "device": "fieldagent-iio", "channels": [ { "channel": "count0" } ], "buffer": { "rate": "10kHz", "length": 131072 } }""",
        };
        var live = delivery.Live;
        using var batches = new Subscription(delivery.PlainPort, "fieldagent/v1/+/data/telemetry");
        Eventually.True(() => delivery.Broker.Log.Contains("Sending SUBACK to " + Subscription.ClientId, StringComparison.Ordinal), "somebody listens");

        // The chip counts from the moment at which the agent begins to capture.
        live.Ok("modprobe fieldagent-iio");
        var times = new long[Samples];
        var arrived = 0;
        Eventually.True(
            () =>
            {
                foreach (var (number, unixUs) in batches.Take().SelectMany(Read).Where(static sample => sample.Number < Samples))
                {
                    arrived += times[number] == 0 ? 1 : 0;
                    times[number] = unixUs;
                }

                return arrived == Samples;
            },
            "every number", 400);
        Assert.All(times.Zip(times.Skip(1)), static pair => Assert.InRange(pair.Second - pair.First, 99, 101));
        Assert.Empty(LiveBoard.Sensor(live.Status(), "fast").GetProperty("skipped").EnumerateObject());
        Assert.Equal("0", live.Ok("cat /sys/module/fieldagent_iio/parameters/dropped").Trim());
    }

    [Fact]
    public void Five_thousand_edges_a_second_are_all_there()
    {
        using var board = new VirtualBoard();
        board.Share.Write("config.json", """
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B" }, "recipients": [], "sensors": [
              { "name": "line", "kind": "gpio", "chip": "fieldagent-gpio", "lines": [ { "name": "pulse", "line": "0" } ] } ] }
            """);
        using var live = board.TurnOn();
        live.Ok("modprobe fieldagent-gpio; echo 5000 >/sys/module/fieldagent_gpio/parameters/rate");
        live.StartAgent();
        live.StatusUntil(static s => Rows(s) == 1, "the line's state at the start");
        live.Ok(string.Create(CultureInfo.InvariantCulture, $"echo {Edges} >/sys/module/fieldagent_gpio/parameters/left"));
        live.Ok("until [ $(cat /sys/module/fieldagent_gpio/parameters/left) = 0 ]; do sleep 0.2; done");
        var status = live.StatusUntil(static s => Rows(s) > Edges, "all edges");
        Assert.Equal(1 + Edges, Rows(status));
        Assert.Empty(LiveBoard.Sensor(status, "line").GetProperty("skipped").EnumerateObject());

        static long Rows(JsonElement status) => LiveBoard.Sensor(status, "line").GetProperty("rows").GetInt64();
    }

    private static IEnumerable<(long Number, long UnixUs)> Read(string payload)
    {
        using var batch = JsonDocument.Parse(payload);
        foreach (var set in batch.RootElement.GetProperty("sets").EnumerateArray())
        {
            var (t0, dt) = (set.GetProperty("t0").GetInt64(), set.GetProperty("dt").GetInt64());
            var numbers = set.GetProperty("s").GetProperty("count0");
            var offsets = set.TryGetProperty("r", out var r) ? r : default;
            for (var row = 0; row < numbers.GetArrayLength(); row++)
            {
                yield return (numbers[row].GetInt64(), t0 + (row * dt) + (offsets.ValueKind == JsonValueKind.Array ? offsets[row].GetInt64() : 0));
            }
        }
    }

    /// <summary>What comes to a topic, one payload a line.</summary>
    private sealed class Subscription : IDisposable
    {
        public const string ClientId = "exact-rate";

        private readonly List<string> _lines = [];
        private readonly Process _process;
        private readonly Thread _reader;

        public Subscription(int port, string topic)
        {
            var start = new ProcessStartInfo(
                Places.Program("mosquitto_sub"), ["-h", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "-i", ClientId, "-q", "1", "-t", topic, "-F", "%p"])
            { RedirectStandardOutput = true };
            _process = Process.Start(start)!;
            _reader = new Thread(Follow);
            _reader.Start();
        }

        public List<string> Take()
        {
            lock (_lines)
            {
                List<string> taken = [.. _lines];
                _lines.Clear();
                return taken;
            }
        }

        public void Dispose()
        {
            _process.Kill();
            _reader.Join();
            _process.Dispose();
        }

        private void Follow()
        {
            while (_process.StandardOutput.ReadLine() is { } line)
            {
                lock (_lines)
                {
                    _lines.Add(line);
                }
            }
        }
    }
}
