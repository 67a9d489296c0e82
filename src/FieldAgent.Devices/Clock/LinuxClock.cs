using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>The board's clocks. Boot-time is <c>CLOCK_BOOTTIME</c>. Wall time is, best first: the system clock while NTP disciplines it;
/// the time that a GNSS receiver gave in this boot; the system clock as a battery-backed clock, or nobody, has set it. NTP goes before GNSS
/// because a receiver's sentences come up to a second late. The system clock is never set. Thread-safe.</summary>
public sealed class LinuxClock : IClock
{
    private const long NsPerMs = 1_000_000;

    private readonly Lock _lock = new();
    private readonly Func<bool> _isSynchronised;
    private readonly string _rtcFolder;
    private readonly GnssTime _gnss = new();
    private long _systemOffsetNs;
    private long _wallOffsetNs;
    private long _checkBootNs;
    private int _quality;

    /// <summary>The board's clock.</summary>
    /// <param name="root">Prefix of <c>/proc</c> and <c>/sys</c>: <c>/</c> on a board.</param>
    public LinuxClock(string root = "/")
        : this(root, ClockNative.IsSynchronised)
    {
    }

    internal LinuxClock(string root, Func<bool> isSynchronised)
    {
        _isSynchronised = isSynchronised;
        _rtcFolder = Path.Join(root, "sys/class/rtc");
        BootId = ReadBootId(Path.Join(root, "proc/sys/kernel/random/boot_id"))
            ?? ReadBootId("/proc/sys/kernel/random/boot_id")
            ?? ReadBootId(Path.Join(Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY"), "boot-id"))

            // Where neither can be read no two runs can be told to share a boot: each counts as one of its own.
            ?? Guid.NewGuid();
        lock (_lock)
        {
            Check(BootNs);
        }
    }

    /// <inheritdoc/>
    public Guid BootId { get; }

    /// <inheritdoc/>
    public long BootNs => ClockNative.Now(ClockNative.ClockBoottime);

    /// <inheritdoc/>
    public ClockQuality Quality
    {
        get
        {
            CheckIfDue();
            return (ClockQuality)Volatile.Read(ref _quality);
        }
    }

    /// <inheritdoc/>
    public long WallOffsetNs
    {
        get
        {
            CheckIfDue();
            return Volatile.Read(ref _wallOffsetNs);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Only GNSS can offer anything that the system does not know better. Two offers that agree are believed; five that agree
    /// with each other replace a time that was believed. What is before 2024, after 2100, or older than ten seconds is ignored.</remarks>
    public void Offer(ClockQuality source, long unixNs, long bootNs)
    {
        if (source != ClockQuality.Gnss)
        {
            return;
        }

        lock (_lock)
        {
            var now = BootNs;
            var knew = _gnss.IsKnown;
            if (_gnss.Offer(unixNs, bootNs, now) && !knew)
            {
                Check(now);
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>Precise to some 0.1 ms. Allocates only the first time a token is waited on.</remarks>
    public bool WaitUntil(long bootNs, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var left = bootNs - BootNs;
            if (left <= 0)
            {
                return true;
            }

            if (left >= NsPerMs)
            {
                stop.WaitHandle.WaitOne((int)Math.Min(left / NsPerMs, ClockLimits.WaitMsMax));
            }
            else
            {
                ClockNative.SleepUntilBoot(bootNs);
            }
        }

        return false;
    }

    private static Guid? ReadBootId(string path)
    {
        try
        {
            if (Guid.TryParse(File.ReadAllText(path).AsSpan().Trim(), out var id))
            {
                return id;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }

        return null;
    }

    private void CheckIfDue()
    {
        var now = BootNs;
        if (now >= Volatile.Read(ref _checkBootNs))
        {
            lock (_lock)
            {
                if (now >= _checkBootNs)
                {
                    Check(now);
                }
            }
        }
    }

    private void Check(long now)
    {
        var measured = MeasureSystemOffset();
        if (Math.Abs(measured - _systemOffsetNs) > ClockLimits.OffsetNoiseNs)
        {
            _systemOffsetNs = measured;
        }

        ClockQuality quality;
        var offset = _systemOffsetNs;
        if (_isSynchronised())
        {
            quality = ClockQuality.Ntp;
            if (_gnss.IsKnown && now - _gnss.LastBootNs > ClockLimits.GnssAgeNsMax)
            {
                _gnss.Forget();
            }
        }
        else if (_gnss.IsKnown)
        {
            quality = ClockQuality.Gnss;
            offset = _gnss.OffsetNs;
        }
        else
        {
            quality = now + _systemOffsetNs >= ClockLimits.WallNsMin && HasRtc() ? ClockQuality.Rtc : ClockQuality.Unsynced;
        }

        Volatile.Write(ref _wallOffsetNs, offset);
        Volatile.Write(ref _quality, (int)quality);
        Volatile.Write(ref _checkBootNs, now + ClockLimits.CheckEveryNs);
    }

    private bool HasRtc()
    {
        try
        {
            // asked first: a board without one is no exception, and is asked again and again
            return Directory.Exists(_rtcFolder) && Directory.EnumerateFileSystemEntries(_rtcFolder).Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads the system clock between two readings of boot-time, a few times, and keeps the tightest: another thread that gets
    /// the processor in between does not move wall time.</summary>
    private static long MeasureSystemOffset()
    {
        var offset = 0L;
        var tightest = long.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            var before = ClockNative.Now(ClockNative.ClockBoottime);
            var wall = ClockNative.Now(ClockNative.ClockRealtime);
            var width = ClockNative.Now(ClockNative.ClockBoottime) - before;
            if (width < tightest)
            {
                tightest = width;
                offset = wall - (before + (width / 2));
            }
        }

        return offset;
    }
}
