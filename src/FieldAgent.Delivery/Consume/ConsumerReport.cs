using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FieldAgent.Delivery;

/// <summary>What arrived of one function of one device.</summary>
public sealed record FunctionReport
{
    /// <summary>The function.</summary>
    public required string Function { get; init; }

    /// <summary>Batches, each counted once.</summary>
    public long Batches { get; init; }

    /// <summary>Readings in them.</summary>
    public long Readings { get; init; }

    /// <summary>Messages that came again and were ignored.</summary>
    public long Duplicates { get; init; }

    /// <summary>Sequence numbers that neither arrived nor were announced as lost.</summary>
    public long Missing { get; init; }

    /// <summary>The first of them, as ranges.</summary>
    public IReadOnlyList<string> MissingRanges { get; init; } = [];

    /// <summary>Gaps announced.</summary>
    public long Gaps { get; init; }

    /// <summary>Readings that they say are lost.</summary>
    public long GapReadings { get; init; }

    /// <summary>Batches that came after one with a larger number.</summary>
    public long OutOfOrder { get; init; }

    /// <summary>Pictures that are whole, by size and SHA-256.</summary>
    public long PhotosComplete { get; init; }

    /// <summary>Pictures of which something has not arrived.</summary>
    public long PhotosIncomplete { get; init; }

    /// <summary>Pictures that do not match their SHA-256.</summary>
    public long PhotosCorrupt { get; init; }

    /// <summary>Pictures that the device gave up while sending them, announced as gaps.</summary>
    public long PhotosGivenUp { get; init; }
}

/// <summary>What arrived of one device.</summary>
public sealed record DeviceReport
{
    /// <summary>Its pseudonym.</summary>
    public required string Device { get; init; }

    /// <summary>Its last state; null when none arrived.</summary>
    public bool? Online { get; init; }

    /// <summary>Notices by kind, each counted once.</summary>
    public SortedDictionary<string, long> Notices { get; init; } = [];

    /// <summary>Notices that came again: repeated until they are acknowledged.</summary>
    public long NoticeDuplicates { get; init; }

    /// <summary>By function.</summary>
    public IReadOnlyList<FunctionReport> Functions { get; init; } = [];
}

/// <summary>What a consumer saw.</summary>
public sealed record ConsumerReport
{
    /// <summary>Seconds listened.</summary>
    public double Seconds { get; init; }

    /// <summary>Messages that arrived.</summary>
    public long Messages { get; init; }

    /// <summary>Bytes of their topics and payloads.</summary>
    public long Bytes { get; init; }

    /// <summary>Connections to the broker.</summary>
    public int Connects { get; init; }

    /// <summary>The last connection fault; empty when there was none.</summary>
    public string Fault { get; init; } = "";

    /// <summary>Messages that do not follow the contract.</summary>
    public long Invalid { get; init; }

    /// <summary>The first of them: topic, place, problem.</summary>
    public IReadOnlyList<string> InvalidExamples { get; init; } = [];

    /// <summary>By device.</summary>
    public IReadOnlyList<DeviceReport> Devices { get; init; } = [];

    /// <summary>Readings over all.</summary>
    public long Readings => Devices.Sum(d => d.Functions.Sum(f => f.Readings));

    /// <summary>Batches over all.</summary>
    public long Batches => Devices.Sum(d => d.Functions.Sum(f => f.Batches));

    /// <summary>Duplicates over all.</summary>
    public long Duplicates => Devices.Sum(d => d.Functions.Sum(f => f.Duplicates));

    /// <summary>Missing numbers over all.</summary>
    public long Missing => Devices.Sum(d => d.Functions.Sum(f => f.Missing));

    /// <summary>Whole pictures over all.</summary>
    public long PhotosComplete => Devices.Sum(d => d.Functions.Sum(f => f.PhotosComplete));

    /// <summary>Incomplete and corrupt pictures over all.</summary>
    public long PhotosIncomplete => Devices.Sum(d => d.Functions.Sum(f => f.PhotosIncomplete + f.PhotosCorrupt));

    /// <summary>True when nothing is missing, invalid or incomplete.</summary>
    public bool IsComplete => Missing == 0 && Invalid == 0 && PhotosIncomplete == 0;

    /// <summary>The report as one line of JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ConsumerReportJson.Default.ConsumerReport);

    /// <summary>The report as a table for people.</summary>
    public void WriteTable(TextWriter writer)
    {
        string[] head = ["device", "function", "readings", "batches", "duplicates", "missing", "gaps", "late", "photos", "incomplete"];
        var rows = new List<string[]> { head };
        foreach (var device in Devices)
        {
            foreach (var f in device.Functions)
            {
                rows.Add(
                [
                    device.Device, f.Function, Text(f.Readings), Text(f.Batches), Text(f.Duplicates), Text(f.Missing), Text(f.Gaps),
                    Text(f.OutOfOrder), Text(f.PhotosComplete), Text(f.PhotosIncomplete + f.PhotosCorrupt),
                ]);
            }
        }

        var widths = Enumerable.Range(0, head.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            writer.WriteLine(string.Join("  ", row.Select((cell, i) => i < 2 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd());
        }

        foreach (var device in Devices.Where(static d => d.Notices.Count > 0))
        {
            writer.WriteLine(
                $"{device.Device}  notices: {string.Join(", ", device.Notices.Select(static n => $"{Text(n.Value)} {n.Key}"))}"
                + $"; {Text(device.NoticeDuplicates)} came again");
        }

        foreach (var example in InvalidExamples)
        {
            writer.WriteLine("invalid: " + example);
        }

        if (Fault.Length > 0)
        {
            writer.WriteLine("connection: " + Fault);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ConsumerReport))]
internal sealed partial class ConsumerReportJson : JsonSerializerContext;
