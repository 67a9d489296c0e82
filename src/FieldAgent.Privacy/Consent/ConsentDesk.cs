using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>Where consents are given and taken back: checks, appends to the ledger, and refreshes the gate, in this order.
/// Any thread; one command at a time.</summary>
/// <param name="gate">The gate to refresh; its policy is the one that is consented to.</param>
/// <param name="ledger">The gate's ledger.</param>
/// <param name="clock">For the stamps.</param>
public sealed class ConsentDesk(Gate gate, IConsentLedger ledger, IClock clock)
{
    /// <summary>Stands for all functions, or all fields of one.</summary>
    public const string Everything = "*";

    private static readonly string[] Roles = ["subject", "operator", "guardian"];
    private readonly Lock _lock = new();

    private Policy Policy => gate.Policy;

    /// <summary>Every rule of the policy with its standing, basic functions as such.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public IReadOnlyList<ConsentLine> Show()
    {
        var standings = ConsentHistory.Fold(ledger.All(), Policy.ControllerId);
        return [.. Policy.Rules.Select(rule => Line(rule, standings))];
    }

    /// <summary>Grants <paramref name="function"/> the use of a field.</summary>
    /// <param name="function">An extended function. <see cref="Everything"/> is only taken where no sensitive field is concerned (R3).</param>
    /// <param name="field">The field. Null: those the function cannot work without, one by one, provided at most one is sensitive.
    /// <see cref="Everything"/>: all of the function's, provided none is sensitive.</param>
    /// <param name="scope">For a place how exact: <c>exact</c>, <c>100m</c>, <c>1km</c>, <c>10km</c>. Null: 1 km, or the policy's
    /// precision where that is coarser.</param>
    /// <param name="role">Who grants: <c>subject</c>, <c>operator</c>, <c>guardian</c>.</param>
    /// <param name="method">How: <c>cli</c>, <c>command</c> …</param>
    /// <returns>What was done, or why not.</returns>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat the command.</exception>
    public ConsentOutcome Grant(string function, string? field, string? scope, string role, string method)
    {
        lock (_lock)
        {
            if (CheckWho(role, method) is { } who)
            {
                return who;
            }

            if (Select(function, field, granting: true, out var rules) is { } refused)
            {
                return refused;
            }

            if (!Scopes(rules, scope, out var scopes, out var problem))
            {
                return ConsentOutcome.Refuse(ConsentRefusal.Scope, problem);
            }

            var before = ConsentHistory.Fold(ledger.All(), Policy.ControllerId);
            if (rules.Find(rule => ConsentScope.BaseOf(rule.Field.Name) is { } other
                && !(before.TryGetValue((rule.Function.Name, other), out var first) && first.Granted)) is { } early)
            {
                return ConsentOutcome.Refuse(
                    ConsentRefusal.Scope,
                    $"{early.Field.Name} adds to {ConsentScope.BaseOf(early.Field.Name)}; grant that first, then this");
            }

            var events = Append(
                [.. rules.Select((rule, i) => New(
                    ConsentAction.Grant, new ConsentPair(rule.Function.Name, rule.Field.Name), scopes[i], role, method))]);
            var narrowed = events
                .Where(e => before.TryGetValue((e.Function, e.Field), out var old) && old.Granted
                    && ConsentStanding.After(old, e).Since == e.Id)
                .Select(static e => new ConsentPair(e.Function, e.Field)).ToList();
            var what = string.Join(", ", events.Select(static e => e.Scope.Length > 0 ? $"{e.Field} ({e.Scope})" : e.Field));
            return new ConsentOutcome(ConsentRefusal.None, $"granted to {function}: {what}", events, narrowed);
        }
    }

    /// <summary>Takes consent back. Takes effect with the next reading and the next message; what was sent before stays lawful (R11).</summary>
    /// <param name="function">The function; <see cref="Everything"/>: all consents there are, whatever policy they were given
    /// under (R12).</param>
    /// <param name="field">The field; null or <see cref="Everything"/>: all of the function's.</param>
    /// <param name="role">Who: <c>subject</c>, <c>operator</c>, <c>guardian</c>.</param>
    /// <param name="method">How.</param>
    /// <returns>What was done, with the pairs to erase. Repeating it is harmless and finishes an interrupted erasure.</returns>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat the command.</exception>
    public ConsentOutcome Withdraw(string function, string? field, string role, string method)
    {
        lock (_lock)
        {
            if (CheckWho(role, method) is { } who)
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
            var standings = ConsentHistory.Fold(ledger.All(), Policy.ControllerId);
            if (function == Everything)
            {
                // Consents of functions that this policy no longer has end as well.
                pairs = [.. Policy.Rules.Where(static rule => rule.Function.Tier == FunctionTier.Extended)
                    .Select(static rule => (Function: rule.Function.Name, Field: rule.Field.Name))
                    .Union(standings.Keys).Select(static key => new ConsentPair(key.Function, key.Field))];
            }
            else if (Select(function, field ?? Everything, granting: false, out var rules) is { } refused)
            {
                return refused;
            }
            else
            {
                pairs = [.. rules.Select(static rule => new ConsentPair(rule.Function.Name, rule.Field.Name))];
            }

            var granted = pairs.Where(pair => standings.TryGetValue((pair.Function, pair.Field), out var old)
                && old.Last.Action == ConsentAction.Grant).ToList();
            var events = Append([.. granted.Select(pair => New(ConsentAction.Withdraw, pair, "", role, method))]);
            var message = events.Count == 0
                ? "nothing of this was granted; nothing had to be withdrawn"
                : "withdrawn: " + string.Join(", ", granted);
            return new ConsentOutcome(ConsentRefusal.None, message, events, pairs);
        }
    }

