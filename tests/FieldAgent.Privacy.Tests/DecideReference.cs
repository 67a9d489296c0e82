using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>What the reference answers.</summary>
/// <param name="Why">None when permitted.</param>
/// <param name="Precision">How exact, when permitted.</param>
/// <param name="Consent">The event it rests on.</param>
/// <param name="Basis">The basis.</param>
internal readonly record struct Answer(DenyReason Why, Precision Precision = default, long Consent = 0, LegalBasis Basis = default);

/// <summary>A second evaluator, as naive as can be: goes through the whole ledger for every question, and knows no table.</summary>
internal sealed class DecideReference(Policy policy, IReadOnlyList<ConsentEvent> events, IReadOnlyList<ConsentPair>? paused = null)
{
    private const string Position = "location.position";
    private static readonly string[] Leaves = ["location.precise", "location.background"];
    private static readonly string[] Scopes = ["exact", "100m", "1km", "10km"];
    private static readonly Dictionary<string, LegalBasis> Exempting = new()
    {
        ["public-interest"] = LegalBasis.PublicInterest, ["vital-interest"] = LegalBasis.VitalInterest,
        ["contract-request"] = LegalBasis.Contract, ["self-disclosed"] = LegalBasis.LegitimateInterest,
        ["public-source"] = LegalBasis.LegitimateInterest, ["service-safety"] = LegalBasis.LegitimateInterest,
        ["other-law"] = LegalBasis.LegalObligation,
    };

    public Answer Decide(Question q)
    {
        // never-list, and what no rule names
        var rule = policy.Rules.SingleOrDefault(r => r.Function.Name == q.Function && r.Field.Name == q.Field);
        if (rule is null || Vocabulary.WhyNotAField(q.Field) is not null)
        {
            return new Answer(DenyReason.NoRule);
        }

        if (!IsInForce(q))
        {
            return new Answer(DenyReason.NotYetInForce);
        }

        // residency
        var guardian = q.Subject == Subject.Minor || events.Any(static e => e.Action == ConsentAction.Minor);
        var recipient = policy.Recipients.SingleOrDefault(r => r.Name == q.Recipient);
        var regions = new[] { q.Region, recipient?.Region }.Where(static r => !string.IsNullOrEmpty(r)).Distinct().ToList();
        if (regions.Count > 1 || regions.Any(region => !rule.Regions.Contains(region!)
            || (region != policy.Jurisdiction && Consent(q, rule, q.Field + "@" + region, guardian, stored: false).Why != DenyReason.None)))
        {
            return new Answer(DenyReason.Region);
        }

        // withdrawal or restriction
        var everything = events.LastOrDefault(static e => e.Function == "*" && e.Field == "*" && e.Action is ConsentAction.Grant or ConsentAction.Withdraw);
        if (everything is { Action: ConsentAction.Withdraw })
        {
            return new Answer(DenyReason.Withdrawn);
        }

        var answer = rule.Function.Tier == FunctionTier.Basic ? Basic(q, rule, guardian) : Consent(q, rule, q.Field, guardian, stored: true);
        if (answer.Why != DenyReason.None)
        {
            var exempt = Exemption(q, rule);
            answer = exempt.Why == DenyReason.None
                || (answer.Why == DenyReason.NotGranted && exempt.Why is DenyReason.Lapsed or DenyReason.ClockUntrusted) ? exempt : answer;
        }

        if (answer.Why == DenyReason.Withdrawn)
        {
            return answer;
        }

        if (IsPaused(q.Function, q.Field))
        {
            return new Answer(DenyReason.Paused);
        }

        if (IsRestricted(q))
        {
            return new Answer(DenyReason.Restricted);
        }

        // prohibition
        if (rule.Prohibitions.Any(p => (p.Stage ?? Stage.Collect) <= q.Stage && (p.Recipient ?? q.Recipient) == q.Recipient
            && (p.Region is null || regions.Contains(p.Region))))
        {
            return new Answer(DenyReason.Prohibited);
        }

        // basis or consent, term, recipient
        if (answer.Why == DenyReason.None && q.CapturedWallUnixNs != 0 && q.AtWallUnixNs - q.CapturedWallUnixNs >= rule.Term.ToNs())
        {
            return new Answer(q.Clock == ClockQuality.Unsynced ? DenyReason.ClockUntrusted : DenyReason.Expired);
        }

        if (answer.Why == DenyReason.None && q.Recipient is not null)
        {
            if (recipient is null || !rule.Recipients.Contains(q.Recipient) || !recipient.Fields.Contains(q.Field)
                || q.Field == "device.serial" || Leaves.Contains(q.Field))
            {
                return new Answer(DenyReason.NotARecipient);
            }

            if (recipient.Transform == RecipientTransform.Anonymise && !q.Field.StartsWith("analytics.", StringComparison.Ordinal))
            {
                return new Answer(DenyReason.AnonymousOnly);
            }
        }

        return answer;
    }

