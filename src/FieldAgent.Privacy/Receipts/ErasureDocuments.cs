using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A recipient that was asked to erase what it has.</summary>
/// <param name="Recipient">Its name.</param>
/// <param name="Reference">The request's reference.</param>
/// <param name="Acknowledged">True once it has acknowledged that.</param>
/// <param name="IsPossible">True when it never said that it has any of it: it was sent, and may have arrived.</param>
public readonly record struct AskedRecipient(string Recipient, string Reference, bool Acknowledged, bool IsPossible = false);

/// <summary>What is written about erasures: requests to recipients, and receipts.</summary>
public static class ErasureDocuments
{
    /// <summary>Asks a recipient to erase what it was given, and what it may have (R78). It answers with the command <c>acknowledge</c> and the reference.</summary>
    /// <param name="audience">The recipient.</param>
    /// <param name="reference">The request's reference.</param>
    /// <param name="reason">Why: <c>consent-withdrawn</c>, <c>erasure-requested</c>.</param>
    /// <param name="at">When it was decided; what was collected before is meant.</param>
    /// <param name="delivered">What the recipient was given, of that scope.</param>
    /// <param name="possible">What it may have beyond that.</param>
    /// <param name="receiptId">The recipient's consent receipt about it; empty when there is none.</param>
    /// <param name="beforeNs">Only what was collected before this time is meant, Unix ns, rounded up to the second; <see cref="long.MaxValue"/>: all.</param>
    public static JsonObject Request(
        Audience audience, string reference, string reason, Stamp at, IEnumerable<DeliveryRecord> delivered, IEnumerable<PossibleDelivery> possible,
        string receiptId, long beforeNs = long.MaxValue)
    {
        var runs = delivered.ToLookup(static d => (d.Function, d.Field));
        var maybe = possible.ToLookup(static p => (p.Function, p.Field));
        var document = new JsonObject
        {
            ["type"] = DocumentTypes.ErasureRequest,
            ["v"] = 1,
            ["reference"] = reference,
            ["pii_principal_id"] = audience.PrincipalId,
            ["reason"] = reason,
            ["requested_at"] = DocumentWords.Time(at.WallUnixNs),
            ["clock_quality"] = at.Quality.Word(),
            ["scopes"] = new JsonArray([.. runs.Select(static of => of.Key).Union(maybe.Select(static of => of.Key))
                .Select(key => Delivered(key.Function, key.Field, [.. runs[key]], [.. maybe[key]], beforeNs))]),
            ["acknowledge"] = new JsonObject { ["command"] = "acknowledge", ["reference"] = reference },
        };
        if (receiptId.Length > 0)
        {
            document["consent_receipt_id"] = receiptId;
        }

        return document;
    }

