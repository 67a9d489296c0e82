using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>What was erased on the board, and who was asked to erase their part. Changes nothing. Any thread.</summary>
internal sealed class ErasureView(ErasureNotices notices)
{
    private const int ScopesShown = 3;

    /// <summary>All erasures, newest first, and all requests.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply List()
    {
        var reports = notices.Reports();
        var asked = notices.Asked();
        if (reports.Count + asked.Count == 0)
        {
            return new ControlReply(true, "nothing was erased yet", Json: []);
        }

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        List<string[]> rows = [["erasure", "begun", "state", "why", "what", "readings"]];
        rows.AddRange(reports.Select(static report => new[]
        {
            report.Id.ToString(CultureInfo.InvariantCulture),
            $"{ClockExtensions.ToDate(report.BegunAt.WallUnixNs):yyyy-MM-dd HH:mm} UTC",
            ErasureDocuments.Word(report.State),
            report.Ground,
            What(report.Scopes),
            report.Readings.ToString(CultureInfo.InvariantCulture),
        }));
        Status.TextTable.Write(text, rows, indent: 0);
        foreach (var (one, request) in asked)
        {
            text.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{one.Recipient} was asked to erase its part (act {request.About}, {one.Reference}): {(one.Acknowledged ? "acknowledged" : "pending")}"));
        }

        return new ControlReply(
            true,
            Lines: [.. text.ToString().TrimEnd().Split('\n')],
            Json: [.. reports.Select(Json), .. asked.Select(static a => Json(a.Asked, a.Request))]);
    }

    /// <summary>The receipt of an erasure; of the newest when no number is given.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply Receipt(string? number)
    {
        var wanted = notices.Reports() is [var newest, ..] ? newest.Id : 0;
        if (number is not null && !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out wanted))
        {
            return ControlReply.No($"'{number}' is no number of an erasure; 'fieldagent erasure list' lists them");
        }

        if (notices.Receipt(wanted) is not { } signed || SignedDocument.TryVerify(signed, out _) is not { } document)
        {
            return ControlReply.No(number is null ? "nothing was erased yet" : $"there is no erasure {number}");
        }

        return new ControlReply(
            true, Lines: [.. DocumentText.Of(document.Document), $"signed with key {document.KeyId}"], Json: [Encoding.UTF8.GetString(signed)]);
    }

    private static string What(IReadOnlyList<ErasureScope> scopes) => scopes.Count <= ScopesShown
        ? string.Join(", ", scopes.Select(static s => $"{s.Function} {s.Field}"))
        : string.Create(CultureInfo.InvariantCulture, $"{scopes.Count} fields of {scopes.Select(static s => s.Function).Distinct().Count()} functions");

    private static string Json(ErasureReport report) => Documents.Text(new JsonObject
    {
        ["erasure"] = report.Id,
        ["state"] = ErasureDocuments.Word(report.State),
        ["ground"] = report.Ground,
        ["scopes"] = Documents.List(report.Scopes.Select(static s => $"{s.Function} {s.Field}")),
        ["readings"] = report.Readings,
    });

    private static string Json(AskedRecipient asked, KeptDocument request) => Documents.Text(new JsonObject
    {
        ["recipient"] = asked.Recipient,
        ["reference"] = asked.Reference,
        ["act"] = request.About,
        ["state"] = asked.Acknowledged ? "acknowledged" : "pending",
    });
}
