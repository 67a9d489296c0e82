using System.Device.Gpio;
using FieldAgent.Core;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>Lines that a <see cref="GpioController"/> holds.</summary>
internal sealed unsafe class IotGpioLines : IGpioLines
{
    /// <summary>Edges that wait to be read; as many as the kernel keeps for the default stack.</summary>
    private const int EdgesMax = 1024;

    private readonly GpioController _controller;
    private readonly GpioRequest _request;
    private readonly uint[] _offsets;
    private readonly string _place;
    private readonly Lock _gate = new();
    private readonly Queue<GpioEdge> _edges = new(EdgesMax);
    private readonly FileDescriptor _signal = FileDescriptor.Own(Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK));
    private uint _sequence;

    /// <summary>Takes over the open lines.</summary>
    public IotGpioLines(GpioController controller, GpioRequest request, uint[] offsets, string place)
    {
        _controller = controller;
        _request = request;
        _offsets = offsets;
        _place = place;
        for (var i = 0; request.Edges != GpioEdges.None && i < offsets.Length; i++)
        {
            Watch(i);
        }
    }

    /// <inheritdoc/>
    public ulong Read()
    {
        ulong levels = 0;
        try
        {
            for (var i = 0; i < _offsets.Length; i++)
            {
                var isHigh = _controller.Read((int)_offsets[i]) == PinValue.High;
                levels |= isHigh != _request.Lines[i].ActiveLow ? 1UL << i : 0;
            }
        }
        catch (IOException)
        {
            throw Gone();
        }

        return levels;
    }

    /// <inheritdoc/>
    public void Write(ulong mask, ulong values)
    {
        try
        {
            for (var i = 0; i < _offsets.Length; i++)
            {
                if (((mask >> i) & 1) != 0)
                {
                    var isActive = ((values >> i) & 1) != 0;
                    _controller.Write((int)_offsets[i], isActive != _request.Lines[i].ActiveLow ? PinValue.High : PinValue.Low);
                }
            }
        }
        catch (IOException)
        {
            throw Gone();
        }
    }

    /// <inheritdoc/>
    public Readiness Wait(StopEvent stop, int timeoutMs)
    {
        var readiness = _signal.WaitReadable(stop, timeoutMs);
        if (readiness == Readiness.Timeout && timeoutMs > 0)
        {
            // The package's thread ends without a word when the chip vanishes; reading a line tells.
            _ = Read();
        }

        return readiness;
    }

    /// <inheritdoc/>
    public int ReadEdges(Span<GpioEdge> edges)
    {
        lock (_gate)
        {
            var count = 0;
            while (count < edges.Length && _edges.TryDequeue(out var edge))
            {
                edges[count++] = edge;
            }

            if (_edges.Count == 0)
            {
                Span<byte> counter = stackalloc byte[sizeof(ulong)];
                _ = _signal.Read(counter, out _);
            }

            return count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _controller.Dispose();
        _signal.Dispose();
    }

    private void Watch(int index)
    {
        var isActiveLow = _request.Lines[index].ActiveLow;
        var wanted = PinEventTypes.None;
        if (_request.Edges.HasFlag(GpioEdges.Rising))
        {
            wanted |= isActiveLow ? PinEventTypes.Falling : PinEventTypes.Rising;
        }

        if (_request.Edges.HasFlag(GpioEdges.Falling))
        {
            wanted |= isActiveLow ? PinEventTypes.Rising : PinEventTypes.Falling;
        }

        _controller.RegisterCallbackForPinValueChangedEvent(
            (int)_offsets[index], wanted, (_, seen) => Note(index, (seen.ChangeType == PinEventTypes.Rising) != isActiveLow));
    }

    private void Note(int index, bool isActive)
    {
        lock (_gate)
        {
            var edge = new GpioEdge(ClockNative.Now(ClockNative.ClockMonotonic), index, isActive, ++_sequence);
            if (_edges.Count == EdgesMax)
            {
                // The hole in the numbers says so.
                _edges.Dequeue();
            }

            _edges.Enqueue(edge);
            ulong one = 1;
            _ = Libc.Write(_signal.Number, (byte*)&one, sizeof(ulong));
        }
    }

    private SensorFault Gone() => new(SensorFaultKind.Absent, _place, "The chip is gone: plug it in again.");
}
