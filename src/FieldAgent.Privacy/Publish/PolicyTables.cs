using System.Text;

namespace FieldAgent.Privacy;

/// <summary>The tables that a policy publishes, written from the rules that are enforced (R26, R55). RFC 4180 with a line feed after each line.</summary>
public static class PolicyTables
{
    /// <summary>The necessity table: one row a rule, with a heading row.</summary>
    public static IReadOnlyList<string[]> Necessity(Policy policy) =>
    [
        ["tier", "function", "field", "necessary", "purpose"],
        .. policy.Rules.Select(rule => new[]
        {
            rule.Function.Tier.ToString().ToLowerInvariant(),
            rule.Function.Name,
            rule.Field.Name,
            rule.Necessary ? "Y" : "N",
            policy.Purpose(rule.Purpose)?.Summary.En ?? rule.Purpose,
        }),
    ];

    /// <summary>The permission table: one row a permission, with a heading row.</summary>
    public static IReadOnlyList<string[]> Permissions(Policy policy) =>
    [
        ["permission", "necessity", "functions", "purpose"],
        .. PermissionTable.Of(policy).Select(line => new[]
        {
            PermissionTable.Word(line.Permission),
            line.Required ? "Required" : "Optional",
            string.Join(' ', line.Functions),
            string.Join("; ", line.Purposes.Select(purpose => policy.Purpose(purpose)?.Summary.En ?? purpose)),
        }),
    ];

    /// <summary>Rows as comma-separated values.</summary>
    public static string Csv(IReadOnlyList<string[]> rows)
    {
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            text.AppendJoin(',', row.Select(static cell =>
                cell.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell)).Append('\n');
        }

        return text.ToString();
    }
}
