using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Waits between attempts: exponential with full jitter, so that a fleet spreads out after an outage. One thread.</summary>
/// <remarks>Full jitter draws from zero to the ceiling; see "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.</remarks>
internal sealed class Backoff(CourierLimits limits, Random random)
{
    // Never a hot loop, whatever the dice say.
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(100);

    private int _failures;
    private int _refusals;

    /// <summary>The next wait: from 0.1 s to a ceiling that doubles from <see cref="CourierLimits.BackoffMin"/> to
    /// <see cref="CourierLimits.BackoffMax"/>; after a refusal at least <see cref="CourierLimits.BackoffRefused"/>.</summary>
    public TimeSpan Next(LinkFaultKind kind)
    {
        if (IsForPeople(kind))
        {
            var ceiling = Ceiling(limits.BackoffRefused * 2, _refusals++);
            return limits.BackoffRefused + ((ceiling - limits.BackoffRefused) * random.NextDouble());
        }

        var most = Ceiling(limits.BackoffMin, _failures++);
        return Least + ((most - Least) * random.NextDouble());
    }

    /// <summary>The connection was stable: begin small again.</summary>
    public void Reset()
    {
        _failures = 0;
        _refusals = 0;
    }

    /// <summary>True for faults that only a person can lift.</summary>
    public static bool IsForPeople(LinkFaultKind kind) =>
        kind is LinkFaultKind.NotAuthorized or LinkFaultKind.Tls or LinkFaultKind.Misconfigured;

    private TimeSpan Ceiling(TimeSpan first, int doublings)
    {
        var ceiling = first * Math.Pow(2, Math.Min(doublings, 20));
        return ceiling < limits.BackoffMax ? ceiling : limits.BackoffMax;
    }
}
