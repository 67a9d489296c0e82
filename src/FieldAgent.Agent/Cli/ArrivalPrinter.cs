using System.Globalization;
using FieldAgent.Agent.Status;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.Cli;

/// <summary>Says what arrives, a line an event.</summary>
internal sealed class ArrivalPrinter(TextWriter output)
{
    /// <summary>Prints one event.</summary>
    public void Print(ConsumerEvent arrived)
    {
        var line = arrived switch
        {
            BatchArrived b => string.Create(CultureInfo.InvariantCulture,
                $"{Short(b.Device)}  {b.Function,-15} #{b.Sequence,-6} {b.Readings,5} readings  {b.Bytes,6} B{(b.Backlog ? "  backlog" : "")}{(b.Duplicate ? "  duplicate, ignored" : "")}"),
            PhotoArrived p => $"{Short(p.Device)}  {p.Function,-15} picture of {p.Sensor}, {StatusText.Size(p.Jpeg.Length)}, SHA-256 {(p.Sound ? "matches" : "DOES NOT MATCH")}",
            GapArrived g => $"{Short(g.Device)}  {g.Function,-15} gap: #{g.From} to #{g.To}, {g.Readings} readings, {g.Reason}",
            NoticeArrived n => $"{Short(n.Device)}  {n.Kind,-15} {n.Type}{(n.Acknowledge ? $", to be acknowledged as {n.Reference}" : "")}{(n.Duplicate ? "  again" : "")}",
            StateArrived s => $"{Short(s.Device)}  {(s.Online ? "online" : "offline")}",
            InvalidArrived i => $"{Short(i.Device)}  INVALID {i.Topic} {i.Place}: {i.Problem}",
            ConnectionChanged c => c.Connected ? "consumer: connected to the broker" : $"consumer: {c.Detail}",
            _ => null,
        };
        if (line is not null)
        {
            output.WriteLine(line);
        }
    }

    private static string Short(string device) => device.Length > 8 ? device[..8] : device;
}
