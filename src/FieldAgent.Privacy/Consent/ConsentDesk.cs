using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Where consents are given and taken back: checks, appends to the ledger, and refreshes the gate, in this order.
/// Any thread; one command at a time.</summary>
/// <param name="gate">The gate to refresh; its policy is the one that is consented to.</param>
/// <param name="ledger">The gate's ledger.</param>
/// <param name="clock">For the stamps.</param>
public sealed partial class ConsentDesk(Gate gate, IConsentLedger ledger, IClock clock)
{
    /// <summary>Stands for all functions, or all fields of one.</summary>
    public const string Everything = "*";

    private readonly Lock _lock = new();

    private Policy Policy => gate.Policy;

    /// <summary>Every rule of the policy with its standing, basic functions as such.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public IReadOnlyList<ConsentLine> Show()
    {
        var history = ConsentHistory.Read(ledger.All(), Policy.ControllerId);
        var paused = gate.Paused;
        var lines = Policy.Rules
            .SelectMany(rule => Abroad(rule, history).Prepend(rule.Field.Name).Select(field => Line(rule, field, history)))
            .Select(line => line.State is ConsentState.NotGranted or ConsentState.Withdrawn
                && Exemption(history, line.Rule.Function.Name, line.Field, clock.Now().WallUnixNs) is { } used
                ? line with { State = ConsentState.Exempt, Last = used } : line)
            .Select(line => line.State == ConsentState.Granted && paused.Contains(new ConsentPair(line.Rule.Function.Name, line.Rule.Field.Name))
                ? line with { State = ConsentState.Paused } : line);
        return Refused() is { } refused ? [.. lines.Select(line => line with { State = ConsentState.Refused, Last = refused })] : [.. lines];
    }

    /// <summary>The newest event by which everything was refused (R7); null while the board may do what is granted.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public ConsentEvent? Refused() =>
        ConsentActs.Last(ledger.All(), Everything, Everything, long.MaxValue) is { Action: ConsentAction.Withdraw } refused ? refused : null;

    /// <summary>The event that marked the person concerned as being under 14 (R102); null when there is none.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public ConsentEvent? MarkedMinor() => ledger.All().LastOrDefault(static e => e.Action == ConsentAction.Minor);

    /// <summary>What granting <paramref name="function"/> would store; nothing is changed.</summary>
    /// <param name="function">As for <see cref="Grant"/>.</param>
    /// <param name="field">As for <see cref="Grant"/>.</param>
    /// <param name="scope">As for <see cref="Grant"/>.</param>
    /// <param name="grants">What would be stored for each rule.</param>
    /// <returns>Why it would be refused, or null.</returns>
    public ConsentOutcome? Preview(string function, string? field, string? scope, out IReadOnlyList<ConsentGrant> grants)
    {
        grants = [];
        var abroad = CrossBorder.TryRead(field ?? "", out var home, out var region);
        if (Select(function, abroad ? home : field, granting: true, out var rules) is { } refused)
        {
            return refused;
        }

        var problem = abroad ? Border(rules, field!, region, scope, out var found) : Scopes(rules, scope, out found);
        grants = found;
        return problem is null ? null : ConsentOutcome.Refuse(ConsentRefusal.Scope, problem);
    }

