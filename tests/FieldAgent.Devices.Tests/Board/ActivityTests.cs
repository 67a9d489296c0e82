using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

/// <summary>Totals of uptime, and nothing between them.</summary>
public sealed class ActivityTests
{
    private const long Hour = 3600 * ClockExtensions.NsPerSecond;

    [Fact]
    [Promise("R34")]
    public void A_span_is_one_row_with_its_totals_in_steps_of_five_minutes()
    {
        using var stop = new CancellationTokenSource();
        var waits = 0;
        var clock = new LeapingClock(_ =>
        {
            if (++waits == 4)
            {
                stop.Cancel();
            }
        });
        clock.BootNs = 7 * 60 * ClockExtensions.NsPerSecond;
        using var host = new RecordingHost(clock);
        RecordingHost.Create(new ActivityKind(), """{ "bucket": "6h" }""").Run(host, stop.Token);

        var rows = host.Rows;
        Assert.Equal(4, rows.Count);
        var first = (clock.WallOffsetNs + (7 * 60 * ClockExtensions.NsPerSecond)) % (6 * Hour);
        Assert.Equal(Math.Round((360 - (first / 60e9) + 7) / 5) * 5, Math.Min(360, rows[0]["uptime"]!.Value));
        Assert.True(rows[0]["active"] <= rows[0]["uptime"]);
        Assert.All(rows.Skip(1), static row =>
        {
            Assert.Equal(360, row["uptime"]);
            Assert.Equal(360, row["active"]);
        });
        Assert.All(rows.Skip(1).Zip(rows), static pair => Assert.Equal(6 * Hour, pair.First.BootNs - pair.Second.BootNs));
        Assert.All(rows, static row => Assert.Equal("activity.uptime", row.Set.Field));
    }

    [Fact]
    public void Stopped_in_order_the_span_so_far_is_told_and_a_moment_is_not()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Empty(RowsOf(2));
        Assert.Equal(20, Assert.Single(RowsOf(22))["uptime"]);

        IReadOnlyList<RecordedRow> RowsOf(int minutes)
        {
            // The wait ends early: the clock does not leap to the end of the span.
            var clock = new StandingClock(minutes * 60 * ClockExtensions.NsPerSecond);
            using var host = new RecordingHost(clock);
            RecordingHost.Create(new ActivityKind(), "{}").Run(host, stop.Token);
            return host.Rows;
        }
    }

    private sealed class StandingClock(long bootNs) : IClock
    {
        public Guid BootId { get; } = new("5eed5eed-0000-4000-8000-000000000003");

        public long BootNs => bootNs;

        public ClockQuality Quality => ClockQuality.Ntp;

        public long WallOffsetNs => 1_767_225_600_000_000_000;

        public void Offer(ClockQuality source, long unixNs, long bootNs)
        {
        }

        public bool WaitUntil(long bootNs, CancellationToken stop) => false;
    }
}
