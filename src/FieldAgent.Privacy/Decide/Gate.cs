using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The gate: decides from an immutable table that is swapped as a whole when policy or ledger changes.
/// <see cref="Admit(RawRows, IAdmittedSink)"/> belongs to one thread; all else may be called from any.</summary>
public sealed class Gate : IGate, IFactGate
{
    private readonly Lock _building = new();
    private readonly IConsentLedger _ledger;
    private readonly IClock _clock;
    private readonly Counters _counters;
    private readonly Derivations _derivations;
    private readonly DecisionAudit _audit;
    private Policy _policy;
    private IReadOnlyList<ConsentPair> _paused = [];
    private DecisionTable _table;
    private Moment _looked;
    private bool _owesRefresh;

    /// <summary>A gate for <paramref name="policy"/> and the consents in <paramref name="ledger"/>, which is read now.</summary>
    /// <param name="policy">The policy in force.</param>
    /// <param name="ledger">All that changes a decision.</param>
    /// <param name="counters">Counts every refusal.</param>
    /// <param name="clock">The time of the questions that name none.</param>
    /// <param name="audit">Gets one entry for each (function, field) that is permitted or refused from now on; null: none is kept.</param>
    /// <param name="parts">What the gate makes of readings instead of passing them on; null: nothing, and no memory over restarts.</param>
    /// <exception cref="StoreFault">The ledger cannot be read: without it nothing may be admitted.</exception>
    public Gate(Policy policy, IConsentLedger ledger, Counters counters, IClock clock, IAuditLog? audit = null, GateParts? parts = null)
    {
        _policy = policy;
        _ledger = ledger;
        _clock = clock;
        _counters = counters;
        _derivations = new Derivations(parts ?? new GateParts(), counters);
        var events = ledger.All();
        var now = clock.Now();
        _table = DecisionTable.Build(policy, events, null);
        _looked = Moment.At(now, _table);
        _audit = new DecisionAudit(audit, _table, events.Count, now);
        _derivations.Changed(_table, now);
    }

    /// <inheritdoc/>
    public event Action? Changed;

    /// <inheritdoc/>
    public string PolicyVersion => Policy.Version;

    /// <summary>The policy in force.</summary>
    public Policy Policy => Volatile.Read(ref _policy);

    /// <summary>Reads the ledger again and replaces all decisions at once; raises <see cref="Changed"/> on this thread.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read: the old decisions stay. Or the audit log cannot be written: what is refused
    /// from now on is refused, what would be permitted from now on waits. Call again in either case.</exception>
    public void Refresh() => Refresh(Policy);

    /// <summary>Takes another policy into use. The ledger holds its adoption already (<see cref="ConsentAction.Adopt"/>), with the functions
    /// that it widens; see <see cref="PolicyInForce.MayTakeEffect"/>.</summary>
    /// <exception cref="StoreFault">As <see cref="Refresh()"/>.</exception>
    public void Use(Policy policy) => Refresh(policy);

    /// <summary>What is paused at the moment. Any thread.</summary>
    public IReadOnlyList<ConsentPair> Paused => Volatile.Read(ref _paused);

    /// <summary>Refuses <paramref name="pairs"/> for now, and nothing else any more that was paused before: nothing of them is collected, kept
    /// or sent; what is stored stays. Says nothing to the ledger, and ends with the process.</summary>
    /// <exception cref="StoreFault">As <see cref="Refresh()"/>.</exception>
    public void Pause(IReadOnlyList<ConsentPair> pairs)
    {
        Volatile.Write(ref _paused, pairs);

        // Where the ledger cannot be read now, the next look does it.
        Volatile.Write(ref _owesRefresh, true);
        Refresh();
    }

    /// <inheritdoc/>
    public void Watch()
    {
        var now = _clock.Now();
        if (Volatile.Read(ref _looked).StillHolds(now) && !Volatile.Read(ref _owesRefresh))
        {
            return;
        }

        try
        {
            Refresh(Policy);
        }
        catch (StoreFault)
        {
            // What is refused holds; the rest is tried again with the next look.
            _counters.Add("audit.failed-entries");
        }
    }

    /// <summary>The decision, from policy, ledger and <paramref name="question"/> alone. A refusal to send is counted
    /// (<c>denied.send.…</c>).</summary>
    public Decision Decide(in Question question)
    {
        var decision = Volatile.Read(ref _table).Answer(question);
        if (question.Stage == Stage.Send && !decision.IsPermitted)
        {
            _counters.Add(DenialCounts.Name(Stage.Send, decision.Reason));
        }

        return decision;
    }

    /// <inheritdoc/>
    public Decision Decide(Stage stage, string function, string field, string? recipient = null) =>
        Decide(stage, function, field, recipient, long.MaxValue);

