using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Leads from something delivered back to what allowed it: rule, policy, consent, precision, recipient, audit. Changes nothing.
/// Any thread.</summary>
internal sealed class PrivacyWhy(
    Gate gate, IDeliveryLedger deliveries, IConsentLedger consents, IAuditLog audit, Audiences audiences, IReadOnlyList<string> recipients)
{
    // A block holds readings from its first one to the next flush, which is a minute away at most in any sensible configuration.
    private const long BlockNs = 60 * ClockExtensions.NsPerSecond;

    private const int AuditChunk = 256;

    /// <summary>Says why.</summary>
    /// <param name="what">A message's id (<c>pseudonym.generation.boot.item</c>), <c>function:number</c>, or the time of a reading or fact.</param>
    /// <param name="function">Only this function, or null.</param>
    /// <param name="recipient">Only this recipient, or null.</param>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply Of(string what, string? function, string? recipient)
    {
        if (!TrySelect(what, ref recipient, out var holds, out var mayHold, out var problem))
        {
            return ControlReply.No(problem);
        }

        var runs = deliveries.All().Where(run => holds(run) && (function is null || run.Function == function)
            && (recipient is null || run.Recipient == recipient)).ToList();
        var possible = deliveries.Possible().Where(one => mayHold(one) && (function is null || one.Function == function)
            && (recipient is null || one.Recipient == recipient) && !runs.Any(run => run.Recipient == one.Recipient && run.Function == one.Function
                && (!one.IsFacts || run.Field == one.Field))).ToList();
        if (runs.Count + possible.Count == 0)
        {
            return ControlReply.No($"{what} was delivered to nobody: it waits, was given up or erased before it was sent, or the term of the record "
                + "is over; 'fieldagent deliveries' lists what was delivered");
        }

        List<string> lines = [];
        if (runs.Select(static run => (run.Function, run.Field)).Union(possible.Select(static one => (one.Function, one.Field))).Count() > 1)
        {
            lines.Add($"{what} can be one of these; the message names its function: repeat with --function");
        }

        var events = consents.All();
        foreach (var run in runs)
        {
            lines.AddRange(Explain(run, events));
        }

        // nothing was acknowledged: who may have it all the same
        lines.AddRange(possible.Select(one =>
            $"{Holders.What(one)}: {one.Recipient} may have it: sent at {PrivacyOverview.Time(one.FirstWallUnixNs)} UTC or later, and not acknowledged"
                + (gate.Policy.Rule(one.Function, one.Field) is { } rule ? $"; by the policy in force for {rule.Purpose}, basis {rule.Basis.ToString().ToLowerInvariant()}" : "")));
        return new ControlReply(
            true, Lines: lines, Json: [.. runs.Select(run => Documents.Text(Json(run, events))), .. possible.Select(static one => Documents.Text(DeliveryText.Json(one)))]);
    }

    private bool TrySelect(
        string what, ref string? recipient, out Func<DeliveryRecord, bool> holds, out Func<PossibleDelivery, bool> mayHold, out string problem)
    {
        problem = "";
        var colon = what.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && Opt.IsName(what[..colon]) && long.TryParse(what.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            var of = what[..colon];
            holds = run => !run.IsFacts && run.Function == of && run.Holds(number);
            mayHold = one => !one.IsFacts && one.Function == of && one.MayHold(number);
            return true;
        }

        var parts = what.Split('.');
        if (parts.Length is 4 or 5 && parts[0].Length == Pseudonym.Length
            && long.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out var item))
        {
            var name = recipients.FirstOrDefault(one => audiences.For(one).PrincipalId == parts[0]);
            recipient ??= name;
            holds = run => !run.IsFacts && item >= run.FromItem && item <= run.ToItem;
            mayHold = one => !one.IsFacts && item >= one.FromItem && item <= one.ToItem;
            return true;
        }

        if (DateTimeOffset.TryParse(what, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time.Year is > 1970 and < 2262)
        {
            var at = (time - DateTimeOffset.UnixEpoch).ToNs();
            holds = run => run.FromReadingWallUnixNs <= at && at <= run.ToReadingWallUnixNs + BlockNs;
            mayHold = one => one.FromReadingWallUnixNs <= at && at <= one.ToReadingWallUnixNs + BlockNs;
            return true;
        }

        holds = static _ => false;
        mayHold = static _ => false;
        problem = $"'{what}' is no message id, no FUNCTION:NUMBER such as fleet-location:17, and no time such as 2026-01-31T12:00:00Z";
        return false;
    }

    private IEnumerable<string> Explain(DeliveryRecord run, IReadOnlyList<ConsentEvent> events)
    {
        yield return string.Create(CultureInfo.InvariantCulture,
            $"{run.Function} {run.Field}, {(run.IsFacts ? Plural.Of(run.Items, "document of facts", "documents of facts") : $"numbers {run.FromSequence} to {run.ToSequence}")}: delivered to {run.Recipient} from {PrivacyOverview.Time(run.FirstWallUnixNs)} to {PrivacyOverview.Time(run.LastWallUnixNs)} UTC");
        yield return $"  rule       purpose {run.Purpose}, basis {run.Basis.ToString().ToLowerInvariant()}, as exact as {run.Precision.Word()}, kept {Opt.Write(run.Term)}";
        yield return $"  policy     {run.PolicyVersion}, SHA-256 {run.PolicyHash}{(run.PolicyHash == gate.Policy.Hash ? " (in force)" : " (no longer in force)")}";
        if (run.ConsentId == 0)
        {
            yield return "  consent    none needed: a basic function";
        }
        else if (events.FirstOrDefault(e => e.Id == run.ConsentId) is { } consent)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"  consent    event {consent.Id}: {consent.Action.ToString().ToLowerInvariant()} {consent.Scope} by {consent.Role} ({consent.Method}) at {PrivacyOverview.Time(consent.At.WallUnixNs)} UTC; 'fieldagent consent receipt {consent.Id}'");
        }
        else
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  consent    event {run.ConsentId}, which this ledger no longer holds");
        }

        yield return AuditOf(run) is { } entry
            ? string.Create(CultureInfo.InvariantCulture,
                $"  audit      entry {entry.Number}: {entry.Entry!.Kind.ToString().ToLowerInvariant()} {entry.Entry.What} at {PrivacyOverview.Time(entry.At.WallUnixNs)} UTC, hash {entry.Hash}")
            : "  audit      no entry: it was permitted from the beginning";
    }

    private JsonObject Json(DeliveryRecord run, IReadOnlyList<ConsentEvent> events)
    {
        var json = DeliveryText.Json(run);
        json["consentRole"] = events.FirstOrDefault(e => e.Id == run.ConsentId)?.Role;
        json["consentScope"] = events.FirstOrDefault(e => e.Id == run.ConsentId)?.Scope;
        json["policyInForce"] = run.PolicyHash == gate.Policy.Hash;
        var entry = AuditOf(run);
        json["auditEntry"] = entry?.Number;
        json["auditHash"] = entry?.Hash;
        return json;
    }

    // The last entry about the rule before the first of it was delivered: what made it permitted.
    private AuditRecord? AuditOf(DeliveryRecord run)
    {
        AuditRecord? found = null;
        for (long from = audit is IAuditChain chain ? Math.Max(1, chain.Head.First) : 1; ;)
        {
            var records = audit.Read(from, AuditChunk);
            foreach (var record in records)
            {
                if (record.Entry is { Kind: AuditKind.Consent or AuditKind.Decision or AuditKind.Exemption } entry && entry.Function == run.Function
                    && (entry.Field == run.Field || entry.Field.Length == 0) && record.At.WallUnixNs <= run.FirstWallUnixNs)
                {
                    found = record;
                }
            }

            if (records.Count < AuditChunk)
            {
                return found;
            }

            from = records[^1].Number + 1;
        }
    }
}
