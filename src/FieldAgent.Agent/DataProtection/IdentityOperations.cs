using FieldAgent.Agent.Control;
using FieldAgent.Core;

namespace FieldAgent.Agent.DataProtection;

/// <summary><c>identity-show</c>, <c>identity-rotate</c>.</summary>
internal static class IdentityOperations
{
    /// <summary>The words for the reasons that can be given.</summary>
    public static IReadOnlyList<string> Reasons { get; } = ["requested", "closed", "owner-changed"];

    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(IdentityService identity) =>
    [
        new ControlOperation("identity-show", ControlRole.Operator, _ => identity.Show()),
        new ControlOperation("identity-rotate", ControlRole.Administrator, request => (request["reason"] ?? "requested") switch
        {
            "requested" => identity.Rotate(RotationReason.Requested, request["erase"] == "true"),
            "closed" => identity.Rotate(RotationReason.Closed, erase: true),
            "owner-changed" => identity.Rotate(RotationReason.OwnerChanged, erase: true),
            var other => ControlReply.No($"identity-rotate: '{other}' is no reason; there are: {string.Join(", ", Reasons)}"),
        }),
    ];
}
