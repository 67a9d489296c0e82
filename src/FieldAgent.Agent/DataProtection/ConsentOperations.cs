using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.DataProtection;

/// <summary><c>consent-show</c>, <c>consent-grant</c>, <c>consent-withdraw</c>.</summary>
internal static class ConsentOperations
{
    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(ConsentService consents) =>
    [
        new ControlOperation("consent-show", ControlRole.Viewer, _ => new ControlReply(true, Lines: consents.Show())),
        new ControlOperation("consent-grant", ControlRole.Operator, request => request["function"] is { } function
            ? consents.Grant(function, request["field"], request["precision"], request["role"] ?? "operator")
            : ControlReply.No("consent-grant: no function is named")),
        new ControlOperation("consent-withdraw", ControlRole.Operator, request => request["function"] is { } function
            ? consents.Withdraw(function, request["field"], request["role"] ?? "operator")
            : ControlReply.No("consent-withdraw: no function is named")),
    ];
}
