using System.Globalization;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>How much a rule would send, and how that is known.</summary>
/// <param name="BytesPerDay">Bytes of payload a day to one recipient; null when nothing can be said.</param>
/// <param name="Basis">What the number rests on, for people.</param>
/// <param name="IsMeasured">True when the bytes were measured on this board; false when they are nominal.</param>
internal sealed record TrafficVolume(long? BytesPerDay, string Basis, bool IsMeasured);

/// <summary>Estimates traffic from what this board itself has sent, and how often its sensors sample. Any thread.</summary>
internal sealed class TrafficEstimate(IReadOnlyList<ConfiguredSensor> sensors, Counters counters, Func<IDeliveryLedger?> deliveries)
{
    // A batch of the contract's plain JSON has about this many bytes for a value with its share of the time.
    private const double NominalBytesPerReading = 8;

    // From fewer than these a rate says nothing.
    private const long ReadingsMin = 1000;
    private const long PicturesMin = 3;
    private const long HistoryNsMin = 600 * ClockExtensions.NsPerSecond;
    private const double SecondsPerDay = 86_400;

    private const int ReducedPositionStreams = 2;
    private const int PositionStreams = 5;

    /// <summary>The estimate for a rule.</summary>
    /// <param name="function">The function.</param>
    /// <param name="field">The field.</param>
    /// <param name="scope">As how exact it would be granted; empty for what is no place.</param>
    public TrafficVolume Of(string function, string field, string scope)
    {
        if (FromHistory(function, field) is { } measured)
        {
            return measured;
        }

        if (field is Vocabulary.ImageCaptureTime or Vocabulary.ImageDeviceModel or Vocabulary.ImageLocation)
        {
            return new TrafficVolume(0, "it travels inside photographs and adds less than a hundred bytes to each", IsMeasured: false);
        }

        var sources = sensors.Where(sensor => sensor.Sensor.OpensFor.Contains(field)).ToList();
        if (sources.Count == 0)
        {
            return new TrafficVolume(0, "no configured sensor yields it", IsMeasured: false);
        }

        if (sources.Any(static sensor => sensor.Interval <= TimeSpan.Zero))
        {
            return new TrafficVolume(null, "no history yet, and it comes as it comes: nothing can be said in advance", IsMeasured: false);
        }

        var samplesPerDay = sources.Sum(static sensor => SecondsPerDay / sensor.Interval.TotalSeconds);
        var rate = $"the configured interval of {string.Join(", ", sources.Select(static sensor => sensor.Name))}";
        if (field == Vocabulary.ImagePhoto)
        {
            return BytesPer(TrafficCounters.PictureBytes, TrafficCounters.Pictures, PicturesMin) is { } perPicture
                ? new TrafficVolume((long)(samplesPerDay * perPicture), $"measured bytes a picture on this board, at {rate}", IsMeasured: true)
                : new TrafficVolume(null, Text($"no history yet: {samplesPerDay:0} pictures a day at {rate}, of a size not known before the first ones"), IsMeasured: false);
        }

        var streams = !Vocabulary.IsLocation(field) ? 1 : scope is "exact" ? PositionStreams : ReducedPositionStreams;
        return BytesPer(TrafficCounters.ReadingBytes, TrafficCounters.Readings, ReadingsMin) is { } perReading
            ? new TrafficVolume(
                (long)(samplesPerDay * streams * perReading),
                Text($"{perReading:0.0} bytes a reading as measured over {counters[TrafficCounters.Readings]} readings sent since the start, at {rate}"),
                IsMeasured: true)
            : new TrafficVolume(
                (long)(samplesPerDay * streams * NominalBytesPerReading),
                Text($"no history yet: nominal {NominalBytesPerReading:0} bytes a reading, at {rate}"),
                IsMeasured: false);
    }

    // The same rule was granted before: what it sent then is the best guide.
    private TrafficVolume? FromHistory(string function, string field)
    {
        if (field == Vocabulary.ImagePhoto || BytesPer(TrafficCounters.ReadingBytes, TrafficCounters.Readings, ReadingsMin) is not { } perReading
            || deliveries()?.All().Where(d => d.Function == function && d.Field == field).ToList() is not { Count: > 0 } runs)
        {
            return null;
        }

        var recipient = runs.MaxBy(static run => run.LastWallUnixNs)!.Recipient;
        var own = runs.Where(run => run.Recipient == recipient).ToList();
        var spanNs = own.Sum(static run => run.LastWallUnixNs - run.FirstWallUnixNs);
        if (spanNs < HistoryNsMin)
        {
            return null;
        }

        var readingsPerDay = own.Sum(static run => run.Readings) / (spanNs / 1e9) * SecondsPerDay;
        return new TrafficVolume(
            (long)(readingsPerDay * perReading),
            Text($"{readingsPerDay:0} readings a day as they were sent while it was granted, at {perReading:0.0} measured bytes each"),
            IsMeasured: true);
    }

    private double? BytesPer(string bytes, string count, long min) =>
        counters[count] is var n && n >= min ? (double)counters[bytes] / n : null;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
