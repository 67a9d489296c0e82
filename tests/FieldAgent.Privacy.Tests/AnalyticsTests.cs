using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Privacy.Tests;

public sealed class AnalyticsTests
{
    private readonly WindowBox _box = new();
    private readonly MemoryValues _values = new();
    private readonly MemoryLedger _ledger = new();
    private readonly SimulatedClock _clock = new();

    public AnalyticsTests() => _ledger.Grant("analytics", "analytics.window");

    [Fact]
    [Promise("R5", "R35")]
    public void AnHourBecomesAFewNumbersWithoutADeviceASensorOrAMoment()
    {
        var house = Make();
        var sink = new Sink();
        Hour(house, sink, 3_600, static i => i % 100);
        Assert.Empty(_box.All);
        Tick(house, sink);
        var (window, recipients) = Assert.Single(_box.All);
        Assert.Equal(["statistics"], recipients);
        Assert.Equal(("analytics", "instrument.measurement", "flow", "L/min"), (window.Function, window.Field, window.Stream, window.Unit));
        var figures = window.Figures;
        Assert.Equal((3_600L, 0.0, 99.0), (figures.Count, figures.Min, figures.Max));
        Assert.Equal(49.5, figures.Mean, 1e-9);
        Assert.InRange(figures.P05, 1, 9);
        Assert.InRange(figures.P50, 42, 58);
        Assert.InRange(figures.P95, 90, 98);
        Assert.Equal(3_600, window.ToUnixS - window.FromUnixS);
        Assert.Equal(0, window.FromUnixS % 3_600);

        // Its own function got none of the readings as readings.
        Assert.DoesNotContain(sink.All, static taken => taken.Permit.Function == "analytics");
        Assert.DoesNotContain(typeof(AnonymousWindow).GetProperties(), static p =>
            p.Name.Contains("pseudonym", StringComparison.OrdinalIgnoreCase) || p.Name.Contains("sensor", StringComparison.OrdinalIgnoreCase)
            || p.PropertyType == typeof(Stamp) || p.PropertyType == typeof(Guid));
    }

    [Fact]
    [Promise("R35")]
    public void TooFewReadingsMakeNoWindowAndAreCounted()
    {
        var house = Make();
        Hour(house, new Sink(), AnalyticsLimits.ReadingsMin - 1, static i => i);
        Tick(house, new Sink());
        Assert.Empty(_box.All);
        Assert.Equal(1, house.Counters["dropped.analytics-short"]);
        Hour(house, new Sink(), AnalyticsLimits.ReadingsMin, static i => i);
        Tick(house, new Sink());
        Assert.Single(_box.All);
        Assert.True(AnalyticsLimits.WindowMin >= TimeSpan.FromHours(1));
    }

    [Fact]
    [Promise("R5")]
    public void WithoutItsOwnConsentNothingIsSummedUpAndWithdrawingForgetsTheOpenWindow()
    {
        var house = Make();
        Hour(house, new Sink(), 1_000, static i => i);
        _ledger.Withdraw("analytics", "analytics.window");
        house.Gate.Refresh();
        Tick(house, new Sink());
        Hour(house, new Sink(), 1_000, static i => i);
        Tick(house, new Sink());
        Assert.Empty(_box.All);
        Assert.Equal(1, house.Counters["dropped.analytics-window"]);
    }

    [Fact]
    public void AWindowThatAPowerCutTookIsCountedAtTheNextStart()
    {
        Hour(Make(), new Sink(), 100, static i => i);
        Assert.Equal(1, Make().Counters["dropped.analytics-window"]);
        Assert.Equal(0, Make().Counters["dropped.analytics-window"]);
    }

