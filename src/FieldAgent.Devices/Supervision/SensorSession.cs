using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>One start of a sensor until its stop: what the sensor sees of the agent. After the stop everything it still hands over is
/// refused, also from a thread that comes back late.</summary>
internal sealed class SensorSession : ISensorHost, IClock, IDisposable
{
    private readonly SensorSupervisor _owner;
    private readonly IClock _clock;
    private readonly TriggerQueue _triggers;
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _isWaiting;
    private long _signs;

    public SensorSession(SensorSupervisor owner, IClock clock, ISensorMemory memory, int triggersMax)
    {
        _owner = owner;
        Memory = memory;
        _clock = clock;
        _triggers = new TriggerQueue(triggersMax);
        Token = _stop.Token;
    }

    /// <summary>Set when the sensor shall end.</summary>
    public CancellationToken Token { get; }

    /// <summary>True once the sensor's own code runs. Before, a thread that an earlier stop left behind may still be in it. Guarded by
    /// the owner's lock.</summary>
    public bool HasBegun { get; set; }

    /// <summary>True while the sensor waits for its next moment: it is not stuck.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>Goes up with everything the sensor does but rows: signs of life.</summary>
    public long Signs => Volatile.Read(ref _signs);

    /// <summary>Says that the sensor lives.</summary>
    public void Sign() => Interlocked.Increment(ref _signs);

    /// <summary>Asks for a shot.</summary>
    public bool Trigger(string? requestId) => _triggers.TryAdd(requestId);

    /// <summary>Asks the sensor to end.</summary>
    public void Cancel() => _stop.Cancel();

    /// <inheritdoc/>
    public IClock Clock => this;

    /// <inheritdoc/>
    public ISensorMemory Memory { get; }

    /// <inheritdoc/>
    public SampleWriter Declare(StreamSet set)
    {
        Sign();
        return _owner.Declare(this, set);
    }

    /// <inheritdoc/>
    public void Deliver(RawImage image)
    {
        Sign();
        _owner.Deliver(this, image);
    }

    /// <inheritdoc/>
    public void Tell(RawFact fact)
    {
        Sign();
        _owner.Tell(this, fact);
    }

    /// <inheritdoc/>
    public bool WaitForTrigger(long untilBootNs, CancellationToken stop, out string? requestId)
    {
        Sign();
        _owner.Rests(this, ready: true);
        return _triggers.Wait(this, untilBootNs, stop, out requestId);
    }

    /// <inheritdoc/>
    public void Skipped(string reason, long count = 1) => _owner.CountSkipped(reason, count);

    /// <inheritdoc/>
    public void Describe(string text)
    {
        Sign();
        _owner.Describe(this, text);
    }

    /// <inheritdoc/>
    Guid IClock.BootId => _clock.BootId;

    /// <inheritdoc/>
    long IClock.BootNs => _clock.BootNs;

    /// <inheritdoc/>
    ClockQuality IClock.Quality => _clock.Quality;

    /// <inheritdoc/>
    long IClock.WallOffsetNs => _clock.WallOffsetNs;

    /// <inheritdoc/>
    void IClock.Offer(ClockQuality source, long unixNs, long bootNs) => _clock.Offer(source, unixNs, bootNs);

    /// <inheritdoc/>
    bool IClock.WaitUntil(long bootNs, CancellationToken stop)
    {
        _isWaiting = true;
        try
        {
            _owner.Rests(this, ready: false);
            return _clock.WaitUntil(bootNs, stop);
        }
        finally
        {
            Sign();
            _isWaiting = false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _triggers.Dispose();
}
