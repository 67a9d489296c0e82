using FieldAgent.Agent.Status;
using FieldAgent.Core;

namespace FieldAgent.Agent.Tests;

/// <summary>What status reads from the store, on a good card and on one that fails.</summary>
public sealed class StoredReportTests
{
    [Fact]
    public void It_is_read_as_a_whole()
    {
        using var bench = new PartsBench();
        var trouble = "";
        var stored = StoredReport.TryRead(bench.Parts, ref trouble);
        Assert.Equal("", trouble);
        Assert.NotNull(stored);
        Assert.Equal(bench.Gate.PolicyVersion, stored.InForce.Version);
        Assert.Equal((new RequestsReport(0, 0), null), (stored.Requests, stored.Idle));
        Assert.True(stored.Account.ChainOk);

        bench.Ok("consent-refuse");
        Assert.Contains("'fieldagent consent resume'", StoredReport.TryRead(bench.Parts, ref trouble)!.Idle, StringComparison.Ordinal);
    }

    [Fact]
    public void A_card_that_fails_leaves_all_of_it_out_and_is_named_and_trouble_known_before_stays()
    {
        using var bench = new PartsBench();
        Break(bench);
        var trouble = "";
        Assert.Null(StoredReport.TryRead(bench.Parts, ref trouble));
        Assert.NotEqual("", trouble);
        var before = "the disk is full";
        Assert.Null(StoredReport.TryRead(bench.Parts, ref before));
        Assert.Equal("the disk is full", before);
    }

    // The file is gone, and none can be made in its place.
    private static void Break(PartsBench bench)
    {
        var database = Path.Join(bench.Config.StateDirectory, "state.db");
        File.Move(database, database + ".moved");
        Directory.CreateDirectory(database);
        Assert.Throws<StoreFault>(() => bench.Fill("telemetry", "instrument.measurement"));
    }
}