    /// <inheritdoc/>
    public Decision Decide(Stage stage, string function, string field, string? recipient, long admittedUnder) =>
        Decide(Ask(stage, function, field, _clock.Now()) with { Recipient = recipient, AdmittedUnder = admittedUnder });

    /// <inheritdoc/>
    public bool MayCollect(string field)
    {
        var now = _clock.Now();
        foreach (var entry in Volatile.Read(ref _table).ByField(field))
        {
            if (entry.Answer(Ask(Stage.Collect, entry.Rule.Function.Name, field, now)).IsPermitted)
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public Decision BestFor(string field)
    {
        var now = _clock.Now();
        return Volatile.Read(ref _table).ByField(field)
            .Select(entry => entry.Answer(Ask(Stage.Collect, entry.Rule.Function.Name, field, now)))
            .OrderBy(static decision => decision.IsPermitted ? 0 : decision.Keeps ? 1 : 2)
            .FirstOrDefault(Decision.Deny(DenyReason.NoRule));
    }

    /// <inheritdoc/>
    public bool IsHeld(string function, string field, long atWallNs) => Volatile.Read(ref _table).Holds.IsHeld(function, field, atWallNs);

    /// <inheritdoc/>
    public int Admit(RawRows rows, IAdmittedSink sink)
    {
        if (rows.Columns.Count == 0)
        {
            return 0;
        }

        _derivations.Tick();
        var now = _clock.Now();
        var table = Volatile.Read(ref _table);
        var entries = table.ByField(rows.Set.Field);
        if (entries.Length == 0)
        {
            Deny(DenyReason.NoRule, rows.Columns.Readings);
            return 0;
        }

        var takers = 0;
        foreach (var entry in entries)
        {
            // A place that ends here is looked at and never stored: it is asked for as what it is.
            var decision = entry.Answer(Ask(entry.Ends ? Stage.Collect : Stage.Admit, entry.Rule.Function.Name, rows.Set.Field, now));
            if (decision.Permit is not { } permit)
            {
                Deny(decision.Reason, rows.Columns.Readings);
                if (!decision.Keeps)
                {
                    _derivations.Places.Forget(rows.Set.Name, entry.Rule.Function.Name);
                }
            }
            else if (entry.Ends)
            {
                var transition = table.Answer(Ask(Stage.Admit, Vocabulary.GeofenceFunction, Vocabulary.GeofenceTransition, now)).Permit;
                takers += _derivations.Admit(rows, permit, transition, sink) ? 1 : 0;
            }
            else if (permit.Precision == Precision.Exact)
            {
                sink.Take(new AdmittedRows(rows.Set, permit, rows.Columns));
                takers++;
            }
            else if (_derivations.Places.Admit(rows, permit, sink, out var reason))
            {
                takers++;
            }
            else if (reason != DenyReason.None)
            {
                Deny(reason, rows.Columns.Readings);
            }
        }

        // Nothing is summed up that nobody else may have.
        if (takers > 0 && table.Windows is { } windows && _derivations.SumsUp(rows.Set)
            && windows.Answer(Ask(Stage.Admit, Vocabulary.AnalyticsFunction, Vocabulary.AnalyticsWindow, now)).Permit is { } window)
        {
            _derivations.SumUp(rows, window);
        }

        if (rows.Set.Field == Vocabulary.LocationPosition)
        {
            takers += _derivations.Judge(rows, table.ByField(Vocabulary.LocationPlausible), now, sink);
        }

        return takers;
    }

    /// <inheritdoc/>
    public IReadOnlyList<AdmittedFact> Admit(in RawFact fact)
    {
        var now = _clock.Now();
        var entries = Volatile.Read(ref _table).ByField(fact.Field);
        if (entries.Length == 0)
        {
            Deny(DenyReason.NoRule, 1);
            return [];
        }

        if (fact.Value.Length > RawFact.ValueLengthMax)
        {
            Deny(DenyReason.Unreadable, 1);
            return [];
        }

        var admitted = new List<AdmittedFact>();
        foreach (var entry in entries)
        {
            var decision = entry.Answer(Ask(Stage.Admit, entry.Rule.Function.Name, fact.Field, now));
            if (decision.Permit is { } permit)
            {
                admitted.Add(new AdmittedFact(permit, fact.Value));
            }
            else
            {
                Deny(decision.Reason, 1);
            }
        }

        return admitted;
    }

    /// <inheritdoc/>
    public Decision Admit(RawImage image, out AdmittedImage? admitted)
    {
        admitted = null;
        var now = _clock.Now();
        var table = Volatile.Read(ref _table);
        var decision = table.Answer(Ask(Stage.Admit, Vocabulary.PhotoFunction, image.Field, now));
        if (decision.Permit is not { } permit)
        {
            Deny(decision.Reason, 1);
            return decision;
        }

        // What can be shown is a picture; any other field of the namespace has its place inside one.
        if (image.Field != Vocabulary.ImagePhoto
            || !JpegMetadata.TryStrip(image.Jpeg.Span, Granted(table, now), out var jpeg, out var dropped))
        {
            Deny(DenyReason.Unreadable, 1);
            return Decision.Deny(DenyReason.Unreadable);
        }

        if (dropped > 0)
        {
            _counters.Add("stripped.image-segments", dropped);
        }

        if (image.Parent is not { } parent)
        {
            admitted = new AdmittedImage(image.Sensor, permit, jpeg, image.Captured, image.RequestId);
            return decision;
        }

        var (captured, term) = Derivation.Inherit(image.Captured, permit.Term, parent);
        admitted = new AdmittedImage(image.Sensor, permit with { Term = term }, jpeg, captured, image.RequestId, parent.ImageId);
        return new Decision(admitted.Permit, DenyReason.None);
    }

    /// <summary>Writes down what must outlive a restart, once a flush has stored what belongs to it. Any thread.</summary>
    public void Settle() => _derivations.Settle();

    /// <summary>Which side of each geofence the board is on; null while not known. Any thread.</summary>
    public IReadOnlyList<(string Id, bool? Inside)> FenceState => _derivations.Fences.State;

    /// <summary>True when the policy lets the board have an identifier at all (R25): some rule of the function <c>identity</c> permits. A policy
    /// without one permits none. A global refusal leaves it: receipts and requests to erase must reach their recipients (R78).</summary>
    /// <param name="reason">Why not.</param>
    public bool MayIdentify(out DenyReason reason)
    {
        reason = DenyReason.NoRule;
        var now = _clock.Now();
        foreach (var entry in Volatile.Read(ref _table).ByFunction(Vocabulary.IdentityFunction))
        {
            var decision = entry.Answer(Ask(Stage.Collect, Vocabulary.IdentityFunction, entry.Rule.Field.Name, now), despiteRefusal: true);
            reason = decision.Reason;
            if (decision.IsPermitted)
            {
                return true;
            }
        }

        return false;
    }

    private KeptMetadata Granted(DecisionTable table, in Stamp now)
    {
        var at = now;
        return new KeptMetadata(
            CaptureTime: Photo(Vocabulary.ImageCaptureTime) is not null,
            DeviceModel: Photo(Vocabulary.ImageDeviceModel) is not null,
            Location: Photo(Vocabulary.ImageLocation)?.Precision,
            Reducer: _derivations.Places);

        Permit? Photo(string field) => table.Answer(Ask(Stage.Admit, Vocabulary.PhotoFunction, field, at)).Permit;
    }

    private static Question Ask(Stage stage, string function, string field, in Stamp now) =>
        new(stage, function, field, now.WallUnixNs, now.Quality);

    private void Refresh(Policy policy)
    {
        try
        {
            lock (_building)
            {
                // The ledger is read inside the lock: of two refreshes the later one never installs the older ledger.
                var events = _ledger.All();
                var next = DecisionTable.Build(policy, events, _table, _paused);
                var now = _clock.Now();
                Volatile.Write(ref _policy, policy);
                Volatile.Write(ref _looked, Moment.At(now, next));
                Volatile.Write(ref _owesRefresh, true);

                // What is refused from now on is refused at once; what is permitted from now on waits until that stands in the audit log.
                var changes = _audit.Compare(next, events, now);
                Volatile.Write(ref _table, next.Without(changes.Where(static change => change.Permits)));
                _audit.Append(changes);
                Volatile.Write(ref _table, next);
                Volatile.Write(ref _owesRefresh, false);
                _derivations.Changed(next, now);
            }
        }
        finally
        {
            Changed?.Invoke();
        }
    }

    private void Deny(DenyReason reason, long count) => _counters.Add(DenialCounts.Name(Stage.Admit, reason), count);

    /// <summary>When all was decided last, and until when that stands.</summary>
    private sealed record Moment(long WallUnixNs, long NextChange, bool IsTrusted)
    {
        public static Moment At(in Stamp now, DecisionTable table) =>
            new(now.WallUnixNs, table.NextChange(now.WallUnixNs), now.Quality != ClockQuality.Unsynced);

        public bool StillHolds(in Stamp now) =>
            now.WallUnixNs < NextChange && now.WallUnixNs >= WallUnixNs && now.Quality != ClockQuality.Unsynced == IsTrusted;
    }
}