    /// <summary>Grants <paramref name="function"/> the use of a field.</summary>
    /// <param name="function">An extended function. <see cref="Everything"/> is only taken where no sensitive field is concerned (R3).</param>
    /// <param name="field">The field. Null: those the function cannot work without, one by one, provided at most one is sensitive.
    /// <see cref="Everything"/>: all of the function's, provided none is sensitive. With a country behind it, such as
    /// <c>location.position@DE</c>: the consent to send it there (R84).</param>
    /// <param name="scope">For a place how exact: <c>exact</c>, <c>100m</c>, <c>1km</c>, <c>10km</c>. Null: 1 km, or the policy's
    /// precision where that is coarser.</param>
    /// <param name="by">Who grants, and how. Once the person is marked as under 14 only a guardian can, who declares it (R102).</param>
    /// <returns>What was done, or why not.</returns>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat the command.</exception>
    public ConsentOutcome Grant(string function, string? field, string? scope, ConsentBy by)
    {
        lock (_lock)
        {
            if (CheckGrantor(by) is { } who)
            {
                return who;
            }

            if (Refused() is not null)
            {
                return ConsentOutcome.Refuse(
                    ConsentRefusal.Idle, "everything was refused, so nothing can be granted; 'fieldagent consent resume' ends that first");
            }

            if (Preview(function, field, scope, out var grants) is { } refused)
            {
                return refused;
            }

            var before = ledger.All();
            var at = clock.Now();
            var standings = ConsentHistory.Fold(before, Policy.ControllerId);
            foreach (var grant in grants)
            {
                if (ConsentScope.BaseOf(grant.Field) is { } other
                    && !(standings.TryGetValue((grant.Rule.Function.Name, other), out var first) && first.Granted))
                {
                    return ConsentOutcome.Refuse(ConsentRefusal.Scope, $"{grant.Field} adds to {other}; grant that first, then this");
                }
            }

            var events = Append(
                [.. grants.Select(grant => New(
                    ConsentAction.Grant, new ConsentPair(grant.Rule.Function.Name, grant.Field), grant.Scope, by, at))]);
            var narrowed = ConsentActs.ToErase([.. before, .. events], new ConsentAct(events), Policy);
            var what = string.Join(", ", events.Select(static e => e.Scope.Length > 0 ? $"{e.Field} ({e.Scope})" : e.Field));
            return new ConsentOutcome(ConsentRefusal.None, $"granted to {function}: {what}", events, narrowed);
        }
    }

    /// <summary>Takes consent back. Takes effect with the next reading and the next message; what was sent before stays lawful (R11).</summary>
    /// <param name="function">The function; <see cref="Everything"/>: all consents there are, whatever policy they were given
    /// under (R12).</param>
    /// <param name="field">The field; null or <see cref="Everything"/>: all of the function's.</param>
    /// <param name="by">Who, and how.</param>
    /// <returns>What was done, with the pairs to erase. Repeating it is harmless and finishes an interrupted erasure.</returns>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat the command.</exception>
    public ConsentOutcome Withdraw(string function, string? field, ConsentBy by)
    {
        lock (_lock)
        {
            if (CheckWho(by) is { } who)
            {
                return who;
            }

            if (function == Everything && field is not (null or Everything))
            {
                return ConsentOutcome.Refuse(
                    ConsentRefusal.UnknownField,
                    $"'{Everything}' withdraws everything; name no field with it, or name the function");
            }

            List<ConsentPair> pairs;
            var known = ledger.All();
            if (function == Everything)
            {
                // Consents of functions that this policy no longer has end as well.
                pairs = [.. ConsentActs.AllOf(Policy, known).Where(pair => Policy.Function(pair.Function)?.Tier != FunctionTier.Basic)];
            }
            else if (CrossBorder.TryRead(field ?? "", out var home, out _))
            {
                if (Select(function, home, granting: false, out _) is { } unknown)
                {
                    return unknown;
                }

                pairs = [new ConsentPair(function, field!)];
            }
            else if (Select(function, field ?? Everything, granting: false, out var rules) is { } refused)
            {
                return refused;
            }
            else
            {
                // What was granted in addition, such as sending it abroad, ends with the field.
                pairs = [.. ConsentActs.AllOf(Policy, known).Where(pair => pair.Function == function
                    && rules.Exists(rule => pair.Field == rule.Field.Name || CrossBorder.IsOf(pair.Field, rule.Field.Name)))];
            }

            var at = clock.Now();
            var history = ConsentHistory.Read(known, Policy.ControllerId);
            List<ConsentPair> granted =
                [.. Granted(known, pairs).Union(pairs.Where(pair => Exemption(history, pair.Function, pair.Field, at.WallUnixNs) is not null))];
            var events = Append(WithdrawalsOf(granted, by, at));
            var message = events.Count == 0
                ? "nothing of this was granted; nothing had to be withdrawn"
                : "withdrawn: " + string.Join(", ", granted);
            return new ConsentOutcome(ConsentRefusal.None, message, events, pairs);
        }
    }

