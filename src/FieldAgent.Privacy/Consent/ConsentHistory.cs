using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The ledger, read: what every (function, field) stands on, and what holds for all of them. The newest event of exactly
/// (function, field) decides, whatever else was granted (R3, R9): no grant covers more than it names, while a withdrawal or restriction of
/// <c>*</c> covers everything of that name. Immutable once read; any thread.</summary>
/// <remarks>What stands for everything: withdrawing (<c>*</c>, <c>*</c>) is the global refusal (R7), after which nothing at all is permitted,
/// until (<c>*</c>, <c>*</c>) is granted, which ends the refusal and grants nothing.</remarks>
internal sealed class ConsentHistory
{
    private readonly string _controllerId;
    private readonly Dictionary<(string Function, string Field), ConsentPairHistory> _pairs = [];
    private readonly List<ConsentEvent> _restrictions = [];
    private readonly List<ConsentEvent> _adoptions = [];

    private ConsentHistory(string controllerId) => _controllerId = controllerId;

    /// <summary>Every (function, field) that was ever granted, withdrawn or exempted by its name.</summary>
    public IReadOnlyDictionary<(string Function, string Field), ConsentPairHistory> Pairs => _pairs;

    /// <summary>The global refusal that is in force (R7), or null.</summary>
    public ConsentEvent? Refusal { get; private set; }

    /// <summary>The event that ended the last global refusal; 0 when there was none.</summary>
    public long ResumedBy { get; private set; }

    /// <summary>True when the person concerned is under 14 (R102).</summary>
    public bool IsMinor { get; private set; }

    /// <summary>The policies that took effect, oldest first.</summary>
    public IReadOnlyList<ConsentEvent> Adoptions => _adoptions;

    /// <summary>Reads a ledger.</summary>
    /// <param name="events">All its events, oldest first.</param>
    /// <param name="controllerId">Id of the policy's controller; empty: any.</param>
    public static ConsentHistory Read(IReadOnlyList<ConsentEvent> events, string controllerId)
    {
        var history = new ConsentHistory(controllerId);
        foreach (var next in events)
        {
            history.Apply(next);
        }

        return history;
    }

    /// <summary>The standings of a ledger by the grants that count.</summary>
    public static Dictionary<(string Function, string Field), ConsentStanding> Fold(
        IReadOnlyList<ConsentEvent> events, string controllerId = "")
    {
        var history = Read(events, controllerId);
        var standings = new Dictionary<(string Function, string Field), ConsentStanding>();
        foreach (var (pair, own) in history._pairs)
        {
            if (own.Standing(history.IsMinor) is { } standing)
            {
                standings.Add(pair, standing);
            }
        }

        return standings;
    }

    /// <summary>What the ledger says of one (function, field); null when nothing.</summary>
    public ConsentPairHistory? Find(string function, string field) => _pairs.GetValueOrDefault((function, field));

    /// <summary>Until when (function, field) is frozen (R92), Unix ns: 0 not at all, <see cref="long.MaxValue"/> without an end.
    /// A second restriction never shortens the first.</summary>
    public long RestrictedUntil(string function, string field)
    {
        long until = 0;
        foreach (var next in _restrictions)
        {
            if (LedgerScope.Covers(next.Function, next.Field, function, field))
            {
                until = next.Action == ConsentAction.Unrestrict ? 0
                    : Math.Max(until, next.ExpiresWallUnixNs == 0 ? long.MaxValue : next.ExpiresWallUnixNs);
            }
        }

        return until;
    }

    /// <summary>True when a policy widened <paramref name="function"/> after what <paramref name="agreedUnder"/> (hash of a policy) says was
    /// agreed to (R106).</summary>
    public bool IsSuspended(string function, string agreedUnder)
    {
        // A policy adopted after the one that widened asks for no less.
        var agreed = false;
        for (var i = _adoptions.Count - 1; i >= 0; i--)
        {
            agreed |= _adoptions[i].PolicyHash == agreedUnder;
            if (Suspends(_adoptions[i], function))
            {
                return !agreed;
            }
        }

        return false;
    }

