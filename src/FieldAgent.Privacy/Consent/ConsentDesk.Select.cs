using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What a command means: which rules, and how exact.</summary>
public sealed partial class ConsentDesk
{
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
        else if (declared.Tier == FunctionTier.Basic && !(granting ? IsSuspended(function) : WasGranted(function)))
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

    // A policy that widens a basic function makes it ask for an agreement, which can be taken back like any other.
    private bool IsSuspended(string function) => ConsentHistory.Read(ledger.All(), Policy.ControllerId).IsSuspended(function, agreedUnder: "");

    private bool WasGranted(string function) => ledger.All().Any(e => e.Action == ConsentAction.Grant && e.Function == function);

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

    /// <summary>What to store for each rule; how exact is always written out, so that a later default does not change an old grant.</summary>
    private static string? Scopes(List<PolicyRule> rules, string? scope, out List<ConsentGrant> grants)
    {
        grants = [];
        var asked = Precision.Exact;
        if (scope is not null && !PrecisionWords.TryParse(scope, out asked))
        {
            return $"unknown precision '{scope}'; a place can be granted as: {string.Join(", ", PrecisionWords.All)}";
        }

        foreach (var rule in rules)
        {
            var field = rule.Field.Name;
            if (!ConsentScope.HasPrecision(field))
            {
                grants.Add(new ConsentGrant(rule, field, ""));
                continue;
            }

            asked = scope is null ? ConsentScope.Default(field) : asked;
            if (field == Vocabulary.LocationPosition && !Derivations.Ends(rule.Function.Name) && asked < PolicyLimits.CoarseLocation)
            {
                return $"{field} is granted no finer than {PolicyLimits.CoarseLocation.Word()}; "
                    + $"grant it so, and then {Vocabulary.LocationPrecise} with '{scope}' besides";
            }

            if (scope is not null && asked < rule.Precision)
            {
                return $"the policy allows {field} no finer than {rule.Precision.Word()}";
            }

            grants.Add(new ConsentGrant(rule, field, (asked < rule.Precision ? rule.Precision : asked).Word()));
        }

        return scope is not null && grants.TrueForAll(static grant => grant.Scope.Length == 0)
            ? $"only a place has a precision; grant {string.Join(", ", grants.Select(static grant => grant.Field))} without '{scope}'"
            : null;
    }

    // The consent to send a field over a border stands beside the one to use it (R84).
    private string? Border(List<PolicyRule> rules, string name, string region, string? scope, out List<ConsentGrant> grants)
    {
        grants = [.. rules.Select(rule => new ConsentGrant(rule, name, ""))];
        var abroad = rules.SelectMany(static rule => rule.Regions).Where(other => other != Policy.Jurisdiction).Distinct().ToList();
        return scope is not null ? "the consent to send a field to another country has no precision of its own"
            : abroad.Contains(region) ? null
            : $"the policy sends {rules[0].Field.Name} of {rules[0].Function.Name} to no country '{region}'; to: "
                + (abroad.Count > 0 ? string.Join(", ", abroad) : "none but its own");
    }
}