    /// <summary>Refuses everything (R7): every consent ends, and the board idles: nothing is collected or published, basic functions
    /// included, until <see cref="Resume"/>.</summary>
    /// <param name="by">Who, and how.</param>
    /// <returns>What was done, with the pairs to erase.</returns>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ConsentOutcome Refuse(ConsentBy by)
    {
        lock (_lock)
        {
            if (CheckWho(by) is { } who)
            {
                return who;
            }

            var known = ledger.All();
            List<ConsentPair> pairs = [.. ConsentActs.AllOf(Policy, known)];
            if (Refused() is { } already)
            {
                return new ConsentOutcome(ConsentRefusal.None, "everything is refused already; the board idles", [], pairs) { Stands = already };
            }

            // The one event that stops everything goes first: it holds although a later one cannot be stored.
            var at = clock.Now();
            var events = Append(
                [New(ConsentAction.Withdraw, new ConsentPair(Everything, Everything), "", by, at), .. WithdrawalsOf(Granted(known, pairs), by, at)]);
            return new ConsentOutcome(
                ConsentRefusal.None, "everything is refused: the board idles, collects nothing and publishes no data", events, pairs);
        }
    }

    /// <summary>Ends a refusal of everything. Basic functions go on; consents that ended with it stay ended.</summary>
    /// <param name="by">Who, and how.</param>
    /// <returns>What was done, or why not.</returns>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ConsentOutcome Resume(ConsentBy by)
    {
        lock (_lock)
        {
            if (CheckGrantor(by) is { } who)
            {
                return who;
            }

            if (Refused() is null)
            {
                return new ConsentOutcome(ConsentRefusal.None, "nothing is refused as a whole; nothing had to be resumed", [], []);
            }

            var events = Append([New(ConsentAction.Grant, new ConsentPair(Everything, Everything), "", by, clock.Now())]);
            return new ConsentOutcome(
                ConsentRefusal.None, "the refusal of everything has ended: basic functions go on, extended ones are off until granted", events, []);
        }
    }

    /// <summary>Marks the person concerned as being under 14 (R102). What others than a guardian have granted ends, and what was collected
    /// under it is to be erased (R103).</summary>
    /// <param name="by">Who says so, and how.</param>
    /// <returns>What was done, with the pairs to erase.</returns>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat the command.</exception>
    public ConsentOutcome MarkMinor(ConsentBy by)
    {
        lock (_lock)
        {
            if (CheckWho(by) is { } who)
            {
                return who;
            }

            var known = ledger.All();
            List<ConsentPair> ended = [.. Granted(known, ConsentActs.AllOf(Policy, known)).Where(pair =>
                ConsentActs.Last(known, pair.Function, pair.Field, long.MaxValue)!.Role != ConsentBy.Guardian)];
            var at = clock.Now();
            List<ConsentEvent> mark = MarkedMinor() is null ? [New(ConsentAction.Minor, new ConsentPair("", ""), "", by, at)] : [];
            var events = Append([.. mark, .. WithdrawalsOf(ended, by, at)]);
            var message = "the person concerned is under 14: only a guardian's grants count from now on"
                + (ended.Count == 0 ? "" : "; withdrawn because no guardian had granted it: " + string.Join(", ", ended));
            return new ConsentOutcome(ConsentRefusal.None, message, events, ended);
        }
    }