    private static bool Suspends(ConsentEvent adoption, string function)
    {
        var names = adoption.Reference.AsSpan();
        foreach (var part in names.Split(','))
        {
            var name = names[part].Trim();
            if (name.SequenceEqual(function) || name.SequenceEqual(LedgerScope.Everything))
            {
                return true;
            }
        }

        return false;
    }

    private void Apply(ConsentEvent next)
    {
        switch (next.Action)
        {
            case ConsentAction.Grant:
                Grant(next);
                break;
            case ConsentAction.Withdraw:
                Withdraw(next);
                break;
            case ConsentAction.Exempt:
                Exempt(next);
                break;
            case ConsentAction.Restrict or ConsentAction.Unrestrict:
                _restrictions.Add(next);
                break;
            case ConsentAction.Adopt:
                _adoptions.Add(next);
                break;
            case ConsentAction.Minor:
                IsMinor = true;
                break;
            default:
                // Holds say nothing about what is permitted.
                break;
        }
    }

    private void Grant(ConsentEvent next)
    {
        if (next.Function == LedgerScope.Everything || next.Field == LedgerScope.Everything)
        {
            if (next.Function == next.Field && Refusal is not null)
            {
                Refusal = null;
                ResumedBy = next.Id;
            }

            return;
        }

        var pair = PairOf(next);
        if (next.ControllerId.Length > 0 && _controllerId.Length > 0 && next.ControllerId != _controllerId)
        {
            pair.Foreign = true;
            return;
        }

        pair.Grants.Add(next.Id);
        pair.Anyone = ConsentStanding.After(pair.Anyone, next);
        EndWhatHangsOn(next, pair.Anyone.Value, guardian: false);
        if (next.Role == "guardian")
        {
            pair.Guardian = ConsentStanding.After(pair.Guardian, next);
            EndWhatHangsOn(next, pair.Guardian.Value, guardian: true);
        }
    }

    private void Withdraw(ConsentEvent next)
    {
        if (next.Function != LedgerScope.Everything && next.Field != LedgerScope.Everything)
        {
            PairOf(next);
        }
        else if (next.Function == next.Field)
        {
            Refusal = next;
        }

        foreach (var ((function, field), pair) in _pairs)
        {
            if (LedgerScope.Covers(next.Function, next.Field, function, field)
                || (ConsentScope.BaseOf(field) is { } other && LedgerScope.Covers(next.Function, next.Field, function, other)))
            {
                pair.Anyone = pair.Guardian = ConsentStanding.Ended(next, DenyReason.Withdrawn);
                pair.Exemption = null;
            }
        }
    }

    private void Exempt(ConsentEvent next)
    {
        // Each use names its field, its ground and its end; anything less allows nothing (R16).
        if (next.ExpiresWallUnixNs == 0 || Exemptions.BasisOf(next.Reason) is null || !Exemptions.Covers(next.Field)
            || next.Function == LedgerScope.Everything || !ConsentScope.TryRead(next.Field, next.Scope, out _))
        {
            return;
        }

        var pair = PairOf(next);
        pair.ExemptSince = pair.Exemption is null ? next.Id : pair.ExemptSince;
        pair.Exemption = next;
    }

    // What was granted in addition to a consent ends with it: the leave for finer and for unasked places (also when the consent begins anew,
    // and narrower), the leave to cross a border.
    private void EndWhatHangsOn(ConsentEvent cause, in ConsentStanding standing, bool guardian)
    {
        if (standing.Granted && standing.Since != cause.Id)
        {
            return;
        }

        foreach (var ((function, name), pair) in _pairs)
        {
            if (function == cause.Function && ConsentScope.BaseOf(name) == cause.Field && pair.Standing(guardian) is { Granted: true }
                && !(standing.Granted && CrossBorder.IsOf(name, cause.Field)))
            {
                pair.End(ConsentStanding.Ended(cause, DenyReason.NotGranted), guardian);
            }
        }
    }

    private ConsentPairHistory PairOf(ConsentEvent next)
    {
        var key = (next.Function, next.Field);
        if (!_pairs.TryGetValue(key, out var pair))
        {
            pair = new ConsentPairHistory();
            _pairs.Add(key, pair);
        }

        return pair;
    }
}
