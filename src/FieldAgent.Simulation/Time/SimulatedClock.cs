using FieldAgent.Core;

namespace FieldAgent.Simulation;

/// <summary>A clock that stands still until it is told to go on. Threads in <see cref="WaitUntil"/> wake when their time has come.
/// Thread-safe.</summary>
public sealed class SimulatedClock : IClock
{
    private readonly Lock _lock = new();
    private readonly object _tick = new();
    private readonly List<long> _waits = [];
    private long _bootNs;
    private long _wallOffsetNs;
    private ClockQuality _quality;

    /// <summary>A clock at boot-time <paramref name="bootNs"/>.</summary>
    /// <param name="wallUnixNs">Wall time at that moment; the default is 2026-01-01T00:00:00Z.</param>
    /// <param name="bootNs">Boot-time to begin with.</param>
    /// <param name="quality">How far the wall time is trusted.</param>
    /// <param name="bootId">The boot's id; a fixed one by default.</param>
    public SimulatedClock(
        long wallUnixNs = 1_767_225_600_000_000_000,
        long bootNs = 1_000_000_000,
        ClockQuality quality = ClockQuality.Ntp,
        Guid? bootId = null)
    {
        _bootNs = bootNs;
        _wallOffsetNs = wallUnixNs - bootNs;
        _quality = quality;
        BootId = bootId ?? new Guid("5eed5eed-0000-4000-8000-000000000001");
    }

    /// <inheritdoc/>
    public Guid BootId { get; }

    /// <inheritdoc/>
    public long BootNs => Volatile.Read(ref _bootNs);

    /// <inheritdoc/>
    public ClockQuality Quality
    {
        get
        {
            lock (_lock)
            {
                return _quality;
            }
        }
    }

    /// <inheritdoc/>
    public long WallOffsetNs
    {
        get
        {
            lock (_lock)
            {
                return _wallOffsetNs;
            }
        }
    }

    /// <summary>Threads that wait for a moment which has not come yet: what they did before is done. One that was stopped counts until it goes on.</summary>
    public int Waiting
    {
        get
        {
            lock (_tick)
            {
                return _waits.Count(until => until > _bootNs);
            }
        }
    }

    /// <summary>Lets <paramref name="span"/> pass.</summary>
    public void Advance(TimeSpan span) => AdvanceTo(BootNs + span.ToNs());

    /// <summary>Lets time pass until <paramref name="bootNs"/>; never goes back.</summary>
    public void AdvanceTo(long bootNs)
    {
        lock (_tick)
        {
            if (bootNs > _bootNs)
            {
                Volatile.Write(ref _bootNs, bootNs);
            }

            Monitor.PulseAll(_tick);
        }
    }

    /// <summary>Sets the wall clock, as an administrator, NTP or a battery-less board would.</summary>
    public void SetWall(long unixNs, ClockQuality quality)
    {
        lock (_lock)
        {
            _wallOffsetNs = unixNs - BootNs;
            _quality = quality;
        }
    }

    /// <inheritdoc/>
    public void Offer(ClockQuality source, long unixNs, long bootNs)
    {
        lock (_lock)
        {
            if (source >= _quality)
            {
                _wallOffsetNs = unixNs - bootNs;
                _quality = source;
            }
        }
    }

    /// <inheritdoc/>
    public bool WaitUntil(long bootNs, CancellationToken stop)
    {
        using var wake = stop.Register(
            static tick =>
            {
                lock (tick!)
                {
                    Monitor.PulseAll(tick);
                }
            },
            _tick);
        lock (_tick)
        {
            _waits.Add(bootNs);
            while (_bootNs < bootNs && !stop.IsCancellationRequested)
            {
                Monitor.Wait(_tick);
            }

            _waits.Remove(bootNs);
        }

        return !stop.IsCancellationRequested;
    }
}
