using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Finds the rules that a person means: by function, field, category or class. Covers what is held and what was delivered under
/// policies that are no longer in force, too.</summary>
internal sealed class PrivacyScopes(Gate gate, Func<ISpoolView> held, IDeliveryLedger deliveries)
{
    /// <summary>Stands for all functions, or all fields.</summary>
    public const string Everything = "*";

    /// <summary>All pairs of function and field that there are, or were.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public IReadOnlyList<ConsentPair> All()
    {
        using var view = held();
        return [.. gate.Policy.Rules.Select(static rule => new ConsentPair(rule.Function.Name, rule.Field.Name))
            .Concat(view.Summarize().Select(static sum => new ConsentPair(sum.Function, sum.Field)))
            .Concat(deliveries.All().Select(static run => new ConsentPair(run.Function, run.Field)))
            .Concat(deliveries.Possible().Select(static one => new ConsentPair(one.Function, one.Field))).Distinct()];
    }

    /// <summary>The pairs of a category: a class (<c>sensitive</c>), a group of fields (<c>location</c>), a field, or a function.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public IReadOnlyList<ConsentPair> OfCategory(string category) => [.. All().Where(pair =>
        pair.Function == category || pair.Field == category || pair.Field.Split('.')[0] == category || ClassOf(pair.Field) == category)];

    /// <summary>The pairs of a function and field as a person names them; <see cref="Everything"/> or null stands for all.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public IReadOnlyList<ConsentPair> Of(string? function, string? field) => [.. All().Where(pair =>
        (function is null or Everything || pair.Function == function) && (field is null or Everything || pair.Field == field))];

    /// <summary>What can be named as a category.</summary>
    public IReadOnlyList<string> Categories() => [.. Enum.GetValues<FieldClass>().Select(static c => c.ToString().ToLowerInvariant())
        .Concat(gate.Policy.Fields.Select(static field => field.Name.Split('.')[0])).Distinct()];

    /// <summary>The class of a field; <c>unknown</c> when the policy in force does not declare it.</summary>
    public string ClassOf(string field) =>
        gate.Policy.Fields.FirstOrDefault(declared => declared.Name == field)?.Class.ToString().ToLowerInvariant() ?? "unknown";
}
