using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>What a wait for a child ended with; several at once.</summary>
[Flags]
internal enum ChildEvents : byte
{
    /// <summary>The time was up.</summary>
    None = 0,

    /// <summary>The stop event was set.</summary>
    Stopped = 1,

    /// <summary>Its standard output can be read, or is at its end.</summary>
    Output = 2,

    /// <summary>Its standard error can be read, or is at its end.</summary>
    Errors = 4,

    /// <summary>It has ended.</summary>
    Exited = 8,
}

/// <summary>A program that was killed and hangs inside the kernel still. One thread.</summary>
/// <param name="pidfd">Becomes readable when it is gone.</param>
internal sealed unsafe class ChildRemains(FileDescriptor pidfd) : IDisposable
{
    /// <summary>Waits until it is gone.</summary>
    /// <param name="timeoutMs">Longest wait; −1 for ever.</param>
    /// <returns>True when it is.</returns>
    public bool WaitGone(int timeoutMs)
    {
        var fd = new Libc.PollFd { Fd = pidfd.Number, Events = Libc.POLLIN };
        int ready;
        do
        {
            ready = Libc.Poll(&fd, 1, timeoutMs);
        }
        while (ready < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);

        return ready > 0;
    }

    /// <inheritdoc/>
    public void Dispose() => pidfd.Dispose();
}

/// <summary>A program that was started, leader of a session and a process group of its own. Disposing kills the whole group. One thread.</summary>
internal sealed unsafe class ChildProgram : IDisposable
{
    /// <summary>How long a killed program may take to go; one inside a driver's call takes as long as the driver. Counted in looks: when the
    /// whole machine stood still meanwhile, the program had no time to go.</summary>
    private const int EndMs = 1000;

    private const int EndLookMs = 100;

    private static readonly Lock UnreapedLock = new();
    private static readonly List<int> Unreaped = [];

    private readonly FileDescriptor _pidfd;
    private bool _outputOpen = true;
    private bool _errorsOpen = true;
    private ChildExit? _exit;
    private bool _remains;

    private ChildProgram(int id, int pidfd, FileDescriptor output, FileDescriptor errors)
    {
        Id = id;
        _pidfd = FileDescriptor.Own(pidfd);
        Output = output;
        Errors = errors;
    }

    /// <summary>Its process id, which is its group's and session's too.</summary>
    public int Id { get; }

    /// <summary>Its standard output.</summary>
    public FileDescriptor Output { get; }

    /// <summary>Its standard error.</summary>
    public FileDescriptor Errors { get; }

    /// <summary>Starts a program.</summary>
    /// <exception cref="SensorFault">Absent, not executable, or the kernel cannot confine it as the plan requires.</exception>
    public static ChildProgram Start(ChildPlan plan)
    {
        ReapLate();
        var output = Pipe();
        try
        {
            var errors = Pipe();
            try
            {
                var id = Spawn(plan, output.Write, errors.Write);
                var pidfd = (int)Libc.Syscall(Libc.SysPidfdOpen, id, 0);
                if (pidfd >= 0)
                {
                    var child = new ChildProgram(id, pidfd, FileDescriptor.Own(output.Read), FileDescriptor.Own(errors.Read));
                    (output.Read, errors.Read) = (-1, -1);
                    return child;
                }

                var error = Marshal.GetLastPInvokeError();
                _ = Libc.Kill(-id, Libc.SIGKILL);
                Reap(id);
                throw new SensorFault(
                    SensorFaultKind.Io, plan.Program, $"The kernel cannot watch over programs (pidfd_open: errno {error}); Linux 5.3 or newer can.");
            }
            finally
            {
                CloseBoth(errors);
            }
        }
        finally
        {
            CloseBoth(output);
        }
    }

    /// <summary>Waits for output, its end, or a stop.</summary>
    /// <param name="stop">Ends the wait at once.</param>
    /// <param name="timeoutMs">Longest wait; −1 for ever.</param>
    public ChildEvents Wait(StopEvent stop, int timeoutMs)
    {
        var fds = stackalloc Libc.PollFd[4];
        fds[0] = new Libc.PollFd { Fd = stop.Number, Events = Libc.POLLIN };
        fds[1] = new Libc.PollFd { Fd = _outputOpen ? Output.Number : -1, Events = Libc.POLLIN };
        fds[2] = new Libc.PollFd { Fd = _errorsOpen ? Errors.Number : -1, Events = Libc.POLLIN };
        fds[3] = new Libc.PollFd { Fd = _pidfd.Number, Events = Libc.POLLIN };
        if (Libc.Poll(fds, 4, timeoutMs) < 0)
        {
            return Marshal.GetLastPInvokeError() == Libc.EINTR
                ? ChildEvents.None
                : throw new InvalidOperationException($"poll: errno {Marshal.GetLastPInvokeError()}");
        }

        var events = ChildEvents.None;
        for (var i = 0; i < 4; i++)
        {
            events |= fds[i].Revents != 0 ? (ChildEvents)(1 << i) : ChildEvents.None;
        }

        return events;
    }

