using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What one (function, field) stands on: a consent, an exemption, or the basis of a basic function; or why it stands on nothing.
/// Immutable; any thread.</summary>
internal sealed class Ground
{
    /// <summary><see cref="DenyReason.None"/> when there is a <see cref="Permit"/>.</summary>
    public required DenyReason Why { get; init; }

    /// <summary>What it permits.</summary>
    public Permit? Permit { get; init; }

    /// <summary>When it ends by itself, Unix ns; 0: it does not.</summary>
    public long Expires { get; init; }

    /// <summary>Data admitted under this or a later event is covered.</summary>
    public long Since { get; init; }

    /// <summary>What the leave for finer places permits besides (R45); null when there is none.</summary>
    public Permit? Finer { get; init; }

    /// <summary>When that leave ends by itself.</summary>
    public long FinerExpires { get; init; }

    /// <summary>Data admitted under that leave from this event on is covered.</summary>
    public long FinerSince { get; init; }

    /// <summary>True while what that leave hangs on cannot be told: places are taken as without it, and finer ones that are stored wait.</summary>
    public bool IsFinerPaused { get; init; }

    /// <summary>All events that ever were such a leave, ascending: data admitted under them is finer than <see cref="Permit"/> allows.</summary>
    public long[] FinerIds { get; init; } = [];

    /// <summary>True when it stands on a person's consent.</summary>
    public bool IsConsent { get; init; }

    public static Ground None(DenyReason why) => new() { Why = why };

    /// <summary>Whether it bears the question, and what it permits then.</summary>
    public DenyReason Check(in Question question, out Permit? permit)
    {
        permit = null;
        if (Why != DenyReason.None)
        {
            return Why;
        }

        var under = question.AdmittedUnder;
        var why = Lapse(question, Expires);
        if (under == long.MaxValue || why != DenyReason.None)
        {
            permit = why != DenyReason.None ? null
                : Finer is not null && !IsFinerPaused && Lapse(question, FinerExpires) == DenyReason.None ? Finer : Permit;
            return why;
        }

        if (FinerIds.Length > 0 && Array.BinarySearch(FinerIds, under) >= 0)
        {
            why = Finer is null || under < FinerSince ? DenyReason.Withdrawn
                : IsFinerPaused ? DenyReason.Paused
                : Lapse(question, FinerExpires);
            permit = why == DenyReason.None ? Finer : null;
            return why;
        }

        if (under < Since)
        {
            // Let in while none was needed, by an earlier policy: nobody withdrew it, and this consent does not cover it either.
            return under == 0 && IsConsent ? DenyReason.NotGranted : DenyReason.Withdrawn;
        }

        permit = Permit;
        return DenyReason.None;
    }

    /// <summary>Moments at which it changes by itself.</summary>
    public IEnumerable<long> Changes()
    {
        yield return Expires;
        yield return FinerExpires;
    }

    private static DenyReason Lapse(in Question question, long expires) =>
        expires == 0 ? DenyReason.None
        : question.Clock == ClockQuality.Unsynced ? DenyReason.ClockUntrusted
        : question.AtWallUnixNs < expires ? DenyReason.None
        : DenyReason.Lapsed;
}
