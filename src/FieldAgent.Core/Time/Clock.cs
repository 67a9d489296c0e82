namespace FieldAgent.Core;

/// <summary>How far a wall-clock estimate can be trusted, worst first.</summary>
public enum ClockQuality : byte
{
    /// <summary>Nobody has set the clock since this boot.</summary>
    Unsynced = 0,

    /// <summary>A battery-backed real-time clock set it; it may have drifted.</summary>
    Rtc = 1,

    /// <summary>The kernel says that NTP disciplines it (adjtimex without STA_UNSYNC).</summary>
    Ntp = 2,

    /// <summary>A GNSS fix gave the time in this boot.</summary>
    Gnss = 3,
}

/// <summary>When something happened: boot id and boot-time order events without a clock; wall time is an estimate.</summary>
/// <param name="BootId">The kernel's random id of this boot (<c>/proc/sys/kernel/random/boot_id</c>). Never leaves the board.</param>
/// <param name="BootNs"><c>CLOCK_BOOTTIME</c>, nanoseconds since boot, suspend included.</param>
/// <param name="WallUnixNs">Estimated nanoseconds since 1970-01-01T00:00:00Z.</param>
/// <param name="Quality">How far <paramref name="WallUnixNs"/> can be trusted.</param>
public readonly record struct Stamp(Guid BootId, long BootNs, long WallUnixNs, ClockQuality Quality);

/// <summary>The agent's only source of time. All members may be called from any thread.</summary>
public interface IClock
{
    /// <summary>The id of this boot.</summary>
    Guid BootId { get; }

    /// <summary>Nanoseconds of <c>CLOCK_BOOTTIME</c>; never goes back within a boot.</summary>
    long BootNs { get; }

    /// <summary>The quality of the wall estimate at this moment.</summary>
    ClockQuality Quality { get; }

    /// <summary>Nanoseconds to add to a boot-time of this boot to get the best known wall time (Unix ns).</summary>
    long WallOffsetNs { get; }

    /// <summary>Tells the clock that <paramref name="source"/> says it was <paramref name="unixNs"/> at <paramref name="bootNs"/>.
    /// The clock keeps the offer only if it is no worse than what it has, and never changes the system clock.</summary>
    void Offer(ClockQuality source, long unixNs, long bootNs);

    /// <summary>Blocks the calling thread until boot-time <paramref name="bootNs"/> or until <paramref name="stop"/>.</summary>
    /// <returns>True when the time came, false when stopped first.</returns>
    bool WaitUntil(long bootNs, CancellationToken stop);
}

/// <summary>What every clock can do with those members.</summary>
public static class ClockExtensions
{
    /// <summary>Nanoseconds in one second.</summary>
    public const long NsPerSecond = 1_000_000_000;

    /// <summary>The stamp of this moment.</summary>
    public static Stamp Now(this IClock clock)
    {
        var bootNs = clock.BootNs;
        return new Stamp(clock.BootId, bootNs, bootNs + clock.WallOffsetNs, clock.Quality);
    }

    /// <summary>Blocks for <paramref name="span"/>; false when stopped first.</summary>
    public static bool Wait(this IClock clock, TimeSpan span, CancellationToken stop) =>
        clock.WaitUntil(clock.BootNs + span.ToNs(), stop);

    /// <summary>The span in nanoseconds, saturating at ±292 years.</summary>
    public static long ToNs(this TimeSpan span) =>
        span.Ticks > long.MaxValue / 100 ? long.MaxValue : span.Ticks < long.MinValue / 100 ? long.MinValue : span.Ticks * 100;

    /// <summary>The wall time <paramref name="unixNs"/> as a UTC date, for people and documents.</summary>
    public static DateTimeOffset ToDate(long unixNs) => DateTimeOffset.UnixEpoch.AddTicks(unixNs / 100);
}
