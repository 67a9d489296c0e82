using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>A metered network, and what a function costs.</summary>
public sealed class BudgetTests
{
    private static readonly long Day = TimeSpan.FromDays(1).ToNs();

    private readonly MemoryBudget _ledger = new();

    [Fact]
    [Promise("R53")]
    public void When_the_days_budget_is_used_up_readings_wait_for_the_next_day_and_the_state_does_not()
    {
        var rig = new CourierRig();
        rig.Settings = rig.Settings with { Budget = new DataBudget("vendor", 2_000, perMonth: false, _ledger, rig.Clock) };
        for (var i = 0; i < 20; i++)
        {
            rig.AddBlock(10);
        }

        var start = rig.Clock.Now().WallUnixNs / Day;
        rig.RunUntil(() => rig.States[^1].Detail.StartsWith("paused", StringComparison.Ordinal));
        var first = rig.On("data/telemetry").Sum(static m => (long)m.Payload.Length + m.Topic.Length);
        Assert.InRange(first, 2_000, 2_000 + 20_000);
        Assert.True(rig.Spool.Waiting > 0);
        Assert.NotEmpty(rig.On("state"));
        Assert.Equal(first, _ledger.Used("vendor", start));

        rig.RunUntilDelivered();
        Assert.True(rig.Clock.Now().WallUnixNs / Day > start, "it waited for another day");
    }

    [Fact]
    public void A_month_is_the_calendars_and_the_count_survives_a_restart()
    {
        var clock = new SteppingClock();
        var budget = Monthly(clock);
        Assert.Equal(TimeSpan.Zero, budget.Pause());
        budget.Sent(1000);
        Assert.InRange(budget.Pause(), TimeSpan.FromTicks(1), TimeSpan.FromDays(31));
        Assert.Contains("month's budget", budget.Detail, StringComparison.Ordinal);
        var again = Monthly(clock);
        var pause = again.Pause();
        Assert.True(pause > TimeSpan.Zero);
        var month = ClockExtensions.ToDate(clock.Now().WallUnixNs).Month;
        clock.Advance(pause);
        Assert.Equal(TimeSpan.Zero, again.Pause());
        var date = ClockExtensions.ToDate(clock.Now().WallUnixNs);
        Assert.Equal((month % 12) + 1, date.Month);
        Assert.Equal(1, date.Day);

        DataBudget Monthly(SteppingClock of) => new("vendor", 1000, perMonth: true, _ledger, of);
    }

    [Fact]
    [Promise("R50")]
    public void What_each_function_costs_is_counted_and_one_that_is_off_costs_nothing()
    {
        var rig = new CourierRig();
        rig.Gate.Deny("diagnostics", "diagnostics.health", DenyReason.Withdrawn);
        rig.AddBlock(50);
        rig.AddBlock(5, "activity", "activity.uptime");
        rig.AddBlock(5, "diagnostics", "diagnostics.health");
        rig.RunUntilDelivered();
        foreach (var function in new[] { "telemetry", "activity" })
        {
            var sent = rig.On("data/" + function).ToList();
            Assert.Equal(sent.Sum(static m => (long)m.Payload.Length), rig.Counters[TrafficCounters.BytesOfFunction + function]);
            Assert.Equal(sent.Count, rig.Counters[TrafficCounters.MessagesOfFunction + function]);
        }

        Assert.Empty(rig.On("data/diagnostics"));
        Assert.True(rig.Counters[TrafficCounters.BytesOfFunction + "telemetry"] > rig.Counters[TrafficCounters.BytesOfFunction + "activity"]);
    }

    private sealed class MemoryBudget : IBudgetLedger
    {
        private readonly Dictionary<long, long> _days = [];

        public long Used(string recipient, long fromDay) => _days.Where(d => d.Key >= fromDay).Sum(static d => d.Value);

        public void Add(string recipient, long day, long bytes) => _days[day] = _days.GetValueOrDefault(day) + bytes;
    }
}
