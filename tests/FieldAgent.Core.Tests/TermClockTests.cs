namespace FieldAgent.Core.Tests;

/// <summary>Terms over reboots, power cuts and clocks that lie: whole lives of a board, each from a seed.</summary>
[Promise("R85")]
public sealed class TermClockTests
{
    private const long Second = ClockExtensions.NsPerSecond;
    private const long Day = 86_400 * Second;
    private const long Start = 1_767_225_600 * Second;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void With_honest_sources_no_age_is_more_than_true_and_none_is_less_while_the_time_is_known(int seed)
    {
        for (var life = 0; life < 25; life++)
        {
            var board = new Board((seed * 1000) + life);
            for (var step = 0; step < 120; step++)
            {
                board.Live();
                foreach (var (item, trueNs) in board.Items)
                {
                    var age = board.Clock.CertainAgeNs(item, board.BoardNs);
                    var real = board.TrueNs - trueNs;
                    Assert.True(age <= real + (2 * Second), $"life {life}, step {step}: {age / Second} s, really {real / Second} s");
                    Assert.True(!board.IsSynced || age >= real - (2 * Second), $"life {life}, step {step}: {age / Second} s, really {real / Second} s");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_any_clock_says_no_age_ever_shrinks_and_an_untrusted_clock_ends_no_term(int seed)
    {
        var random = new Random(seed);
        for (var life = 0; life < 25; life++)
        {
            var board = new Board((seed * 1000) + life);
            var last = new List<long>();
            for (var step = 0; step < 120; step++)
            {
                board.Live();
                if (random.Next(4) == 0)
                {
                    // a trusted source that is wrong, by years and in either direction
                    board.Clock.Observe(board.BoardNs, board.TrueNs + (random.NextInt64(-2000, 2000) * Day), ClockQuality.Gnss);
                }

                var before = Ages(board);
                var untrusted = board.TrueNs + (random.NextInt64(-20_000, 20_000) * Day);
                Assert.False(board.Clock.Observe(board.BoardNs, untrusted, ClockQuality.Unsynced));
                Assert.Equal(before, Ages(board));
                for (var i = 0; i < last.Count; i++)
                {
                    Assert.True(before[i] >= last[i], $"life {life}, step {step}: an age went from {last[i] / Second} to {before[i] / Second} s");
                    Assert.True(board.Clock.AssumedAgeNs(board.Items[i].Item, board.BoardNs, untrusted) >= before[i]);
                }

                last = before;
            }
        }
    }

    [Fact]
    public void What_is_kept_of_it_is_enough_to_go_on()
    {
        var board = new Board(7);
        for (var step = 0; step < 200; step++)
        {
            board.Live();
        }

        var again = new TermClock(board.Clock.Marks);
        Assert.All(board.Items, item => Assert.Equal(
            board.Clock.CertainAgeNs(item.Item, board.BoardNs), again.CertainAgeNs(item.Item, board.BoardNs)));
        Assert.InRange(board.Clock.Marks.Length, 1, 16);
    }

    [Fact]
    public void A_real_time_clock_is_believed_within_what_is_plausible()
    {
        var clock = new TermClock([]);
        Assert.False(clock.IsTrusted(0, Start, ClockQuality.Rtc));
        clock.Observe(0, Start, ClockQuality.Ntp);
        Assert.True(clock.IsTrusted(10 * Second, Start + (20 * Day), ClockQuality.Rtc));
        Assert.False(clock.IsTrusted(10 * Second, Start - Day, ClockQuality.Rtc));
        Assert.False(clock.IsTrusted(10 * Second, Start + (200 * Day), ClockQuality.Rtc));
        Assert.True(clock.IsTrusted(10 * Second, Start + (200 * Day), ClockQuality.Gnss));
        Assert.False(clock.IsTrusted(10 * Second, Start + Day, ClockQuality.Unsynced));
    }

    [Fact]
    public void Without_any_time_a_term_ends_by_the_time_the_board_has_run()
    {
        var clock = new TermClock([]);
        var item = new TermStart(5 * Day, 0, ClockQuality.Unsynced, long.MinValue);
        Assert.Equal(30 * Day, clock.CertainAgeNs(item, 35 * Day));
    }

    private static List<long> Ages(Board board) => [.. board.Items.Select(item => board.Clock.CertainAgeNs(item.Item, board.BoardNs))];

    /// <summary>A board that runs, loses power, is set by NTP or not, and collects.</summary>
    private sealed class Board(int seed)
    {
        private readonly Random _random = new(seed);
        private long _floorNs = long.MinValue;

        public TermClock Clock { get; } = new([]);

        public long BoardNs { get; private set; }

        public long TrueNs { get; private set; } = Start;

        public bool IsSynced { get; private set; }

        public List<(TermStart Item, long TrueNs)> Items { get; } = [];

        public void Live()
        {
            switch (_random.Next(6))
            {
                case 0:
                    // a power cut: time passes that nobody counts
                    TrueNs += _random.NextInt64(0, 40 * Day);
                    IsSynced = false;
                    _floorNs = Clock.FloorOffsetNs;
                    break;
                case 1:
                    IsSynced = true;
                    break;
                case 2 when IsSynced:
                    Items.Add((new TermStart(BoardNs, TrueNs + Noise(), ClockQuality.Ntp, _floorNs), TrueNs));
                    break;
                default:
                    var run = _random.NextInt64(0, 3 * Day);
                    TrueNs += run;
                    BoardNs += run;
                    break;
            }

            if (IsSynced)
            {
                Clock.Observe(BoardNs, TrueNs + Noise(), ClockQuality.Ntp);
            }
        }

        private long Noise() => _random.NextInt64(-Second / 2, Second / 2);
    }
}
