using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>What is granted, what was, and the receipts of it: tables for people, JSON for programs. Changes nothing. Any thread.</summary>
internal sealed class ConsentView(ConsentDesk desk, Gate gate, IConsentLedger ledger, IDocumentShelf shelf)
{
    /// <summary>Every rule with its standing.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public ControlReply Show()
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"policy {gate.Policy.Version}, {gate.Policy.Controller}");
        if (desk.Refused() is { } refused)
        {
            text.WriteLine($"IDLE: everything was refused on {When(refused.At)} by the {refused.Role}; nothing is collected, no data is published");
        }

        if (desk.MarkedMinor() is { } minor)
        {
            text.WriteLine($"the person concerned is under 14 (marked {When(minor.At)}): only a guardian can grant");
        }

        List<string[]> rows = [["function", "field", "state", "as exact as", "what for", "kept", "to", "since"]];
        var json = new List<string>();
        foreach (var line in desk.Show())
        {
            rows.Add(
            [
                line.Rule.Function.Name,
                line.Field,
                StateText(line),
                Exactness(line),
                line.Rule.Purpose,
                Opt.Write(line.Rule.Term),
                string.Join(", ", line.Rule.Recipients),
                line.Last is { } last ? $"{When(last.At)} by {last.Role}" : "",
            ]);
            json.Add(Json(line));
        }

        Status.TextTable.Write(text, rows);
        return new ControlReply(true, Lines: [.. text.ToString().TrimEnd().Split('\n')], Json: json);
    }

    /// <summary>Every event of the ledger, oldest first.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public ControlReply History()
    {
        var events = ledger.All();
        if (events.Count == 0)
        {
            return new ControlReply(true, "nothing was ever granted or withdrawn", Json: []);
        }

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        List<string[]> rows = [["number", "when", "clock", "what", "function", "field", "as exact as", "by", "how", "policy", "notice", "declared"]];
        rows.AddRange(events.Select(static e => new[]
        {
            e.Id.ToString(CultureInfo.InvariantCulture), When(e.At), e.At.Quality.ToString().ToLowerInvariant(), e.Action.ToString().ToLowerInvariant(),
            e.Function, e.Field, e.Scope, e.Role, e.Method, e.PolicyVersion, e.NoticeHash.Length > 8 ? $"{e.NoticeHash[..8]} {e.Language}" : "", e.Reference,
        }));
        Status.TextTable.Write(text, rows, indent: 0);
        return new ControlReply(true, Lines: [.. text.ToString().TrimEnd().Split('\n')], Json: [.. events.Select(Json)]);
    }

    /// <summary>The receipt that covers an event; the newest one when no number is given.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply Receipt(string? number)
    {
        var wanted = shelf.Newest(DocumentTypes.ConsentReceipt, DeviceSigner.Board);
        if (number is not null && !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out wanted))
        {
            return ControlReply.No($"'{number}' is no number of a receipt; 'fieldagent consent history' lists them");
        }

        var receipt = shelf.All(DocumentTypes.ConsentReceipt).Where(one => one.About >= wanted && wanted > 0).MinBy(static one => one.About);
        if (receipt is null || SignedDocument.TryVerify(receipt.Json.Span, out _) is not { } document || !Covers(document.Document, wanted))
        {
            return ControlReply.No(number is null ? "there is no receipt yet: nothing was ever granted or withdrawn" : $"there is no receipt {number}");
        }

        return new ControlReply(
            true, Lines: [.. DocumentText.Of(document.Document), $"signed with key {document.KeyId}"], Json: [Encoding.UTF8.GetString(receipt.Json.Span)]);
    }

    private static bool Covers(JsonObject document, long number) =>
        document["events"] is JsonArray events && events.OfType<JsonObject>().Any(e => (long?)e["number"] == number);

    private static string When(in Stamp at) => $"{ClockExtensions.ToDate(at.WallUnixNs):yyyy-MM-dd HH:mm} UTC";

    private static string StateText(ConsentLine line) => line.State switch
    {
        ConsentState.Exempt => $"EXEMPT ({line.Last!.Reason}) until {ClockExtensions.ToDate(line.Last.ExpiresWallUnixNs):yyyy-MM-dd HH:mm} UTC",
        ConsentState.Basic => "on (contract)",
        ConsentState.Granted => "GRANTED",
        ConsentState.Withdrawn => "withdrawn",
        ConsentState.Refused => "refused",
        ConsentState.Suspended => "SUSPENDED: the policy changed, see 'fieldagent policy changes'; granting it again ends that",
        ConsentState.Paused => "PAUSED: the consent switch at the board cannot be read, see 'fieldagent status'",
        _ => "off",
    };

    // As the gate has it now: a finer grant may wait for the leave for precise places.
    private string Exactness(ConsentLine line) =>
        Vocabulary.IsLocation(line.Field) && gate.Decide(Stage.Admit, line.Rule.Function.Name, line.Rule.Field.Name).Permit is { } permit
            ? permit.Precision.Word() : "";

    private string Json(ConsentLine line) => Documents.Text(new JsonObject
    {
        ["function"] = line.Rule.Function.Name,
        ["field"] = line.Field,
        ["state"] = line.State.ToString().ToLowerInvariant(),
        ["precision"] = Exactness(line),
        ["purpose"] = line.Rule.Purpose,
        ["termSeconds"] = (long)line.Rule.Term.TotalSeconds,
        ["recipients"] = Documents.List(line.Rule.Recipients),
        ["event"] = line.Last?.Id ?? 0,
    });

    private static string Json(ConsentEvent one) => Documents.Text(new JsonObject
    {
        ["number"] = one.Id,
        ["time"] = ClockExtensions.ToDate(one.At.WallUnixNs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        ["clock"] = one.At.Quality.ToString().ToLowerInvariant(),
        ["action"] = one.Action.ToString().ToLowerInvariant(),
        ["function"] = one.Function,
        ["field"] = one.Field,
        ["scope"] = one.Scope,
        ["role"] = one.Role,
        ["method"] = one.Method,
        ["language"] = one.Language,
        ["noticeHash"] = one.NoticeHash,
        ["policyVersion"] = one.PolicyVersion,
        ["policyHash"] = one.PolicyHash,
        ["controllerId"] = one.ControllerId,
        ["reference"] = one.Reference,
        ["reason"] = one.Reason,
        ["expires"] = one.ExpiresWallUnixNs == 0
            ? null : ClockExtensions.ToDate(one.ExpiresWallUnixNs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
    });
}
