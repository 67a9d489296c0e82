using System.Collections.Concurrent;
using FieldAgent.Core;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests.Gpio;

/// <summary>Lines that a test drives. Edges are stamped by the machine's CLOCK_MONOTONIC, as the kernel does.</summary>
internal sealed class FakeGpio : IGpioController, IGpioLines
{
    private readonly ConcurrentQueue<GpioEdge> _edges = new();
    private uint _sequence;
    private int _waits;
    private long _levels;

    public List<GpioRequest> Requests { get; } = [];

    public int Open { get; private set; }

    /// <summary>How often somebody began to wait for edges.</summary>
    public int Waits => Volatile.Read(ref _waits);

    /// <summary>True when every edge was read.</summary>
    public bool IsDrained => _edges.IsEmpty;

    /// <summary>What asking for lines meets.</summary>
    public SensorFault? Fault { get; set; }

    /// <summary>What everything on lines that are held meets: the chip was unplugged.</summary>
    public SensorFault? Gone { get; set; }

    /// <summary>What a wait for edges throws.</summary>
    public Exception? Bug { get; set; }

    /// <summary>What was written to outputs, oldest first.</summary>
    public ConcurrentQueue<ulong> Written { get; } = new();

    public IGpioLines Request(GpioRequest request)
    {
        Requests.Add(request);
        if (Fault is not null)
        {
            throw Fault;
        }

        _sequence = 0;
        _edges.Clear();
        if (request.Output)
        {
            Volatile.Write(ref _levels, (long)request.Initial);
        }

        Open++;
        return this;
    }

    public void Drive(int index, bool active, long? monotonicNs = null, uint lost = 0)
    {
        _sequence += 1 + lost;
        var mask = 1L << index;
        Volatile.Write(ref _levels, active ? _levels | mask : _levels & ~mask);
        _edges.Enqueue(new GpioEdge(monotonicNs ?? ClockNative.Now(ClockNative.ClockMonotonic), index, active, _sequence));
    }

    public ulong Read() => Gone is { } gone ? throw gone : (ulong)Volatile.Read(ref _levels);

    public void Write(ulong mask, ulong values)
    {
        var levels = (Read() & ~mask) | (values & mask);
        Volatile.Write(ref _levels, (long)levels);
        Written.Enqueue(levels);
    }

    public Readiness Wait(StopEvent stop, int timeoutMs)
    {
        Interlocked.Increment(ref _waits);
        if (Bug is { } bug)
        {
            throw bug;
        }

        if (!_edges.IsEmpty || Gone is not null)
        {
            return Readiness.Readable;
        }

        return stop.Wait(Math.Min(timeoutMs, 5)) ? Readiness.Stopped : Readiness.Timeout;
    }

    public int ReadEdges(Span<GpioEdge> edges)
    {
        if (Gone is { } gone)
        {
            throw gone;
        }

        var count = 0;
        while (count < edges.Length && _edges.TryDequeue(out var edge))
        {
            edges[count++] = edge;
        }

        return count;
    }

    public void Dispose() => Open--;
}
