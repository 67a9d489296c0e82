using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>All answers of the gate, immutable: built from policy and ledger, replaced as a whole.</summary>
internal sealed class DecisionTable
{
    private static readonly TableEntry[] None = [];

    // Plain dictionaries, never changed once published: frozen ones look up no faster here and take ten times as long to build.
    private readonly Dictionary<string, Dictionary<string, TableEntry>> _byFunction = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TableEntry[]> _byField = new(StringComparer.Ordinal);
    private readonly long[] _changes;

    private DecisionTable(Policy policy, List<TableEntry> entries, Holds holds)
    {
        Policy = policy;
        Entries = entries;
        Holds = holds;
        _changes = [.. entries.SelectMany(static entry => entry.Changes()).Where(static at => at is > 0 and < long.MaxValue).Distinct().Order()];
        foreach (var entry in entries)
        {
            var (function, field) = (entry.Rule.Function.Name, entry.Rule.Field.Name);
            if (!_byFunction.TryGetValue(function, out var fields))
            {
                fields = new Dictionary<string, TableEntry>(StringComparer.Ordinal);
                _byFunction.Add(function, fields);
            }

            fields.Add(field, entry);
            _byField[field] = _byField.TryGetValue(field, out var others) ? [.. others, entry] : [entry];
        }

        Windows = Find(Vocabulary.AnalyticsFunction, Vocabulary.AnalyticsWindow);
    }

    /// <summary>The policy.</summary>
    public Policy Policy { get; }

    /// <summary>One a rule.</summary>
    public IReadOnlyList<TableEntry> Entries { get; }

    /// <summary>The legal holds.</summary>
    public Holds Holds { get; }

    /// <summary>Whether windows may be summed up; asked with every batch.</summary>
    public TableEntry? Windows { get; }

    /// <summary>Builds the table. Permits that did not change stay the very objects of <paramref name="previous"/>; what is
    /// <paramref name="paused"/> is refused for now.</summary>
    public static DecisionTable Build(
        Policy policy, IReadOnlyList<ConsentEvent> events, DecisionTable? previous, IReadOnlyCollection<ConsentPair>? paused = null)
    {
        var builder = new TableBuilder(policy, ConsentHistory.Read(events, policy.ControllerId), paused ?? []);
        var entries = new List<TableEntry>(policy.Rules.Count);
        foreach (var rule in policy.Rules)
        {
            // A category that no policy may declare has no entry, however the policy was made (R42).
            if (Vocabulary.WhyNotAField(rule.Field.Name) is null)
            {
                entries.Add(builder.Entry(rule, previous?.Find(rule.Function.Name, rule.Field.Name)));
            }
        }

        return new DecisionTable(policy, entries, Holds.Of(events));
    }

    /// <summary>The decision.</summary>
    public Decision Answer(in Question question) =>
        Find(question.Function, question.Field) is { } entry ? entry.Answer(question) : Decision.Deny(DenyReason.NoRule);

    /// <summary>The entry for (function, field), or null when there is no rule.</summary>
    public TableEntry? Find(string function, string field) =>
        _byFunction.TryGetValue(function, out var fields) && fields.TryGetValue(field, out var entry) ? entry : null;

    /// <summary>The entries of all functions with a rule on <paramref name="field"/>.</summary>
    public TableEntry[] ByField(string field) => _byField.TryGetValue(field, out var entries) ? entries : None;

    /// <summary>The entries of <paramref name="function"/>.</summary>
    public IEnumerable<TableEntry> ByFunction(string function) => _byFunction.TryGetValue(function, out var fields) ? fields.Values : None;

    /// <summary>The same table, in which <paramref name="pairs"/> are refused.</summary>
    public DecisionTable Without(IEnumerable<DecisionChange> pairs)
    {
        var refused = pairs.Select(static change => (change.Function, change.Field)).ToHashSet();
        return refused.Count == 0
            ? this
            : new DecisionTable(Policy, [.. Entries.Where(entry => !refused.Contains((entry.Rule.Function.Name, entry.Rule.Field.Name)))], Holds);
    }

    /// <summary>The first moment after <paramref name="atWallUnixNs"/> at which some answer changes by itself; <see cref="long.MaxValue"/>
    /// when none will.</summary>
    public long NextChange(long atWallUnixNs)
    {
        foreach (var at in _changes)
        {
            if (at > atWallUnixNs)
            {
                return at;
            }
        }

        return long.MaxValue;
    }
}
