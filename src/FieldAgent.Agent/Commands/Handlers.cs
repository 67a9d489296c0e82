using System.Globalization;
using System.Text;
using System.Text.Json;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Collect;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.Commands;

/// <summary>Command <c>status</c>: what the cloud may know of the board's state. No name, no path, no detail text leaves it.</summary>
internal sealed class StatusHandler(AgentParts parts) : ICommandHandler
{
    public string Name => "status";

    public CommandOutcome Handle(CommandRequest request)
    {
        var status = parts.Status();
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("version", CommandLine.Version);
            writer.WriteNumber("uptimeSeconds", Math.Round(status.UptimeSeconds, 1));
            writer.WriteString("clock", status.Clock.Quality.ToString().ToLowerInvariant());
            writer.WriteString("policy", status.Policy);
            writer.WriteStartArray("sensors");
            foreach (var sensor in status.Sensors)
            {
                writer.WriteStartObject();
                writer.WriteString("name", sensor.Name);
                writer.WriteString("kind", sensor.Kind);
                writer.WriteString("state", sensor.State.ToString().ToLowerInvariant());
                writer.WriteNumber("rows", sensor.Rows);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteNumber("readingsWaiting", status.Spool.Readings);
            writer.WriteNumber("picturesWaiting", status.Spool.Images);
            writer.WriteNumber("stateBytes", status.Spool.StateBytes);
            writer.WriteBoolean("storing", status.Store.Trouble.Length == 0);
            WriteCounts(writer, "denied", status.Denied);
            WriteCounts(writer, "dropped", status.Dropped);
            writer.WriteEndObject();
        }

        return CommandOutcome.Done(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static void WriteCounts(Utf8JsonWriter writer, string name, SortedDictionary<string, long> counts)
    {
        writer.WriteStartObject(name);
        foreach (var (reason, count) in counts)
        {
            writer.WriteNumber(reason, count);
        }

        writer.WriteEndObject();
    }
}

/// <summary>Command <c>flush</c>: stores what has gathered without waiting for the interval.</summary>
internal sealed class FlushHandler(FlushSignal due) : ICommandHandler
{
    public string Name => "flush";

    public CommandOutcome Handle(CommandRequest request)
    {
        due.Raise();
        return CommandOutcome.Done("{}");
    }
}

/// <summary>Command <c>acknowledge</c>: the recipient has a notice, which is not repeated any more.</summary>
internal sealed class AcknowledgeHandler(IOutbox outbox) : ICommandHandler
{
    public string Name => "acknowledge";

    public CommandOutcome Handle(CommandRequest request) => outbox.Acknowledge(request.Recipient, request.Argument("reference")!)
        ? CommandOutcome.Done("{}")
        : CommandOutcome.Refused("unknown", "no notice with this reference waits for an acknowledgement");
}

/// <summary>Command <c>photo</c>: asks the open cameras for a shot; the picture carries the command's id.</summary>
internal sealed class PhotoHandler(Collector collector) : ICommandHandler
{
    public string Name => "photo";

    public CommandOutcome Handle(CommandRequest request)
    {
        var cameras = collector.Trigger(request.Argument("sensor"), request.Id);
        return cameras > 0
            ? CommandOutcome.Done(string.Create(CultureInfo.InvariantCulture, $$"""{"cameras":{{cameras}}}"""))
            : CommandOutcome.Refused("unavailable", "no camera is open: photographs are not granted, or there is no such camera");
    }
}
