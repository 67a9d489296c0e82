using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The gate: decides from an immutable table that is swapped as a whole when a consent is appended.
/// <see cref="Admit(RawRows, IAdmittedSink)"/> belongs to one thread; all else may be called from any.</summary>
public sealed class Gate : IGate
{
    private readonly Lock _building = new();
    private readonly Policy _policy;
    private readonly IConsentLedger _ledger;
    private readonly Counters _counters;
    private readonly Derivations _derivations;
    private DecisionTable _table;

    /// <summary>A gate for <paramref name="policy"/> and the consents in <paramref name="ledger"/>, which is read now.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="ledger">The consents.</param>
    /// <param name="counters">Counts what is denied.</param>
    /// <param name="parts">What the gate makes of readings instead of passing them on; null: nothing, and no memory over restarts.</param>
    /// <exception cref="StoreFault">The ledger cannot be read: without it nothing may be admitted.</exception>
    public Gate(Policy policy, IConsentLedger ledger, Counters counters, GateParts? parts = null)
    {
        _policy = policy;
        _ledger = ledger;
        _counters = counters;
        _derivations = new Derivations(parts ?? new GateParts(), counters);
        _table = DecisionTable.Build(policy, ledger.All(), null);
        _derivations.Changed(_table);
    }

    /// <inheritdoc/>
    public event Action? Changed;

    /// <inheritdoc/>
    public string PolicyVersion => _policy.Version;

    /// <summary>The policy in force.</summary>
    public Policy Policy => _policy;

    /// <summary>Reads the ledger again and replaces all decisions at once; raises <see cref="Changed"/> on this thread.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read: the old decisions stay; call again.</exception>
    public void Refresh()
    {
        lock (_building)
        {
            // The ledger is read inside the lock: of two refreshes the later one never installs the older ledger.
            Volatile.Write(ref _table, DecisionTable.Build(_policy, _ledger.All(), _table));
            _derivations.Changed(_table);
        }

        Changed?.Invoke();
    }

    /// <summary>May <paramref name="function"/> use <paramref name="field"/>, and send it to <paramref name="recipient"/>?
    /// A refusal to send is counted (<c>denied.send.…</c>); the answer itself depends on policy and ledger only.</summary>
    public Decision Decide(Stage stage, string function, string field, string? recipient = null) =>
        Decide(stage, function, field, recipient, long.MaxValue);

    /// <inheritdoc/>
    public Decision Decide(Stage stage, string function, string field, string? recipient, long admittedUnder)
    {
        var decision = Answer(function, field, recipient, admittedUnder);
        if (stage == Stage.Send && !decision.IsPermitted)
        {
            _counters.Add(DenialCounts.Name(stage, decision.Reason));
        }

        return decision;
    }

    /// <inheritdoc/>
    public bool MayCollect(string field) => Volatile.Read(ref _table).MayCollect(field);

    /// <inheritdoc/>
    public int Admit(RawRows rows, IAdmittedSink sink)
    {
        if (rows.Columns.Count == 0)
        {
            return 0;
        }

        _derivations.Tick();
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
            if (entry.Decision.Permit is not { } permit)
            {
                Deny(entry.Decision.Reason, rows.Columns.Readings);
                _derivations.Places.Forget(rows.Set.Name, entry.Rule.Function.Name);
            }
            else if (Derivations.Ends(permit.Function))
            {
                var transition = table.Find(Vocabulary.GeofenceFunction, Vocabulary.GeofenceTransition)?.Decision.Permit;
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

        if (takers > 0)
        {
            // Nothing is summed up that nobody else may have.
            _derivations.SumUp(rows, table.Find(Vocabulary.AnalyticsFunction, Vocabulary.AnalyticsWindow)?.Decision.Permit);
        }

        return rows.Set.Field == Vocabulary.LocationPosition
            ? takers + _derivations.Judge(rows, table.ByField(Vocabulary.LocationPlausible), sink)
            : takers;
    }

    /// <summary>Writes down what must outlive a restart, once a flush has stored what belongs to it. Any thread.</summary>
    public void Settle() => _derivations.Settle();

    /// <summary>Which side of each geofence the board is on; null while not known. Any thread.</summary>
    public IReadOnlyList<(string Id, bool? Inside)> FenceState => _derivations.Fences.State;

    /// <summary>True when the policy lets the board have an identifier at all (R25): some rule of the function <c>identity</c> permits. A policy
    /// without one permits none.</summary>
    /// <param name="reason">Why not.</param>
    public bool MayIdentify(out DenyReason reason)
    {
        reason = DenyReason.NoRule;
        foreach (var entry in Volatile.Read(ref _table).ByFunction(Vocabulary.IdentityFunction))
        {
            if (entry.Decision.IsPermitted)
            {
                reason = DenyReason.None;
                return true;
            }

            reason = entry.Decision.Reason;
        }

        return false;
    }

    /// <inheritdoc/>
    public Decision Admit(RawImage image, out AdmittedImage? admitted)
    {
        admitted = null;
        var decision = Answer(Vocabulary.PhotoFunction, image.Field, null, long.MaxValue);
        if (decision.Permit is not { } permit)
        {
            Deny(decision.Reason, 1);
            return decision;
        }

        // What can be shown is a picture; any other field of the namespace has its place inside one.
        if (image.Field != Vocabulary.ImagePhoto
            || !JpegMetadata.TryStrip(image.Jpeg.Span, Granted(), out var jpeg, out var dropped))
        {
            Deny(DenyReason.Unreadable, 1);
            return Decision.Deny(DenyReason.Unreadable);
        }

        if (dropped > 0)
        {
            _counters.Add("stripped.image-segments", dropped);
        }

        admitted = new AdmittedImage(image.Sensor, permit, jpeg, image.Captured, image.RequestId);
        return decision;
    }

    private Decision Answer(string function, string field, string? recipient, long admittedUnder)
    {
        var entry = Volatile.Read(ref _table).Find(function, field);
        if (entry is null)
        {
            return Decision.Deny(DenyReason.NoRule);
        }

        if (!entry.Decision.IsPermitted)
        {
            return entry.Decision;
        }

        if (admittedUnder < entry.Since)
        {
            return Decision.Deny(DenyReason.Withdrawn);
        }

        return recipient is null || entry.HasRecipient(recipient) ? entry.Decision : Decision.Deny(DenyReason.NotARecipient);
    }

    private KeptMetadata Granted()
    {
        var location = Answer(Vocabulary.PhotoFunction, Vocabulary.ImageLocation, null, long.MaxValue).Permit;
        return new KeptMetadata(
            CaptureTime: Answer(Vocabulary.PhotoFunction, Vocabulary.ImageCaptureTime, null, long.MaxValue).IsPermitted,
            DeviceModel: Answer(Vocabulary.PhotoFunction, Vocabulary.ImageDeviceModel, null, long.MaxValue).IsPermitted,
            Location: location?.Precision,
            Reducer: _derivations.Places);
    }

    private void Deny(DenyReason reason, long count) => _counters.Add(DenialCounts.Name(Stage.Admit, reason), count);
}
