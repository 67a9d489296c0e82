using FieldAgent.Core;

namespace FieldAgent.Simulation;

/// <summary>A sensor that invents its rows.</summary>
internal sealed class SimulatedSensor : ISensor
{
    private readonly SensorSetup _setup;
    private readonly SignalPlan[] _streams;
    private readonly long _intervalNs;

    public SimulatedSensor(SensorSetup setup, SignalPlan[] streams)
    {
        _setup = setup;
        _streams = streams;
        _intervalNs = setup.Options.Get(SensorOptions.Interval).ToNs();
        OpensFor = [setup.Options.Get(SensorOptions.Field)];
    }

    /// <inheritdoc/>
    public string Name => _setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; }

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        var options = _setup.Options;
        var writer = host.Declare(new StreamSet(
            Name, OpensFor[0], [.. _streams.Select(static s => s.Info)], _intervalNs, options.Get(SensorOptions.Urgent), options.ReadImportance()));
        var seed = options.Get(SimulatedOptions.Seed);
        var signals = _streams.Select((plan, i) => new SignalGenerator(plan, seed, i, _intervalNs)).ToArray();
        var values = new double[signals.Length];
        var count = options.Get(SimulatedOptions.Count);
        count = count == 0 ? long.MaxValue : count;
        if (options.Get(SimulatedOptions.Pace) == "asap")
        {
            var start = host.Clock.BootNs;
            for (long row = 0; row < count && Write(host, writer, signals, values, row, start + (row * _intervalNs), stop); row++)
            {
            }

            return;
        }

        var grid = new SamplingGrid(host.Clock.BootNs, _intervalNs);
        while (grid.Index < count && host.Clock.WaitUntil(grid.NextBootNs, stop))
        {
            var sampled = host.Clock.BootNs;
            var missed = grid.Arrive(sampled);
            if (missed > 0)
            {
                host.Skipped("overrun", missed);
            }

            if (!Write(host, writer, signals, values, grid.Index, sampled, stop))
            {
                return;
            }

            grid.Advance();
        }
    }

    private static bool Write(
        ISensorHost host, SampleWriter writer, SignalGenerator[] signals, double[] values, long row, long bootNs, CancellationToken stop)
    {
        ulong present = 0;
        for (var i = 0; i < signals.Length; i++)
        {
            if (signals[i].Next(row, out values[i]))
            {
                present |= 1UL << i;
            }
        }

        if (present == 0)
        {
            host.Skipped("dropout");
            return !stop.IsCancellationRequested;
        }

        return writer.Write(bootNs, values, stop, present);
    }
}
