using System.Runtime.InteropServices;
using FieldAgent.Core;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Devices.Linux;

/// <summary>What a wait for input ended with.</summary>
internal enum Readiness
{
    /// <summary>The time was up.</summary>
    Timeout,

    /// <summary>A read will not block: there is data, the end, or an error to be read.</summary>
    Readable,

    /// <summary>The stop event was set.</summary>
    Stopped,
}

/// <summary>A descriptor opened non-blocking, which <see cref="WaitReadable"/> can wait for and a stop can interrupt. A
/// <see cref="FileStream"/> can do neither on a terminal or a FIFO.</summary>
internal sealed unsafe class FileDescriptor : SafeHandleMinusOneIsInvalid
{
    private FileDescriptor(int fd)
        : base(ownsHandle: true) => SetHandle(fd);

    /// <summary>The number.</summary>
    public int Number => (int)handle;

    /// <summary>Opens a path for reading: non-blocking, closed on exec, never as controlling terminal.</summary>
    /// <exception cref="SensorFault">The path is absent, refused or busy.</exception>
    public static FileDescriptor OpenRead(string path)
    {
        int fd;
        do
        {
            fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_NOCTTY | Libc.O_NONBLOCK | Libc.O_CLOEXEC);
        }
        while (fd < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);

        return fd >= 0 ? new FileDescriptor(fd) : throw Fault(path, Marshal.GetLastPInvokeError());
    }

    /// <summary>Takes over a descriptor that the kernel gave (an ioctl's), and makes it non-blocking.</summary>
    public static FileDescriptor Own(int fd)
    {
        _ = Libc.Fcntl(fd, Libc.F_SETFL, Libc.O_NONBLOCK);
        return new FileDescriptor(fd);
    }

    /// <summary>Reads what is there.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="error">The errno when the result is negative.</param>
    /// <returns>Bytes read; 0 at the end of a file or when the other side hung up; −1 with <paramref name="error"/> (EAGAIN: nothing there yet).</returns>
    public int Read(Span<byte> buffer, out int error)
    {
        fixed (byte* start = buffer)
        {
            nint read;
            do
            {
                read = Libc.Read(Number, start, (nuint)buffer.Length);
                error = read < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (error == Libc.EINTR);

            return (int)read;
        }
    }

    /// <summary>Waits for input.</summary>
    /// <param name="stop">Ends the wait at once.</param>
    /// <param name="timeoutMs">Longest wait; −1 for ever.</param>
    public Readiness WaitReadable(StopEvent stop, int timeoutMs)
    {
        var fds = stackalloc Libc.PollFd[2];
        fds[0] = new Libc.PollFd { Fd = stop.Number, Events = Libc.POLLIN };
        fds[1] = new Libc.PollFd { Fd = Number, Events = Libc.POLLIN };
        var ready = Libc.Poll(fds, 2, timeoutMs);
        if (ready < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR)
        {
            throw new InvalidOperationException($"poll: errno {Marshal.GetLastPInvokeError()}");
        }

        return ready <= 0 ? Readiness.Timeout : fds[0].Revents != 0 ? Readiness.Stopped : Readiness.Readable;
    }

    /// <summary>The fault that an errno of open or read stands for.</summary>
    /// <param name="path">The place.</param>
    /// <param name="error">The errno.</param>
    /// <remarks>The fault names the place without a serial number that its path holds.</remarks>
    public static SensorFault Fault(string path, int error) => FaultAt(DeviceName.Of(path), error);

    /// <summary>The kernel gave no descriptor, of which a process has only so many.</summary>
    /// <param name="call">What was asked for.</param>
    /// <param name="error">The errno.</param>
    public static SensorFault NoneLeft(string call, int error) => new(
        SensorFaultKind.Io, call, $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error}). Look at the unit's LimitNOFILE; it is tried again by itself.");

    private static SensorFault FaultAt(string path, int error) => error switch
    {
        Libc.ENOENT or Libc.ENOTDIR or Libc.ENXIO or Libc.ENODEV =>
            new SensorFault(SensorFaultKind.Absent, path, "It does not exist: plug the device in, or correct the path."),
        Libc.EIO => new SensorFault(SensorFaultKind.Absent, path, "The device was unplugged or hung up: plug it in again."),
        Libc.EACCES or Libc.EPERM =>
            new SensorFault(SensorFaultKind.Refused, path, "Access is denied: add the user to group dialout, or allow reading the file."),
        Libc.EBUSY => new SensorFault(SensorFaultKind.Busy, path, "Another program holds it: stop that program, or read from gpsd instead."),
        Libc.EISDIR => new SensorFault(SensorFaultKind.Malformed, path, "It is a folder: name a file."),
        _ => new SensorFault(SensorFaultKind.Io, path, $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error})."),
    };

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.Close(Number) == 0;
}
