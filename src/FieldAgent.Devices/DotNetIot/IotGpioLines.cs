using System.Device.Gpio;
using FieldAgent.Core;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>Lines that a <see cref="GpioController"/> holds.</summary>
/// <remarks>The package has no debounce. Where it is asked for, every change is watched here, and the level that has stood for the period is
/// the line's, for readers and for edges: by this program's clock, where the kernel would go by the interrupt's.</remarks>
internal sealed unsafe class IotGpioLines : IGpioLines
{
    /// <summary>Edges that wait to be read; as many as the kernel keeps for the default stack.</summary>
    private const int EdgesMax = 1024;

    private const long NsPerMs = 1_000_000;

    private readonly GpioController _controller;
    private readonly GpioRequest _request;
    private readonly uint[] _offsets;
    private readonly string _place;
    private readonly Debounce?[] _debounced;
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
        _debounced = [.. request.Lines.Select((line, i) =>
            request.Output || line.Debounce <= TimeSpan.Zero ? null : new Debounce(line.Debounce.ToNs(), IsActive(i)))];
        for (var i = 0; i < offsets.Length; i++)
        {
            Watch(i, _debounced[i] is null ? request.Edges : GpioEdges.Both);
        }
    }

    private static long Now => ClockNative.Now(ClockNative.ClockMonotonic);

    /// <inheritdoc/>
    public ulong Read()
    {
        ulong levels = 0;
        try
        {
            for (var i = 0; i < _offsets.Length; i++)
            {
                // A line that is debounced is looked at as well: so a chip that is gone is noticed, and a change that nobody told.
                levels |= Level(i, IsActive(i)) ? 1UL << i : 0;
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
        var dueMs = MsUntilDue();
        var readiness = _signal.WaitReadable(stop, timeoutMs < 0 ? dueMs : dueMs < 0 ? timeoutMs : Math.Min(timeoutMs, dueMs));
        if (readiness == Readiness.Timeout && timeoutMs != 0)
        {
            // The package's thread ends without a word when the chip vanishes; reading a line tells.
            _ = Read();
        }

        return readiness == Readiness.Timeout && dueMs >= 0 ? Readiness.Readable : readiness;
    }

    /// <inheritdoc/>
    public int ReadEdges(Span<GpioEdge> edges)
    {
        lock (_gate)
        {
            Settle(Now);
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

    private bool IsActive(int index) => _controller.Read((int)_offsets[index]) == PinValue.High != _request.Lines[index].ActiveLow;

    private bool Level(int index, bool isActive)
    {
        if (_debounced[index] is not { } debounced)
        {
            return isActive;
        }

        lock (_gate)
        {
            debounced.Observe(Now, isActive);
            Settle(Now);
            return debounced.IsActive;
        }
    }

    private void Watch(int index, GpioEdges edges)
    {
        var isActiveLow = _request.Lines[index].ActiveLow;
        var wanted = PinEventTypes.None;
        if (edges.HasFlag(GpioEdges.Rising))
        {
            wanted |= isActiveLow ? PinEventTypes.Falling : PinEventTypes.Rising;
        }

        if (edges.HasFlag(GpioEdges.Falling))
        {
            wanted |= isActiveLow ? PinEventTypes.Rising : PinEventTypes.Falling;
        }

        if (wanted != PinEventTypes.None)
        {
            _controller.RegisterCallbackForPinValueChangedEvent(
                (int)_offsets[index], wanted, (_, seen) => Note(index, (seen.ChangeType == PinEventTypes.Rising) != isActiveLow));
        }
    }

    // On the package's thread.
    private void Note(int index, bool isActive)
    {
        lock (_gate)
        {
            var now = Now;
            Settle(now);
            if (_debounced[index] is { } debounced)
            {
                debounced.Change(now, isActive);
            }
            else
            {
                Keep(now, index, isActive);
            }

            // Who waits must know until when, even where there is no edge yet.
            ulong one = 1;
            _ = Libc.Write(_signal.Number, (byte*)&one, sizeof(ulong));
        }
    }

    private void Settle(long nowNs)
    {
        for (var i = 0; i < _debounced.Length; i++)
        {
            if (_debounced[i] is { } debounced && debounced.Settle(nowNs, out var atNs)
                && _request.Edges.HasFlag(debounced.IsActive ? GpioEdges.Rising : GpioEdges.Falling))
            {
                Keep(atNs, i, debounced.IsActive);
            }
        }
    }

    private void Keep(long atNs, int index, bool isActive)
    {
        if (_edges.Count == EdgesMax)
        {
            // The hole in the numbers says so.
            _edges.Dequeue();
        }

        _edges.Enqueue(new GpioEdge(atNs, index, isActive, ++_sequence));
    }

    private int MsUntilDue()
    {
        lock (_gate)
        {
            var dueNs = long.MaxValue;
            foreach (var debounced in _debounced)
            {
                dueNs = Math.Min(dueNs, debounced?.DueNs ?? long.MaxValue);
            }

            return dueNs == long.MaxValue ? -1 : (int)Math.Max(0, (dueNs - Now + NsPerMs - 1) / NsPerMs);
        }
    }

    private SensorFault Gone() => new(SensorFaultKind.Absent, _place, "The chip is gone: plug it in again.");
}
