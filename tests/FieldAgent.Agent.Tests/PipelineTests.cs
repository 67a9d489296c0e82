using FieldAgent.Agent.Collect;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>The pipeline beside those who change what it may do.</summary>
public sealed class PipelineTests
{
    // Only a withdrawal that does not wait, as it must, ends within it.
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Promise("R10")]
    public void What_was_let_in_before_a_withdrawal_and_stored_after_it_is_erased_with_the_rest(bool isPicture)
    {
        using var bench = new PartsBench();
        var (function, field) = isPicture ? ("photo", "image.photo") : ("fleet-location", "location.position");
        bench.Ok("consent-grant", ("function", function), ("field", field));
        using var decided = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        void Pause()
        {
            decided.Set();
            go.Wait();
        }

        var gate = new PausingGate(bench.Gate, Pause);
        using var due = new FlushSignal(int.MaxValue);
        using var collector = new Collector(
            [new ConfiguredSensor("one", "test", new OneShot(field))], bench.Gate, bench.Clock, due, 100, bench.Counters, NullLoggerFactory.Instance);
        var pipeline = new Pipeline(
            collector, gate, bench.Store.Spool, due, TimeSpan.FromMilliseconds(100), bench.Counters, NullLogger<Pipeline>.Instance);
        using var stop = new CancellationTokenSource();
        var working = new Thread(() => pipeline.Run(stop.Token)) { IsBackground = true };
        working.Start();
        collector.Start();
        Eventually.True(() => decided.IsSet, "something is let in");

        var withdrawal = new Thread(() => bench.Ok("consent-withdraw", ("function", function))) { IsBackground = true };
        withdrawal.Start();
        Eventually.True(() => !bench.Gate.Decide(Stage.Admit, function, field).IsPermitted, "the withdrawal holds");
        withdrawal.Join(Moment);
        go.Set();
        Eventually.True(() => !withdrawal.IsAlive, "the withdrawal is finished");
        stop.Cancel();
        Eventually.True(() => !working.IsAlive, "the pipeline ends");
        collector.Stop();

        Assert.Equal((0, 0, 0), (bench.Store.Spool.State.Blocks, bench.Store.Spool.State.Readings, bench.Store.Spool.State.Images));
        Assert.Empty(Directory.GetFiles(Path.Join(bench.Config.StateDirectory, "images")));
        Assert.Equal(ErasureState.Verified, Assert.Single(bench.Store.Eraser.Reports()).State);
    }

    /// <summary>A row or a picture when it is opened.</summary>
    private sealed class OneShot(string what) : ISensor
    {
        // Any photograph.
        private static readonly byte[] Jpeg = File.ReadAllBytes(
            Directory.EnumerateFiles(Path.Join(Places.Repository, "hardware", "boards", "photos"), "*.jpg").Order(StringComparer.Ordinal).First());

        public string Name => "one";

        public IReadOnlyList<string> OpensFor => [what];

        public void Run(ISensorHost host, CancellationToken stop)
        {
            if (what == "image.photo")
            {
                host.Deliver(new RawImage("one", what, Jpeg, host.Clock.Now()));
            }
            else
            {
                var rows = host.Declare(new StreamSet("one", what, [new StreamInfo("latitude", "deg", 1), new StreamInfo("longitude", "deg", 1)], 0));
                rows.Write(host.Clock.BootNs, [47, 8], stop);
            }

            stop.WaitHandle.WaitOne();
        }
    }

    /// <summary>A gate that has answered, and then is slow to hand on what it lets in.</summary>
    private sealed class PausingGate(IGate inner, Action pause) : IGate
    {
        public event Action? Changed
        {
            add => inner.Changed += value;
            remove => inner.Changed -= value;
        }

        public string PolicyVersion => inner.PolicyVersion;

        public Decision Decide(in Question question) => inner.Decide(question);

        public Decision Decide(Stage stage, string function, string field, string? recipient = null) => inner.Decide(stage, function, field, recipient);

        public Decision Decide(Stage stage, string function, string field, string? recipient, long admittedUnder) =>
            inner.Decide(stage, function, field, recipient, admittedUnder);

        public Decision BestFor(string field) => inner.BestFor(field);

        public bool MayCollect(string field) => inner.MayCollect(field);

        public bool IsHeld(string function, string field, long atWallNs) => inner.IsHeld(function, field, atWallNs);

        public int Admit(RawRows rows, IAdmittedSink sink) => inner.Admit(rows, new PausingSink(sink, pause));

        public Decision Admit(RawImage image, out AdmittedImage? admitted)
        {
            var decision = inner.Admit(image, out admitted);
            pause();
            return decision;
        }
    }

    private sealed class PausingSink(IAdmittedSink inner, Action pause) : IAdmittedSink
    {
        public void Take(in AdmittedRows rows)
        {
            pause();
            inner.Take(rows);
        }
    }
}
