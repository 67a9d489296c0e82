using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Delivery;

/// <summary>The kernel calls a link waits with: <c>poll(2)</c> and <c>eventfd(2)</c>. Their numbers are the same on every
/// Linux architecture but for the eventfd flags of MIPS and Alpha.</summary>
/// <remarks>The devices wait with calls of their own: neither project knows the other, and what both know does no input or output.</remarks>
internal static unsafe partial class LinuxWait
{
    public const short PollIn = 0x1;
    public const short PollOut = 0x4;
    public const short PollError = 0x8;
    public const short PollHangUp = 0x10;
    public const short PollInvalid = 0x20;

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    public static partial int Poll(PollFd* descriptors, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    /// <summary>Holds back partly filled TCP segments while <paramref name="isOn"/> (tcp(7), TCP_CORK); releasing sends what was held.
    /// Without effect on other sockets.</summary>
    public static void Cork(int socket, bool isOn)
    {
        const int Tcp = 6;
        const int TcpCork = 3;
        var value = isOn ? 1 : 0;
        _ = SetSocketOption(socket, Tcp, TcpCork, &value, sizeof(int));
    }

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int SetSocketOption(int socket, int level, int option, int* value, uint length);

    [LibraryImport("libc", EntryPoint = "read")]
    public static partial nint Read(SafeFileHandle descriptor, ulong* value, nuint count);

    [LibraryImport("libc", EntryPoint = "write")]
    public static partial nint Write(SafeFileHandle descriptor, ulong* value, nuint count);
}

/// <summary>A flag that a thread in <c>poll(2)</c> can wait for. <see cref="Set"/> may be called from any thread, also after
/// <see cref="Dispose"/>; all else belongs to the owner.</summary>
internal sealed unsafe class WakeEvent : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;

    private readonly SafeFileHandle _handle;
    private int _set;

    public WakeEvent()
    {
        var descriptor = LinuxWait.EventFd(0, CloseOnExec | NonBlocking);
        if (descriptor < 0)
        {
            throw new InvalidOperationException(
                $"eventfd failed with errno {Marshal.GetLastPInvokeError()}: too many open files? Look at the unit's LimitNOFILE.");
        }

        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
        Descriptor = descriptor;
    }

    /// <summary>The descriptor to wait for with POLLIN. For the owner only.</summary>
    public int Descriptor { get; }

    /// <summary>Sets the flag; a second time costs nothing.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _set, 1) != 0)
        {
            return;
        }

        try
        {
            ulong one = 1;
            _ = LinuxWait.Write(_handle, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The owner is gone: nobody to wake.
        }
    }

    /// <summary>Takes the flag back. What was done before <see cref="Set"/> is visible afterwards.</summary>
    public void Clear()
    {
        ulong count;
        _ = LinuxWait.Read(_handle, &count, sizeof(ulong));
        Interlocked.Exchange(ref _set, 0);
    }

    public void Dispose() => _handle.Dispose();
}
