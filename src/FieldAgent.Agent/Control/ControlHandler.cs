using System.Globalization;
using FieldAgent.Agent.Hosting;

namespace FieldAgent.Agent.Control;

/// <summary>Answers what comes over the control socket.</summary>
internal sealed class ControlHandler(AgentParts parts)
{
    /// <summary>Carries out one request. Any thread.</summary>
    public ControlReply Handle(ControlRequest request)
    {
        switch (request.Op)
        {
            case "status":
                return new ControlReply(true, Status: parts.Status());
            case "flush":
                parts.Due.Raise();
                return new ControlReply(true, "flushing");
            case "photo":
                var cameras = parts.Collector.Trigger(sensor: null, "local");
                return cameras > 0
                    ? new ControlReply(true, string.Create(CultureInfo.InvariantCulture, $"{cameras} cameras take a picture"))
                    : ControlReply.No("no camera is open; see 'fieldagent consent show' and 'fieldagent status'");
            default:
                return parts.Consents.Handle(request);
        }
    }
}
