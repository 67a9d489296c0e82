using System.Diagnostics;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;

namespace FieldAgent.Benchmarks.Privacy;

/// <summary>One decision of the shipped policy: time and allocation.</summary>
internal static class DecisionBench
{
    private const int Rounds = 2_000_000;

    public static void Run(Results results)
    {
        var clock = new LinuxClock();
        var ledger = new ListLedger();
        ledger.Grant("fleet-location", "location.position", "1km");
        ledger.Grant("photo", "image.photo", "");
        for (var i = 0; i < 200; i++)
        {
            // A long ledger makes the table no larger.
            ledger.Grant("fleet-location", "location.precise", "100m");
        }

        var gate = new Gate(Policy.Shipped(), ledger, new Counters(), clock);
        var now = clock.Now();
        Measure(results, gate, "send, permitted", Ask(Stage.Send, "fleet-location", "location.position", now), expected: true);
        Measure(results, gate, "collect, basic function", Ask(Stage.Collect, "telemetry", "instrument.measurement", now), expected: true);
        Measure(results, gate, "admit, not granted", Ask(Stage.Admit, "scan", "image.photo", now), expected: false);
        Measure(results, gate, "collect, no rule", Ask(Stage.Collect, "telemetry", "location.position", now), expected: false);
        var build = Stopwatch.StartNew();
        for (var i = 0; i < 200; i++)
        {
            gate.Refresh();
        }

        results.Add("all decisions made anew, ledger of 202 events", build.Elapsed.TotalMicroseconds / 200, "µs");
    }

    private static Question Ask(Stage stage, string function, string field, in Stamp now) =>
        new(stage, function, field, now.WallUnixNs, now.Quality)
        {
            Recipient = stage == Stage.Send ? "vendor" : null,
            Region = stage == Stage.Send ? "CN" : null,
            AdmittedUnder = stage == Stage.Send ? 1 : long.MaxValue,
            CapturedWallUnixNs = stage == Stage.Send ? now.WallUnixNs - 1_000_000_000 : 0,
        };

    private static void Measure(Results results, Gate gate, string what, in Question question, bool expected)
    {
        Loop(gate, question, Rounds / 4);
        var watch = new Stopwatch();
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        watch.Start();
        var permitted = Loop(gate, question, Rounds);
        watch.Stop();
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (permitted != (expected ? Rounds : 0))
        {
            throw new InvalidOperationException($"{what}: {permitted} of {Rounds} permitted");
        }

        results.AtMost("decision: " + what, watch.Elapsed.TotalNanoseconds / Rounds, "ns", 1000);
        results.AtMost("decision: " + what + ", allocated", (double)allocated / Rounds, "bytes", 0);
    }

    private static int Loop(Gate gate, in Question question, int rounds)
    {
        var permitted = 0;
        for (var i = 0; i < rounds; i++)
        {
            permitted += gate.Decide(question).IsPermitted ? 1 : 0;
        }

        return permitted;
    }

    /// <summary>A ledger in memory.</summary>
    internal sealed class ListLedger : IConsentLedger
    {
        private readonly List<ConsentEvent> _events = [];

        public ConsentEvent Append(ConsentEvent consent)
        {
            _events.Add(consent with { Id = _events.Count + 1 });
            return _events[^1];
        }

        public IReadOnlyList<ConsentEvent> All() => _events;

        public void Grant(string function, string field, string scope) =>
            Append(new ConsentEvent(0, ConsentAction.Grant, function, field, scope, "subject", "cli", "", "", default));
    }
}
