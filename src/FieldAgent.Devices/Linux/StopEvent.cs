using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>An eventfd that becomes readable when a token is cancelled, so that a thread in poll(2) stops at once.</summary>
internal sealed unsafe class StopEvent : IDisposable
{
    private readonly CancellationTokenRegistration _registration;

    /// <summary>Follows <paramref name="stop"/>.</summary>
    /// <exception cref="SensorFault">The process has too many files open; worth another try.</exception>
    public StopEvent(CancellationToken stop)
    {
        Number = Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (Number < 0)
        {
            throw FileDescriptor.NoneLeft("eventfd", Marshal.GetLastPInvokeError());
        }

        _registration = stop.Register(static self => ((StopEvent)self!).Set(), this);
    }

    /// <summary>The descriptor's number.</summary>
    public int Number { get; }

    /// <summary>Waits for the stop alone.</summary>
    /// <returns>True when it came within <paramref name="timeoutMs"/>.</returns>
    public bool Wait(int timeoutMs)
    {
        var fd = new Libc.PollFd { Fd = Number, Events = Libc.POLLIN };
        return Libc.Poll(&fd, 1, timeoutMs) > 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Waits for a callback that runs, so that it never writes to a number that is another file's by then.
        _registration.Dispose();
        _ = Libc.Close(Number);
    }

    private void Set()
    {
        ulong one = 1;
        _ = Libc.Write(Number, (byte*)&one, sizeof(ulong));
    }
}
