using System.Collections.Immutable;
using System.Diagnostics;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using FieldAgent.Store;
using FieldAgent.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Benchmarks.Privacy;

/// <summary>What the gate adds to each reading: rows through the gate into the real spool, against the same rows through a gate that permits
/// everything, turn by turn in the same run. Two figures: of the whole way from sample to stored, which is what the aim is about, and of admitting
/// alone, without what storing costs.</summary>
internal static class GateCost
{
    private const int Rounds = 61;
    private const int BlocksAFlush = 20;
    private const int FlushesARound = 20;

    public static void Run(Results results)
    {
        foreach (var (rows, streams) in new[] { (10, 10), (100, 10) })
        {
            var (gate, always) = Measure(rows, streams);
            var name = $"blocks of {rows * streams} readings";
            results.Add($"sample to stored, {name}, always-permit gate", always.Cpu, "ns CPU/reading");
            results.Add($"sample to stored, {name}, the gate", gate.Cpu, "ns CPU/reading");
            results.AtMost($"what the gate adds from sample to stored, CPU, {name}", (gate.Cpu / always.Cpu - 1) * 100, "%", 5);
            results.Add($"admitting alone, {name}, always-permit gate", always.Admit, "ns/reading");
            results.Add($"admitting alone, {name}, the gate", gate.Admit, "ns/reading");
            results.Add($"what the gate adds to admitting alone, wall time, {name}", (gate.Admit / always.Admit - 1) * 100, "%");
        }

        var alone = Alone(100, 10);
        results.Add("the gate alone, blocks of 1,000 readings", alone, "ns/reading");
    }

    private readonly record struct Cost(double Cpu, double Admit);

    private static (Cost Gate, Cost Always) Measure(int rows, int streams)
    {
        var folder = Directory.CreateTempSubdirectory("fieldagent-gate-").FullName;
        try
        {
            var clock = new LinuxClock();
            var counters = new Counters();
            using var store = StateStore.Open(
                new StoreOptions { Directory = folder, FreeBytesMin = 0, StateBytesMax = 16L << 30, Recipients = ["vendor"] }, clock, counters,
                NullLogger.Instance);
            var gate = new Gate(Policy.Shipped(), store.Consents, counters, clock);
            var raw = Rows(rows, streams);
            var permit = gate.Decide(Stage.Admit, "telemetry", "instrument.measurement").Permit!;
            void ByGate() => gate.Admit(raw, store.Spool);
            void Always() => store.Spool.Take(Admit.Rows(raw.Set, raw.Columns, permit));

            // Turn by turn, each first in every other round: what the disk does in between hits both alike.
            Round(store.Spool, ByGate);
            Round(store.Spool, Always);
            var times = new List<(Cost Gate, Cost Always)>();
            for (var i = 0; i < Rounds; i++)
            {
                var first = Round(store.Spool, i % 2 == 0 ? ByGate : Always);
                var second = Round(store.Spool, i % 2 == 0 ? Always : ByGate);
                times.Add(i % 2 == 0 ? (first, second) : (second, first));
            }

            var readings = (double)rows * streams * BlocksAFlush * FlushesARound;
            return (Of(times.Select(static t => t.Gate)), Of(times.Select(static t => t.Always)));

            Cost Of(IEnumerable<Cost> all) => new(
                Median(all.Select(static cost => cost.Cpu)) / readings, Median(all.Select(static cost => cost.Admit)) / readings);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Processor time of admitting and storing, as the pipeline's cycle does both; what the disk makes it wait has no part in it.
    private static Cost Round(ISpool spool, Action admit)
    {
        var admitting = TimeSpan.Zero;
        var before = Environment.CpuUsage.TotalTime;
        for (var flush = 0; flush < FlushesARound; flush++)
        {
            var begun = Stopwatch.GetTimestamp();
            for (var block = 0; block < BlocksAFlush; block++)
            {
                admit();
            }

            admitting += Stopwatch.GetElapsedTime(begun);
            spool.Flush();
        }

        return new Cost((Environment.CpuUsage.TotalTime - before).TotalNanoseconds, admitting.TotalNanoseconds);
    }

    private static double Alone(int rows, int streams)
    {
        const int times = 200_000;
        var gate = new Gate(Policy.Shipped(), new DecisionBench.ListLedger(), new Counters(), new LinuxClock());
        var raw = Rows(rows, streams);
        var sink = new NoSink();
        for (var i = 0; i < times / 10; i++)
        {
            gate.Admit(raw, sink);
        }

        var watch = Stopwatch.StartNew();
        for (var i = 0; i < times; i++)
        {
            gate.Admit(raw, sink);
        }

        return watch.Elapsed.TotalNanoseconds / times / rows / streams;
    }

    private static RawRows Rows(int rows, int streams)
    {
        var raw = new RawRows(new StreamSet(
            "flood", "instrument.measurement",
            [.. Enumerable.Range(0, streams).Select(static i => new StreamInfo($"s{i}", "1", 0.01)).ToImmutableArray()], ClockExtensions.NsPerSecond));
        for (var row = 0; row < rows; row++)
        {
            raw.Columns.Append(
                1 + (row * ClockExtensions.NsPerSecond), [.. Enumerable.Range(0, streams).Select(stream => Noise.Value(stream, row))],
                (1UL << streams) - 1);
        }

        return raw;
    }

    private static double Median(IEnumerable<double> all) => all.Order().ElementAt(Rounds / 2);

    private sealed class NoSink : IAdmittedSink
    {
        public void Take(in AdmittedRows rows)
        {
        }
    }
}
