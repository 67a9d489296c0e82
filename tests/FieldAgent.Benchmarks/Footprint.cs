using System.Diagnostics;
using System.Globalization;

namespace FieldAgent.Benchmarks;

/// <summary>(d) What <c>fieldagent run</c> costs a board: memory, processor, and how soon the first reading is safe.</summary>
internal static class Footprint
{
    private const double SettleSeconds = 10;
    private const double WatchSeconds = 30;
    private const int Starts = 5;

    public static void Run(Results results, string agent)
    {
        using var broker = BenchBroker.Start();
        var folder = Directory.CreateTempSubdirectory("fieldagent-footprint-").FullName;
        try
        {
            var config = Path.Join(folder, "config.json");
            File.WriteAllText(config, AgentConfigText.TenStreams(folder, broker.Port));

            var firsts = new List<double>();
            for (var i = 0; i < Starts; i++)
            {
                var (process, firstMs) = Start(agent, config);
                firsts.Add(firstMs);
                Shell.Terminate(process);
                process.Dispose();
            }

            firsts.Sort();
            results.AtMost("start to first stored reading (median of 5)", firsts[Starts / 2], "ms", 200);

            var (running, _) = Start(agent, config);
            using (running)
            {
                Wait(SettleSeconds);
                var cpu = Shell.CpuSeconds(running.Id);
                var watch = Stopwatch.StartNew();
                Wait(WatchSeconds);
                results.AtMost("CPU, ten streams at 1 Hz", (Shell.CpuSeconds(running.Id) - cpu) / watch.Elapsed.TotalSeconds * 100, "% of a core", 1);
                results.AtMost("resident memory (VmRSS)", Shell.StatusKb(running.Id, "VmRSS") / 1024.0, "MiB", 40);
                results.Add("of it file pages (RssFile)", Shell.StatusKb(running.Id, "RssFile") / 1024.0, "MiB");
                results.Add("of it private (RssAnon)", Shell.StatusKb(running.Id, "RssAnon") / 1024.0, "MiB");
                Shell.Terminate(running);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The agent says on standard error when its first reading is durable; the clock here starts before the process does.
    private static (Process Process, double FirstStoredMs) Start(string agent, string config)
    {
        var start = new ProcessStartInfo(agent, ["run", "--config", config]) { RedirectStandardError = true };
        var watch = Stopwatch.StartNew();
        var process = Process.Start(start)!;
        string? line;
        while ((line = process.StandardError.ReadLine()) is not null)
        {
            if (line.Contains("First readings stored", StringComparison.Ordinal))
            {
                var ms = watch.Elapsed.TotalMilliseconds;
                _ = process.StandardError.ReadToEndAsync();
                return (process, ms);
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"the agent ended with {process.ExitCode} before it stored anything"));
    }

    private static void Wait(double seconds)
    {
        using var never = new ManualResetEventSlim(false);
        never.Wait(TimeSpan.FromSeconds(seconds));
    }
}

/// <summary>Configurations that the measurements run the agent with.</summary>
internal static class AgentConfigText
{
    private static readonly string[] Names =
        ["temperature", "humidity", "pressure", "flow", "supply", "current", "level", "vibration", "torque", "speed"];

    /// <summary>Ten noisy streams of one simulated sensor at 1 Hz.</summary>
    public static string TenStreams(string folder, int port, int streams = 10, string flush = "10s") => $$"""
        {
          "runtimeDirectory": "{{folder}}/run",
          "state": { "directory": "{{folder}}/state", "freeBytesMin": "0B" },
          "flush": { "interval": "{{flush}}" },
          "recipients": [ { "name": "vendor", "url": "mqtt://127.0.0.1:{{port.ToString(CultureInfo.InvariantCulture)}}", "compressAbove": "512B" } ],
          "sensors": [ { "name": "env", "kind": "simulated", "interval": "1s", "seed": 1, "streams": [
            {{string.Join(",\n", Names.Take(streams).Select(name =>
                $$"""{ "name": "{{name}}", "unit": "1", "scale": 0.01, "waveform": "sine", "offset": 20, "amplitude": 2, "period": "5m", "noise": 0.02 }"""))}}
          ] } ]
        }
        """;
}
