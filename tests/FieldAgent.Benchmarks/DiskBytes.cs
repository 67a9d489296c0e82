using System.Diagnostics;

namespace FieldAgent.Benchmarks;

/// <summary>(c) Bytes that a card has to swallow for a reading: the agent at eight streams, 1 Hz, with real pauses between its
/// flushes, beside a row for each reading. Counted on the block device, so the journal is in it.</summary>
internal static class DiskBytes
{
    private const int Streams = 8;
    private const double AgentSeconds = 120;
    private const int NaiveReadings = 480;
    private const int DiskMegabytes = 256;

    public static void Run(Results results, string agent)
    {
        using var broker = BenchBroker.Start();
        using var disk = LoopDisk.TryMake(DiskMegabytes, out var why);
        using var naiveDisk = disk is null ? null : LoopDisk.TryMake(DiskMegabytes, out why);
        if (disk is null || naiveDisk is null)
        {
            results.Skipped("bytes on the block device", $"no loop device can be mounted here ({why}); run as root");
            return;
        }

        var config = Path.Join(Path.GetTempPath(), $"fieldagent-disk-{Environment.ProcessId}.json");
        File.WriteAllText(config, AgentConfigText.TenStreams(disk.Folder, broker.Port, Streams));
        try
        {
            using var process = Process.Start(new ProcessStartInfo(agent, ["run", "--config", config, "--quiet"]))!;
            Wait(12);                            // the first flushes, the schema and the growth of the WAL are not the steady state
            var before = disk.BytesWritten;
            var watch = Stopwatch.StartNew();
            Wait(AgentSeconds);
            var ours = (disk.BytesWritten - before) / (watch.Elapsed.TotalSeconds * Streams);
            Shell.Terminate(process);

            before = naiveDisk.BytesWritten;
            Naive.StorePaced(Path.Join(naiveDisk.Folder, "naive.db"), NaiveReadings);
            var naive = (naiveDisk.BytesWritten - before) / (double)NaiveReadings;
            results.AtMost("bytes on the block device a reading, flush 10 s", ours, "B", 100);
            results.Add("the same, one row a reading, deleted when sent", naive, "B");
            results.AtLeast("ratio", naive / ours, "times fewer", 100);
        }
        finally
        {
            File.Delete(config);
        }
    }

    private static void Wait(double seconds)
    {
        using var never = new ManualResetEventSlim(false);
        never.Wait(TimeSpan.FromSeconds(seconds));
    }
}
