namespace FieldAgent.Core;

/// <summary>A moment at which the wall time was trusted: what it then was beyond board time.</summary>
/// <param name="BoardNs">Board time of the latest such moment.</param>
/// <param name="OffsetNs">Wall time less board time, Unix ns.</param>
public readonly record struct TermMark(long BoardNs, long OffsetNs);

/// <summary>When something was collected, as its term is counted.</summary>
/// <param name="BoardNs">Board time.</param>
/// <param name="WallNs">The estimate of wall time that its boot has, Unix ns.</param>
/// <param name="Quality">Quality of that estimate.</param>
/// <param name="FloorOffsetNs">Wall time less board time that was certain when its boot began: it was no earlier. <see cref="long.MinValue"/>
/// when nothing was known.</param>
public readonly record struct TermStart(long BoardNs, long WallNs, ClockQuality Quality, long FloorOffsetNs);

/// <summary>Counts how old stored data is, on a board without a clock of its own. <b>Board time</b> is the time the board has run, boot
/// after boot: it never goes back, and nobody can set it. Wall time counts where it was trusted: each trusted moment is a high-water
/// mark for everything that was collected before it, so that a clock set back lengthens no term; what an untrusted clock says can make
/// data unreadable (<see cref="AssumedAgeNs"/>) and never destroys it (<see cref="CertainAgeNs"/>). Reading is free of locks and allocation;
/// one thread at a time observes.</summary>
public sealed class TermClock
{
    // A clock that NTP steers moves by less; what is more was set.
    private const long NoiseNs = 2_000_000_000;

    // Marks beyond this arise only when trusted sources set the clock back again and again.
    private const int MarksMax = 16;

    // A real-time clock is believed when it says no less than is certain, and no more than so long a time without power (90 days).
    private const long RtcJumpMaxNs = 90L * 86_400 * ClockExtensions.NsPerSecond;

    // A wall time outside of 2024 to 2100 is that of a board without a clock.
    private const long WallMinNs = 1_704_067_200L * ClockExtensions.NsPerSecond;
    private const long WallMaxNs = 4_102_444_800L * ClockExtensions.NsPerSecond;

    // By board time ascending; offsets descending, as a later mark that is no lower replaces those before it.
    private TermMark[] _marks;

    /// <summary>A clock that goes on from what was kept.</summary>
    /// <param name="marks">Marks of earlier boots, oldest first.</param>
    public TermClock(ReadOnlySpan<TermMark> marks) => _marks = marks.ToArray();

    /// <summary>The marks, to be kept, oldest first.</summary>
    public ReadOnlySpan<TermMark> Marks => Volatile.Read(ref _marks);

    /// <summary>Wall time less board time that is certain; <see cref="long.MinValue"/> before the first trusted moment.</summary>
    public long FloorOffsetNs => Marks is { IsEmpty: false } marks ? marks[^1].OffsetNs : long.MinValue;

    /// <summary>Wall time, Unix ns, that it is at least; 0 before the first trusted moment. Holds end by it (R86).</summary>
    public long CertainWallNs(long boardNs) => FloorOffsetNs is var floor && floor == long.MinValue ? 0 : floor + boardNs;

    /// <summary>True when a wall time of this quality ends terms for good: NTP and GNSS always; a real-time clock once something is
    /// certain, and while it neither goes back behind that nor runs far ahead of it; an unsynchronised clock never.</summary>
    public bool IsTrusted(long boardNs, long wallNs, ClockQuality quality) => quality switch
    {
        ClockQuality.Ntp or ClockQuality.Gnss => true,
        ClockQuality.Rtc => FloorOffsetNs is var floor && floor != long.MinValue
            && wallNs - boardNs >= floor - NoiseNs && wallNs - boardNs <= floor + RtcJumpMaxNs,
        _ => false,
    };

    /// <summary>Takes note of what the clock says now.</summary>
    /// <returns>True when a mark changed so much that terms end earlier than was reckoned.</returns>
    public bool Observe(long boardNs, long wallNs, ClockQuality quality)
    {
        if (!IsTrusted(boardNs, wallNs, quality))
        {
            return false;
        }

        var offset = wallNs - boardNs;
        var marks = _marks;
        var kept = marks.Length;
        while (kept > 0 && marks[kept - 1].OffsetNs <= offset)
        {
            kept--;
        }

        if (kept > 0 && marks[kept - 1].OffsetNs - offset <= NoiseNs)
        {
            // steered a little back: the higher one stands, and reaches to now
            kept--;
            offset = marks[kept].OffsetNs;
        }

        TermMark[] next = [.. marks.AsSpan(0, kept), new TermMark(boardNs, offset)];
        if (next.Length > MarksMax)
        {
            // the two oldest as one: no term becomes longer
            next = [new TermMark(next[1].BoardNs, next[0].OffsetNs), .. next.AsSpan(2)];
        }

        Volatile.Write(ref _marks, next);
        return marks.Length == 0 || offset > marks[^1].OffsetNs + NoiseNs;
    }

    /// <summary>The age that is certain, ns, not negative: what ends a term for good.</summary>
    /// <param name="start">When it was collected.</param>
    /// <param name="boardNs">Board time now.</param>
    public long CertainAgeNs(in TermStart start, long boardNs)
    {
        var marks = Marks;
        var collected = CollectedWallNs(start, marks);
        var age = Math.Max(0, boardNs - start.BoardNs);
        foreach (var mark in marks)
        {
            if (mark.BoardNs >= start.BoardNs)
            {
                age = Math.Max(age, mark.OffsetNs + boardNs - collected);
            }
        }

        return age;
    }

    /// <summary>The age as far as anything says, ns: beyond its term nothing is read, sent or exported.</summary>
    /// <param name="start">When it was collected.</param>
    /// <param name="boardNs">Board time now.</param>
    /// <param name="wallNs">What the clock says, whatever its quality, Unix ns.</param>
    public long AssumedAgeNs(in TermStart start, long boardNs, long wallNs) =>
        Math.Max(CertainAgeNs(start, boardNs), wallNs - CollectedWallNs(start, Marks));

    // A trusted boot's estimate stands. Another's lies between what was certain before it and what was trusted after it.
    private static long CollectedWallNs(in TermStart start, ReadOnlySpan<TermMark> marks)
    {
        if (start.Quality >= ClockQuality.Ntp)
        {
            return start.WallNs;
        }

        var low = start.FloorOffsetNs == long.MinValue ? long.MinValue : start.FloorOffsetNs + start.BoardNs;
        var high = long.MaxValue;
        foreach (var mark in marks)
        {
            if (mark.BoardNs >= start.BoardNs)
            {
                high = Math.Min(high, mark.OffsetNs + start.BoardNs);
            }
        }

        if (start.WallNs is < WallMinNs or > WallMaxNs)
        {
            return low != long.MinValue ? low : high != long.MaxValue ? high : start.WallNs;
        }

        return Math.Min(Math.Max(start.WallNs, low), high);
    }
}
