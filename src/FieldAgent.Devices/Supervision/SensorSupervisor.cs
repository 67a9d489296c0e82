using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Devices;

/// <summary>Runs one sensor on a thread of its own, so that a slow, hanging or throwing one never delays another: starts it, tries it
/// again after a failure (exponential backoff, never a hot loop), says each change of its state once, and lets it go when it does not
/// return. Thread-safe.</summary>
public sealed partial class SensorSupervisor : IDisposable
{
    /// <summary>No retry.</summary>
    private const long Done = -1;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _alone = new(1);
    private readonly ISensor _sensor;
    private readonly IClock _clock;
    private readonly FlushSignal _due;
    private readonly int _rowsMax;
    private readonly Action<RawImage> _deliver;
    private readonly Action<RawFact> _tell;
    private readonly Counters _counters;
    private readonly ILogger _log;
    private readonly SupervisionLimits _limits;
    private readonly ISensorMemory _memory;
    private readonly SortedDictionary<string, long> _skipped = new(StringComparer.Ordinal);

    private volatile SampleWriter[] _writers = [];
    private SensorSession? _session;

    // Stopped in order, and not returned yet: what its thread was just taking is still taken.
    private SensorSession? _ending;
    private Thread? _thread;
    private SensorState _state = SensorState.Closed;
    private string _detail = "";
    private string _description = "";
    private string _said = "";
    private int _unstableRuns;
    private long _retryBootNs;
    private long _runningSinceNs;
    private long _rowsBefore;
    private long _lastLifeNs;
    private long _lastLifeCount;
    private long _failures;
    private long _images;
    private long _pastRows;
    private long _pastWaits;
    private long _lastRowBootNs;

    /// <summary>A supervisor for <paramref name="sensor"/>; opens nothing yet.</summary>
    /// <param name="sensor">The sensor.</param>
    /// <param name="kind">Its kind, for <c>status</c>.</param>
    /// <param name="clock">The agent's clock.</param>
    /// <param name="due">Told of every row.</param>
    /// <param name="rowsMax">Rows a stream set may gather before the sensor waits.</param>
    /// <param name="deliver">Gets pictures, on the sensor's thread; may block.</param>
    /// <param name="counters">Where failures and skips are counted.</param>
    /// <param name="log">Where changes of state are said.</param>
    /// <param name="limits">How patient to be; null for the defaults.</param>
    /// <param name="memory">What the sensor keeps; null: it forgets with this object.</param>
    /// <param name="tell">Gets texts, on the sensor's thread; null: they are counted as dropped.</param>
    public SensorSupervisor(
        ISensor sensor, string kind, IClock clock, FlushSignal due, int rowsMax, Action<RawImage> deliver, Counters counters, ILogger log,
        SupervisionLimits? limits = null, ISensorMemory? memory = null, Action<RawFact>? tell = null)
    {
        _sensor = sensor;
        Kind = kind;
        _clock = clock;
        _due = due;
        _rowsMax = rowsMax;
        _deliver = deliver;
        _tell = tell ?? (_ => counters.Add("dropped.fact"));
        _counters = counters;
        _log = log;
        _limits = limits ?? new SupervisionLimits();
        _memory = memory ?? new SensorMemory().Of(sensor.Name);
    }

    /// <summary>The sensor's name.</summary>
    public string Name => _sensor.Name;

    /// <summary>The sensor's kind.</summary>
    public string Kind { get; }

    /// <summary>Where the sensor leaves its rows. The list never changes: a new one takes its place. Closed writers stay in it until
    /// they are empty.</summary>
    public IReadOnlyList<SampleWriter> Writers => _writers;

    /// <summary>What the sensor is doing now. Does not block on the sensor.</summary>
    public SensorStatus Status
    {
        get
        {
            Watch();
            lock (_lock)
            {
                Totals(out var rows, out var waits, out var lastNs);
                var now = _clock.BootNs;
                return new SensorStatus(
                    Name, Kind, _state, _detail.Length > 0 ? _detail : _description, rows, _images, lastNs == 0 ? null : Seconds(now - lastNs), _failures, waits,
                    _retryBootNs == 0 ? 0 : Seconds(_retryBootNs - now), new SortedDictionary<string, long>(_skipped, StringComparer.Ordinal));
            }
        }
    }

    /// <summary>Opens the sensor. Does nothing when it is open. After a <see cref="Stop"/> that left a hanging thread behind, the sensor
    /// is opened again only when that thread has returned.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_session is not null)
            {
                return;
            }

