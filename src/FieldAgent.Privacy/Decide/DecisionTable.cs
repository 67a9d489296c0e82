using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The answer for one (function, field), made when policy or consent changes.</summary>
/// <param name="rule">The rule.</param>
/// <param name="decision">Permit or reason.</param>
/// <param name="since">Data admitted under this or a later consent event is still covered; 0 when none is needed.</param>
internal sealed class TableEntry(PolicyRule rule, Decision decision, long since)
{
    public PolicyRule Rule { get; } = rule;

    public Decision Decision { get; } = decision;

    public long Since { get; } = since;

    public bool HasRecipient(string recipient)
    {
        var recipients = Rule.Recipients;
        for (var i = 0; i < recipients.Count; i++)
        {
            if (string.Equals(recipients[i], recipient, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>All answers of the gate, immutable: built from policy and ledger, replaced as a whole.</summary>
internal sealed class DecisionTable
{
    private static readonly TableEntry[] None = [];

    // Plain dictionaries, never changed once published: frozen ones look up no faster here and take ten times as long to build.
    private readonly Dictionary<string, Dictionary<string, TableEntry>> _byFunction = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TableEntry[]> _byField = new(StringComparer.Ordinal);
    private readonly HashSet<string> _collectable = new(StringComparer.Ordinal);

    private DecisionTable(List<TableEntry> entries)
    {
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
            if (entry.Decision.IsPermitted)
            {
                _collectable.Add(field);
            }
        }
    }

    /// <summary>Builds the table. Permits that did not change stay the very objects of <paramref name="previous"/>.</summary>
    public static DecisionTable Build(Policy policy, IReadOnlyList<ConsentEvent> events, DecisionTable? previous)
    {
        var standings = ConsentHistory.Fold(events);
        var entries = new List<TableEntry>(policy.Rules.Count);
        foreach (var rule in policy.Rules)
        {
            var entry = Entry(policy, rule, standings);
            var old = previous?.Find(rule.Function.Name, rule.Field.Name);
            entries.Add(old is not null && old.Decision == entry.Decision && old.Since == entry.Since ? old : entry);
        }

        return new DecisionTable(entries);
    }

    /// <summary>The entry for (function, field), or null when there is no rule.</summary>
    public TableEntry? Find(string function, string field) =>
        _byFunction.TryGetValue(function, out var fields) && fields.TryGetValue(field, out var entry) ? entry : null;

    /// <summary>The entries of all functions with a rule on <paramref name="field"/>.</summary>
    public TableEntry[] ByField(string field) => _byField.TryGetValue(field, out var entries) ? entries : None;

    /// <summary>The entries of <paramref name="function"/>.</summary>
    public IEnumerable<TableEntry> ByFunction(string function) => _byFunction.TryGetValue(function, out var fields) ? fields.Values : None;

    /// <summary>True when any function may have <paramref name="field"/>.</summary>
    public bool MayCollect(string field) => _collectable.Contains(field);

    private static TableEntry Entry(
        Policy policy, PolicyRule rule, Dictionary<(string Function, string Field), ConsentStanding> standings)
    {
        if (rule.Function.Tier == FunctionTier.Basic)
        {
            return new TableEntry(rule, new Decision(Permit(policy, rule, rule.Precision, 0), DenyReason.None), 0);
        }

        if (!standings.TryGetValue((rule.Function.Name, rule.Field.Name), out var standing))
        {
            return new TableEntry(rule, Decision.Deny(DenyReason.NotGranted), 0);
        }

        if (!standing.Granted)
        {
            var reason = standing.Last.Action == ConsentAction.Withdraw ? DenyReason.Withdrawn : DenyReason.NotGranted;
            return new TableEntry(rule, Decision.Deny(reason), 0);
        }

        var precision = standing.Precision > rule.Precision ? standing.Precision : rule.Precision;
        return new TableEntry(rule, new Decision(Permit(policy, rule, precision, standing.Last.Id), DenyReason.None), standing.Since);
    }

    private static Permit Permit(Policy policy, PolicyRule rule, Precision precision, long consentId) =>
        new(rule.Function.Name,
            rule.Field.Name,
            rule.Purpose,
            rule.Basis,
            precision,
            rule.Term,
            rule.Recipients,
            consentId,
            policy.Version,
            policy.Hash,
            rule.Field.Class is FieldClass.Personal or FieldClass.Sensitive);
}
