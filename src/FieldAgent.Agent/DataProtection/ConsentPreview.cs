using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>What granting a function would change, before it is granted: fields, recipients, terms, sensors, bytes a day. Changes nothing.
/// Any thread.</summary>
internal sealed class ConsentPreview(ConsentDesk desk, Gate gate, IReadOnlyList<ConfiguredSensor> sensors, TrafficEstimate traffic)
{
    /// <summary>The preview.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public ControlReply Of(string function, string? field, string? scope)
    {
        if (desk.Preview(function, field, scope, out var grants) is { } refused)
        {
            return ControlReply.No(refused.Message);
        }

        var closed = sensors.Where(sensor => !sensor.Sensor.OpensFor.Any(gate.MayCollect)).ToList();
        var wouldOpen = closed.Where(sensor => sensor.Sensor.OpensFor.Any(opens => grants.Any(grant => grant.Rule.Field.Name == opens)))
            .Select(static sensor => sensor.Name).ToList();
        var volumes = grants.Select(grant => traffic.Of(function, grant.Rule.Field.Name, grant.Scope)).ToList();

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"granting {function} would change this; nothing has changed yet");
        List<string[]> rows = [["field", "as exact as", "needed", "what for", "kept at most", "goes to", "in"]];
        rows.AddRange(grants.Select(grant => new[]
        {
            grant.Field, grant.Scope, grant.Rule.Necessary ? "yes" : "no", grant.Rule.Purpose, Opt.Write(grant.Rule.Term),
            grant.Rule.Recipients.Count == 0 ? "nobody; it stays on the board" : string.Join(", ", grant.Rule.Recipients),
            string.Join(", ", Regions(grant.Rule)),
        }));
        TextTable.Write(text, rows);
        text.WriteLine(wouldOpen.Count > 0 ? $"  sensors that would open: {string.Join(", ", wouldOpen)}" : "  no sensor would open that is not open already");
        foreach (var (grant, volume) in grants.Zip(volumes))
        {
            text.WriteLine($"  {grant.Rule.Field.Name}: {(grant.Rule.Recipients.Count == 0 ? "nothing is sent" : Words(volume))}");
        }

        if (gate.Policy.RulesOf(function).Select(static rule => rule.Field.Name).Except(grants.Select(static grant => grant.Rule.Field.Name)).ToList()
            is { Count: > 0 } rest)
        {
            text.WriteLine($"  stay off until granted by name: {string.Join(", ", rest)}");
        }

        return new ControlReply(
            true,
            Lines: [.. text.ToString().TrimEnd().Split('\n')],
            Json: [.. grants.Zip(volumes).Select(both => Json(function, both.First, both.Second, wouldOpen))]);
    }

    private static string Words(TrafficVolume volume) => volume.BytesPerDay is { } bytes
        ? $"about {StatusText.Size(bytes)} a day to each recipient; {volume.Basis}"
        : volume.Basis;

    private IEnumerable<string> Regions(PolicyRule rule) =>
        rule.Recipients.Select(name => gate.Policy.Recipient(name)!.Region).Distinct();

    private string Json(string function, ConsentGrant grant, TrafficVolume volume, List<string> wouldOpen)
    {
        var json = new JsonObject
        {
            ["function"] = function,
            ["field"] = grant.Field,
            ["precision"] = grant.Scope,
            ["necessary"] = grant.Rule.Necessary,
            ["purpose"] = grant.Rule.Purpose,
            ["termSeconds"] = (long)grant.Rule.Term.TotalSeconds,
            ["recipients"] = Documents.List(grant.Rule.Recipients),
            ["regions"] = Documents.List(Regions(grant.Rule)),
            ["sensorsThatWouldOpen"] = Documents.List(wouldOpen),
            ["bytesPerDay"] = volume.BytesPerDay,
            ["basis"] = volume.Basis,
            ["measured"] = volume.IsMeasured,
        };
        return Documents.Text(json);
    }
}
