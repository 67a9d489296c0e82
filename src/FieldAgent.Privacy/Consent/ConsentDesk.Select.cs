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
            if (!Vocabulary.IsLocation(rule.Field.Name))
            {
                scopes.Add("");
                continue;
            }

            places++;
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
}
