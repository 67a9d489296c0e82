using System.Runtime.InteropServices;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gpio;

/// <summary>GPIO over the kernel's character device.</summary>
/// <param name="dev">The folder of device nodes: <c>/dev</c>.</param>
internal sealed unsafe class LinuxGpio(string dev) : IGpioController
{
    private const string Consumer = "fieldagent";

    /// <summary>Edges that the kernel keeps for each line until they are read; it holds 1,024 at most, which at 5 kHz is a fifth of a
    /// second.</summary>
    private const int EdgesPerLine = 1024;

    /// <inheritdoc/>
    public IGpioLines Request(GpioRequest request)
    {
        using var chip = GpioChip.Find(dev, request.Chip, request.Lines[0].Line);
        var offsets = chip.OffsetsOf(request.Lines);
        var raw = Describe(request, offsets);
        if (Libc.Ioctl(chip.Fd, GpioUapi.GetLine, (nint)(&raw)) < 0)
        {
            throw Fault(chip, request, offsets, Marshal.GetLastPInvokeError());
        }

        return new Lines(FileDescriptor.Own(raw.Fd), offsets, $"{chip.Name} ({chip.Label})");
    }

    private static GpioUapi.LineRequest Describe(GpioRequest request, uint[] offsets)
    {
        var raw = new GpioUapi.LineRequest { LineCount = (uint)offsets.Length };
        for (var i = 0; i < offsets.Length; i++)
        {
            raw.Offsets[i] = offsets[i];
        }

        Encoding.UTF8.GetBytes(Consumer, new Span<byte>(raw.Consumer, GpioUapi.NameBytes));

        // Flags common to all lines, then an attribute for each group of lines that differs.
        raw.Config.Flags = FlagsOf(request, request.Lines[0]);
        Span<GpioUapi.ConfigAttribute> attributes = raw.Config.Attributes;
        var count = 0;
        foreach (var group in request.Lines.Select(static (line, i) => (line, i)).GroupBy(pair => FlagsOf(request, pair.line)))
        {
            if (group.Key != raw.Config.Flags)
            {
                attributes[count++] = new GpioUapi.ConfigAttribute { Id = GpioUapi.AttributeFlags, Value = group.Key, Mask = Mask(group.Select(static p => p.i)) };
            }
        }

        if (request is { Output: true, Initial: not 0 })
        {
            attributes[count++] = new GpioUapi.ConfigAttribute
            {
                Id = GpioUapi.AttributeOutputValues, Value = request.Initial, Mask = Mask(Enumerable.Range(0, offsets.Length)),
            };
        }

        foreach (var group in request.Lines.Select(static (line, i) => (line, i)).Where(p => !request.Output && p.line.Debounce > TimeSpan.Zero)
            .GroupBy(static p => p.line.Debounce))
        {
            attributes[count++] = new GpioUapi.ConfigAttribute
            {
                Id = GpioUapi.AttributeDebounce, Value = (uint)group.Key.TotalMicroseconds, Mask = Mask(group.Select(static p => p.i)),
            };
        }

        raw.Config.AttributeCount = (uint)count;
        raw.EventBufferSize = request.Edges == GpioEdges.None ? 0 : (uint)Math.Min(EdgesPerLine * offsets.Length, EdgesPerLine);
        return raw;
    }

    private static ulong FlagsOf(GpioRequest request, GpioLine line) =>
        (request.Output ? GpioUapi.FlagOutput : GpioUapi.FlagInput)
        | (line.ActiveLow ? GpioUapi.FlagActiveLow : 0)
        | (request.Edges.HasFlag(GpioEdges.Rising) ? GpioUapi.FlagEdgeRising : 0)
        | (request.Edges.HasFlag(GpioEdges.Falling) ? GpioUapi.FlagEdgeFalling : 0)
        | line.Bias switch
        {
            GpioBias.PullUp => GpioUapi.FlagPullUp,
            GpioBias.PullDown => GpioUapi.FlagPullDown,
            GpioBias.None => GpioUapi.FlagNoBias,
            _ => 0UL,
        }
        | (request.Output ? line.Drive : GpioDrive.PushPull) switch
        {
            GpioDrive.OpenDrain => GpioUapi.FlagOpenDrain,
            GpioDrive.OpenSource => GpioUapi.FlagOpenSource,
            _ => 0UL,
        };

    private static ulong Mask(IEnumerable<int> indices) => indices.Aggregate(0UL, static (mask, i) => mask | (1UL << i));

    private static SensorFault Fault(GpioChip chip, GpioRequest request, uint[] offsets, int error)
    {
        if (error != Libc.EBUSY)
        {
            return error == Libc.EINVAL
                ? new SensorFault(SensorFaultKind.Malformed, chip.Path, "The chip cannot do this: try without 'bias' or 'debounce'.")
                : FileDescriptor.Fault(chip.Path, error);
        }

        return chip.HolderFault(request.Lines, offsets) ?? FileDescriptor.Fault(chip.Path, error);
    }

    private sealed class Lines(FileDescriptor descriptor, uint[] offsets, string place) : IGpioLines
    {
        private readonly GpioUapi.LineEvent[] _events = new GpioUapi.LineEvent[64];

        public ulong Read()
        {
            var values = new GpioUapi.LineValues { Mask = AllOf(offsets.Length) };
            Call(GpioUapi.GetValues, &values);
            return values.Bits;
        }

        public void Write(ulong mask, ulong values)
        {
            var raw = new GpioUapi.LineValues { Mask = mask, Bits = values };
            Call(GpioUapi.SetValues, &raw);
        }

        public Readiness Wait(StopEvent stop, int timeoutMs) => descriptor.WaitReadable(stop, timeoutMs);

        public int ReadEdges(Span<GpioEdge> edges)
        {
            var count = Math.Min(edges.Length, _events.Length);
            var bytes = descriptor.Read(MemoryMarshal.AsBytes(_events.AsSpan(0, count)), out var error);
            if (bytes < 0)
            {
                return error == Libc.EAGAIN ? 0 : throw FileDescriptor.Fault(place, error);
            }

            var read = bytes / sizeof(GpioUapi.LineEvent);
            for (var i = 0; i < read; i++)
            {
                ref readonly var one = ref _events[i];
                edges[i] = new GpioEdge(
                    (long)one.TimestampNs, Array.IndexOf(offsets, one.Offset), one.Id == GpioUapi.EventRising, one.Sequence);
            }

            return read;
        }

        public void Dispose() => descriptor.Dispose();

        private static ulong AllOf(int lines) => lines == 64 ? ulong.MaxValue : (1UL << lines) - 1;

        private void Call(nuint request, void* argument)
        {
            if (Libc.Ioctl(descriptor.Number, request, (nint)argument) < 0)
            {
                throw FileDescriptor.Fault(place, Marshal.GetLastPInvokeError());
            }
        }
    }
}
