using System.Globalization;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Shows and changes the pseudonym, and holds the couriers back while it changes or may not be. Any thread.</summary>
/// <remarks><para>What waits for delivery when the pseudonym changes: never goes out under the new one, because part of it may have been
/// sent under the old one, and the same reading under both would join them. Asked for without need, a change waits until all is
/// delivered, or is refused; on withdrawal, closure and a change of owner what waits is erased.</para>
/// <para>The retained state and the session at the broker are cleared in the old name as soon as the broker can be reached.</para></remarks>
internal sealed class IdentityService : IDisposable
{
    /// <summary>A courier ends within 2 s, a connection attempt included; the rest is for a board under load.</summary>
    private static readonly TimeSpan CouriersEndWithin = TimeSpan.FromSeconds(8);

    /// <summary>A change that was asked for without need tries again when something waits: two attempts stay within the 10 s of a
    /// caller.</summary>
    private const int Attempts = 5;

    private const string EpochWord = "epoch";

    /// <summary>How long a courier may take to come back between them.</summary>
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(2);

    /// <summary>What it then has to deliver in.</summary>
    private static readonly TimeSpan DeliverWithin = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly AgentConfig _config;
    private readonly IIdentityStore _store;
    private readonly Gate _gate;
    private readonly IClock _clock;
    private readonly Counters _counters;
    private readonly IAuditLog _audit;
    private readonly Lock _rotating = new();
    private readonly object _rounds = new();
    private CancellationTokenSource _round = new();
    private int _running;
    private int _keeping;
    private bool _isHeld;

    public IdentityService(
        AgentConfig config, BoardIdentity board, IIdentityStore store, Gate gate, IClock clock, Counters counters, IAuditLog audit, IAuditChain chain)
    {
        _audit = audit;
        _config = config;
        Board = board;
        _store = store;
        _gate = gate;
        _clock = clock;
        _counters = counters;
        _gate.Changed += GateChanged;

        // The power was cut between a change and its entry.
        if (store.Epoch > 0 && AuditTail.Read(chain) is { IsWhole: true } tail && !tail.Numbers(EpochWord, AuditKind.Identity).Contains(store.Epoch))
        {
            Note("", "agent");
        }
    }

    /// <summary>Raised after the pseudonym was changed, or the policy began to allow one. Any thread.</summary>
    public event Action? Changed;

    /// <summary>The board's names.</summary>
    public BoardIdentity Board { get; }

    /// <summary>The epoch and the farewells that are still to be said.</summary>
    public IIdentityStore Store => _store;

    /// <summary>True when a courier is connected; set by the running agent.</summary>
    public Func<bool> IsConnected { get; set; } = static () => false;

    /// <summary>Why no courier may work now, in a technician's words; empty when they may.</summary>
    public string WhyIdle => !_gate.MayIdentify(out var reason)
        ? $"idle: the policy permits the board no identifier ({(reason == DenyReason.NoRule ? "no rule" : reason.ToString())}), so nothing is sent; "
            + "see 'fieldagent consent show'"
        : Board.Trouble;

    /// <summary>A courier wants to work: waits until it may.</summary>
    /// <returns>Set when it must end at once; the caller calls <see cref="Leave"/> then. Null when <paramref name="stop"/> was set.</returns>
    public CancellationTokenSource? Enter(CancellationToken stop)
    {
        using var wake = stop.Register(Pulse);
        lock (_rounds)
        {
            while (!stop.IsCancellationRequested)
            {
                if (!_isHeld && WhyIdle.Length == 0)
                {
                    _running++;
                    return CancellationTokenSource.CreateLinkedTokenSource(_round.Token, stop);
                }

                // A supplement may appear; a change of the policy wakes.
                Monitor.Wait(_rounds, TimeSpan.FromSeconds(10));
            }

            return null;
        }
    }

    /// <summary>A courier that had entered has ended.</summary>
    public void Leave()
    {
        lock (_rounds)
        {
            _running--;
            Monitor.PulseAll(_rounds);
        }
    }

    /// <summary>Lets no name end until what is returned is disposed of: what a command still has to say about the person is said in the name
    /// that the person's data went out under. Any thread; may be nested.</summary>
    public IDisposable KeepName()
    {
        Interlocked.Increment(ref _keeping);
        return new NameKeeper(this);
    }

    /// <summary>Ends a name that may not be used any more: the permission was withdrawn and the power was cut before the change, or it is made
    /// from something else than it was. To be called at a start, once what was interrupted is said.</summary>
    public void PutRight()
    {
        if (Volatile.Read(ref _keeping) == 0)
        {
            EndOldName();
        }
    }

