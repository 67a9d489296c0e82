using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Makes the entries of a <see cref="DecisionTable"/> out of a policy and a ledger.</summary>
internal sealed class TableBuilder(Policy policy, ConsentHistory history, IReadOnlyCollection<ConsentPair> paused)
{
    private readonly PolicyInForce _inForce = new(policy, history.Adoptions);

    /// <summary>The entry of <paramref name="rule"/>; unchanged permits are those of <paramref name="old"/>.</summary>
    public TableEntry Entry(PolicyRule rule, TableEntry? old)
    {
        var anyone = Track(rule, guardianOnly: false, old?.OnRecord);
        var guardian = Track(rule, guardianOnly: true, old?.Minor);
        return new TableEntry
        {
            Rule = rule,
            Ends = Derivations.Ends(rule.Function.Name),
            InForce = _inForce,
            IsRefused = history.Refusal is not null,
            OnRecord = history.IsMinor ? guardian : anyone,
            Minor = guardian,
            Exemption = Exemption(rule, old?.Exemption),
            IsPaused = IsPaused(rule.Function.Name, rule.Field.Name),
            RestrictedUntil = history.RestrictedUntil(rule.Function.Name, rule.Field.Name),
            Recipients = [.. Recipients(rule)],
        };
    }

    private TableTrack Track(PolicyRule rule, bool guardianOnly, TableTrack? old) => new(
        rule.Function.Tier == FunctionTier.Basic ? Basic(rule, guardianOnly, old?.Consent) : Extended(rule, guardianOnly, old?.Consent),
        [.. Regions(rule, guardianOnly)]);

    // On by its basis; only a widening and a global refusal make it ask for an agreement.
    private Ground Basic(PolicyRule rule, bool guardianOnly, Ground? old)
    {
        var agreed = Standing(rule.Function.Name, rule.Field.Name, guardianOnly);
        var isSuspended = history.IsSuspended(rule.Function.Name, agreedUnder: "");
        if (isSuspended && (agreed is not { Granted: true } || IsSuspended(rule.Function.Name, agreed.Value)))
        {
            return Ground.None(DenyReason.Suspended);
        }

        return new Ground
        {
            Why = DenyReason.None,
            Permit = Permit(rule, rule.Basis, rule.Precision, Math.Max(history.ResumedBy, isSuspended ? agreed!.Value.Last.Id : 0), old),
            Expires = isSuspended ? agreed!.Value.Last.ExpiresWallUnixNs : 0,
            Since = history.ResumedBy,
        };
    }

    private Ground Extended(PolicyRule rule, bool guardianOnly, Ground? old)
    {
        var (function, field) = (rule.Function.Name, rule.Field.Name);
        if (Standing(function, field, guardianOnly) is not { Granted: true } standing)
        {
            return Ground.None(WhyNot(history.Find(function, field), guardianOnly));
        }

        if (IsSuspended(function, standing))
        {
            return Ground.None(DenyReason.Suspended);
        }

        var basis = rule.Bases.Contains(LegalBasis.Consent) ? LegalBasis.Consent : rule.Basis;
        var coarse = Coarser(Coarser(standing.Precision, Bound(function, field)), rule.Precision);
        var finer = field == Vocabulary.LocationPosition ? Finer(rule, guardianOnly, standing) : null;
        var finerPrecision = finer is { } leave ? Coarser(leave.Precision, rule.Precision) : coarse;
        return new Ground
        {
            Why = DenyReason.None,
            IsConsent = true,
            Permit = Permit(rule, basis, coarse, standing.Last.Id, old),
            Expires = standing.Last.ExpiresWallUnixNs,
            Since = standing.Since,
            Finer = finerPrecision < coarse ? Permit(rule, basis, finerPrecision, finer!.Value.Id, old) : null,
            FinerSince = finer?.Since ?? 0,
            FinerExpires = finer?.Expires ?? 0,
            IsFinerPaused = field == Vocabulary.LocationPosition
                && (IsPaused(function, Vocabulary.LocationPrecise) || IsPaused(function, Vocabulary.LocationBackground)),
            FinerIds = field == Vocabulary.LocationPosition ? FinerIds(function) : [],
        };
    }

