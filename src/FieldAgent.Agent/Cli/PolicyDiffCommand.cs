using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Status;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent policy diff OLD NEW</c>: what the newer one allows and the older one does not, and the other way round.</summary>
internal static class PolicyDiffCommand
{
    public static Command Create()
    {
        var older = new Argument<string>("old") { Description = "The older document; '-' for the one that comes with the agent." };
        var newer = new Argument<string>("new") { Description = "The newer document; '-' for the one that comes with the agent." };
        var json = CommonOptions.Json();
        var command = new Command("diff", "Compares two policies: what widens, what narrows, which functions need consent again.") { older, newer, json };
        command.SetAction(parsed =>
        {
            var first = Load(parsed.GetRequiredValue(older));
            var second = Load(parsed.GetRequiredValue(newer));
            if (first is null || second is null)
            {
                return ExitCode.BadConfiguration;
            }

            var difference = PolicyDiff.Compare(first, second);
            if (parsed.GetValue(json))
            {
                PolicyJson.Write(difference, Console.Out);
            }
            else
            {
                Write(first, second, difference, Console.Out);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The word for a kind of change.</summary>
    public static string Word(PolicyChangeKind kind) => kind switch
    {
        PolicyChangeKind.FieldClass => "class",
        PolicyChangeKind.HighRisk => "high-risk",
        _ => kind.ToString().ToLowerInvariant(),
    };

    /// <summary>The word for a kind of major change.</summary>
    public static string Word(MajorChange major) => major == MajorChange.HighRisk ? "high-risk" : major.ToString().ToLowerInvariant();

    /// <summary>The difference for people.</summary>
    public static void Write(Policy older, Policy newer, PolicyDifference difference, TextWriter output)
    {
        output.WriteLine($"policy {older.Version} -> {newer.Version}");
        if (difference.IsEmpty)
        {
            output.WriteLine("They allow the same.");
            return;
        }

        Section(output, "widens", difference.Widens, static change => (change.Narrow, change.Wide));
        Section(output, "narrows", difference.Narrows, static change => (change.Wide, change.Narrow));
        Section(output, "also new", difference.Notices, static change => (change.Narrow, change.Wide));
        output.WriteLine($"major change: {string.Join(", ", difference.Major.Select(Word))}");
        output.WriteLine(difference.Affected.Count == 0
            ? "No function needs consent again."
            : $"suspended until consent is given again: {string.Join(", ", newer.Functions.Select(static f => f.Name).Where(difference.Affected.Contains))}");
    }

    private static void Section(
        TextWriter output, string title, IReadOnlyList<PolicyChange> changes, Func<PolicyChange, (string From, string To)> order)
    {
        if (changes.Count == 0)
        {
            return;
        }

        output.WriteLine(title);
        TextTable.Write(output, [.. changes.Select(change =>
        {
            var (from, to) = order(change);
            var what = from.Length == 0 ? to : to.Length == 0 ? $"no longer: {from}" : $"{from} -> {to}";
            return new[] { change.Function.Length == 0 ? "policy" : change.Function, change.Field, Word(change.Kind), what };
        })]);
    }

    private static Policy? Load(string file)
    {
        if (file == "-")
        {
            return Policy.Shipped();
        }

        var errors = new ConfigErrors();
        var policy = PolicyFiles.Load(file, null, null, errors);
        if (policy is null)
        {
            CommandLine.Report(file, errors);
        }

        return policy;
    }
}
