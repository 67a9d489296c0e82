using System.Diagnostics;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Benchmarks;

/// <summary>Erasing one function out of a spool of 10 million readings, until it is verified: half of them are of that function, block by
/// block among those of another.</summary>
internal static class ErasureBench
{
    private const int Streams = 10;
    private const long Readings = 10_000_000;

    public static void Run(Results results)
    {
        foreach (var blockReadings in new[] { 1000, 100 })
        {
            var (seconds, report) = Measure(blockReadings);
            results.AtMost($"erase 5 of 10 million readings, blocks of {blockReadings}", seconds, "s", 2);
            results.Add("  blocks erased", report.Items, "blocks");
            results.Add("  bytes scanned", report.ScannedBytes / 1e6, "MB");
        }
    }

    private static (double Seconds, ErasureReport Report) Measure(int blockReadings)
    {
        var folder = Directory.CreateTempSubdirectory("fieldagent-erasure-").FullName;
        try
        {
            var clock = new LinuxClock();
            var counters = new Counters();
            var options = new StoreOptions
            {
                Directory = Path.Join(folder, "state"), Recipients = ["vendor"], StateBytesMax = 16L << 30, FreeBytesMin = 0,
                BlockReadingsMax = blockReadings,
            };
            using var store = StateStore.Open(options, clock, counters, NullLogger.Instance);
            var gate = new Gate(Policy.Shipped(), store.Consents, counters, clock);
            new ConsentDesk(gate, store.Consents, clock).Grant("diagnostics", null, null, new ConsentBy(ConsentBy.Operator, "cli"));
            Fill(store.Spool, gate, clock, blockReadings);
            if (store.Spool.State.Readings != Readings)
            {
                throw new InvalidOperationException($"{store.Spool.State.Readings} readings were stored");
            }

            var watch = Stopwatch.StartNew();
            var report = store.Eraser.Erase([new ErasureScope("diagnostics", ErasureScope.Any)], GapReason.ConsentWithdrawn, "withdrawn");
            var seconds = watch.Elapsed.TotalSeconds;
            return report.State == ErasureState.Verified && report.Readings == Readings / 2
                ? (seconds, report)
                : throw new InvalidOperationException($"{report.State}, {report.Readings} readings");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Fill(ISpool spool, Gate gate, LinuxClock clock, int blockReadings)
    {
        StreamInfo[] streams = [.. Enumerable.Range(0, Streams).Select(static i => new StreamInfo($"s{i}", "1", 0.01))];
        RawRows[] both =
        [
            new(new StreamSet("env", "instrument.measurement", [.. streams], ClockExtensions.NsPerSecond)),
            new(new StreamSet("health", "diagnostics.health", [.. streams], ClockExtensions.NsPerSecond)),
        ];
        var values = new double[Streams];
        var row = 0L;
        for (var stored = 0L; stored < Readings; stored += 2L * blockReadings)
        {
            foreach (var rows in both)
            {
                rows.Columns.Clear();
                for (var i = 0; i < blockReadings / Streams; i++, row++)
                {
                    for (var s = 0; s < Streams; s++)
                    {
                        values[s] = Noise.Value(s, (int)(row % 4096));
                    }

                    rows.Columns.Append(clock.BootNs + (row * 1000), values, rows.Set.AllPresent);
                }

                gate.Admit(rows, spool);
            }

            if (stored % (64L * blockReadings) == 0)
            {
                spool.Flush();
            }
        }

        spool.Flush();
    }
}
