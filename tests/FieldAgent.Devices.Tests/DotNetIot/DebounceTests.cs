using FieldAgent.Devices.DotNetIot;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Devices.Tests.DotNetIot;

/// <summary>The debounce that System.Device.Gpio does not have.</summary>
public sealed class DebounceTests
{
    private const long Period = 50;

    [Fact]
    public void A_level_that_stands_is_told_once_with_the_time_at_which_it_had_stood()
    {
        var contact = new Debounce(Period, isActive: false);
        foreach (var (at, level) in new[] { (100L, true), (103, false), (104, true), (120, false), (121, true) })
        {
            Assert.False(contact.Settle(at, out _));
            contact.Change(at, level);
        }

        Assert.False(contact.Settle(170, out _));
        Assert.False(contact.IsActive);
        Assert.Equal(171, contact.DueNs);
        Assert.True(contact.Settle(400, out var atNs));
        Assert.Equal((171, true), (atNs, contact.IsActive));
        Assert.False(contact.Settle(1000, out _));
        Assert.Equal(long.MaxValue, contact.DueNs);
    }

    [Fact]
    public void A_contact_that_bounces_back_says_nothing()
    {
        var contact = new Debounce(Period, isActive: true);
        contact.Change(10, false);
        contact.Change(20, true);
        Assert.False(contact.Settle(500, out _));
        Assert.True(contact.IsActive);
    }

    [Fact]
    public void A_change_that_nobody_told_is_found_by_reading_and_must_stand_as_well()
    {
        var contact = new Debounce(Period, isActive: false);
        contact.Observe(10, false);
        Assert.Equal(long.MaxValue, contact.DueNs);
        contact.Observe(20, true);
        contact.Observe(40, true);
        Assert.Equal(70, contact.DueNs);
        Assert.True(contact.Settle(70, out _));
        Assert.True(contact.IsActive);
    }

    [Fact]
    public void What_is_told_are_the_levels_that_stood_however_often_it_is_asked() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000),
        Prop.ForAll(
            (from gaps in Gen.ListOf(Gen.Frequency((3, Gen.Choose(1, (int)Period - 1)), (2, Gen.Choose((int)Period, 4 * (int)Period))))
             from step in Gen.Choose(1, 3 * (int)Period)
             select (gaps.ToArray(), step)).ToArbitrary(),
            static t =>
            {
                var (gaps, step) = t;
                var lazy = Told(gaps, int.MaxValue);
                return lazy.SequenceEqual(Told(gaps, step)) && lazy.SequenceEqual(Stood(gaps));
            }));

    // The line changes at 0 and after each gap; it is asked at every change, every step between, and at the end.
    private static List<(long At, bool Level)> Told(int[] gaps, int step)
    {
        var told = new List<(long, bool)>();
        var contact = new Debounce(Period, isActive: false);
        var (now, level) = (0L, false);
        foreach (var gap in gaps.Append(10 * (int)Period))
        {
            Ask(now);
            contact.Change(now, level = !level);
            for (long at = now + step; at < now + gap; at += step)
            {
                Ask(at);
            }

            now += gap;
        }

        Ask(now);
        return told;

        void Ask(long at)
        {
            if (contact.Settle(at, out var atNs))
            {
                told.Add((atNs, contact.IsActive));
            }
        }
    }

    private static List<(long At, bool Level)> Stood(int[] gaps)
    {
        var stood = new List<(long, bool)>();
        var (now, level, known) = (0L, false, false);
        foreach (var gap in gaps.Append(10 * (int)Period))
        {
            level = !level;
            if (gap >= Period && level != known)
            {
                stood.Add((now + Period, level));
                known = level;
            }

            now += gap;
        }

        return stood;
    }
}
