using System.Globalization;
using System.Text.Json;
using FieldAgent.Testing;

namespace FieldAgent.Benchmarks.Devices;

/// <summary>A virtual board that is on, and agents on it that store what they sample and reach no broker.</summary>
internal sealed class BenchBoard : IDisposable
{
    private readonly VirtualBoard _board = new();

    public BenchBoard() => Live = _board.TurnOn("--time", "900");

    public LiveBoard Live { get; }

    /// <summary>Runs a script that prints <c>name=value</c> lines.</summary>
    public Dictionary<string, double> Figures(string script) => Live.Ok("set -e\n" + script).Split('\n').Select(static line => line.Split('='))
        .Where(static pair => pair.Length == 2).ToDictionary(static pair => pair[0], static pair => double.Parse(pair[1], CultureInfo.InvariantCulture));

    /// <summary>Runs the agent with these sensors while something is measured.</summary>
    public T With<T>(string sensors, Func<T> measure)
    {
        _board.Share.Write("config.json", $$"""
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B", "bytesMax": "64MiB" },
              "recipients": [ { "name": "vendor", "url": "mqtt://127.0.0.1:1" } ], "sensors": [ {{sensors}} ] }
            """);
        Live.StartAgent();
        try
        {
            return measure();
        }
        finally
        {
            Live.StopAgent();
            Live.Ok("rm -rf /tmp/state");
        }
    }

    /// <summary>What the agent did between two looks: seconds of its clock, rows and losses of all sensors, seconds of processor.</summary>
    public Span Watch(int seconds)
    {
        var (before, after) = (Look(), default(Span));
        Live.Ok($"sleep {seconds}");
        after = Look();
        return new Span(after.Seconds - before.Seconds, after.Rows - before.Rows, after.Lost - before.Lost, after.CpuSeconds - before.CpuSeconds);
    }

    /// <summary>The counts so far.</summary>
    public Span Look()
    {
        var status = Live.Status();
        var sensors = status.GetProperty("sensors").EnumerateArray().ToList();
        var cpu = Live.Ok("awk '{ print ($14 + $15) / 100 }' /proc/$(cat agent.pid)/stat");
        return new Span(
            status.GetProperty("uptimeSeconds").GetDouble(), sensors.Sum(static s => s.GetProperty("rows").GetInt64()),
            sensors.Sum(static s => Count(s, "lost-edges") + Count(s, "overrun")), double.Parse(cpu, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        Live.Dispose();
        _board.Dispose();
    }

    private static long Count(JsonElement sensor, string reason) =>
        sensor.GetProperty("skipped").TryGetProperty(reason, out var count) ? count.GetInt64() : 0;

    /// <summary>Counts between two moments.</summary>
    public readonly record struct Span(double Seconds, long Rows, long Lost, double CpuSeconds);
}
