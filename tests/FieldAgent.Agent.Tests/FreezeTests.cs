using FieldAgent.Agent.Collect;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>A freeze, which keeps everything as it is, also what does not lie in the spool.</summary>
public sealed class FreezeTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("identity")]
    [InlineData("telemetry")]
    [Promise("R92", "R21")]
    public void A_freeze_leaves_the_name_and_what_waits_under_it(string? function)
    {
        using var bench = new PartsBench();
        var name = bench.Parts.Identity.Board.NameAt("vendor")!;
        bench.Store.Epochs.Using("vendor", name);
        bench.Fill("telemetry", "instrument.measurement", 5);
        bench.Ok("privacy-restrict", ("function", function));
        AssertKept();
        bench.Reopen();
        bench.Parts.Identity.PutRight();
        AssertKept();
        Assert.Equal(function == "telemetry", bench.Parts.Identity.WhyIdle.Length == 0);
        bench.Ok("privacy-unrestrict", ("function", function));
        AssertKept();
        Assert.Empty(bench.Parts.Identity.WhyIdle);

        void AssertKept()
        {
            Assert.Equal((0, name), (bench.Store.Epochs.Epoch, bench.Parts.Identity.Board.NameAt("vendor")));
            Assert.Equal(5, bench.Store.Spool.State.Readings);
        }
    }

    [Fact]
    [Promise("R92")]
    public void A_freeze_keeps_anonymous_windows_unsent_and_a_withdrawal_erases_them()
    {
        using var bench = new PartsBench(recipient: "statistics");
        bench.Ok("consent-grant", ("function", "analytics"), ("field", "analytics.window"));
        var rows = new RawRows(new StreamSet("test", "instrument.measurement", [new StreamInfo("a", "1", 1)], 1_000_000_000));
        for (var i = 0; i < 70; i++)
        {
            rows.Columns.Append(bench.Clock.BootNs + i, [i], 1);
        }

        var none = new NoSink();
        bench.Gate.Admit(rows, none);
        bench.Clock.Advance(TimeSpan.FromHours(2));
        bench.Gate.Admit(rows, none);
        Assert.Single(bench.Parts.Anonymous.Waiting("statistics", 10));
        bench.Ok("privacy-restrict", ("function", "analytics"));
        Assert.Empty(bench.Parts.Anonymous.Waiting("statistics", 10));
        bench.Reopen();
        Assert.Empty(bench.Parts.Anonymous.Waiting("statistics", 10));
        var told = 0;
        bench.Parts.Anonymous.Added += () => told++;
        bench.Ok("privacy-unrestrict", ("function", "analytics"));
        Assert.Single(bench.Parts.Anonymous.Waiting("statistics", 10));
        Assert.Equal(1, told);
        bench.Ok("consent-withdraw", ("function", "analytics"));
        bench.Ok("consent-grant", ("function", "analytics"), ("field", "analytics.window"));
        Assert.Empty(bench.Parts.Anonymous.Waiting("statistics", 10));
    }

    [Fact]
    [Promise("R13", "R92")]
    public void A_sensor_that_is_closed_for_now_says_why_and_what_it_has_sampled_waits_for_the_gate()
    {
        using var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", "fleet-location"), ("field", "location.position"));
        using var due = new FlushSignal(int.MaxValue);
        using var collector = new Collector(
            [new ConfiguredSensor("place", "test", new OneRow())], bench.Gate, bench.Clock, due, 100, bench.Counters, NullLoggerFactory.Instance);
        collector.Start();
        Eventually.True(() => due.Pending > 0, "a row");
        bench.Gate.Pause([new ConsentPair("fleet-location", "location.position")]);
        Assert.Equal((SensorState.Closed, "paused: the consent switch at the board cannot be read"), About());
        bench.Gate.Pause([]);
        Assert.Equal("", About().Detail);
        Eventually.True(() => Assert.Single(collector.Status).Rows == 2, "a second row");

        bench.Ok("privacy-restrict", ("function", "fleet-location"));
        Assert.Contains("frozen", About().Detail, StringComparison.Ordinal);
        Assert.Equal(2, collector.Writers.Sum(static writer => writer.Take().Columns.Count));

        // what has ended takes back also what waits
        bench.Ok("privacy-unrestrict", ("function", "fleet-location"));
        Eventually.True(() => Assert.Single(collector.Status).Rows == 3, "a third row");
        bench.Ok("consent-withdraw", ("function", "fleet-location"));
        Assert.Equal((SensorState.Closed, ""), About());
        Assert.Equal(0, collector.Writers.Sum(static writer => writer.Take().Columns.Count));
        collector.Stop();

        (SensorState State, string Detail) About()
        {
            var status = Assert.Single(collector.Status);
            return (status.State, status.Detail);
        }
    }

    [Fact]
    [Promise("R92", "R99")]
    public void A_deletion_that_was_asked_for_by_message_waits_for_the_operator_while_the_consent_stands_frozen_or_paused()
    {
        using var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", "fleet-location"), ("field", "location.position"));
        var asked = new SubjectRequest(
            1, RequestKind.Deletion, RequestState.Verified, "a", "fleet-location", "location.position", "", "mqtt", bench.Clock.Now());
        Assert.False(bench.Parts.RequestErrands.IsAutomatic(asked));
        bench.Gate.Pause([new ConsentPair("fleet-location", "location.position")]);
        Assert.False(bench.Parts.RequestErrands.IsAutomatic(asked));
        bench.Gate.Pause([]);
        bench.Ok("privacy-restrict", ("function", "fleet-location"));
        Assert.False(bench.Parts.RequestErrands.IsAutomatic(asked));
        bench.Ok("privacy-unrestrict", ("function", "fleet-location"));
        bench.Ok("consent-withdraw", ("function", "fleet-location"));
        Assert.True(bench.Parts.RequestErrands.IsAutomatic(asked));
    }

    private sealed class OneRow : ISensor
    {
        public string Name => "place";

        public IReadOnlyList<string> OpensFor => ["location.position"];

        public void Run(ISensorHost host, CancellationToken stop)
        {
            var rows = host.Declare(new StreamSet("place", "location.position", [new StreamInfo("latitude", "deg", 1), new StreamInfo("longitude", "deg", 1)], 0));
            rows.Write(host.Clock.BootNs, [47, 8], stop);
            stop.WaitHandle.WaitOne();
        }
    }

    private sealed class NoSink : IAdmittedSink
    {
        public void Take(in AdmittedRows rows)
        {
        }
    }
}
