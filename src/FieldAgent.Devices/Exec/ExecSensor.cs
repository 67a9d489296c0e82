using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Exec;

/// <summary>Runs the program, takes its lines, and ends it with all that it started. What it says on standard error is counted and not kept: it may
/// hold anything.</summary>
internal sealed class ExecSensor(SensorSetup setup) : ISensor
{
    private const int ReadBytes = 16 << 10;
    private const int TickMs = 1000;

    /// <summary>Descriptors that it may have open: far more than a reader needs.</summary>
    private const int FilesMax = 64;

    /// <summary>Processes and threads that it may have, on top of what this user has.</summary>
    private const int TasksMax = 32;

    /// <summary>Output taken after its end, bytes: more than a pipe holds.</summary>
    private const int LastBytesMax = 1 << 20;

    /// <summary>A reading older than that was not just made; one this far ahead is from a wrong clock.</summary>
    private static readonly long AgeNsMax = TimeSpan.FromHours(1).ToNs();

    private static readonly long AheadNsMax = TimeSpan.FromSeconds(1).ToNs();

    private readonly string _field = setup.Options.Get(SensorOptions.Field);

    /// <inheritdoc/>
    public string Name => setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor => [_field];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        var options = setup.Options;
        var program = AdmittedProgram.Admit(options.Get(ExecKind.Program), options.Get(ExecKind.Sha256));
        var set = new StreamSet(
            Name, _field,
            [.. options.Get(ExecKind.Streams).Select(static s => new StreamInfo(s.Get(ExecKind.StreamName), s.Get(ExecKind.Unit), s.Get(ExecKind.Step)))],
            0, options.Get(SensorOptions.Urgent), options.ReadImportance());
        var reading = new Reading(host, host.Declare(set), new ExecLine(set.Streams), options.Get(ExecKind.RateMax), stop);
        using var stopEvent = new StopEvent(stop);
        using var child = ChildProgram.Start(new ChildPlan(program, options.Get(ExecKind.Arguments))
        {
            Limits = new ChildLimits(
                options.Get(ExecKind.Memory), (long)options.Get(ExecKind.CpuTime).TotalSeconds, FilesMax, UserTasks.Count() + TasksMax),
            Confinement = new Confinement([program, .. options.Get(ExecKind.Readable).Select(AdmittedProgram.Resolve).Where(ExecKind.IsHarmless)], options.Get(ExecKind.Confinement) == "required"),
        });
        var buffer = new byte[ReadBytes];
        while (true)
        {
            var events = child.Wait(stopEvent, TickMs);
            if (events.HasFlag(ChildEvents.Stopped))
            {
                return;
            }

            CountErrors(host, child, buffer);
            reading.Take(child, buffer, events.HasFlag(ChildEvents.Exited) ? LastBytesMax : ReadBytes);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            if (events.HasFlag(ChildEvents.Exited))
            {
                reading.TakeLast();
                throw new SensorFault(SensorFaultKind.Io, options.Get(ExecKind.Program), Reason(child.End()));
            }

            // A program that says nothing for long is not a call that hangs.
            host.Describe("its program is running");
        }
    }

    private static string Reason(ChildExit? exit) => exit switch
    {
        null => "The program hangs inside the kernel.",
        { Signal: 0, Code: 126 } => "The program ended: exit code 126, which here means that it may not be run or may still be written, or that its interpreter is out of reach ('readable').",
        { Signal: 0, Code: 127 } => "The program ended: exit code 127, which here means that its interpreter or a library is missing.",
        _ => $"The program ended: {exit}. Run it by hand to see its words.",
    };

    private static void CountErrors(ISensorHost host, ChildProgram child, Span<byte> buffer)
    {
        // At most so much in one go: the readings come first.
        for (var i = 0; i < 4; i++)
        {
            var read = child.ReadErrors(buffer);
            if (read == 0)
            {
                return;
            }

            var lines = buffer[..read].Count((byte)'\n');
            if (lines > 0)
            {
                host.Skipped("stderr-lines", lines);
            }
        }
    }

    /// <summary>From the program's output to rows.</summary>
    private sealed class Reading(ISensorHost host, SampleWriter writer, ExecLine line, long rateMax, CancellationToken stop)
    {
        private readonly LineSplitter _lines = new(DeviceLimits.ExecLineBytesMax);
        private readonly double[] _values = new double[writer.Set.Streams.Length];
        private long _secondNs = long.MinValue / 2;
        private long _inSecond;
        private long _overlong;

        /// <summary>Takes what is there, up to <paramref name="bytesMax"/>.</summary>
        public void Take(ChildProgram child, byte[] buffer, int bytesMax)
        {
            var total = 0;
            while (total < bytesMax && child.ReadOutput(buffer) is > 0 and var read)
            {
                total += read;
                var data = (ReadOnlySpan<byte>)buffer.AsSpan(0, read);
                while (_lines.TryRead(ref data, out var text))
                {
                    if (!Take(text))
                    {
                        return;
                    }
                }

                CountOverlong();
            }
        }

        /// <summary>Takes a last line without an end.</summary>
        public void TakeLast()
        {
            if (_lines.TryReadLast(out var text))
            {
                Take(text);
            }

            CountOverlong();
        }

        private void CountOverlong()
        {
            if (_lines.Overlong > _overlong)
            {
                host.Skipped("overlong", _lines.Overlong - _overlong);
                _overlong = _lines.Overlong;
            }
        }

        private bool Take(ReadOnlySpan<byte> text)
        {
            var nowNs = host.Clock.BootNs;
            if (nowNs - _secondNs >= ClockExtensions.NsPerSecond || nowNs < _secondNs)
            {
                (_secondNs, _inSecond) = (nowNs, 0);
            }

            if (++_inSecond > rateMax)
            {
                host.Skipped("too-many");
                return true;
            }

            var fault = line.Read(text);
            var atNs = line.UnixNs is { } unixNs ? unixNs - host.Clock.WallOffsetNs : nowNs;
            fault = fault == ExecFault.None && (atNs > nowNs + AheadNsMax || atNs < nowNs - AgeNsMax) ? ExecFault.Time : fault;
            if (fault != ExecFault.None)
            {
                host.Skipped(fault switch
                {
                    ExecFault.Stream => "unknown-stream",
                    ExecFault.Unit => "unit",
                    ExecFault.Value => "value",
                    ExecFault.Time => "time",
                    _ => "malformed",
                });
                return true;
            }

            _values[line.Stream] = line.Value;
            return writer.Write(atNs, _values, stop, 1UL << line.Stream);
        }
    }
}
