using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary><c>geofence-show</c>.</summary>
internal static class GeofenceOperations
{
    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(Gate gate) =>
    [
        new ControlOperation("geofence-show", ControlRole.Operator, _ => new ControlReply(true, Lines: Show(gate))),
    ];

    private static List<string> Show(Gate gate)
    {
        var on = gate.Decide(Stage.Collect, Vocabulary.GeofenceFunction, Vocabulary.LocationPosition).IsPermitted;
        var fences = gate.FenceState;
        return fences.Count == 0
            ? ["no geofence is configured"]
            : [.. fences.Select(fence => $"{fence.Id,-24} {(!on ? "not watched: see 'fieldagent consent show'" : fence.Inside switch
            {
                true => "inside",
                false => "outside",
                null => "not known yet",
            })}")];
    }
}
