using FieldAgent.Core;

namespace FieldAgent.Testing;

/// <summary>A gate whose answers a test sets. Thread-safe.</summary>
public sealed class FakeGate : IGate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Function, string Field), DenyReason> _denied = [];
    private readonly Dictionary<(string Function, string Field), long> _since = [];
    private readonly HashSet<(string Function, string Field)> _held = [];

    public event Action? Changed;

    public string PolicyVersion => "1.0.0";

    public void Deny(string function, string field, DenyReason reason)
    {
        lock (_lock)
        {
            _denied[(function, field)] = reason;
        }

        Changed?.Invoke();
    }

    public void Allow(string function, string field)
    {
        lock (_lock)
        {
            _denied.Remove((function, field));
        }

        Changed?.Invoke();
    }

    /// <summary>A consent was withdrawn and granted again as event <paramref name="consentId"/>: what older events let in stays out.</summary>
    public void GrantAgain(string function, string field, long consentId)
    {
        lock (_lock)
        {
            _since[(function, field)] = consentId;
        }

        Changed?.Invoke();
    }

    /// <summary>Every question that was asked.</summary>
    public List<Question> Asked { get; } = [];

    public Decision Decide(in Question question)
    {
        lock (_lock)
        {
            Asked.Add(question);
            var pair = (question.Function, question.Field);
            if (_since.TryGetValue(pair, out var since) && question.AdmittedUnder < since)
            {
                return Decision.Deny(DenyReason.Withdrawn);
            }

            return _denied.TryGetValue(pair, out var reason)
                ? Decision.Deny(reason)
                : new Decision(FieldAgent.Testing.Admit.Permit(question.Function, question.Field), DenyReason.None);
        }
    }

    public Decision Decide(Stage stage, string function, string field, string? recipient = null) =>
        Decide(stage, function, field, recipient, long.MaxValue);

    public Decision Decide(Stage stage, string function, string field, string? recipient, long admittedUnder) =>
        Decide(new Question(stage, function, field, 0, ClockQuality.Ntp) { Recipient = recipient, AdmittedUnder = admittedUnder });

    public Decision BestFor(string field) => MayCollect(field) ? Decide(Stage.Collect, "telemetry", field) : Decision.Deny(DenyReason.NotGranted);

    /// <summary>A legal hold keeps what is stored, until it is released.</summary>
    public void Hold(string function, string field)
    {
        lock (_lock)
        {
            _held.Add((function, field));
        }

        Changed?.Invoke();
    }

    /// <summary>Ends the hold.</summary>
    public void Release(string function, string field)
    {
        lock (_lock)
        {
            _held.Remove((function, field));
        }

        Changed?.Invoke();
    }

    public bool IsHeld(string function, string field, long atWallNs)
    {
        lock (_lock)
        {
            return _held.Contains((function, field));
        }
    }

    public bool MayCollect(string field) => true;

    public int Admit(RawRows rows, IAdmittedSink sink) => 0;

    public Decision Admit(RawImage image, out AdmittedImage? admitted)
    {
        admitted = null;
        return Decision.Deny(DenyReason.NoRule);
    }
}

/// <summary>A command ledger in memory; what it holds survives a "restart" when a test hands it on. Thread-safe.</summary>
public sealed class FakeCommandLedger : ICommandLedger
{
    private readonly Lock _lock = new();

    public Dictionary<string, CommandRecord> Records { get; } = new(StringComparer.Ordinal);

    public List<(string Id, CommandState State)> Steps { get; } = [];

    /// <summary>Thrown by the next calls, when set.</summary>
    public StoreFault? Fault { get; set; }

    public CommandRecord? Begin(string id, string name, long expiresWallUnixNs)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            if (Records.TryGetValue(id, out var known))
            {
                return known;
            }

            Records[id] = new CommandRecord(id, name, CommandState.Accepted, "");
            Steps.Add((id, CommandState.Accepted));
            return null;
        }
    }

    public void Advance(string id, CommandState state, string resultJson)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            Records[id] = Records[id] with { State = state, ResultJson = resultJson };
            Steps.Add((id, state));
        }
    }

    private void ThrowIfFaulty()
    {
        if (Fault is { } fault)
        {
            throw fault;
        }
    }
}

/// <summary>A clock for one thread: waiting makes the time pass at once.</summary>
public sealed class SteppingClock : IClock
{
    private long _bootNs = 1_000_000_000;

    public Guid BootId { get; init; } = new("5eed5eed-0000-4000-8000-000000000001");

    public long BootNs => Volatile.Read(ref _bootNs);

    public ClockQuality Quality { get; set; } = ClockQuality.Ntp;

    public long WallOffsetNs { get; set; } = 1_767_225_600_000_000_000;

    /// <summary>Every wait that was asked for.</summary>
    public List<TimeSpan> Waits { get; } = [];

    /// <summary>Called after each wait.</summary>
    public Action? Waited { get; set; }

    public void Advance(TimeSpan span) => Interlocked.Add(ref _bootNs, span.ToNs());

    public void Offer(ClockQuality source, long unixNs, long bootNs)
    {
    }

    public bool WaitUntil(long bootNs, CancellationToken stop)
    {
        Waits.Add(TimeSpan.FromTicks((bootNs - BootNs) / 100));
        Volatile.Write(ref _bootNs, Math.Max(bootNs, BootNs));
        Waited?.Invoke();
        return !stop.IsCancellationRequested;
    }
}
