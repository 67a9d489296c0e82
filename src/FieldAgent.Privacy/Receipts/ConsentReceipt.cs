using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Receipts of consents, with the fields of ISO/IEC TS 27560:2023 under their names there (header, processing, parties, events).
/// Members that the specification does not have are the board's own: <c>type</c>, <c>v</c>, <c>number</c>, and in an event
/// <c>clock_quality</c>, <c>function</c>, <c>field</c>, <c>scope</c>, <c>notice_hash</c>, <c>attestation</c>.</summary>
public static class ConsentReceipt
{
    /// <summary>Member <c>schema_version</c>.</summary>
    public const string SchemaVersion = "ISO/IEC TS 27560:2023";

    /// <summary>Writes the receipt of <paramref name="act"/> for <paramref name="audience"/>.</summary>
    /// <param name="policy">The policy in force: says what was consented to.</param>
    /// <param name="act">What was done.</param>
    /// <param name="audience">Who gets it. A recipient's receipt tells only what concerns this recipient.</param>
    /// <returns>The document, to be signed by the audience's key; null when nothing of the act concerns the recipient.</returns>
    public static JsonObject? Write(Policy policy, ConsentAct act, Audience audience)
    {
        var rules = Rules(policy, act, audience.Recipient);
        var orphans = audience.Recipient is null ? Orphans(policy, act) : [];
        if (rules.Count + orphans.Count == 0)
        {
            return null;
        }

        var first = act.Events[0];
        return new JsonObject
        {
            ["type"] = DocumentTypes.ConsentReceipt,
            ["v"] = 1,
            ["number"] = act.Number,
            ["schema_version"] = SchemaVersion,
            ["receipt_id"] = audience.Reference("consent-receipt", act.Number),
            ["record_id"] = audience.Reference("consent-record", act.Number),
            ["pii_principal_id"] = audience.PrincipalId,
            ["privacy_notice"] = new JsonObject
            {
                ["notice_hash"] = first.NoticeHash,
                ["policy_version"] = first.PolicyVersion,
                ["policy_hash"] = first.PolicyHash,
                ["described_by"] = policy.Hash,
            },
            ["language"] = first.Language.Length > 0 ? first.Language : ConsentNotice.DefaultLanguage,
            ["jurisdiction"] = policy.Jurisdiction,
            ["purposes"] = new JsonArray([.. rules.Select(rule => Purpose(policy, rule, act, audience.Recipient)), .. orphans.Select(one => Orphan(policy, one))]),
            ["party_identification"] = Parties(policy, rules, audience.Recipient),
            ["events"] = new JsonArray([.. act.Events.Where(e => Concerns(e, rules) || audience.Recipient is null).Select(Event)]),
        };
    }

    private static List<PolicyRule> Rules(Policy policy, ConsentAct act, string? recipient)
    {
        var pairs = act.Events.Select(static e => (e.Function, HomeOf(e.Field))).ToHashSet();
        return [.. policy.Rules.Where(rule => (act.IsAboutEverything || pairs.Contains((rule.Function.Name, rule.Field.Name)))
            && (recipient is null || rule.Recipients.Contains(recipient)))];
    }

    // Consents to what the policy in force no longer has: they end, and nothing more can be told of them.
    private static List<ConsentEvent> Orphans(Policy policy, ConsentAct act) =>
        [.. act.Events.Where(e => e.Function != ConsentDesk.Everything && policy.Rule(e.Function, HomeOf(e.Field)) is null)];

    private static bool Concerns(ConsentEvent one, List<PolicyRule> rules) => one.Function == ConsentDesk.Everything
        || rules.Exists(rule => rule.Function.Name == one.Function && rule.Field.Name == HomeOf(one.Field));

    // The consent to send a field abroad is about that field.
    private static string HomeOf(string field) => CrossBorder.TryRead(field, out var home, out _) ? home : field;

