using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Makes rows of scans, and notices which are missing. One thread; no allocation.</summary>
internal sealed class ScanDecoder
{
    private readonly ISensorHost _host;
    private readonly (BitField Field, StepConversion Conversion)[] _channels;
    private readonly BitField? _timeStamp;
    private readonly KernelTime _time;
    private long _lastStampNs;
    private long _lastBootNs;

    /// <summary>A decoder for the scans of <paramref name="buffer"/>.</summary>
    public ScanDecoder(IioBuffer buffer, ISensorHost host)
    {
        _host = host;
        _channels = [.. buffer.Channels.Select(static c => (c.Field, new StepConversion(c.Plan.Conversion, c.Plan.Step, 0)))];
        _timeStamp = buffer.TimeStamp;
        _time = new KernelTime(host.Clock, buffer.KernelClock);
        PeriodNs = buffer.Rate > 0 ? (long)Math.Round(ClockExtensions.NsPerSecond / buffer.Rate) : 0;
        Streams = [.. buffer.Channels.Select((c, i) => new StreamInfo(c.Plan.Name, c.Plan.Unit, _channels[i].Conversion.Step))];
    }

    /// <summary>The streams of a row.</summary>
    public ImmutableArray<StreamInfo> Streams { get; }

    /// <summary>Nanoseconds between scans; 0 when not known.</summary>
    public long PeriodNs { get; }

    /// <summary>Decodes one scan.</summary>
    /// <param name="scan">Its bytes.</param>
    /// <param name="readNs">When it was read, boot-time ns.</param>
    /// <param name="younger">Scans behind it in the same reading.</param>
    /// <param name="values">Gets the values.</param>
    /// <returns>When it was taken, boot-time ns: by the kernel, or reckoned back from the reading.</returns>
    public long Decode(ReadOnlySpan<byte> scan, long readNs, int younger, Span<double> values)
    {
        for (var i = 0; i < _channels.Length; i++)
        {
            ref readonly var channel = ref _channels[i];
            values[i] = channel.Conversion.Convert(channel.Field.Read(scan));
        }

        if (_timeStamp is not { } field)
        {
            return _lastBootNs = Math.Max(_lastBootNs + 1, readNs - (younger * PeriodNs));
        }

        var stamp = field.ReadInteger(scan);
        if (_lastStampNs != 0 && PeriodNs > 0 && stamp - _lastStampNs > PeriodNs + (PeriodNs / 2))
        {
            _host.Skipped("overrun", ((stamp - _lastStampNs + (PeriodNs / 2)) / PeriodNs) - 1);
        }

        _lastStampNs = stamp;
        return _time.ToBootNs(stamp);
    }
}
