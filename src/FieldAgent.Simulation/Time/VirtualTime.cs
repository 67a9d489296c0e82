using FieldAgent.Core;

namespace FieldAgent.Simulation;

/// <summary>Ends a wait in virtual time early. Any actor may set it.</summary>
public sealed class VirtualSignal
{
    internal bool IsSet { get; set; }
}

/// <summary>Time that jumps from one event to the next. Threads spawned here are actors: exactly one runs at a time, and only where it
/// waits does another get its turn, the earliest first. So a whole board, or a fleet, runs through hours in seconds, and the same
/// seed gives the same run.</summary>
public sealed class VirtualTime : IClock, IDisposable
{
    private readonly object _turn = new();
    private readonly List<Waiter> _waiters = [];
    private long _bootNs;
    private long _order;
    private Waiter? _running;

    /// <summary>Time that begins at boot-time 1 s.</summary>
    /// <param name="wallUnixNs">Wall time at the beginning.</param>
    /// <param name="bootId">Id of the simulated boot.</param>
    public VirtualTime(long wallUnixNs, Guid bootId)
    {
        _bootNs = ClockExtensions.NsPerSecond;
        WallOffsetNs = wallUnixNs - _bootNs;
        BootId = bootId;
    }

    /// <inheritdoc/>
    public Guid BootId { get; }

    /// <inheritdoc/>
    public long BootNs => Volatile.Read(ref _bootNs);

    /// <inheritdoc/>
    public ClockQuality Quality => ClockQuality.Ntp;

    /// <inheritdoc/>
    public long WallOffsetNs { get; }

    /// <summary>Starts an actor; it gets its first turn in <see cref="RunUntil"/>.</summary>
    /// <returns>A function that says whether it has ended.</returns>
    public Func<bool> Spawn(string name, Action body)
    {
        var waiter = new Waiter(BootNs, NextOrder(), null, CancellationToken.None);
        lock (_turn)
        {
            _waiters.Add(waiter);
        }

        new Thread(() =>
        {
            try
            {
                AwaitTurn(waiter);
                body();
            }
            catch (Exception e)
            {
                Fault ??= e;
            }
            finally
            {
                lock (_turn)
                {
                    waiter.Ended = true;
                    _running = null;
                    Monitor.PulseAll(_turn);
                }
            }
        })
        { Name = name, IsBackground = true }.Start();
        return () => waiter.Ended;
    }

    /// <summary>What an actor threw, if one did.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Lets the actors run until boot-time <paramref name="bootNs"/>, until none of them waits for anything, or until one throws.
    /// Called by the one thread that is no actor.</summary>
    public void RunUntil(long bootNs)
    {
        lock (_turn)
        {
            while (Fault is null && Next() is { } next && (next.DueNs(_bootNs) <= bootNs))
            {
                Volatile.Write(ref _bootNs, Math.Max(_bootNs, next.DueNs(_bootNs)));
                _waiters.Remove(next);
                next.HasTurn = true;
                _running = next;
                Monitor.PulseAll(_turn);
                while (_running is not null)
                {
                    Monitor.Wait(_turn);
                }
            }

            if (Fault is null)
            {
                Volatile.Write(ref _bootNs, Math.Max(_bootNs, bootNs));
            }
        }
    }

    /// <inheritdoc/>
    public void Offer(ClockQuality source, long unixNs, long bootNs)
    {
        // Simulated boards have the right time already.
    }

    /// <inheritdoc/>
    public bool WaitUntil(long bootNs, CancellationToken stop)
    {
        Wait(bootNs, null, stop);
        return !stop.IsCancellationRequested;
    }

    /// <summary>Lets the others run until <paramref name="bootNs"/>, until <paramref name="signal"/> is set, or until <paramref name="stop"/>.
    /// Resets the signal.</summary>
    public void Wait(long bootNs, VirtualSignal? signal, CancellationToken stop)
    {
        var waiter = new Waiter(bootNs, NextOrder(), signal, stop);
        lock (_turn)
        {
            _waiters.Add(waiter);
            _running = null;
            Monitor.PulseAll(_turn);
        }

        AwaitTurn(waiter);
        signal?.IsSet = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_turn)
        {
            Monitor.PulseAll(_turn);
        }
    }

    private void AwaitTurn(Waiter waiter)
    {
        lock (_turn)
        {
            while (!waiter.HasTurn)
            {
                Monitor.Wait(_turn);
            }
        }
    }

    private Waiter? Next() => _waiters.Count == 0 ? null : _waiters.MinBy(w => (w.DueNs(_bootNs), w.Order));

    private long NextOrder() => Interlocked.Increment(ref _order);

    private sealed class Waiter(long untilNs, long order, VirtualSignal? signal, CancellationToken stop)
    {
        public long Order { get; } = order;

        public bool HasTurn { get; set; }

        public bool Ended { get; set; }

        public long DueNs(long nowNs) => stop.IsCancellationRequested || signal is { IsSet: true } ? nowNs : Math.Max(untilNs, nowNs);
    }
}
