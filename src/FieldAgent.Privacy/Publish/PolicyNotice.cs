using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The privacy notice, written from the rules that are enforced: what is published and what is done cannot drift apart. A consent
/// records the hash of the notice that was shown (R4). Pure; any thread.</summary>
public static class PolicyNotice
{
    /// <summary>The whole notice, plain text, ending with a line feed. The same policy yields the same text on every board.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="language">One of <see cref="LocalText.Languages"/>.</param>
    /// <exception cref="ArgumentException">There is no notice in that language.</exception>
    public static string Text(Policy policy, string language)
    {
        if (!LocalText.Languages.Contains(language))
        {
            throw new ArgumentException($"there is no notice in '{language}'; there is one in: {string.Join(", ", LocalText.Languages)}", nameof(language));
        }

        return new Writer(policy, language).Write();
    }

    /// <summary>SHA-256 of the notice's UTF-8 bytes, lower-case hexadecimal: what a consent records.</summary>
    /// <exception cref="ArgumentException">There is no notice in that language.</exception>
    public static string Hash(Policy policy, string language) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text(policy, language))));

    private sealed class Writer(Policy policy, string language)
    {
        private readonly NoticeWords _words = NoticeWords.For(language);
        private readonly StringBuilder _text = new();

        public string Write()
        {
            Line(_words.Title);
            Line(_words.Heading(policy));
            Line($"{_words.Controller}: {policy.Controller} ({policy.ControllerId})");
            Line($"{_words.Contacts}: {string.Join(_words.Separator, policy.Contacts)}");
            Line("");
            Line(policy.Notice.For(language));
            Line("");
            Line($"{_words.Changes}: {policy.Changes.For(language)}");
            if (policy.HighRisk is { } risk)
            {
                Line($"{_words.HighRisk}: {risk.Reference} ({string.Join(_words.Separator, risk.Functions)})");
            }

            Functions(FunctionTier.Basic, _words.Basic);
            Functions(FunctionTier.Extended, _words.Extended);
            Recipients();
            Rights();
            return _text.ToString();
        }

        private void Functions(FunctionTier tier, string title)
        {
            Line("");
            Line(title);
            foreach (var function in policy.Functions.Where(function => function.Tier == tier))
            {
                Line("");
                Line($"{function.Name}: {function.Notice.For(language)}");
                foreach (var rule in policy.RulesOf(function.Name))
                {
                    Rule(rule);
                }
            }
        }

        private void Rule(PolicyRule rule)
        {
            var necessity = rule.Necessary ? _words.Necessary : _words.NotNecessary;
            Line($"  - {rule.Field.Name}: {rule.Field.Summary.For(language)} ({_words.Classes[(int)rule.Field.Class]}; {necessity})");
            var parts = new List<string>
            {
                $"{_words.Purpose}: {policy.Purpose(rule.Purpose)?.Summary.For(language) ?? rule.Purpose}",
                $"{_words.Basis}: {string.Join(_words.Separator, rule.Bases.Select(basis => _words.Bases[(int)basis]))}",
            };
            if (rule.Precision != Precision.Exact)
            {
                parts.Add($"{_words.FinestIs}: {rule.Precision.Word()}");
            }

            parts.Add(PolicyDiff.May(rule, Stage.Admit) ? $"{_words.Kept}: {_words.Duration(rule.Term)}" : _words.NotKept);
            parts.Add(rule.Recipients.Count == 0
                ? _words.Stays
                : $"{_words.Sent}: {string.Join(_words.Separator, rule.Recipients)} ({string.Join(_words.Separator, rule.Regions)})");
            Line("    " + string.Join("; ", parts));
            foreach (var prohibition in rule.Prohibitions)
            {
                string?[] what = [prohibition.Stage is { } stage ? _words.Stages[(int)stage] : null, prohibition.Recipient, prohibition.Region];
                Line($"    {_words.Prohibited}: {string.Join(_words.Separator, what.OfType<string>())} ({prohibition.Why.For(language)})");
            }
        }

        private void Recipients()
        {
            Line("");
            Line(_words.Recipients);
            foreach (var recipient in policy.Recipients)
            {
                Line("");
                Line($"{recipient.Name}: {recipient.Subject.For(language)} ({recipient.Region})");
                Line($"  {_words.Purpose}: {recipient.Purpose.For(language)}");
                Line($"  {_words.Method}: {recipient.Method.For(language)}; "
                    + (recipient.Transform == RecipientTransform.Anonymise ? _words.Anonymise : _words.Pseudonymise));
                Line($"  {_words.Agreement}: {recipient.Agreement}");
                Line($"  {_words.Policy}: {recipient.PolicyLink}");
            }
        }

        private void Rights()
        {
            Line("");
            Line(_words.Rights);
            foreach (var right in policy.Rights)
            {
                Line($"  - {_words.Right(right.Name)}: {right.How.For(language)}");
            }
        }

        private void Line(string text) => _text.Append(text).Append('\n');
    }
}
