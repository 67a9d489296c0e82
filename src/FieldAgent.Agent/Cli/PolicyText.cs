using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary>The policy for readers: what leaves the device and for how long, written from the rules that are enforced.</summary>
internal static class PolicyText
{
    /// <summary>A Markdown table of every rule, ending with a line feed.</summary>
    public static string Markdown(Policy policy)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Policy {policy.Version}, in force from {policy.EffectiveFrom:yyyy-MM-dd}. What is not in this table is not collected.\n\n");
        text.Append("| function | field | on | needed | what for | at most as exact as | kept at most | goes to |\n");
        text.Append("|---|---|---|---|---|---|---|---|\n");
        foreach (var rule in policy.Rules)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {rule.Function.Name} | `{rule.Field.Name}` ");
            text.Append(rule.Function.Tier == FunctionTier.Extended ? "| off until granted " : "| by contract ");
            text.Append(rule.Necessary ? "| yes " : "| no ");
            text.Append(CultureInfo.InvariantCulture, $"| {rule.Purpose} | {Word(rule.Precision)} | {(PolicyDiff.MayStore(rule) ? Opt.Write(rule.Term) : "not stored")} | ");
            text.Append(rule.Recipients.Count == 0 ? "nobody" : string.Join(", ", rule.Recipients));
            text.Append(" |\n");
        }

        return text.ToString();
    }

    private static string Word(Core.Precision precision) => precision switch
    {
        Core.Precision.Exact => "measured",
        Core.Precision.Cell100m => "100 m",
        Core.Precision.Cell1km => "1 km",
        _ => "10 km",
    };
}
