using System.Text.Json;
using System.Text.Json.Nodes;

namespace FieldAgent.Privacy;

/// <summary>A signed document in plain words, for people. Reads what others may have written: nothing in it is trusted to be there.</summary>
public static class DocumentText
{
    // Deeper parts of documents of unknown types are not shown; neither are longer texts.
    private const int TextMax = 300;

    /// <summary>What <paramref name="document"/> states, a line each; no line holds control characters.</summary>
    public static IReadOnlyList<string> Of(JsonObject document)
    {
        var lines = Text(document, "type") switch
        {
            DocumentTypes.ConsentReceipt => Consent(document),
            DocumentTypes.ErasureRequest => Request(document),
            DocumentTypes.ErasureReceipt => Erasure(document),
            _ => Other(document),
        };
        return [.. lines.Select(Printable)];
    }

    private static IEnumerable<string> Consent(JsonObject document)
    {
        yield return $"receipt {Text(document, "number")} ({Text(document, "receipt_id")}), {Text(document, "schema_version")}";
        yield return $"about {Text(document, "pii_principal_id")}, law of {Text(document, "jurisdiction")}";
        foreach (var one in Objects(document, "events"))
        {
            var what = Text(one, "function") == ConsentDesk.Everything ? "everything" : $"{Text(one, "function")} {Text(one, "field")}";
            var scope = Text(one, "scope") is { Length: > 0 } given ? $" ({given})" : "";
            var attested = Text(one, "attestation") is { Length: > 0 } words ? $", declaring: {words}" : "";
            yield return $"{Text(one, "event_state")}: {what}{scope}, by the {Text(one, "entity_id")} ({Text(one, "method")}) at "
                + $"{Text(one, "event_time")} (clock: {Text(one, "clock_quality")}){attested}";
        }

        foreach (var one in Objects(document, "purposes"))
        {
            var fields = string.Join(", ", Objects(one, "pii_information").Select(static pii =>
                Text(pii, "pii_type") + (Text(pii, "pii_optional") == "true" ? " (optional)" : "")));
            yield return $"  {Text(one, "service")}: {fields}, for {Text(one, "purpose")}, on the ground of {Text(one, "lawful_basis")}";
            yield return $"    kept at most {Text(one, "retention_period")}; goes to {Words(one, "recipient_third_parties", "nobody")}; "
                + $"taken back with '{Text(one, "withdrawal_method")}'";
        }

        if (document["privacy_notice"] is JsonObject notice)
        {
            yield return $"notice {Short(Text(notice, "notice_hash"))} ({Text(document, "language")}), policy {Text(notice, "policy_version")} {Short(Text(notice, "policy_hash"))}";
        }

        foreach (var party in Objects(document, "party_identification"))
        {
            yield return $"{Text(party, "party_type")} {Text(party, "party_id")}: {Text(party, "party_name")}; {Text(party, "party_contact")}";
        }
    }

    private static IEnumerable<string> Request(JsonObject document)
    {
        yield return $"request {Text(document, "reference")} to erase what was delivered under {Text(document, "pii_principal_id")}, because of: {Text(document, "reason")}";
        foreach (var scope in Objects(document, "scopes"))
        {
            if (scope["facts"] is JsonObject facts)
            {
                yield return $"  {Text(scope, "function")} {Text(scope, "field")}: facts told until {Text(facts, "to")}, {Text(scope, "items")} documents"
                    + (scope["possible"] is JsonObject ? "; more may have arrived" : "");
                continue;
            }

            yield return $"  {Text(scope, "function")} {Text(scope, "field")}: numbers {Text(scope, "from")} to {Text(scope, "to")}, "
                + $"{Text(scope, "items")} messages with {Text(scope, "readings")} readings"
                + (scope["possible"] is JsonObject possible ? $"; numbers {Text(possible, "from")} to {Text(possible, "to")} may have arrived" : "");
        }

        yield return $"decided at {Text(document, "requested_at")} (clock: {Text(document, "clock_quality")})";
    }

    private static IEnumerable<string> Erasure(JsonObject document)
    {
        yield return $"erasure {Text(document, "number")} ({Text(document, "receipt_id")}): {Text(document, "state")}, because of: {Text(document, "reason")}, {Text(document, "ground")}";
        foreach (var scope in Objects(document, "scopes"))
        {
            yield return $"  {Text(scope, "function")} {Text(scope, "field")}{(Text(scope, "before") is { Length: > 0 } before ? ", collected before " + before : "")}";
        }

        yield return $"erased: {Text(document, "readings")} readings; blocks, pictures and documents: {Text(document, "objects")}; keys destroyed: {Text(document, "keys_destroyed")}";
        yield return $"how: {Text(document, "method")}";
        if (document["scan"] is JsonObject scan)
        {
            yield return $"scan of the state folder: {Text(scan, "files")} files, {Text(scan, "bytes")} bytes, remains found: {Text(scan, "remains_found")}";
        }

        foreach (var held in Objects(document, "held"))
        {
            yield return $"kept by a legal hold: {Text(held, "function")} {Text(held, "field")}";
        }

        foreach (var asked in Objects(document, "recipients"))
        {
            yield return $"recipient {Text(asked, "recipient")} {(Text(asked, "has") == "possibly" ? "may have part of it, and " : "")}was asked to erase its part: {Text(asked, "state")}";
        }

        yield return $"not proved: {Words(document, "not_proved", "nothing is left open")}";
        yield return $"begun {Text(document, "begun_at")}, verified {(Text(document, "verified_at") is { Length: > 0 } at ? at : "not yet")} (clock: {Text(document, "clock_quality")})";
    }

    private static IEnumerable<string> Other(JsonObject document) =>
        document.Where(static member => member.Value is JsonValue && member.Key != "type").Select(member => $"{member.Key}: {Text(document, member.Key)}");

    private static string Text(JsonObject of, string name) => of[name] is JsonValue value
        ? value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString()
        : "";

    private static IEnumerable<JsonObject> Objects(JsonObject of, string name) =>
        of[name] is JsonArray items ? items.OfType<JsonObject>() : [];

    private static string Words(JsonObject of, string name, string otherwise) =>
        of[name] is JsonArray { Count: > 0 } items
            ? string.Join(", ", items.OfType<JsonValue>().Select(static v => v.GetValueKind() == JsonValueKind.String ? v.GetValue<string>() : v.ToJsonString()))
            : otherwise;

    private static string Short(string hash) => hash.Length > 16 ? hash[..16] + "…" : hash;

    private static string Printable(string line)
    {
        var cut = line.Length > TextMax ? line[..TextMax] + "…" : line;
        return string.Concat(cut.Select(static c => char.IsControl(c) ? '?' : c));
    }
}
