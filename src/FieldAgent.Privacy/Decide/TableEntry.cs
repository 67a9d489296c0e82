using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A recipient, as one rule sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Region">Where the policy says it is; empty when the policy does not declare it.</param>
/// <param name="Why"><see cref="DenyReason.None"/> when it may receive the field.</param>
internal readonly record struct TableRecipient(string Name, string Region, DenyReason Why);

/// <summary>A country that data may go to.</summary>
/// <param name="Code">ISO 3166 code.</param>
/// <param name="Expires">When the consent to cross the border ends by itself, Unix ns; 0: it does not, or none is needed.</param>
internal readonly record struct TableRegion(string Code, long Expires);

/// <summary>The grounds by one reading of the ledger: by everybody's grants, or by a guardian's alone.</summary>
/// <param name="Consent">The consent, or the basis of a basic function.</param>
/// <param name="Regions">Where the data may go.</param>
internal sealed record TableTrack(Ground Consent, TableRegion[] Regions);

/// <summary>All that decides about one (function, field), made when policy or ledger changes. Immutable; any thread.</summary>
internal sealed class TableEntry
{
    /// <summary>The rule.</summary>
    public required PolicyRule Rule { get; init; }

    /// <summary>True when what is admitted for it ends here and is never stored.</summary>
    public required bool Ends { get; init; }

    /// <summary>Whether the policy holds yet.</summary>
    public required PolicyInForce InForce { get; init; }

    /// <summary>True after a global refusal (R7).</summary>
    public required bool IsRefused { get; init; }

    /// <summary>By the grants that count for the person on record.</summary>
    public required TableTrack OnRecord { get; init; }

    /// <summary>By a guardian's grants.</summary>
    public required TableTrack Minor { get; init; }

    /// <summary>An exemption from consent, or null.</summary>
    public required Ground? Exemption { get; init; }

    /// <summary>True while what its consent hangs on cannot be told.</summary>
    public required bool IsPaused { get; init; }

    /// <summary>Until when it is frozen, Unix ns; 0: not.</summary>
    public required long RestrictedUntil { get; init; }

    /// <summary>All recipients of the policy, and those the rule names.</summary>
    public required TableRecipient[] Recipients { get; init; }

    /// <summary>The decision: residency, withdrawal, pause or restriction, prohibition, basis or consent, deny.</summary>
    /// <param name="question">What is asked.</param>
    /// <param name="despiteRefusal">True for what must go on after a global refusal: the name under which receipts and requests to erase go
    /// out.</param>
    public Decision Answer(in Question question, bool despiteRefusal = false)
    {
        if (!InForce.Holds(question.AtWallUnixNs, question.Clock))
        {
            return Decision.Deny(DenyReason.NotYetInForce);
        }

        var track = question.Subject == Subject.Minor ? Minor : OnRecord;
        var recipient = question.Recipient is null ? default : RecipientOf(question.Recipient);
        var region = string.IsNullOrEmpty(question.Region) ? recipient.Region : question.Region;
        if (!MayGoTo(track, question, recipient, region))
        {
            return Decision.Deny(DenyReason.Region);
        }

        if (IsRefused && !despiteRefusal)
        {
            return Decision.Deny(DenyReason.Withdrawn);
        }

        var why = Grounds(track, question, out var permit);
        if (why == DenyReason.Withdrawn)
        {
            return Decision.Deny(why);
        }

        if (IsPaused)
        {
            return Decision.Deny(DenyReason.Paused);
        }

        if (RestrictedUntil != 0 && (question.Clock == ClockQuality.Unsynced || question.AtWallUnixNs < RestrictedUntil))
        {
            return Decision.Deny(DenyReason.Restricted);
        }

        if (IsProhibited(question, region))
        {
            return Decision.Deny(DenyReason.Prohibited);
        }

        if (why == DenyReason.None)
        {
            why = Over(question);
        }

        if (why == DenyReason.None && question.Recipient is not null)
        {
            why = recipient.Why;
        }

        return why == DenyReason.None ? new Decision(permit, DenyReason.None) : Decision.Deny(why);
    }

    /// <summary>Moments at which the answer changes by itself, Unix ns; 0 among them means nothing.</summary>
    public IEnumerable<long> Changes()
    {
        IEnumerable<long> all = [InForce.FromWallUnixNs, RestrictedUntil, .. OnRecord.Consent.Changes(), .. Exemption?.Changes() ?? []];
        return all.Concat(OnRecord.Regions.Select(static region => region.Expires));
    }

    private DenyReason Grounds(TableTrack track, in Question question, out Permit? permit)
    {
        var why = track.Consent.Check(question, out permit);
        if (why == DenyReason.None || Exemption is null)
        {
            return why;
        }

        var exempt = Exemption.Check(question, out permit);
        if (exempt == DenyReason.None)
        {
            return exempt;
        }

        // Nothing was granted, and the exemption has ended: that is the nearer reason.
        return why == DenyReason.NotGranted && exempt is DenyReason.Lapsed or DenyReason.ClockUntrusted ? exempt : why;
    }

    private DenyReason Over(in Question question)
    {
        var captured = question.CapturedWallUnixNs;
        if (captured == 0 || question.AtWallUnixNs - captured < Rule.Term.ToNs())
        {
            return DenyReason.None;
        }

        return question.Clock == ClockQuality.Unsynced ? DenyReason.ClockUntrusted : DenyReason.Expired;
    }

    private bool IsProhibited(in Question question, string? region)
    {
        var prohibitions = Rule.Prohibitions;
        for (var i = 0; i < prohibitions.Count; i++)
        {
            // What may not be collected may not be kept, and what may not be kept may not be sent.
            var prohibition = prohibitions[i];
            if ((prohibition.Stage is null || prohibition.Stage <= question.Stage)
                && (prohibition.Recipient is null || prohibition.Recipient == question.Recipient)
                && (prohibition.Region is null || prohibition.Region == region))
            {
                return true;
            }
        }

        return false;
    }

    private static bool MayGoTo(TableTrack track, in Question question, in TableRecipient recipient, string? region)
    {
        if (string.IsNullOrEmpty(region))
        {
            return true;
        }

        // The configuration's endpoint must be where the policy says that the recipient is.
        if (!string.IsNullOrEmpty(recipient.Region) && recipient.Region != region)
        {
            return false;
        }

        foreach (ref readonly var allowed in track.Regions.AsSpan())
        {
            if (allowed.Code == region)
            {
                return allowed.Expires == 0
                    || (question.Clock != ClockQuality.Unsynced && question.AtWallUnixNs < allowed.Expires);
            }
        }

        return false;
    }

    private TableRecipient RecipientOf(string name)
    {
        foreach (ref readonly var recipient in Recipients.AsSpan())
        {
            if (recipient.Name == name)
            {
                return recipient;
            }
        }

        return new TableRecipient(name, "", DenyReason.NotARecipient);
    }
}
