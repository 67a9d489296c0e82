using System.Globalization;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>What can be asked about the rights of persons: <c>privacy-…</c>, <c>hold-…</c>, <c>deliveries</c>. None is ever gated (R97): the role
/// only says who at the board may ask in a person's name.</summary>
internal static class PrivacyOperations
{
    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(
        PrivacyOverview overview, PrivacyExport export, PrivacyRights rights, PrivacyRequests requests, PrivacyWhy why, PrivacyScopes scopes) =>
    [
        new ControlOperation("deliveries", ControlRole.Operator, _ => overview.Deliveries()),
        new ControlOperation("hold-list", ControlRole.Operator, _ => rights.HoldList()),
        Of("hold-add", r => RequestTime.TryRead(r["until"], out var until)
            ? rights.Hold(r["name"] ?? "", r["function"], r["field"], r["reason"] ?? "", until) : RequestTime.Bad(r["until"])),
        Of("hold-release", r => rights.Release(r["name"] ?? "")),
        Of("privacy-show", _ => overview.Show()),
        Of("privacy-export", r => export.Begin(r["ground"], r["case"])),
        Of("privacy-export-fetch", _ => export.Fetch()),
        Of("privacy-correct", r => Correct(rights, r)),
        Of("privacy-restrict", r => rights.Restrict(true, r["function"], r["field"], r["role"] ?? ConsentBy.Operator)),
        Of("privacy-unrestrict", r => rights.Restrict(false, r["function"], r["field"], r["role"] ?? ConsentBy.Operator)),
        Of("privacy-delete", r => Delete(rights, scopes, r)),
        Of("privacy-close", r => rights.Close(r["role"] ?? ConsentBy.Operator)),
        Of("privacy-why", r => why.Of(r["what"] ?? "", r["function"], r["recipient"])),
        Of("privacy-requests", _ => requests.List()),
        Of("privacy-request-new", r => requests.New(r["kind"], r["function"], r["field"], r["text"])),
        Of("privacy-request-verify", r => requests.Verify(r["number"], r["by"])),
        Of("privacy-request-refuse", r => requests.Refuse(r["number"], r["ground"], r["answer"])),
        Of("privacy-request-complete", r => requests.Complete(r["number"], r["answer"])),
        Of("privacy-key-add", r => requests.AddKey(r["pem"], r["label"])),
        Of("privacy-key-remove", r => requests.RemoveKey(r["key"])),
        Of("privacy-key-list", _ => requests.Keys()),
    ];

    private static ControlOperation Of(string name, Func<ControlRequest, ControlReply> run) => new(name, ControlRole.Administrator, run);

    private static ControlReply Correct(PrivacyRights rights, ControlRequest request)
    {
        if (!RequestTime.TryRead(request["from"], out var from, long.MinValue))
        {
            return RequestTime.Bad(request["from"]);
        }

        return RequestTime.TryRead(request["to"], out var to, long.MaxValue)
            ? rights.Correct(request["function"] ?? "", request["field"] ?? "", from, to, request["statement"] ?? "") : RequestTime.Bad(request["to"]);
    }

    private static ControlReply Delete(PrivacyRights rights, PrivacyScopes scopes, ControlRequest request)
    {
        if (!RequestTime.TryRead(request["before"], out var before, long.MaxValue))
        {
            return RequestTime.Bad(request["before"]);
        }

        var images = request["images"] is not null;
        var pairs = images ? scopes.OfCategory("image") : request["category"] is { } category ? scopes.OfCategory(category) : scopes.All();
        return pairs.Count == 0
            ? ControlReply.No(images ? "nothing is known of pictures" : $"'{request["category"]}' is no category; name one of: {string.Join(", ", scopes.Categories())}, or a function or field of 'privacy show'")
            : rights.Delete(pairs, before, images ? request["reason"] ?? "images" : request["reason"] ?? "", request["role"] ?? ConsentBy.Operator);
    }
}