    private bool IsPaused(string function, string field) => paused is not null && paused.Contains(new ConsentPair(function, field));

    private bool IsInForce(Question q)
    {
        var adopted = events.LastOrDefault(static e => e.Action == ConsentAction.Adopt);
        var from = new DateTimeOffset(policy.EffectiveFrom.ToDateTime(default), TimeSpan.Zero).ToUnixTimeSeconds() * 1_000_000_000;
        if (adopted is not null && adopted.PolicyHash != policy.Hash)
        {
            return false;
        }

        if (adopted is not null && adopted.At.Quality != ClockQuality.Unsynced && adopted.At.WallUnixNs >= from)
        {
            return true;
        }

        var hasCome = q.AtWallUnixNs >= from;
        var isSuccessor = events.Any(e => e.Action == ConsentAction.Adopt && e.PolicyHash != policy.Hash);
        return isSuccessor ? hasCome && q.Clock != ClockQuality.Unsynced : hasCome || q.Clock is ClockQuality.Unsynced or ClockQuality.Rtc;
    }

    private bool IsRestricted(Question q)
    {
        var covering = events.Where(e => (e.Function == q.Function || e.Function == "*") && (e.Field == q.Field || e.Field == "*")).ToList();
        var freed = covering.LastOrDefault(static e => e.Action == ConsentAction.Unrestrict)?.Id ?? 0;
        return covering.Any(e => e.Action == ConsentAction.Restrict && e.Id > freed
            && (e.ExpiresWallUnixNs == 0 || q.Clock == ClockQuality.Unsynced || q.AtWallUnixNs < e.ExpiresWallUnixNs));
    }

    private Answer Basic(Question q, PolicyRule rule, bool guardian)
    {
        long resumed = 0;
        var refused = false;
        foreach (var e in events.Where(static e => e.Function == "*" && e.Field == "*"))
        {
            resumed = e.Action == ConsentAction.Grant && refused ? e.Id : resumed;
            refused = e.Action == ConsentAction.Withdraw || (refused && e.Action != ConsentAction.Grant);
        }

        long consent = resumed;
        long expires = 0;
        if (IsSuspended(rule.Function.Name, "never agreed"))
        {
            var agreed = Walk(rule.Function.Name, rule.Field.Name, guardian);
            if (agreed.Why != DenyReason.None || IsSuspended(rule.Function.Name, agreed.Last!.PolicyHash))
            {
                return new Answer(DenyReason.Suspended);
            }

            (consent, expires) = (Math.Max(resumed, agreed.Last.Id), agreed.Last.ExpiresWallUnixNs);
        }

        return Lapse(q, expires) is not DenyReason.None and var why ? new Answer(why)
            : q.AdmittedUnder < resumed ? new Answer(DenyReason.Withdrawn)
            : new Answer(DenyReason.None, rule.Precision, consent, rule.Basis);
    }

