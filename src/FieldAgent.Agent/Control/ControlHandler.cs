using System.Globalization;
using FieldAgent.Agent.Hosting;

namespace FieldAgent.Agent.Control;

/// <summary>Answers what comes over the control socket.</summary>
internal sealed class ControlHandler
{
    private readonly Dictionary<string, IControlOperation> _operations = new(StringComparer.Ordinal);
    private readonly AccessNotes _refusals;

    /// <summary>A handler for all that the running agent can be asked.</summary>
    public ControlHandler(AgentParts parts)
    {
        _refusals = new AccessNotes(parts.Privacy.Audit, parts.Clock, parts.Counters);
        foreach (var operation in OfAgent(parts).Concat(parts.Privacy.Operations))
        {
            _operations.Add(operation.Name, operation);
        }
    }

    /// <summary>Carries out one request of a caller with a role; null: one that has none, who is turned away. Any thread.</summary>
    public ControlReply Handle(ControlRequest request, ControlRole? role)
    {
        if (role is not { } has)
        {
            _refusals.Refused("", "nobody of this board");
            return ControlReply.No("refused: only root, the agent's own user, and whom the configuration names under 'control' may call");
        }

        if (!_operations.TryGetValue(request.Op, out var operation))
        {
            return ControlReply.No($"unknown request '{request.Op}'");
        }

        if (has < operation.Needs)
        {
            _refusals.Refused(operation.Name, Name(has));
            return ControlReply.No($"refused: '{operation.Name}' is for the role {Name(operation.Needs)}, you have the role {Name(has)}; "
                + $"{(operation.Needs == ControlRole.Administrator ? "root and the agent's own user" : "whom the configuration names under 'control'")} may do it");
        }

        return operation.Handle(request);
    }

    private static string Name(ControlRole role) => role.ToString().ToLowerInvariant();

    private static IEnumerable<IControlOperation> OfAgent(AgentParts parts) =>
    [
        new ControlOperation("status", ControlRole.Viewer, _ => new ControlReply(true, Status: parts.Status())),
        new ControlOperation("flush", ControlRole.Operator, _ =>
        {
            parts.Due.Raise();
            return new ControlReply(true, "flushing");
        }),
        new ControlOperation("photo", ControlRole.Operator, _ =>
        {
            var cameras = parts.Collector.Trigger(sensor: null, "local");
            return cameras > 0
                ? new ControlReply(true, string.Create(CultureInfo.InvariantCulture, $"{cameras} cameras take a picture"))
                : ControlReply.No("no camera is open; see 'fieldagent consent show' and 'fieldagent status'");
        }),
    ];
}
