using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>Deliveries as they are written for programs, in the export and by the commands alike (R68, R69, R78).</summary>
public static class DeliveryText
{
    /// <summary>What was delivered. <c>kind</c> is <c>readings</c> or <c>facts</c>; numbers are those of messages, and <c>null</c> for facts, whose documents
    /// have none.</summary>
    public static JsonObject Json(DeliveryRecord run) => new()
    {
        ["recipient"] = run.Recipient,
        ["function"] = run.Function,
        ["field"] = run.Field,
        ["kind"] = Kind(run.IsFacts),
        ["fromSeq"] = Number(run.FromSequence, run.IsFacts),
        ["toSeq"] = Number(run.ToSequence, run.IsFacts),
        ["step"] = run.IsFacts ? null : run.Step,
        ["items"] = run.Items,
        ["readings"] = run.Readings,
        ["first"] = Time(run.FirstWallUnixNs),
        ["last"] = Time(run.LastWallUnixNs),
        ["purpose"] = run.Purpose,
        ["basis"] = run.Basis.ToString(),
        ["precision"] = run.Precision.Word(),
        ["term"] = Opt.Write(run.Term),
        ["consent"] = run.ConsentId,
        ["policyVersion"] = run.PolicyVersion,
        ["policyHash"] = run.PolicyHash,
    };

    /// <summary>What may have arrived; <c>items</c> is <c>null</c> when nobody knows how many.</summary>
    public static JsonObject Json(PossibleDelivery one) => new()
    {
        ["recipient"] = one.Recipient,
        ["function"] = one.Function,
        ["field"] = one.Field,
        ["kind"] = Kind(one.IsFacts),
        ["fromSeq"] = Number(one.FromSequence, one.IsFacts),
        ["toSeq"] = Number(one.ToSequence, one.IsFacts),
        ["items"] = one.Items == 0 ? null : one.Items,
        ["possible"] = true,
        ["first"] = Time(one.FirstWallUnixNs),
        ["last"] = Time(one.LastWallUnixNs),
    };

    // to the second: between a message and its acknowledgement there is more
    private static string Time(long wallUnixNs) =>
        ClockExtensions.ToDate(wallUnixNs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Kind(bool isFacts) => isFacts ? "facts" : "readings";

    private static JsonNode? Number(long number, bool isFacts) => isFacts ? null : number;
}