    private sealed class NameKeeper(IdentityService identity) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0 && Interlocked.Decrement(ref identity._keeping) == 0)
            {
                identity.EndOldName();
            }
        }
    }

    /// <summary>Ends all couriers at once; each begins anew by what holds now.</summary>
    public void BeginRoundAnew()
    {
        lock (_rounds)
        {
            _round.Cancel();
            _round.Dispose();
            _round = new CancellationTokenSource();
            Monitor.PulseAll(_rounds);
        }
    }

    /// <summary>The present state, for people.</summary>
    public ControlReply Show()
    {
        var lines = new List<string>
        {
            string.Create(CultureInfo.InvariantCulture, $"epoch            {_store.Epoch} (how often the pseudonym was changed)"),
            "made from        " + (Board.Supplements is { Count: > 0 } supplements
                ? $"the root key and {string.Join(", ", supplements)} (kept over a re-flash when the root key is provisioned)"
                : "a random key of this installation; no hardware identifier"),
            "outside provider " + (Supplements.All.Any(s => s.IsOutside && Board.Supplements.Contains(s.Name)) ? "configured" : "none"),
        };
        var idle = WhyIdle;
        lines.AddRange(idle.Length > 0 ? [idle] : _config.Recipients.Select(r => $"{r.Name,-16} {Board.NameAt(r.Name)}"));
        var farewells = _store.Farewells;
        if (farewells.Count > 0)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture,
                $"still to clear   {farewells.Count} retained states of earlier pseudonyms, as soon as the broker can be reached"));
        }

        return new ControlReply(true, Lines: lines);
    }

    /// <summary>Changes the pseudonym at every recipient.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="erase">Erase what waits, instead of waiting until it is delivered.</param>
    /// <exception cref="StoreFault">It could not be stored; repeat it.</exception>
    public ControlReply Rotate(RotationReason reason, bool erase)
    {
        lock (_rotating)
        {
            erase |= reason != RotationReason.Requested;
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return RotateOnce(erase, Word(reason), reason is RotationReason.Requested or RotationReason.OwnerChanged ? "operator" : "agent");
                }
                catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Refused && !erase)
                {
                    // A courier at work may deliver it in a moment.
                    if (attempt == Attempts || !WaitForConnection())
                    {
                        return ControlReply.No(
                            $"nothing was changed: {fault.Message}, and cannot go out under another; connect the board and repeat it, or erase it with --erase");
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _gate.Changed -= GateChanged;
        _round.Dispose();
    }

    private static string Word(RotationReason reason) => reason == RotationReason.OwnerChanged ? "owner-changed" : reason.ToString().ToLowerInvariant();

    private void Note(string why, string actor)
    {
        try
        {
            _audit.Append(new AuditEntry(
                AuditKind.Identity, "rotated", Detail: string.Create(CultureInfo.InvariantCulture, $"{EpochWord} {_store.Epoch} {why}").Trim(), Actor: actor));
        }
        catch (StoreFault)
        {
            // The change stands; the next start writes the entry.
            _counters.Add("audit.failed-entries");
        }
    }

    private ControlReply RotateOnce(bool erase, string why, string actor)
    {
        try
        {
            if (!Hold())
            {
                return ControlReply.No("a courier did not end in time, and nothing was changed; repeat it");
            }

            var erased = _store.Rotate(erase);
            _counters.Add("identity.rotations");
            Note(why, actor);
            return new ControlReply(true, string.Create(CultureInfo.InvariantCulture,
                $"the pseudonym was changed at every recipient (epoch {_store.Epoch}); erased before it was sent: {erased} readings and pictures; ")
                + (_store.Farewells.Count == 0 ? "no old name was in use" : "the old name is cleared at the broker as soon as it can be reached"));
        }
        finally
        {
            Release();
        }
    }

    private bool WaitForConnection()
    {
        var limit = _clock.BootNs + ConnectWithin.ToNs();
        while (!IsConnected())
        {
            if (_clock.BootNs >= limit || !_clock.Wait(Look, CancellationToken.None))
            {
                return false;
            }
        }

        return _clock.Wait(DeliverWithin, CancellationToken.None);
    }

    // Ends all couriers, and lets none begin.
    private bool Hold()
    {
        lock (_rounds)
        {
            _isHeld = true;
            _round.Cancel();
            var limit = _clock.BootNs + CouriersEndWithin.ToNs();
            while (_running > 0)
            {
                var left = limit - _clock.BootNs;
                if (left <= 0)
                {
                    return false;
                }

                Monitor.Wait(_rounds, TimeSpan.FromTicks(Math.Max(1, left / 100)));
            }

            return true;
        }
    }

    private void Release()
    {
        lock (_rounds)
        {
            _round.Dispose();
            _round = new CancellationTokenSource();
            _isHeld = false;
            Monitor.PulseAll(_rounds);
        }

        Changed?.Invoke();
    }

    private void GateChanged()
    {
        PutRight();
        Pulse();
    }

    private void EndOldName()
    {
        try
        {
            if (!MustEnd(out _))
            {
                return;
            }

            lock (_rotating)
            {
                // Another thread may have done it meanwhile.
                if (MustEnd(out var isRefused)
                    && !(isRefused ? Rotate(RotationReason.Withdrawn, erase: true) : MakeAnew()).Ok)
                {
                    // Couriers stay idle in any case, or go on under the old name: it is tried again within a minute.
                    _counters.Add("identity.rotation-failed");
                }
            }
        }
        catch (StoreFault)
        {
            _counters.Add("identity.rotation-failed");
        }
    }

    // Refused for now alone, as by a freeze, the name waits with the data that carry it.
    private bool MustEnd(out bool isRefused)
    {
        isRefused = !_gate.MayIdentify(out var reason);
        return isRefused
            ? _store.IsUsed && !reason.IsForNow()
            : _config.Recipients.Any(r => _store.NameUsedAt(r.Name) is { } used && Board.NameAt(r.Name) is { } name && used != name);
    }

    // What may have been sent under the old name cannot be kept for the new one.
    private ControlReply MakeAnew()
    {
        try
        {
            return RotateOnce(erase: false, "made-otherwise", "agent");
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Refused)
        {
            return RotateOnce(erase: true, "made-otherwise", "agent");
        }
    }

    private void Pulse()
    {
        lock (_rounds)
        {
            Monitor.PulseAll(_rounds);
        }
    }
}