    private Answer Consent(Question q, PolicyRule rule, string field, bool guardian, bool stored)
    {
        var function = rule.Function.Name;
        var own = Walk(function, field, guardian);
        if (own.Why != DenyReason.None)
        {
            return new Answer(
                own.Why == DenyReason.Withdrawn ? own.Why
                : guardian && Walk(function, field, false).Why == DenyReason.None ? DenyReason.NeedsGuardian
                : events.Any(e => e.Action == ConsentAction.Grant && Names(e, function, field) && IsForeign(e)) ? DenyReason.ControllerChanged
                : own.Why);
        }

        if (IsSuspended(function, own.Last!.PolicyHash))
        {
            return new Answer(DenyReason.Suspended);
        }

        if (Lapse(q, own.Last.ExpiresWallUnixNs) is not DenyReason.None and var lapsed)
        {
            return new Answer(lapsed);
        }

        var basis = rule.Bases.Contains(LegalBasis.Consent) ? LegalBasis.Consent : rule.Basis;
        var coarse = (Precision)Math.Max((int)rule.Precision, (int)own.Precision);
        if (!stored || field != Position)
        {
            return q.AdmittedUnder >= own.Since || !stored ? new Answer(DenyReason.None, coarse, own.Last.Id, basis)
                : new Answer(q.AdmittedUnder == 0 ? DenyReason.NotGranted : DenyReason.Withdrawn);
        }

        // A place: no finer than 1 km without a leave, and on a schedule without a second one where the policy has it.
        coarse = (Precision)Math.Max((int)coarse, (int)Precision.Cell1km);
        var leaves = Leaves.Where(leaf => leaf == Leaves[0] || policy.Rule(function, leaf) is not null)
            .Select(leaf => Walk(function, leaf, guardian)).ToList();
        var stand = policy.Rule(function, Leaves[0]) is not null && own.Precision <= Precision.Cell1km
            && leaves.All(leaf => leaf.Why == DenyReason.None && !IsSuspended(function, leaf.Last!.PolicyHash));
        var fine = stand ? (Precision)Math.Max((int)rule.Precision, (int)leaves[0].Precision) : coarse;
        stand &= fine < coarse;
        var late = stand ? leaves.Select(leaf => Lapse(q, leaf.Last!.ExpiresWallUnixNs)).Max() : DenyReason.None;
        var finer = stand ? new Answer(DenyReason.None, fine, leaves.Max(static leaf => leaf.Last!.Id), basis) : default;
        var plain = new Answer(DenyReason.None, coarse, own.Last.Id, basis);
        var waits = Leaves.Any(leaf => IsPaused(function, leaf));
        if (q.AdmittedUnder == long.MaxValue)
        {
            return stand && !waits && late == DenyReason.None ? finer : plain;
        }

        if (events.Any(e => e.Id == q.AdmittedUnder && Leaves.Any(leaf => Names(e, function, leaf)) && e.Action == ConsentAction.Grant && !IsForeign(e)))
        {
            return !stand || q.AdmittedUnder < leaves.Max(static leaf => leaf.Since) ? new Answer(DenyReason.Withdrawn)
                : waits ? new Answer(DenyReason.Paused)
                : late != DenyReason.None ? new Answer(late) : finer;
        }

        return q.AdmittedUnder >= own.Since ? plain : new Answer(q.AdmittedUnder == 0 ? DenyReason.NotGranted : DenyReason.Withdrawn);
    }

    private Answer Exemption(Question q, PolicyRule rule)
    {
        var withdrawn = events.LastOrDefault(e => IsWithdrawalOf(e, rule.Function.Name, rule.Field.Name))?.Id ?? 0;
        var used = events.Where(e => IsExemption(e, rule.Function.Name, rule.Field.Name) && e.Id > withdrawn).ToList();
        if (used.Count == 0)
        {
            return new Answer(DenyReason.NotGranted);
        }

        if (Lapse(q, used[^1].ExpiresWallUnixNs) is not DenyReason.None and var why)
        {
            return new Answer(why);
        }

        TryScope(used[^1], out var precision);
        var bound = rule.Field.Name == Position ? Precision.Cell1km : Precision.Exact;
        return q.AdmittedUnder < used[0].Id
            ? new Answer(DenyReason.Withdrawn)
            : new Answer(
                DenyReason.None, new[] { rule.Precision, precision, bound }.Max(), used[^1].Id, Exempting[used[^1].Reason]);
    }