    // Finer than the coarse bound only with a leave of its own; and, where the policy tells them apart, with one to take such places unasked (R45).
    private (long Id, long Since, long Expires, Precision Precision)? Finer(PolicyRule rule, bool guardianOnly, in ConsentStanding coarse)
    {
        var function = rule.Function.Name;
        if (coarse.Precision > PolicyLimits.CoarseLocation || policy.Rule(function, Vocabulary.LocationPrecise) is not { } preciseRule
            || Standing(function, Vocabulary.LocationPrecise, guardianOnly) is not { Granted: true } precise || IsSuspended(function, precise))
        {
            return null;
        }

        var leave = (Id: precise.Last.Id, precise.Since, Expires: precise.Last.ExpiresWallUnixNs,
            Precision: Coarser(precise.Precision, preciseRule.Precision));
        if (policy.Rule(function, Vocabulary.LocationBackground) is null)
        {
            return leave;
        }

        if (Standing(function, Vocabulary.LocationBackground, guardianOnly) is not { Granted: true } unasked || IsSuspended(function, unasked))
        {
            return null;
        }

        return (Math.Max(leave.Id, unasked.Last.Id), Math.Max(leave.Since, unasked.Since),
            Earlier(leave.Expires, unasked.Last.ExpiresWallUnixNs), leave.Precision);
    }

    private long[] FinerIds(string function) =>
    [
        .. new[] { Vocabulary.LocationPrecise, Vocabulary.LocationBackground }
            .SelectMany(field => history.Find(function, field)?.Grants ?? []).Order(),
    ];

    private Ground? Exemption(PolicyRule rule, Ground? old)
    {
        var own = history.Find(rule.Function.Name, rule.Field.Name);
        if (own?.Exemption is not { } used || !ConsentScope.TryRead(used.Field, used.Scope, out var precision))
        {
            return null;
        }

        precision = Coarser(Coarser(precision, Bound(rule.Function.Name, rule.Field.Name)), rule.Precision);
        return new Ground
        {
            Why = DenyReason.None,
            Permit = Permit(rule, Exemptions.BasisOf(used.Reason)!.Value, precision, used.Id, old),
            Expires = used.ExpiresWallUnixNs,
            Since = own.ExemptSince,
        };
    }

    private IEnumerable<TableRegion> Regions(PolicyRule rule, bool guardianOnly)
    {
        var function = rule.Function.Name;
        foreach (var region in rule.Regions)
        {
            if (region == policy.Jurisdiction)
            {
                yield return new TableRegion(region, 0);
            }
            else if (Standing(function, CrossBorder.Name(rule.Field.Name, region), guardianOnly) is { Granted: true } crossing
                && !IsSuspended(function, crossing))
            {
                yield return new TableRegion(region, crossing.Last.ExpiresWallUnixNs);
            }
        }
    }

    private IEnumerable<TableRecipient> Recipients(PolicyRule rule)
    {
        var field = rule.Field.Name;
        foreach (var recipient in policy.Recipients)
        {
            var why = !rule.Recipients.Contains(recipient.Name) || !recipient.Fields.Contains(field) || Vocabulary.WhyNeverSent(field) is not null
                ? DenyReason.NotARecipient
                : recipient.Transform == RecipientTransform.Anonymise && !Vocabulary.IsAnonymous(field) ? DenyReason.AnonymousOnly
                : DenyReason.None;
            yield return new TableRecipient(recipient.Name, recipient.Region, why);
        }
    }

    private ConsentStanding? Standing(string function, string field, bool guardianOnly) => history.Find(function, field)?.Standing(guardianOnly);

    private bool IsSuspended(string function, in ConsentStanding standing) => history.IsSuspended(function, standing.Last.PolicyHash);

    private bool IsPaused(string function, string field) => paused.Contains(new ConsentPair(function, field));

    private static DenyReason WhyNot(ConsentPairHistory? own, bool guardianOnly)
    {
        var why = own?.Standing(guardianOnly)?.Why ?? DenyReason.NotGranted;
        if (own is null || why != DenyReason.NotGranted)
        {
            return why;
        }

        return guardianOnly && own.Anyone is { Granted: true } ? DenyReason.NeedsGuardian
            : own.Foreign ? DenyReason.ControllerChanged
            : why;
    }

    // The finest that a place may be without a leave for finer ones.
    // Places that end in the gate, where nothing of them is stored or sent, need no leave to be fine.
    private static Precision Bound(string function, string field) =>
        field == Vocabulary.LocationPosition && !Derivations.Ends(function) ? PolicyLimits.CoarseLocation : Precision.Exact;

    private static Precision Coarser(Precision one, Precision other) => one > other ? one : other;

    private static long Earlier(long one, long other) => one == 0 ? other : other == 0 ? one : Math.Min(one, other);

    private Permit Permit(PolicyRule rule, LegalBasis basis, Precision precision, long consentId, Ground? old)
    {
        var permit = new Permit(
            rule.Function.Name,
            rule.Field.Name,
            rule.Purpose,
            basis,
            precision,
            rule.Term,
            rule.Recipients,
            consentId,
            policy.Version,
            policy.Hash,
            rule.Field.Class is FieldClass.Personal or FieldClass.Sensitive);
        return permit == old?.Permit ? old.Permit : permit == old?.Finer ? old.Finer : permit;
    }
}
