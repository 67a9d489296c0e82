using System.Collections.Immutable;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.I2c;

/// <summary>Which streams of an instrument become streams of the sensor, and how they are converted.</summary>
internal sealed class StreamSelection
{
    private readonly (int From, double Step, StepConversion Conversion)[] _chosen;

    private StreamSelection((int From, double Step, StepConversion Conversion, StreamInfo Stream)[] chosen)
    {
        _chosen = [.. chosen.Select(static c => (c.From, c.Step, c.Conversion))];
        Streams = [.. chosen.Select(static c => c.Stream)];
        Wanted = chosen.Aggregate(0UL, static (mask, c) => mask | (1UL << c.From));
    }

    /// <summary>The sensor's streams.</summary>
    public ImmutableArray<StreamInfo> Streams { get; }

    /// <summary>The instrument's streams that are needed.</summary>
    public ulong Wanted { get; }

    /// <summary>What the configuration chooses; reports what the instrument does not have, and names that are used twice.</summary>
    public static StreamSelection Of(ConfigSection options, II2cInstrument instrument)
    {
        var chosen = new List<(int, double, StepConversion, StreamInfo)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var configured = options.Get(I2cOptions.Channels);
        foreach (var channel in configured)
        {
            var word = channel.Get(I2cOptions.Channel);
            var from = instrument.Streams.ToList().FindIndex(s => s.Name == word);
            if (from < 0)
            {
                channel.Errors.Add(channel.NodeOf(I2cOptions.Channel), $"the map has no '{word}'; it has: {string.Join(", ", instrument.Streams.Select(static s => s.Name))}");
                continue;
            }

            Add(from, channel);
        }

        for (var i = 0; configured.Count == 0 && i < instrument.Streams.Length; i++)
        {
            if (((instrument.Default >> i) & 1) != 0)
            {
                Add(i, null);
            }
        }

        return new StreamSelection([.. chosen]);

        void Add(int from, ConfigSection? channel)
        {
            var source = instrument.Streams[from];
            var conversion = channel is null ? default : new LinearConversion(0, channel.Get(SysfsOptions.Multiply), channel.Get(SysfsOptions.Add));
            var name = channel?.Has(SysfsOptions.Name) == true ? channel.Get(SysfsOptions.Name) : source.Name;
            if (!names.Add(name))
            {
                options.Errors.Add(channel?.Node ?? options.NodeOf(I2cOptions.Streams), $"a second stream called '{name}'; give it another 'name'");
            }

            // A value of the map is a whole number of its steps, where it has one.
            var step = source.Scale;
            var converted = channel is null
                ? new StepConversion(new LinearConversion(0, step > 0 ? step : 1, 0), 0, step > 0 ? 0 : StepConversion.Unknown)
                : new StepConversion(
                    conversion with { Gain = conversion.Gain * (step > 0 ? step : 1) }, channel.Get(SysfsOptions.Step), step > 0 ? 0 : StepConversion.Unknown);
            chosen.Add((from, step, converted, new StreamInfo(
                name, channel?.Has(SysfsOptions.Unit) == true ? channel.Get(SysfsOptions.Unit) : source.Unit, converted.Step)));
        }
    }

    /// <summary>Converts a row; no allocation.</summary>
    /// <param name="from">The instrument's values.</param>
    /// <param name="present">Which of them are there.</param>
    /// <param name="to">Gets the sensor's values.</param>
    /// <returns>Which of those are there.</returns>
    public ulong Convert(ReadOnlySpan<double> from, ulong present, Span<double> to)
    {
        ulong result = 0;
        for (var i = 0; i < _chosen.Length; i++)
        {
            ref readonly var one = ref _chosen[i];
            if (((present >> one.From) & 1) != 0)
            {
                to[i] = one.Conversion.Convert(one.Step > 0 ? Math.Round(from[one.From] / one.Step) : from[one.From]);
                result |= 1UL << i;
            }
        }

        return result;
    }
}