    private (DenyReason Why, Precision Precision, long Since, ConsentEvent? Last) Walk(string function, string field, bool guardian)
    {
        var (why, precision, since, last) = (DenyReason.NotGranted, Precision.Exact, 0L, (ConsentEvent?)null);
        foreach (var e in events)
        {
            if (IsWithdrawalOf(e, function, field)
                && (Names(e, function, field) || events.Any(old => old.Id < e.Id && Names(old, function, field) && IsConsent(old))))
            {
                (why, last) = (DenyReason.Withdrawn, e);
            }
            else if (e.Action == ConsentAction.Grant && Counts(e, guardian) && Names(e, function, field))
            {
                var readable = TryScope(e, out var asked);
                var goesOn = why == DenyReason.None && precision >= asked && !(last!.ExpiresWallUnixNs != 0
                    && (e.At.Quality == ClockQuality.Unsynced || e.At.WallUnixNs >= last.ExpiresWallUnixNs));
                (why, precision, since, last) = (readable ? DenyReason.None : DenyReason.NotGranted, asked, goesOn ? since : e.Id, e);
            }
            else if (e.Action == ConsentAction.Grant && Counts(e, guardian) && why == DenyReason.None && e.Function == function
                && BaseOf(field) == e.Field)
            {
                // What it adds to was given anew, or given up.
                var other = new DecideReference(policy, [.. events.TakeWhile(old => old.Id <= e.Id)]).Walk(function, e.Field, guardian);
                if (other.Why != DenyReason.None || (other.Since == e.Id && Leaves.Contains(field)))
                {
                    (why, last) = (DenyReason.NotGranted, e);
                }
            }
        }

        return (why, precision, since, last);
    }

    private bool IsSuspended(string function, string hash)
    {
        var adopted = events.Where(static e => e.Action == ConsentAction.Adopt).ToList();
        var widened = adopted.FindLastIndex(e => e.Reference.Split(',').Any(name => name.Trim() == function || name.Trim() == "*"));
        return widened >= 0 && adopted.Skip(widened).All(e => e.PolicyHash != hash);
    }

    private static string? BaseOf(string field) => Leaves.Contains(field) ? Position : field.Contains('@') ? field.Split('@')[0] : null;

    private static bool Names(ConsentEvent e, string function, string field) => e.Function == function && e.Field == field;

    private static bool IsConsent(ConsentEvent e) =>
        e.Action is ConsentAction.Grant or ConsentAction.Withdraw || IsExemption(e, e.Function, e.Field);

    private static bool IsExemption(ConsentEvent e, string function, string field) =>
        e.Action == ConsentAction.Exempt && Names(e, function, field) && e.ExpiresWallUnixNs != 0 && Exempting.ContainsKey(e.Reason)
        && TryScope(e, out _) && function != "*" && field != "*" && !field.StartsWith("diagnostics.crash", StringComparison.Ordinal);

    private static bool IsWithdrawalOf(ConsentEvent e, string function, string field) =>
        e.Action == ConsentAction.Withdraw && (e.Function == function || e.Function == "*")
        && (e.Field == field || e.Field == "*" || e.Field == BaseOf(field));

    private bool IsForeign(ConsentEvent e) => e.ControllerId is not "" && policy.ControllerId is not "" && e.ControllerId != policy.ControllerId;

    private bool Counts(ConsentEvent e, bool guardian) => !IsForeign(e) && (!guardian || e.Role == "guardian");

    private static DenyReason Lapse(Question q, long expires) =>
        expires == 0 ? DenyReason.None
        : q.Clock == ClockQuality.Unsynced ? DenyReason.ClockUntrusted
        : q.AtWallUnixNs >= expires ? DenyReason.Lapsed : DenyReason.None;

    private static bool TryScope(ConsentEvent e, out Precision precision)
    {
        var isPlace = e.Field is Position or "image.location" or "location.precise";
        var usual = e.Field == "location.precise" ? Precision.Cell100m : isPlace ? Precision.Cell1km : Precision.Exact;
        precision = e.Scope.Length == 0 ? usual : (Precision)Array.IndexOf(Scopes, e.Scope);
        return e.Scope.Length == 0 || (isPlace && Scopes.Contains(e.Scope));
    }
}