    /// <summary>Reads what there is of its standard output.</summary>
    /// <returns>Bytes read; 0 when nothing is there yet or ever will be.</returns>
    public int ReadOutput(Span<byte> buffer) => Read(Output, buffer, ref _outputOpen);

    /// <summary>Reads what there is of its standard error.</summary>
    /// <returns>Bytes read; 0 when nothing is there yet or ever will be.</returns>
    public int ReadErrors(Span<byte> buffer) => Read(Errors, buffer, ref _errorsOpen);

    /// <summary>Kills whatever is left of it and all it started, and says how it ended. Waits at most a second.</summary>
    /// <returns>Null when it hangs inside the kernel and cannot even be killed yet.</returns>
    public ChildExit? End()
    {
        if (_exit is not null)
        {
            return _exit;
        }

        // Before it is reaped: until then nobody else can get its number. What it started dies with it.
        _ = Libc.Kill(-Id, Libc.SIGKILL);
        var fd = new Libc.PollFd { Fd = _pidfd.Number, Events = Libc.POLLIN };
        for (var waited = 0; waited < EndMs; waited += EndLookMs)
        {
            if (Libc.Poll(&fd, 1, EndLookMs) > 0)
            {
                _exit = Reap(Id);
                return _exit;
            }
        }

        lock (UnreapedLock)
        {
            Unreaped.Add(Id);
        }

        _exit = new ChildExit(0, Libc.SIGKILL);
        return null;
    }

    /// <summary>What is left to be waited for after <see cref="End"/> could not kill it; the caller's to dispose.</summary>
    public ChildRemains TakeRemains()
    {
        _remains = true;
        return new ChildRemains(_pidfd);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        End();
        Output.Dispose();
        Errors.Dispose();
        if (!_remains)
        {
            _pidfd.Dispose();
        }
    }

    private static int Spawn(ChildPlan plan, int output, int errors)
    {
        using var request = new SpawnRequest(plan, output, errors);
        var error = plan.Confinement is { } confinement ? ConfinedSpawn.Run(request, confinement, out var id) : request.Run(out id);
        return error switch
        {
            0 => id,
            Libc.ENOENT or Libc.ENOTDIR => throw new SensorFault(SensorFaultKind.Absent, request.Path, "The program does not exist. Install it, or correct its path."),
            Libc.EACCES or Libc.EPERM => throw new SensorFault(
                SensorFaultKind.Refused, request.Path, "It may not be run by the agent's user. Correct its mode (chmod 755) and that of its folders."),
            Libc.ETXTBSY => throw new SensorFault(
                SensorFaultKind.Busy, request.Path, "Somebody has the program open for writing, and the kernel does not start one that changes; it is tried again by itself."),
            Libc.ENOEXEC => throw new SensorFault(
                SensorFaultKind.Malformed, request.Path, "It is no program for this processor, or a script without '#!' in its first line."),
            _ => throw new SensorFault(SensorFaultKind.Io, request.Path, $"It could not be started: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})."),
        };
    }

    private static int Read(FileDescriptor from, Span<byte> buffer, ref bool open)
    {
        if (!open)
        {
            return 0;
        }

        var read = from.Read(buffer, out var error);
        open = read > 0 || (read < 0 && error == Libc.EAGAIN);
        return Math.Max(0, read);
    }

    private static ChildExit Reap(int id)
    {
        int status;
        int reaped;
        do
        {
            reaped = Libc.WaitPid(id, &status, 0);
        }
        while (reaped < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);

        return reaped == id ? ChildExit.FromStatus(status) : new ChildExit(0, Libc.SIGKILL);
    }

    /// <summary>Takes leave of programs that could not be killed in time, and have gone since.</summary>
    private static void ReapLate()
    {
        lock (UnreapedLock)
        {
            Unreaped.RemoveAll(static id =>
            {
                int status;
                return Libc.WaitPid(id, &status, Libc.WNOHANG) != 0;
            });
        }
    }

    private static (int Read, int Write) Pipe()
    {
        var fds = stackalloc int[2];
        return Libc.Pipe2(fds, Libc.O_CLOEXEC) == 0 ? (fds[0], fds[1]) : throw FileDescriptor.NoneLeft("pipe", Marshal.GetLastPInvokeError());
    }

    private static void CloseBoth((int Read, int Write) pipe)
    {
        _ = Libc.Close(pipe.Write);
        if (pipe.Read >= 0)
        {
            _ = Libc.Close(pipe.Read);
        }
    }
}