            var session = new SensorSession(this, _clock, _memory, _limits.TriggersMax);
            _session = session;
            _said = "";
            _unstableRuns = 0;
            Enter(SensorState.Opening, "");
            _thread = new Thread(() => Run(session), _limits.StackBytes) { IsBackground = true, Name = $"sensor {Name}" };
            _thread.Start();
        }
    }

    /// <summary>Closes the sensor.</summary>
    /// <param name="forget">True wipes what it has sampled and nobody has taken: consent was withdrawn. False leaves it for the last flush.</param>
    /// <returns>False when its thread did not return within <see cref="SupervisionLimits.StopLimit"/> and was left behind; what it still
    /// hands over is refused.</returns>
    public bool Stop(bool forget)
    {
        Thread? thread;
        SensorSession? session;
        lock (_lock)
        {
            session = _session;
            thread = _thread;
            _session = null;
            _ending = forget ? null : session;
            if (forget)
            {
                Close(forget: true);
            }
        }

        var returned = true;
        if (session is not null)
        {
            session.Cancel();
            session.Dispose();
            returned = thread is null || thread == Thread.CurrentThread || thread.Join(_limits.StopLimit);
        }

        lock (_lock)
        {
            _ending = null;
            if (_session is not null)
            {
                return returned;
            }

            Close(forget);
            Enter(SensorState.Closed, returned ? "" : "Its thread hangs in a call and was left behind.");
            _description = "";
        }

        if (!returned)
        {
            _counters.Add("sensor.abandoned");
            LogAbandoned(Name);
        }

        return returned;
    }

    /// <summary>Asks the sensor for a shot.</summary>
    /// <param name="requestId">Id of the command that asks, or null.</param>
    /// <returns>False when the sensor is not open, or too many shots wait.</returns>
    public bool Trigger(string? requestId)
    {
        SensorSession? session;
        lock (_lock)
        {
            session = _session;
        }

        if (session?.Trigger(requestId) == true)
        {
            return true;
        }

        _counters.Add("sensor.trigger-refused");
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop(forget: false);
        foreach (var writer in _writers)
        {
            writer.Close(forget: true);
        }

        // _alone is not disposed: a thread left behind still releases it.
    }

    private static double Seconds(long ns) => Math.Max(0, Math.Round(ns / 1e9, 3));

    private void Run(SensorSession session)
    {
        if (!EnterAlone(session))
        {
            return;
        }

        try
        {
            var retry = new RetrySchedule(_limits, StableHash(Name));
            long retryBootNs;
            do
            {
                retryBootNs = Begin(session) ? RunOnce(session, retry) : Done;
            }
            while (retryBootNs != Done && _clock.WaitUntil(retryBootNs, session.Token));
        }
        finally
        {
            _alone.Release();
        }
    }

    /// <returns>When to try again, boot-time ns, or <see cref="Done"/>.</returns>
    private long RunOnce(SensorSession session, RetrySchedule retry)
    {
        Exception? failure = null;
        try
        {
            _sensor.Run(session, session.Token);
        }
        catch (Exception e)
        {
            // The boundary: whatever a sensor throws is counted and said here, and no other sensor notices.
            failure = e;
        }

        return End(session, failure, retry);
    }

    /// <summary>A sensor must not run twice at once: waits until a thread that an earlier stop left behind has returned.</summary>
    /// <returns>False when stopped first.</returns>
    private bool EnterAlone(SensorSession session)
    {
        if (_alone.Wait(0, CancellationToken.None))
        {
            return true;
        }

        lock (_lock)
        {
            if (_session == session)
            {
                Enter(SensorState.Stalled, "Its thread still hangs in a call from before it was closed; it is opened again when that returns.");
                Say(SensorState.Stalled, "left behind");
            }
        }

        try
        {
            _alone.Wait(session.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private bool Begin(SensorSession session)
    {
        lock (_lock)
        {
            if (_session != session)
            {
                return false;
            }

            if (_state == SensorState.Stalled)
            {
                Enter(SensorState.Opening, "");
            }

            session.HasBegun = true;

            // A retry keeps showing the fault until something comes.
            _retryBootNs = 0;
            _description = "";
            _lastLifeNs = _clock.BootNs;
            _runningSinceNs = 0;
            Totals(out _rowsBefore, out _, out _);
            return true;
        }
    }

    private long End(SensorSession session, Exception? failure, RetrySchedule retry)
    {
        lock (_lock)
        {
            if (_session != session || session.Token.IsCancellationRequested)
            {
                return Done;
            }

            var now = _clock.BootNs;
            Totals(out var rows, out _, out _);
            Live(rows > _rowsBefore);
            if (failure is null)
            {
                Enter(SensorState.Stopped, "Its input is at an end.");
                Say(SensorState.Stopped, "");
                return Done;
            }

            var state = RetrySchedule.StateOf(failure);
            _failures++;
            _counters.Add(state switch
            {
                SensorState.Absent => "sensor.absent",
                SensorState.Refused => "sensor.refused",
                _ => "sensor.failures",
            });
            var ranFor = _runningSinceNs == 0 ? TimeSpan.Zero : TimeSpan.FromTicks((now - _runningSinceNs) / 100);
            _unstableRuns = ranFor >= _limits.StableAfter ? 0 : _runningSinceNs == 0 ? _unstableRuns : _unstableRuns + 1;
            var retryBootNs = now + retry.Next(state, ranFor).ToNs();
            var fault = failure as SensorFault;
            Enter(state, fault?.Message ?? $"{failure.GetType().Name}: {failure.Message}");
            _retryBootNs = retryBootNs;
            Say(state, fault is null ? failure.GetType().Name : $"{fault.Kind} {fault.Place}", fault is null ? failure : null);
            return retryBootNs;
        }
    }

    private void Enter(SensorState state, string detail)
    {
        _state = state;
        _detail = detail;
        _retryBootNs = 0;
    }

    private static int StableHash(string name)
    {
        var hash = 17;
        foreach (var c in name)
        {
            hash = unchecked((hash * 31) + c);
        }

        return hash;
    }
}
