using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Whether a policy holds at a moment (R104, R105). Immutable; any thread.</summary>
/// <remarks>A policy that follows another is used from its day on, by a trusted clock, and once the ledger says that it was adopted: its widening
/// is classified then. One that took effect stays in force when the clock is lost or set back. The very first has nothing to fall back on: it
/// waits only while NTP or GNSS says that its day has not come.</remarks>
public sealed class PolicyInForce
{
    private readonly bool _always;
    private readonly bool _never;
    private readonly bool _isFirst;

    internal PolicyInForce(Policy policy, IReadOnlyList<ConsentEvent> adoptions)
    {
        FromWallUnixNs = StartOf(policy);
        var last = adoptions.Count > 0 ? adoptions[^1] : null;
        _isFirst = adoptions.All(adoption => adoption.PolicyHash == policy.Hash);
        _never = last is not null && last.PolicyHash != policy.Hash;
        _always = !_never && last is not null && MayTakeEffect(policy, last.At);
    }

    /// <summary>Its day, Unix ns.</summary>
    public long FromWallUnixNs { get; }

    /// <summary>True when a policy that waits may take effect now: its day has begun (UTC), by a trusted clock. What adopts it appends
    /// <see cref="ConsentAction.Adopt"/> then, not before.</summary>
    public static bool MayTakeEffect(Policy policy, in Stamp now) =>
        now.Quality != ClockQuality.Unsynced && now.WallUnixNs >= StartOf(policy);

    /// <summary>True when it may be used at that moment.</summary>
    public bool Holds(long atWallUnixNs, ClockQuality clock)
    {
        if (_always || _never)
        {
            return _always;
        }

        return _isFirst
            ? clock < ClockQuality.Ntp || atWallUnixNs >= FromWallUnixNs
            : clock != ClockQuality.Unsynced && atWallUnixNs >= FromWallUnixNs;
    }

    private static long StartOf(Policy policy) =>
        (policy.EffectiveFrom.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) - DateTime.UnixEpoch).ToNs();
}
