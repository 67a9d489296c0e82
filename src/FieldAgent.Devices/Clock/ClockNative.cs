using System.Runtime.InteropServices;

namespace FieldAgent.Devices;

/// <summary>The kernel's clocks. On 32-bit boards glibc's plain functions are used (timespec of two 32-bit words), so wall time is good
/// until 2038 there.</summary>
internal static partial class ClockNative
{
    public const int ClockRealtime = 0;
    public const int ClockMonotonic = 1;
    public const int ClockBoottime = 7;

    private const int TimerAbsTime = 1;
    private const int TimeError = 5;
    private const int StaUnsync = 0x40;

    // struct timex is 208 bytes with 64-bit words and 128 with 32-bit ones; its status is at 40 or 20 (include/uapi/linux/timex.h).
    private const int TimexBytes = 256;
    private static readonly int StatusOffset = nint.Size == 8 ? 40 : 20;

    /// <summary>Nanoseconds of a clock.</summary>
    public static unsafe long Now(int clock)
    {
        Timespec now;
        return GetTime(clock, &now) == 0
            ? ((long)now.Seconds * 1_000_000_000) + now.Nanoseconds
            : throw new PlatformNotSupportedException("clock_gettime failed; Linux 2.6.39 or later is needed");
    }

    /// <summary>Sleeps until a moment of <c>CLOCK_BOOTTIME</c>; may return early at a signal.</summary>
    public static unsafe void SleepUntilBoot(long bootNs)
    {
        var until = new Timespec { Seconds = (nint)(bootNs / 1_000_000_000), Nanoseconds = (nint)(bootNs % 1_000_000_000) };
        _ = Sleep(ClockBoottime, TimerAbsTime, &until, null);
    }

    /// <summary>True when the kernel says that NTP disciplines the clock. A call that is not allowed or fails means that nothing is known:
    /// not synchronised.</summary>
    public static unsafe bool IsSynchronised()
    {
        // modes = 0: only asks.
        Span<byte> timex = stackalloc byte[TimexBytes];
        timex.Clear();
        fixed (byte* p = timex)
        {
            return IsSynchronised(AdjustTime(p), MemoryMarshal.Read<int>(timex[StatusOffset..]));
        }
    }

    /// <summary>The meaning of adjtimex's answer (adjtimex(2)).</summary>
    internal static bool IsSynchronised(int code, int status) => code is >= 0 and not TimeError && (status & StaUnsync) == 0;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static unsafe partial int GetTime(int clock, Timespec* time);

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static unsafe partial int Sleep(int clock, int flags, Timespec* until, Timespec* left);

    [LibraryImport("libc", EntryPoint = "adjtimex")]
    private static unsafe partial int AdjustTime(byte* timex);

    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
