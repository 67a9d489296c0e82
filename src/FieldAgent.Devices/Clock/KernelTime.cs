using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Turns the kernel's time stamps into boot-time. CLOCK_MONOTONIC stands still in a suspend and CLOCK_REALTIME may be set; the distance
/// to boot-time is looked up anew every second. One thread; no allocation.</summary>
/// <param name="clock">The agent's clock.</param>
/// <param name="kernelClock">The clock that stamps: a number of clock_gettime(2).</param>
internal sealed class KernelTime(IClock clock, int kernelClock)
{
    private long _offsetNs;
    private long _offsetAtNs = long.MinValue;

    /// <summary>The boot-time of a stamp, ns.</summary>
    public long ToBootNs(long stampNs)
    {
        if (kernelClock == ClockNative.ClockBoottime)
        {
            return stampNs;
        }

        var bootNs = clock.BootNs;
        if (_offsetAtNs == long.MinValue || bootNs - _offsetAtNs > ClockExtensions.NsPerSecond)
        {
            _offsetAtNs = bootNs;
            _offsetNs = bootNs - ClockNative.Now(kernelClock);
        }

        return stampNs + _offsetNs;
    }
}
