using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gpio;

/// <summary>Counts edges. The frequency is that of whole periods: from the last edge of the interval before to the last edge of this one, by
/// the kernel's time of each, so that a slow pulse is as exact as a fast one.</summary>
internal sealed class PulseCounter(SensorSetup setup, IGpioController controller) : ISensor
{
    /// <summary>Reads in a row before the clock is looked at: more than the kernel keeps.</summary>
    private const int ReadsMax = 32;

    private const string Total = "total";

    private readonly string _field = setup.Options.Get(SensorOptions.Field);

    /// <inheritdoc/>
    public string Name => setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor => [_field];

    /// <inheritdoc/>
    public IReadOnlyList<BoardLine> Lines => [new(setup.Options.Get(GpioOptions.Chip), setup.Options.Get(GpioOptions.Line))];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        var options = setup.Options;
        using var held = controller.Request(new GpioRequest(options.Get(GpioOptions.Chip), [options.ReadLine()], options.ReadEdges()));
        var (perUnit, unit) = (options.Get(PulseCounterKind.PulsesPerUnit), options.Get(PulseCounterKind.Unit));
        var intervalNs = options.Get(SensorOptions.Interval).ToNs();
        var writer = host.Declare(new StreamSet(
            Name, _field,
            [new StreamInfo("frequency", "Hz"), new StreamInfo("rate", unit + "/min"), new StreamInfo("total", unit, 1 / perUnit)],
            intervalNs, options.Get(SensorOptions.Urgent), options.ReadImportance()));
        Count(host, held, writer, intervalNs, perUnit, stop);
    }

    private static void Count(ISensorHost host, IGpioLines held, SampleWriter writer, long intervalNs, double perUnit, CancellationToken stop)
    {
        var track = new EdgeTrack(host);
        var edges = new GpioEdge[64];
        var values = new double[3];
        var total = host.Memory.Recall(Total);
        long lastEdgeNs = 0;
        var grid = new SamplingGrid(host.Clock.BootNs, intervalNs);
        using var stopped = new StopEvent(stop);
        while (!stop.IsCancellationRequested)
        {
            var (count, firstNs, newestNs) = (0L, lastEdgeNs, lastEdgeNs);
            var now = host.Clock.BootNs;
            do
            {
                // Also when the moment has passed: a counter that is always late would else never read.
                if (held.Wait(stopped, now < grid.NextBootNs ? (int)Math.Clamp((grid.NextBootNs - now) / 1_000_000 + 1, 1, 1000) : 0) == Readiness.Stopped)
                {
                    host.Memory.Remember(Total, total + count);
                    return;
                }

                var read = edges.Length;
                for (var reads = 0; read == edges.Length && reads < ReadsMax; reads++)
                {
                    read = held.ReadEdges(edges);
                    for (var i = 0; i < read; i++)
                    {
                        count += 1 + track.Note(edges[i]);
                        newestNs = track.BootNsOf(edges[i]);
                        firstNs = firstNs == 0 ? newestNs : firstNs;
                    }
                }
            }
            while ((now = host.Clock.BootNs) < grid.NextBootNs);

            if (grid.Arrive(now) is > 0 and var missed)
            {
                host.Skipped("overrun", missed);
            }

            total += count;
            host.Memory.Remember(Total, total);
            var periods = lastEdgeNs == 0 ? count - 1 : count;
            values[0] = periods > 0 && newestNs > firstNs ? periods * 1e9 / (newestNs - firstNs) : 0;
            values[1] = values[0] * 60 / perUnit;
            values[2] = total / perUnit;
            lastEdgeNs = newestNs;
            if (!writer.Write(now, values, stop))
            {
                return;
            }

            grid.Advance();
        }
    }
}
