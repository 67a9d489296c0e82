using System.Diagnostics;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Benchmarks.Privacy;

/// <summary>The difference of two policies of 1,000 rules, every one of which differs.</summary>
internal static class PolicyDiffBench
{
    private const int Functions = 50;
    private const int Fields = 20;
    private const int Rounds = 20;

    public static void Run(Results results)
    {
        var older = Make(0);
        var newer = Make(1);
        var first = Stopwatch.StartNew();
        var difference = PolicyDiff.Compare(older, newer);
        first.Stop();
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < Rounds; i++)
        {
            difference = PolicyDiff.Compare(older, newer);
        }

        results.Add("changes between two policies of 1,000 rules", difference.Widens.Count + difference.Narrows.Count, "");
        results.AtMost("difference of two 1,000-rule policies, first time", first.Elapsed.TotalMilliseconds, "ms", 50);
        results.AtMost("difference of two 1,000-rule policies, once warm", watch.Elapsed.TotalMilliseconds / Rounds, "ms", 50);
    }

    private static Policy Make(int variant)
    {
        string[] names = ["vendor", "lab", "insurer", "statistics"];
        var recipients = names.Select(static name => new PolicyRecipient(name, name, name, "a", "m", "p", "https://x.example", "CN", [])).ToList();
        var fields = Enumerable.Range(0, Fields).Select(static i => new PolicyField($"field.n{i}", FieldClass.Personal, "")).ToList();
        var functions = Enumerable.Range(0, Functions).Select(static i => new PolicyFunction($"function-{i}", FunctionTier.Extended, "")).ToList();
        var rules = functions.SelectMany(function => fields.Select((field, i) =>
            new PolicyRule(
                function, field, i % 2 == variant, "purpose", LegalBasis.Consent, Precision.Exact, TimeSpan.FromDays(30 + ((i + variant) % 3)),
                variant == 0 ? names[..2] : names)
            {
                Regions = ["CN", "DE", "FR"],
                Prohibitions = [new PolicyProhibition(Stage.Send, names[(i + variant) % 4], "DE", "")],
            })).ToList();
        return new Policy(fields, functions, rules, recipients);
    }
}