    /// <summary>The time before which a scope of a request was collected, Unix ns; <see cref="long.MaxValue"/> when all of it is meant.</summary>
    /// <param name="scope">A member of <c>scopes</c>.</param>
    public static long BeforeNs(JsonObject scope) =>
        DateTimeOffset.TryParse((string?)scope["before"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var before)
            ? (before - DateTimeOffset.UnixEpoch).ToNs() : long.MaxValue;

    /// <summary>Says what was erased on the board, how it was proved, and what was not.</summary>
    /// <param name="audience">Who gets it. A recipient is not told of other recipients.</param>
    /// <param name="report">The erasure, verified.</param>
    /// <param name="asked">Recipients that were asked to erase theirs.</param>
    public static JsonObject Receipt(Audience audience, ErasureReport report, IEnumerable<AskedRecipient> asked) => new()
    {
        ["type"] = DocumentTypes.ErasureReceipt,
        ["v"] = 1,
        ["number"] = report.Id,
        ["receipt_id"] = audience.Reference(DocumentTypes.ErasureReceipt, report.Id),
        ["pii_principal_id"] = audience.PrincipalId,
        ["state"] = Word(report.State),
        ["reason"] = Word(report.Reason),
        ["ground"] = report.Ground,
        ["scopes"] = Scopes(report.Scopes),
        ["objects"] = report.Items,
        ["readings"] = report.Readings,
        ["keys_destroyed"] = report.KeysDestroyed,
        ["method"] = report.Method,
        ["scan"] = new JsonObject
        {
            ["files"] = report.ScannedFiles,
            ["bytes"] = report.ScannedBytes,
            ["remains_found"] = report.RemainsFound,
        },
        ["held"] = Scopes(report.Held),
        ["not_proved"] = new JsonArray([.. report.NotProved.Select(static text => (JsonNode)text)]),
        ["recipients"] = new JsonArray([.. asked.Where(one => audience.Recipient is null || one.Recipient == audience.Recipient)
            .Select(static one => (JsonNode)new JsonObject
            {
                ["recipient"] = one.Recipient,
                ["reference"] = one.Reference,
                ["state"] = one.Acknowledged ? "acknowledged" : "pending",
                ["has"] = one.IsPossible ? "possibly" : "certainly",
            })]),
        ["begun_at"] = DocumentWords.Time(report.BegunAt.WallUnixNs),
        ["verified_at"] = report.State == ErasureState.Verified ? DocumentWords.Time(report.VerifiedAt.WallUnixNs) : null,
        ["clock_quality"] = report.BegunAt.Quality.Word(),
    };

    /// <summary>A state in one word: <c>keys-destroyed</c>.</summary>
    public static string Word(ErasureState state) => state switch
    {
        ErasureState.Begun => "begun",
        ErasureState.KeysDestroyed => "keys-destroyed",
        ErasureState.Deleted => "deleted",
        ErasureState.Truncated => "truncated",
        _ => "verified",
    };

    /// <summary>A reason in one word, as in gaps.</summary>
    public static string Word(GapReason reason) => reason switch
    {
        GapReason.StorageCap => "storage-cap",
        GapReason.DiskFull => "disk-full",
        GapReason.TermOver => "term-over",
        GapReason.ConsentWithdrawn => "consent-withdrawn",
        GapReason.Erased => "erased",
        GapReason.StoreReset => "store-reset",
        GapReason.Unreadable => "unreadable",
        GapReason.Rejected => "rejected",
        _ => "other",
    };

    // One run, however many deliveries it was: the recipient is to erase all of the scope that it got by then.
    private static JsonObject Delivered(
        string function, string field, IReadOnlyCollection<DeliveryRecord> runs, IReadOnlyCollection<PossibleDelivery> possible, long beforeNs)
    {
        var scope = new JsonObject
        {
            ["function"] = function,
            ["field"] = field,
            ["from"] = runs.Select(static run => run.FromSequence).Concat(possible.Select(static one => one.FromSequence)).Min(),
            ["to"] = runs.Select(static run => run.ToSequence).Concat(possible.Select(static one => one.ToSequence)).Max(),
            ["items"] = runs.Sum(static run => run.Items),
            ["readings"] = runs.Sum(static run => run.Readings),
        };
        if (possible.Count > 0)
        {
            scope["possible"] = new JsonObject
            {
                ["from"] = possible.Min(static one => one.FromSequence),
                ["to"] = possible.Max(static one => one.ToSequence),
            };
        }

        if (runs.Any(static run => run.IsFacts) || possible.Any(static one => one.IsFacts))
        {
            // the numbers are the board's own; a recipient knows its documents by their time
            var last = runs.Select(static run => run.ToReadingWallUnixNs).Concat(possible.Select(static one => one.ToReadingWallUnixNs)).Max();
            scope["facts"] = new JsonObject { ["to"] = DocumentWords.Time(last) };
        }

        if (beforeNs != long.MaxValue)
        {
            // in whole seconds: rather a moment too much than too little
            scope["before"] = DocumentWords.Time(checked((beforeNs + ClockExtensions.NsPerSecond - 1) / ClockExtensions.NsPerSecond * ClockExtensions.NsPerSecond));
        }

        return scope;
    }

    private static JsonArray Scopes(IReadOnlyList<ErasureScope> scopes) => new([.. scopes.Select(static scope =>
    {
        var written = new JsonObject { ["function"] = scope.Function, ["field"] = scope.Field };
        if (scope.BeforeWallUnixNs != long.MaxValue)
        {
            written["before"] = DocumentWords.Time(scope.BeforeWallUnixNs);
        }

        return (JsonNode)written;
    })]);
}
