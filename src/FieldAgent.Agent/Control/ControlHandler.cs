using System.Globalization;
using FieldAgent.Agent.Hosting;

namespace FieldAgent.Agent.Control;

/// <summary>Answers what comes over the control socket.</summary>
internal sealed class ControlHandler
{
    private readonly Dictionary<string, IControlOperation> _operations = new(StringComparer.Ordinal);

    /// <summary>A handler for all that the running agent can be asked.</summary>
    public ControlHandler(AgentParts parts)
    {
        foreach (var operation in OfAgent(parts).Concat(parts.Privacy.Operations))
        {
            _operations.Add(operation.Name, operation);
        }
    }

    /// <summary>Carries out one request. Any thread.</summary>
    public ControlReply Handle(ControlRequest request) =>
        _operations.TryGetValue(request.Op, out var operation)
            ? operation.Handle(request)
            : ControlReply.No($"unknown request '{request.Op}'");

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