    private static JsonObject Purpose(Policy policy, PolicyRule rule, ConsentAct act, string? recipient)
    {
        string[] recipients = recipient is null ? [.. rule.Recipients] : [recipient];
        string[] regions = [.. recipients.Select(name => policy.Recipient(name)!.Region).Distinct().Order(StringComparer.Ordinal)];
        var language = act.Events[0].Language;
        var scope = act.Events.FirstOrDefault(e => e.Function == rule.Function.Name && e.Field == rule.Field.Name)?.Scope;
        var pii = new JsonObject
        {
            ["pii_type"] = rule.Field.Name,
            ["pii_description"] = rule.Field.Summary.For(language),
            ["pii_optional"] = !rule.Necessary,
            ["sensitive_pii_category"] = rule.Field.Class == FieldClass.Sensitive,
        };
        if (!string.IsNullOrEmpty(scope))
        {
            pii["precision"] = scope;
        }

        return new JsonObject
        {
            ["service"] = rule.Function.Name,
            ["service_description"] = rule.Function.Notice.For(language),
            ["purpose"] = rule.Purpose,
            ["purpose_description"] = policy.Purpose(rule.Purpose)?.Summary.For(language) ?? rule.Purpose,
            ["purpose_type"] = rule.Function.Tier == FunctionTier.Basic ? "basic" : "extended",
            ["lawful_basis"] = rule.Basis.Word(),
            ["pii_information"] = new JsonArray(pii),
            ["pii_controllers"] = new JsonArray(ControllerId(policy)),
            ["collection_method"] = "sensors of the instrument",
            ["processing_method"] = "automated, without profiling",
            ["storage_locations"] = List(["board", .. regions]),
            ["retention_period"] = DocumentWords.Term(rule.Term),
            ["processing_locations"] = List(["board", .. regions]),
            ["geographic_restrictions"] = List(rule.Regions.Count > 0 ? rule.Regions : regions),
            ["jurisdiction"] = policy.Jurisdiction,
            ["recipient_third_parties"] = List(recipients),
            ["withdrawal_method"] = rule.Function.Tier == FunctionTier.Basic
                ? "fieldagent consent refuse" : $"fieldagent consent withdraw {rule.Function.Name} --field {rule.Field.Name}",
            ["privacy_rights"] = List(policy.Rights.Select(static right => right.Name)),
        };
    }

    private static JsonObject Orphan(Policy policy, ConsentEvent one) => new()
    {
        ["service"] = one.Function,
        ["purpose"] = "not described by the policy in force",
        ["pii_information"] = new JsonArray(new JsonObject { ["pii_type"] = one.Field }),
        ["pii_controllers"] = new JsonArray(ControllerId(policy)),
        ["storage_locations"] = List(["board"]),
        ["retention_period"] = "PT0S",
        ["jurisdiction"] = policy.Jurisdiction,
        ["recipient_third_parties"] = new JsonArray(),
        ["withdrawal_method"] = "fieldagent consent withdraw --all",
    };

    private static string ControllerId(Policy policy) => policy.ControllerId.Length > 0 ? policy.ControllerId : "controller";

    private static JsonArray Parties(Policy policy, List<PolicyRule> rules, string? recipient)
    {
        var parties = new JsonArray(new JsonObject
        {
            ["party_id"] = ControllerId(policy),
            ["party_type"] = "pii-controller",
            ["party_name"] = policy.Controller,
            ["party_address"] = policy.Jurisdiction,
            ["party_contact"] = string.Join(", ", policy.Contacts),
        });
        foreach (var one in policy.Recipients.Where(r => recipient is null ? rules.Exists(rule => rule.Recipients.Contains(r.Name)) : r.Name == recipient))
        {
            parties.Add((JsonNode)new JsonObject
            {
                ["party_id"] = one.Name,
                ["party_type"] = "recipient",
                ["party_name"] = one.Subject.En,
                ["party_address"] = one.Region,
                ["party_url"] = one.PolicyLink,
                ["party_contact"] = one.PolicyLink,
                ["agreement"] = one.Agreement,
            });
        }

        return parties;
    }

    private static JsonNode Event(ConsentEvent one)
    {
        var given = one.Action == ConsentAction.Grant;
        var written = new JsonObject
        {
            ["event_time"] = DocumentWords.Time(one.At.WallUnixNs),
            ["clock_quality"] = one.At.Quality.Word(),
            ["event_state"] = one.Function == ConsentDesk.Everything ? given ? "resumed" : "refused" : given ? "given" : "withdrawn",
            ["event_type"] = "explicit",
            ["validity_duration"] = one.ExpiresWallUnixNs == 0 ? "until-withdrawn" : "until-" + DocumentWords.Time(one.ExpiresWallUnixNs),
            ["entity_id"] = one.Role,
            ["method"] = one.Method,
            ["number"] = one.Id,
            ["function"] = one.Function,
            ["field"] = one.Field,
            ["scope"] = one.Scope,
            ["notice_hash"] = one.NoticeHash,
            ["controller_id"] = one.ControllerId,
        };
        if (one.Reference.Length > 0)
        {
            written["attestation"] = one.Reference;
        }

        return written;
    }

    private static JsonArray List(IEnumerable<string> words) => new([.. words.Select(static word => (JsonNode)word)]);
}
