using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Requests of persons as the console sees them. Any thread.</summary>
internal sealed class PrivacyRequests(RequestDesk desk, SignedRequests signed, IRequestLedger ledger)
{
    /// <summary>All requests, overdue ones first.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply List()
    {
        var all = desk.Show();
        if (all.Count == 0)
        {
            return new ControlReply(true, "nobody has asked for anything yet", Json: []);
        }

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        List<string[]> rows = [["request", "kind", "about", "state", "received", "answer by", "reference"]];
        rows.AddRange(all.Select(static line => new[]
        {
            line.Request.Id.ToString(CultureInfo.InvariantCulture), line.Request.Kind.Word(),
            $"{(line.Request.Function.Length == 0 ? "everything" : line.Request.Function)} {line.Request.Field}".Trim(),
            line.Overdue ? "OVERDUE" : line.Request.Ground.Length > 0 ? $"refused ({line.Request.Ground})" : line.Request.State.Word(),
            PrivacyOverview.Time(line.Request.ReceivedAt.WallUnixNs),
            line.DeadlineWallUnixNs is { } deadline ? PrivacyOverview.Time(deadline) : line.Request.State == RequestState.Received ? "once verified" : "",
            line.Request.Reference,
        }));
        Status.TextTable.Write(text, rows, indent: 0);
        return new ControlReply(true, Lines: text.ToString().TrimEnd().Split('\n'), Json: [.. all.Select(static line => Documents.Text(Json(line)))]);
    }

    /// <summary>Notes a request that somebody makes at the board.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply New(string? kind, string? function, string? field, string? text) =>
        Enum.TryParse<RequestKind>(kind, ignoreCase: true, out var of) && RightsLists.RequestKinds.Contains(kind)
            ? Reply(desk.New(of, function ?? "", field ?? "", text ?? "", "console"))
            : ControlReply.No($"'{kind}' is nothing that can be asked for; it is one of: {string.Join(", ", RightsLists.RequestKinds)}");

    /// <summary>Notes that it is verified who asks.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Verify(string? number, string? how) => WithNumber(number, id => desk.Verify(id, how ?? RequestDesk.ByOperator));

    /// <summary>Refuses on a listed ground.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Refuse(string? number, string? ground, string? answer) => WithNumber(number, id => desk.Refuse(id, ground ?? "", answer ?? ""));

    /// <summary>Notes that it is done.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Complete(string? number, string? answer) => WithNumber(number, id => desk.Complete(id, answer ?? ""));

    /// <summary>Registers a key that may sign requests.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply AddKey(string? pem, string? label) => Reply(signed.Register(pem ?? "", label ?? ""));

    /// <summary>Forgets a key.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply RemoveKey(string? keyId) => ledger.RemoveKey(keyId ?? "")
        ? new ControlReply(true, $"key {keyId} may sign nothing any more")
        : ControlReply.No($"there is no key '{keyId}'; 'privacy key list' lists them");

    /// <summary>The keys.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply Keys()
    {
        var keys = ledger.Keys();
        return keys.Count == 0
            ? new ControlReply(true, "no key is registered: nobody can ask over MQTT", Json: [])
            : new ControlReply(true, Lines: [.. keys.Select(static key => $"{key.KeyId}  {key.Label}  since {PrivacyOverview.Time(key.AddedAt.WallUnixNs)} UTC")],
                Json: [.. keys.Select(static key => Documents.Text(new JsonObject { ["keyId"] = key.KeyId, ["label"] = key.Label }))]);
    }

    private static ControlReply WithNumber(string? number, Func<long, RequestOutcome> then) =>
        long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? Reply(then(id)) : ControlReply.No($"'{number}' is no number of a request; 'privacy requests' lists them");

    private static ControlReply Reply(RequestOutcome outcome) => outcome.Done
        ? new ControlReply(true, outcome.Message, Json: outcome.Request is { } request ? [Documents.Text(Json(new RequestLine(request, null, false)))] : [])
        : ControlReply.No(outcome.Message);

    private static JsonObject Json(RequestLine line) => new()
    {
        ["request"] = line.Request.Id,
        ["reference"] = line.Request.Reference,
        ["kind"] = line.Request.Kind.Word(),
        ["state"] = line.Request.State.Word(),
        ["function"] = line.Request.Function,
        ["field"] = line.Request.Field,
        ["channel"] = line.Request.Channel,
        ["verifiedBy"] = line.Request.Verification,
        ["ground"] = line.Request.Ground,
        ["received"] = PrivacyOverview.Iso(line.Request.ReceivedAt.WallUnixNs),
        ["deadline"] = line.DeadlineWallUnixNs is { } deadline ? PrivacyOverview.Iso(deadline) : null,
        ["overdue"] = line.Overdue,
    };
}