    [Fact]
    public void AClockThatNobodySetNamesNoWindow()
    {
        var unsynced = new SimulatedClock();
        unsynced.SetWall(0, ClockQuality.Unsynced);
        if (unsynced.Quality != ClockQuality.Unsynced)
        {
            return;
        }

        var house = Make(unsynced);
        Hour(house, new Sink(), 100, static i => i, unsynced);
        Tick(house, new Sink(), unsynced);
        Assert.Empty(_box.All);
        Assert.Equal(1, house.Counters["dropped.analytics-unsynced"]);
    }

    [Fact]
    [Promise("R45")]
    public void PlacesAreNeverSummedUp()
    {
        var house = Make();
        _ledger.Grant("fleet-location", "location.position", "1km");
        house.Gate.Refresh();
        var sink = new Sink();
        house.Gate.Admit(House.Positions([.. Enumerable.Repeat((47.0, 8.0), 100)]), sink);
        _clock.Advance(TimeSpan.FromHours(2));
        house.Gate.Admit(House.Positions((47, 8)), sink);
        Assert.Empty(_box.All);
        Assert.All(sink.All, static taken => Assert.Equal("fleet-location", taken.Permit.Function));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void PercentilesOfAnyOrderAreWithinTheBoundOfTheirRank(int seed)
    {
        foreach (var order in new Func<int, double>[] { static i => i, static i => -i, static i => i * 7_919L % 100_003, static i => Math.Exp(i / 10_000.0) })
        {
            var sum = new WindowSum(new Random(seed));
            var all = new double[100_000];
            for (var i = 0; i < all.Length; i++)
            {
                all[i] = order(i);
                sum.Add(all[i]);
            }

            sum.Add(double.NaN);
            Array.Sort(all);
            var figures = sum.Figures();
            Assert.Equal(all.Length, figures.Count);
            Assert.Equal(all.Average(), figures.Mean, Math.Abs(all.Average()) * 1e-9);
            Assert.InRange(Array.BinarySearch(all, figures.P50) / (double)all.Length, 0.43, 0.57);
            Assert.InRange(Array.BinarySearch(all, figures.P05) / (double)all.Length, 0.02, 0.09);
            Assert.InRange(Array.BinarySearch(all, figures.P95) / (double)all.Length, 0.91, 0.98);
        }
    }

    [Fact]
    public void FewReadingsAreExactAndAddingAllocatesNothing()
    {
        var sum = new WindowSum(new Random(1));
        for (var i = 100; i >= 1; i--)
        {
            sum.Add(i);
        }

        Assert.Equal(new WindowFigures(100, 1, 50.5, 100, 5, 50, 95), sum.Figures());
        sum.Clear();
        sum.Add(7);
        Assert.Equal(new WindowFigures(1, 7, 7, 7, 7, 7, 7), sum.Figures());
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            sum.Add(i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private House Make(SimulatedClock? clock = null) =>
        new(parts: new GateParts { Values = _values, Anonymous = _box, Clock = clock ?? _clock, Seed = 5 }, ledger: _ledger);

    private static RawRows Rows(int count, Func<int, double> value)
    {
        var rows = new RawRows(new StreamSet("bench-of-miss-marple", "instrument.measurement", [new("flow", "L/min", 0.01)]));
        for (var i = 0; i < count; i++)
        {
            rows.Columns.Append(i, [value(i)], 1);
        }

        return rows;
    }

    private void Hour(House house, Sink sink, int readings, Func<int, double> value, SimulatedClock? clock = null)
    {
        house.Gate.Admit(Rows(readings, value), sink);
        (clock ?? _clock).Advance(TimeSpan.FromMinutes(59));
    }

    // The next batch, of another set, comes after the end of the window.
    private void Tick(House house, Sink sink, SimulatedClock? clock = null)
    {
        (clock ?? _clock).Advance(TimeSpan.FromMinutes(2));
        var rows = new RawRows(new StreamSet("x", "instrument.gnss", [new("mode", "1")]));
        rows.Columns.Append(1, [1], 1);
        house.Gate.Admit(rows, sink);
    }
}
