using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Simulation;

/// <summary>Invented readings: the demo's instrument, the tests' input, and a load of any size.</summary>
public sealed class SimulatedKind : ISensorKind
{
    /// <inheritdoc/>
    public string Kind => "simulated";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Invented readings: waveforms with noise and faults, the same ones for the same seed.",
        SensorOptions.Interval, SimulatedOptions.Seed, SimulatedOptions.Streams, SimulatedOptions.Pace, SimulatedOptions.Count,
        SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var options = setup.Options;
        var streams = SimulatedOptions.ReadStreams(options);
        if (options.Has(SimulatedOptions.Streams) && streams.Length == 0)
        {
            options.Errors.Add(options.NodeOf(SimulatedOptions.Streams), "must have at least one stream");
        }

        foreach (var twice in streams.GroupBy(static s => s.Info.Name, StringComparer.Ordinal).Where(static g => g.Key.Length > 0 && g.Count() > 1))
        {
            options.Errors.Add(options.NodeOf(SimulatedOptions.Streams), $"has {twice.Count()} streams called '{twice.Key}'");
        }

        if (options.Get(SimulatedOptions.Pace) == "asap" && options.Get(SimulatedOptions.Count) == 0)
        {
            options.Errors.Add(options.NodeOf(SimulatedOptions.Pace), "asap needs 'count', the number of rows");
        }

        return new SimulatedSensor(setup, streams);
    }
}
