using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Turns the kernel's time stamps into boot-time. CLOCK_MONOTONIC stands still in a suspend and CLOCK_REALTIME may be set; the distance
/// to boot-time is looked up anew every second, between two readings of boot-time, a few times: another thread that gets the processor in between
/// moves no stamp. One thread; allocates once.</summary>
/// <param name="clock">The agent's clock.</param>
/// <param name="kernelClock">The clock that stamps: a number of clock_gettime(2).</param>
/// <param name="now">Reads that clock; null: the kernel's.</param>
internal sealed class KernelTime(IClock clock, int kernelClock, Func<long>? now = null)
{
    private const int Readings = 3;

    /// <summary>Readings that lie so near to each other are good enough at once.</summary>
    private const long TightNs = 20_000;

    private readonly Func<long> _now = now ?? (() => ClockNative.Now(kernelClock));
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
            Measure(bootNs);
        }

        return stampNs + _offsetNs;
    }

    private void Measure(long before)
    {
        var tightest = long.MaxValue;
        for (var i = 0; i < Readings && tightest > TightNs; i++)
        {
            var stamp = _now();
            var after = clock.BootNs;
            if (after - before < tightest)
            {
                tightest = after - before;
                _offsetNs = before + (tightest / 2) - stamp;
            }

            before = after;
        }
    }
}
