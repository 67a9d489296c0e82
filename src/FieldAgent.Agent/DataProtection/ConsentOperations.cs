using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>What can be asked about consents and erasures: <c>consent-…</c>, <c>erasure-…</c>.</summary>
internal static class ConsentOperations
{
    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(ConsentService consents, ConsentView view, ConsentPreview preview, ErasureView erasures) =>
    [
        new ControlOperation("consent-show", ControlRole.Viewer, _ => view.Show()),
        new ControlOperation("consent-history", ControlRole.Operator, _ => view.History()),
        new ControlOperation("consent-receipt", ControlRole.Operator, request => view.Receipt(request["number"])),
        new ControlOperation("consent-preview", ControlRole.Viewer, request => WithFunction(
            request, function => preview.Of(function, request["field"], request["precision"]))),
        new ControlOperation("consent-grant", ControlRole.Operator, request => WithFunction(
            request, function => consents.Grant(function, request["field"], request["precision"], By(request)))),
        new ControlOperation("consent-withdraw", ControlRole.Operator, request => WithFunction(
            request, function => consents.Withdraw(function, request["field"], By(request)))),
        new ControlOperation("consent-exempt", ControlRole.Administrator, request => WithFunction(
            request, function => RequestTime.TryRead(request["until"], out var until)
                ? consents.Exempt(function, request["field"] ?? "", request["precision"], request["ground"] ?? "", until, By(request))
                : RequestTime.Bad(request["until"]))),
        new ControlOperation("consent-refuse", ControlRole.Operator, request => consents.Refuse(By(request))),
        new ControlOperation("consent-resume", ControlRole.Operator, request => consents.Resume(By(request))),
        new ControlOperation("consent-minor", ControlRole.Operator, request => consents.MarkMinor(By(request))),
        new ControlOperation("erasure-list", ControlRole.Operator, _ => erasures.List()),
        new ControlOperation("erasure-receipt", ControlRole.Operator, request => erasures.Receipt(request["number"])),
    ];

    private static ConsentBy By(ControlRequest request) => new(request["role"] ?? ConsentBy.Operator, request["method"] ?? "cli")
    {
        Language = request["lang"] ?? ConsentNotice.DefaultLanguage,
        Attestation = request["attest"] ?? "",
    };

    private static ControlReply WithFunction(ControlRequest request, Func<string, ControlReply> then) =>
        request["function"] is { } function ? then(function) : ControlReply.No($"{request.Op}: no function is named");
}