    private static ConsentLine Line(PolicyRule rule, Dictionary<(string Function, string Field), ConsentStanding> standings)
    {
        if (rule.Function.Tier == FunctionTier.Basic)
        {
            return new ConsentLine(rule, ConsentState.Basic, rule.Precision, null);
        }

        if (!standings.TryGetValue((rule.Function.Name, rule.Field.Name), out var standing))
        {
            return new ConsentLine(rule, ConsentState.NotGranted, rule.Precision, null);
        }

        var state = standing.Granted ? ConsentState.Granted
            : standing.Last.Action == ConsentAction.Withdraw ? ConsentState.Withdrawn
            : ConsentState.NotGranted;
        var precision = standing.Granted && standing.Precision > rule.Precision ? standing.Precision : rule.Precision;
        return new ConsentLine(rule, state, precision, standing.Last);
    }

    /// <summary>Finds the rules that a command means; the refusal when it means none or may not mean them.</summary>
    private ConsentOutcome? Select(string function, string? field, bool granting, out List<PolicyRule> rules)
    {
        rules = [];
        var extended = Policy.Functions.Where(static f => f.Tier == FunctionTier.Extended).Select(static f => f.Name).ToList();
        var known = extended.Count > 0 ? string.Join(", ", extended) : "none";
        if (function == Everything)
        {
            rules = [.. Policy.Rules.Where(rule =>
                rule.Function.Tier == FunctionTier.Extended && (field is null or Everything || rule.Field.Name == field))];
        }
        else if (Policy.Function(function) is not { } declared)
        {
            return ConsentOutcome.Refuse(
                ConsentRefusal.UnknownFunction,
                $"the policy has no function '{function}'; functions that can be granted and withdrawn: {known}");
        }
        else if (declared.Tier == FunctionTier.Basic)
        {
            return ConsentOutcome.Refuse(
                ConsentRefusal.BasicFunction,
                $"'{function}' is a basic function: it does not rest on consent and is neither granted nor withdrawn; "
                    + $"functions that are: {known}");
        }
        else
        {
            rules = [.. Policy.RulesOf(function).Where(rule =>
                field is null ? rule.Necessary : field is Everything || rule.Field.Name == field)];
        }

        if (rules.Count == 0)
        {
            var fields = Policy.Rules.Where(rule => function is Everything || rule.Function.Name == function)
                .Select(static rule => rule.Field.Name);
            return ConsentOutcome.Refuse(
                ConsentRefusal.UnknownField,
                field is null
                    ? $"'{function}' has no necessary field; name one of: {string.Join(", ", fields)}"
                    : $"'{function}' does not use '{field}'; it uses: {string.Join(", ", fields)}");
        }

        return granting ? CheckBlanket(function, field, rules) : null;
    }

    private static ConsentOutcome? CheckBlanket(string function, string? field, List<PolicyRule> rules)
    {
        var sensitive = rules.Where(static rule => rule.Field.Class == FieldClass.Sensitive).ToList();
        var namedAlone = function != Everything && (field is null ? sensitive.Count <= 1 : field != Everything);
        return sensitive.Count == 0 || namedAlone
            ? null
            : ConsentOutcome.Refuse(
                ConsentRefusal.SensitiveNotNamed,
                "sensitive fields are granted one at a time, each by its name: "
                    + string.Join(", ", sensitive.Select(static rule => $"{rule.Function.Name} {rule.Field.Name}")));
    }

    private static ConsentOutcome? CheckWho(string role, string method)
    {
        if (!Roles.Contains(role))
        {
            return ConsentOutcome.Refuse(ConsentRefusal.Who, $"the role must be one of: {string.Join(", ", Roles)}");
        }

        return Opt.IsName(method) ? null : ConsentOutcome.Refuse(ConsentRefusal.Who, "the method must be one word, such as cli");
    }

    /// <summary>The scope to store for each rule; always written out, so that a later default does not change an old grant.</summary>
    private static bool Scopes(List<PolicyRule> rules, string? scope, out List<string> scopes, out string problem)
    {
        scopes = [];
        problem = "";
        var asked = PolicyLimits.GrantedLocationDefault;
        if (scope is not null && !PrecisionWords.TryParse(scope, out asked))
        {
            problem = $"unknown precision '{scope}'; a place can be granted as: {string.Join(", ", PrecisionWords.All)}";
            return false;
        }

        var places = 0;
        foreach (var rule in rules)
        {
            if (!ConsentScope.HasPrecision(rule.Field.Name))
            {
                scopes.Add("");
                continue;
            }

            places++;
            asked = scope is null ? ConsentScope.Default(rule.Field.Name) : asked;
            if (rule.Field.Name == Vocabulary.LocationPosition && asked < PolicyLimits.CoarseLocation)
            {
                problem = $"{rule.Field.Name} is granted no finer than {PolicyLimits.CoarseLocation.Word()}; "
                    + $"grant it so, and then {Vocabulary.LocationPrecise} with '{scope}' besides";
                return false;
            }

            if (asked < rule.Precision && scope is not null)
            {
                problem = $"the policy allows {rule.Field.Name} no finer than {rule.Precision.Word()}";
                return false;
            }

            scopes.Add((asked < rule.Precision ? rule.Precision : asked).Word());
        }

        if (scope is not null && places == 0)
        {
            var fields = string.Join(", ", rules.Select(static rule => rule.Field.Name));
            problem = $"only a place has a precision; grant {fields} without '{scope}'";
            return false;
        }

        return true;
    }

    private ConsentEvent New(ConsentAction action, ConsentPair pair, string scope, string role, string method) =>
        new(0, action, pair.Function, pair.Field, scope, role, method, Policy.Version, Policy.Hash, clock.Now()) { ControllerId = Policy.ControllerId };

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
