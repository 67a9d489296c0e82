using System.Globalization;
using System.Text.Json;
using FieldAgent.Testing;

namespace FieldAgent.Benchmarks.Devices;

/// <summary>A virtual board that is on, and agents on it that store what they sample and reach no broker.</summary>
internal sealed class BenchBoard : IDisposable
{
    /// <summary>How often each figure is taken; the median counts.</summary>
    public const int Repeats = 3;

    private readonly VirtualBoard _board = new();

    public BenchBoard() => Live = _board.TurnOn("--time", "900");

    public LiveBoard Live { get; }

    /// <summary>What the board sees as /share.</summary>
    public TempFolder Share => _board.Share;

    /// <summary>Runs a script that prints <c>name=value</c> lines.</summary>
    public Dictionary<string, double> Figures(string script) => Live.Ok("set -e\n" + script).Split('\n').Select(static line => line.Split('='))
        .Where(static pair => pair.Length == 2).ToDictionary(static pair => pair[0], static pair => double.Parse(pair[1], CultureInfo.InvariantCulture));

    /// <summary>The median of some runs.</summary>
    public static double Median(Func<double> measure) => Enumerable.Range(0, Repeats).Select(_ => measure()).Order().ElementAt(Repeats / 2);

    /// <summary>Runs the agent with these sensors while something is measured.</summary>
    /// <param name="sensors">Their configuration.</param>
    /// <param name="measure">What is measured.</param>
    /// <param name="begin">Lines of bash, when the agent runs.</param>
    public T With<T>(string sensors, Func<T> measure, string begin = "true")
    {
        Share.Write("config.json", $$"""
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B", "bytesMax": "64MiB" },
              "recipients": [ { "name": "vendor", "url": "mqtt://127.0.0.1:1" } ], "sensors": [ {{sensors}} ] }
            """);
        Live.StartAgent();
        try
        {
            Live.Ok(begin);
            Live.StatusUntil(
                static s => s.GetProperty("sensors").EnumerateArray().All(static one => one.GetProperty("state").GetString() == "Running" && one.GetProperty("rows").GetInt64() > 0),
                "all sensors run");
            return measure();
        }
        finally
        {
            Live.StopAgent();
            Live.Ok("rm -rf /tmp/state");
        }
    }

    /// <summary>What the agent does in some seconds: the median of its rates, and all losses.</summary>
    public Span Watch(int seconds)
    {
        var spans = new List<Span>();
        for (var before = Look(); spans.Count < Repeats;)
        {
            Live.Ok($"sleep {Text(seconds)}");
            var after = Look();
            spans.Add(new Span(after.Seconds - before.Seconds, after.Rows - before.Rows, after.Lost - before.Lost));
            before = after;
        }

        return spans.OrderBy(static span => span.Rate).ElementAt(Repeats / 2) with { Lost = spans.Sum(static span => span.Lost) };
    }

    /// <summary>The counts so far.</summary>
    public Span Look()
    {
        var status = Live.Status();
        var sensors = status.GetProperty("sensors").EnumerateArray().ToList();
        return new Span(
            status.GetProperty("uptimeSeconds").GetDouble(), sensors.Sum(static s => s.GetProperty("rows").GetInt64()),
            sensors.Sum(static s => Count(s, "lost-edges") + Count(s, "overrun")));
    }

    /// <summary>Processor time of the agent, % of the emulated core; the median of some spans.</summary>
    public double Cpu(int seconds) => Median(() =>
    {
        // proc(5): fields 14 and 15 of stat, in hundredths of a second
        var used = Figures($$"""
            look() { awk '{ printf "%d ", $14 + $15 }' /proc/$(cat agent.pid)/stat; awk '{ print $1 }' /proc/uptime; }
            before=$(look)
            sleep {{Text(seconds)}}
            echo $before $(look) | awk '{ print "cpu=" ($3 - $1) / ($4 - $2) }'
            """);
        return used["cpu"];
    });

    public void Dispose()
    {
        Live.Dispose();
        _board.Dispose();
    }

    internal static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static long Count(JsonElement sensor, string reason) =>
        sensor.GetProperty("skipped").TryGetProperty(reason, out var count) ? count.GetInt64() : 0;

    /// <summary>Counts between two moments: seconds of the agent's clock, rows and losses of all sensors.</summary>
    public readonly record struct Span(double Seconds, long Rows, long Lost)
    {
        /// <summary>Rows a second.</summary>
        public double Rate => Rows / Seconds;
    }
}
