using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Where one (function, field) stands after all its events.</summary>
/// <param name="Last">The newest event.</param>
/// <param name="Why"><see cref="DenyReason.None"/> when the newest event is a grant that can be read; else why it allows nothing.</param>
/// <param name="Precision">How exact, for a place; <see cref="Core.Precision.Exact"/> for all else.</param>
/// <param name="Since">Data admitted under this or a later event is still covered: the oldest grant after the last
/// withdrawal, narrowing or lapse. 0 when not granted.</param>
internal readonly record struct ConsentStanding(ConsentEvent Last, DenyReason Why, Precision Precision, long Since)
{
    public bool Granted => Why == DenyReason.None;

    /// <summary>The standing after one more event.</summary>
    public static ConsentStanding After(ConsentStanding? before, ConsentEvent next)
    {
        if (next.Action == ConsentAction.Withdraw)
        {
            return Ended(next, DenyReason.Withdrawn);
        }

        if (next.Action != ConsentAction.Grant || !ConsentScope.TryRead(next.Field, next.Scope, out var precision))
        {
            return Ended(next, DenyReason.NotGranted);
        }

        // A narrower grant leaves nothing that was admitted more exactly: it counts as a new beginning. So does one after a lapse.
        var goesOn = before is { Granted: true } old && old.Precision >= precision && !HadLapsed(old.Last, next);
        return new ConsentStanding(next, DenyReason.None, precision, goesOn ? before!.Value.Since : next.Id);
    }

    /// <summary>A standing that allows nothing, because of <paramref name="cause"/>.</summary>
    public static ConsentStanding Ended(ConsentEvent cause, DenyReason why) => new(cause, why, Precision.Cell10km, 0);

    private static bool HadLapsed(ConsentEvent old, ConsentEvent next) =>
        old.ExpiresWallUnixNs != 0
        && (next.At.Quality == ClockQuality.Unsynced || next.At.WallUnixNs >= old.ExpiresWallUnixNs);
}

/// <summary>All that the ledger says of one (function, field).</summary>
internal sealed class ConsentPairHistory
{
    /// <summary>The standing by grants of anybody; null before the first event.</summary>
    public ConsentStanding? Anyone { get; set; }

    /// <summary>The standing by grants of a guardian alone (R102). Withdrawals count from anybody.</summary>
    public ConsentStanding? Guardian { get; set; }

    /// <summary>True when there is a grant to a controller other than the policy's; it does not count (R79).</summary>
    public bool Foreign { get; set; }

    /// <summary>The exemption from consent that is used (R16); null when none is, or it was ended by a withdrawal.</summary>
    public ConsentEvent? Exemption { get; set; }

    /// <summary>Data admitted under this or a later event is covered by <see cref="Exemption"/>.</summary>
    public long ExemptSince { get; set; }

    /// <summary>Ids of all grants there were, ascending.</summary>
    public List<long> Grants { get; } = [];

    /// <summary>Ends the standing by those grants.</summary>
    public void End(in ConsentStanding ended, bool guardianOnly)
    {
        if (guardianOnly)
        {
            Guardian = ended;
        }
        else
        {
            Anyone = ended;
        }
    }

    /// <summary>The standing by those grants that count for <paramref name="guardianOnly"/>.</summary>
    public ConsentStanding? Standing(bool guardianOnly) => guardianOnly ? Guardian : Anyone;
}
