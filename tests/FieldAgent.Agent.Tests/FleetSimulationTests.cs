using FieldAgent.Agent.Simulate;

namespace FieldAgent.Agent.Tests;

/// <summary>The whole path in virtual time, with bad networks and power cuts.</summary>
public sealed class FleetSimulationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20260101)]
    public void Through_outages_and_power_cuts_everything_stored_arrives_exactly_once(int seed)
    {
        using var folder = new TempFolder();
        var report = FleetSimulation.Run(2, TimeSpan.FromMinutes(90), seed, folder.Path);
        Assert.True(report.PowerCuts > 0 && report.Outages > 0, "the seed brings no faults");
        Assert.True(report.IsGood, $"fieldagent simulate --devices 2 --for 90m --seed {seed}: {report}");
        Assert.Equal(report.Stored, report.Consumer.Readings);

        // A power cut takes at most what one flush interval brings: ten rows of three streams.
        Assert.True(report.LostInMemory <= report.PowerCuts * 33, $"{report.LostInMemory} readings lost in {report.PowerCuts} power cuts");
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        using var first = new TempFolder();
        using var second = new TempFolder();
        var one = FleetSimulation.Run(1, TimeSpan.FromMinutes(40), 5, first.Path);
        var two = FleetSimulation.Run(1, TimeSpan.FromMinutes(40), 5, second.Path);
        Assert.Equal((one.Stored, one.PowerCuts, one.Outages, one.LostInMemory, one.Consumer.Duplicates),
            (two.Stored, two.PowerCuts, two.Outages, two.LostInMemory, two.Consumer.Duplicates));
    }
}
