using System.Globalization;
using System.Text.Json;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary><c>audit-show</c>, <c>audit-verify</c>, <c>audit-renew</c>, <c>incidents-list</c>, <c>incidents-clear</c>.</summary>
internal static class AccountOperations
{
    /// <summary>Entries shown at once: an answer stays under a megabyte.</summary>
    private const int EntriesPerAnswer = 1000;

    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(AuditBook audit, IncidentBook incidents) =>
    [
        new ControlOperation("audit-show", ControlRole.Operator, request => Show(audit, Number(request, "since") ?? 1)),
        new ControlOperation("audit-verify", ControlRole.Viewer, request => Verify(audit, request["checkpoint"])),
        new ControlOperation("audit-renew", ControlRole.Administrator, _ =>
        {
            audit.BeginAnew("administrator");
            return new ControlReply(true, "the entries there were are gone; the log goes on with the next number");
        }),
        new ControlOperation("incidents-list", ControlRole.Viewer, _ => List(incidents)),
        new ControlOperation("incidents-clear", ControlRole.Operator, request =>
            Number(request, "id") is { } id && incidents.Clear(id, "operator")
                ? new ControlReply(true, $"incident {id.ToString(CultureInfo.InvariantCulture)} is dealt with; noticed again, it is a new one")
                : ControlReply.No($"there is no incident {request["id"]}; 'fieldagent incidents list' shows them")),
    ];

    private static ControlReply Show(AuditBook audit, long since)
    {
        var records = audit.Read(since, EntriesPerAnswer);
        List<string[]> rows = [["no.", "time (UTC)", "about", "what", "function", "field", "by", "detail"]];
        rows.AddRange(records.Select(static r => new[]
        {
            r.Number.ToString(CultureInfo.InvariantCulture), Time(r.At), r.Entry?.Kind.ToString().ToLowerInvariant() ?? "(erased)",
            r.Entry?.What ?? "", r.Entry?.Function ?? "", r.Entry?.Field ?? "", r.Entry?.Actor ?? "", r.Entry?.Detail ?? "",
        }));
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        TextTable.Write(text, rows);
        return new ControlReply(
            true,
            records.Count == EntriesPerAnswer
                ? $"more may follow: --since {(records[^1].Number + 1).ToString(CultureInfo.InvariantCulture)}"
                : records.Count == 0 ? "no entries" : "",
            Lines: records.Count == 0 ? [] : text.ToString().TrimEnd().Split('\n'),
            Json: [.. records.Select(static r => JsonSerializer.Serialize(AuditLine.Of(r), AgentJson.Default.AuditLine))]);
    }

    private static ControlReply Verify(AuditBook audit, string? checkpoint)
    {
        var published = Array.Empty<byte>();
        if (checkpoint is not null)
        {
            published = new byte[checkpoint.Length];
            if (!Convert.TryFromBase64String(checkpoint, published, out var length))
            {
                return ControlReply.No("audit-verify: the checkpoint is not in base64");
            }

            published = published[..length];
        }

        var found = audit.Verify(published);
        List<string> lines = [];
        lines.Add(found.Problem.Length > 0
            ? $"BROKEN: {found.Problem}"
            : string.Create(CultureInfo.InvariantCulture,
                $"entries {found.First} to {found.Last} are whole{(found.Erased > 0 ? $", {found.Erased} of them erased on purpose" : "")}; {found.Checkpoints} checkpoints agree"));
        if (found.Published.Length > 0)
        {
            lines.Add("published checkpoint: " + found.Published);
        }

        return new ControlReply(
            found.Ok,
            found.Ok ? "" : "the audit log does not hold; keep a copy of the state folder, and look who had access to it",
            Lines: lines,
            Json: [JsonSerializer.Serialize(found, AgentJson.Default.AuditFindings)]);
    }

    private static ControlReply List(IncidentBook incidents)
    {
        var all = incidents.All().Select(IncidentReport.Of).ToList();
        List<string> lines = [];
        foreach (var one in all)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"incident {one.Id}, since {one.Since:yyyy-MM-dd HH:mm} UTC{(one.Times > 1 ? $", noticed {one.Times} times" : "")}"));
            lines.Add("  what happened: " + one.Situation);
            lines.Add("  what was done: " + one.Measures);
            lines.Add("  what you can do: " + one.Advice);
            lines.Add("  what puts it right: " + one.Remedy);
        }

        return new ControlReply(
            true, all.Count == 0 ? "no incidents" : "", Lines: lines,
            Json: [.. all.Select(static one => JsonSerializer.Serialize(one, AgentJson.Default.IncidentReport))]);
    }

    private static long? Number(ControlRequest request, string name) =>
        long.TryParse(request[name], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string Time(Stamp at) => ClockExtensions.ToDate(at.WallUnixNs).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}

/// <summary>An audit entry as <c>audit show --json</c> prints it.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Time">When, UTC.</param>
/// <param name="Clock">How far to trust that.</param>
/// <param name="Entry">What happened; absent when it was erased.</param>
/// <param name="Commitment">Salted SHA-256 over the entry.</param>
/// <param name="Hash">The chain's hash at this entry.</param>
internal sealed record AuditLine(long Number, DateTimeOffset Time, ClockQuality Clock, AuditEntry? Entry, string Commitment, string Hash)
{
    /// <summary>Of an entry.</summary>
    public static AuditLine Of(AuditRecord record) => new(
        record.Number, ClockExtensions.ToDate(record.At.WallUnixNs), record.At.Quality, record.Entry, record.Commitment, record.Hash);
}
