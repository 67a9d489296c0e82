using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gpio;

/// <summary>Reports lines as streams of 0 and 1.</summary>
internal sealed class GpioSensor(SensorSetup setup, IGpioController controller) : ISensor
{
    // A line that never changes still shows that it is watched.
    private const int LookMs = 1000;

    private readonly string _field = setup.Options.Get(SensorOptions.Field);

    /// <inheritdoc/>
    public string Name => setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor => [_field];

    /// <inheritdoc/>
    public IReadOnlyList<BoardLine> Lines =>
        [.. setup.Options.Get(GpioKind.Lines).Select(line => new BoardLine(setup.Options.Get(GpioOptions.Chip), line.Get(GpioOptions.Line)))];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        var options = setup.Options;
        var sampled = options.Get(GpioKind.Report) == "samples";
        var lines = options.Get(GpioKind.Lines);
        using var held = controller.Request(new GpioRequest(
            options.Get(GpioOptions.Chip), [.. lines.Select(static line => line.ReadLine())], sampled ? GpioEdges.None : GpioEdges.Both));
        var writer = host.Declare(new StreamSet(
            Name, _field, [.. lines.Select(static line => new StreamInfo(line.Get(GpioOptions.LineName), "1", 1))],
            sampled ? options.Get(SensorOptions.Interval).ToNs() : 0, options.Get(SensorOptions.Urgent), options.ReadImportance()));
        if (sampled)
        {
            Sample(host, held, writer, options.Get(SensorOptions.Interval).ToNs(), stop);
        }
        else
        {
            Follow(host, held, writer, stop);
        }
    }

    private static void Sample(ISensorHost host, IGpioLines held, SampleWriter writer, long intervalNs, CancellationToken stop)
    {
        var values = new double[writer.Set.Streams.Length];
        var grid = new SamplingGrid(host.Clock.BootNs, intervalNs);
        while (host.Clock.WaitUntil(grid.NextBootNs, stop))
        {
            var now = host.Clock.BootNs;
            if (grid.Arrive(now) is > 0 and var missed)
            {
                host.Skipped("overrun", missed);
            }

            if (!WriteLevels(held.Read(), writer, values, now, stop))
            {
                return;
            }

            grid.Advance();
        }
    }

    private static void Follow(ISensorHost host, IGpioLines held, SampleWriter writer, CancellationToken stop)
    {
        var values = new double[writer.Set.Streams.Length];
        var edges = new GpioEdge[64];
        var track = new EdgeTrack(host);
        using var stopped = new StopEvent(stop);
        if (!WriteLevels(held.Read(), writer, values, host.Clock.BootNs, stop))
        {
            return;
        }

        while (!stop.IsCancellationRequested)
        {
            if (held.Wait(stopped, LookMs) == Readiness.Stopped)
            {
                return;
            }

            // No edge for long is no call that hangs.
            host.Describe("edges are awaited");
            var count = held.ReadEdges(edges);
            foreach (ref readonly var edge in edges.AsSpan(0, count))
            {
                var lost = track.Note(edge);
                values[edge.Index] = edge.IsActive ? 1 : 0;
                if (!writer.Write(track.BootNsOf(edge), values, stop, 1UL << edge.Index))
                {
                    return;
                }

                // The kernel dropped the oldest: what the lines are now is known, what they were is not.
                if (lost > 0 && !WriteLevels(held.Read(), writer, values, host.Clock.BootNs, stop))
                {
                    return;
                }
            }
        }
    }

    private static bool WriteLevels(ulong levels, SampleWriter writer, double[] values, long bootNs, CancellationToken stop)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (levels >> i) & 1;
        }

        return writer.Write(bootNs, values, stop);
    }
}

/// <summary>Follows the numbers and times of edges. One thread.</summary>
internal sealed class EdgeTrack(ISensorHost host)
{
    private readonly KernelTime _time = new(host.Clock, ClockNative.ClockMonotonic);
    private uint _last;

    /// <summary>Notes an edge's number.</summary>
    /// <returns>How many were lost before it; also counted as <c>lost-edges</c>.</returns>
    public long Note(in GpioEdge edge)
    {
        var lost = _last == 0 && edge.Sequence >= 1 ? edge.Sequence - 1L : unchecked(edge.Sequence - _last - 1);
        _last = edge.Sequence;
        if (lost > 0)
        {
            host.Skipped("lost-edges", lost);
        }

        return lost;
    }

    /// <summary>Boot-time of an edge.</summary>
    public long BootNsOf(in GpioEdge edge) => _time.ToBootNs(edge.MonotonicNs);
}