    // Consents to send the rule's field to another country, given or taken back.
    private static IEnumerable<string> Abroad(PolicyRule rule, ConsentHistory history) => history.Pairs.Keys
        .Where(pair => pair.Function == rule.Function.Name && CrossBorder.IsOf(pair.Field, rule.Field.Name)).Select(static pair => pair.Field);

    private static ConsentLine Line(PolicyRule rule, string field, ConsentHistory history)
    {
        var function = rule.Function.Name;
        var found = history.Find(function, field)?.Standing(history.IsMinor);
        var isBasic = rule.Function.Tier == FunctionTier.Basic && field == rule.Field.Name;
        var isSuspended = isBasic || found is { Granted: true }
            ? history.IsSuspended(function, found is { Granted: true } agreed ? agreed.Last.PolicyHash : "")
            : false;
        if (isSuspended)
        {
            return new ConsentLine(rule, ConsentState.Suspended, rule.Precision, found?.Last) { Field = field };
        }

        if (isBasic || found is not { } standing)
        {
            return new ConsentLine(rule, isBasic ? ConsentState.Basic : ConsentState.NotGranted, rule.Precision, null) { Field = field };
        }

        var state = standing.Granted ? ConsentState.Granted
            : standing.Last.Action == ConsentAction.Withdraw ? ConsentState.Withdrawn
            : ConsentState.NotGranted;
        var precision = standing.Granted && standing.Precision > rule.Precision ? standing.Precision : rule.Precision;
        return new ConsentLine(rule, state, precision, standing.Last) { Field = field };
    }

    private static List<ConsentPair> Granted(IReadOnlyList<ConsentEvent> known, IEnumerable<ConsentPair> pairs) =>
        [.. pairs.Where(pair => ConsentActs.Last(known, pair.Function, pair.Field, long.MaxValue) is { Action: ConsentAction.Grant })];

    private static ConsentOutcome? CheckWho(ConsentBy by) =>
        by.Problem() is { } problem ? ConsentOutcome.Refuse(ConsentRefusal.Who, problem) : null;

    private ConsentOutcome? CheckGrantor(ConsentBy by)
    {
        if (CheckWho(by) is { } who)
        {
            return who;
        }

        if (by.Role == ConsentBy.Guardian && by.Attestation.Length == 0)
        {
            return ConsentOutcome.Refuse(
                ConsentRefusal.Attestation, "a guardian declares being one: give the declaration, or the reference of the paper, with --attest");
        }

        return by.Role != ConsentBy.Guardian && MarkedMinor() is not null
            ? ConsentOutcome.Refuse(
                ConsentRefusal.GuardianNeeded, "the person concerned is under 14: only a guardian can grant, with --role guardian and --attest")
            : null;
    }

    private List<ConsentEvent> WithdrawalsOf(IEnumerable<ConsentPair> pairs, ConsentBy by, Stamp at) =>
        [.. pairs.Select(pair => New(ConsentAction.Withdraw, pair, "", by, at))];

    private ConsentEvent New(ConsentAction action, ConsentPair pair, string scope, ConsentBy by, Stamp at) =>
        new(0, action, pair.Function, pair.Field, scope, by.Role, by.Method, Policy.Version, Policy.Hash, at)
        {
            NoticeHash = action == ConsentAction.Grant && Policy.Function(pair.Function) is not null
                ? ConsentNotice.Of(Policy, pair.Function, by.Language).Hash : "",
            Language = by.Language,
            ControllerId = Policy.ControllerId,
            Reference = by.Attestation,
        };

    private List<ConsentEvent> Append(List<ConsentEvent> events)
    {
        var stored = new List<ConsentEvent>(events.Count);
        if (events.Count == 0)
        {
            return stored;
        }

        try
        {
            foreach (var next in events)
            {
                stored.Add(ledger.Append(next));
            }
        }
        finally
        {
            // Whatever was stored holds at once, also when a later event could not be stored.
            gate.Refresh();
        }

        return stored;
    }
}
