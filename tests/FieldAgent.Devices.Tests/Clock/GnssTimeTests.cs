using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

public sealed class GnssTimeTests
{
    private const long Second = ClockExtensions.NsPerSecond;
    private const long Offset = 1_800_000_000L * Second;

    private readonly GnssTime _time = new();
    private long _now = 100 * Second;

    [Fact]
    public void One_report_alone_is_not_believed()
    {
        Assert.False(Report(0));
        Assert.False(_time.IsKnown);
        Assert.True(Report(0));
        Assert.Equal(Offset, _time.OffsetNs);
    }

    [Fact]
    public void Reports_that_contradict_each_other_are_not_believed()
    {
        Report(0);
        Report(100);
        Report(-100);
        Assert.False(_time.IsKnown);
    }

    [Fact]
    public void One_wrong_report_does_not_move_the_time_and_five_that_agree_do()
    {
        Report(0);
        Report(0);
        Assert.False(Report(619_315_200));
        Assert.True(Report(0));
        for (var i = 0; i < 4; i++)
        {
            Assert.False(Report(7_200));
            Assert.Equal(Offset, _time.OffsetNs);
        }

        Assert.True(Report(7_200));
        Assert.Equal(Offset + (7_200 * Second), _time.OffsetNs);
    }

    [Fact]
    public void The_least_delayed_report_of_a_minute_counts()
    {
        Report(-0.9);
        Report(-0.9);
        var random = new Random(3);
        for (var i = 0; i < 70; i++)
        {
            Report(i == 20 ? -0.05 : -0.2 - (0.5 * random.NextDouble()));
        }

        Assert.Equal(Offset - (Second / 20), _time.OffsetNs);
    }

    [Fact]
    public void A_slow_drift_is_followed_downwards_too()
    {
        for (var i = 0; i < 4_000; i++)
        {
            Report(-50e-6 * i);
        }

        Assert.InRange(_time.OffsetNs - Offset, -0.2 * Second, -0.19 * Second + (Second / 100));
    }

    [Theory]
    [InlineData(1_000_000_000L)]
    [InlineData(5_000_000_000L)]
    public void Years_that_cannot_be_are_ignored(long unixSeconds)
    {
        for (var i = 0; i < 10; i++)
        {
            Assert.False(_time.Offer(unixSeconds * Second, _now, _now));
        }
    }

    [Fact]
    public void Reports_from_the_future_or_long_ago_are_ignored()
    {
        for (var i = 0; i < 10; i++)
        {
            Assert.False(_time.Offer(Offset + _now, _now + 1, _now));
            Assert.False(_time.Offer(Offset + _now, _now - (11 * Second), _now));
        }
    }

    private bool Report(double errorSeconds)
    {
        _now += Second;
        return _time.Offer(Offset + _now + (long)Math.Round(errorSeconds * 1e9), _now, _now);
    }
}
