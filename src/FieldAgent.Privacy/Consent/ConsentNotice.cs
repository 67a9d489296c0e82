using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>What a person is told before granting a function: what, why, how long, to whom, and how to take it back. Written from the
/// rules that are enforced, so that it cannot promise anything else.</summary>
/// <param name="Language">Its language.</param>
/// <param name="Text">The text, lines ended by line feeds.</param>
/// <param name="Hash">SHA-256 of the text in UTF-8, lower-case hexadecimal: what a grant is tied to (R4).</param>
public sealed record ConsentNotice(string Language, string Text, string Hash)
{
    /// <summary>The language when none is asked for.</summary>
    public const string DefaultLanguage = "en";

    /// <summary>The languages there are.</summary>
    public static IReadOnlyList<string> Languages => LocalText.Languages;

    /// <summary>The notice of one function.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="function">A function of it.</param>
    /// <param name="language">One of <see cref="Languages"/>; any other reads as <see cref="DefaultLanguage"/>.</param>
    public static ConsentNotice Of(Policy policy, string function, string language)
    {
        var words = language == "zh" ? NoticeWords.Chinese : NoticeWords.English;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{function}: {policy.Function(function)?.Notice.For(words.Language)}\n");
        foreach (var rule in policy.RulesOf(function))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {rule.Field.Name} ({(rule.Necessary ? words.Needed : words.Optional)}): {rule.Field.Summary.For(words.Language)}\n");
            text.Append(CultureInfo.InvariantCulture, $"    {words.Why}: {policy.Purpose(rule.Purpose)?.Summary.For(words.Language) ?? rule.Purpose}\n");
            text.Append(CultureInfo.InvariantCulture, $"    {words.HowLong}: {Opt.Write(rule.Term)}\n");
            text.Append(CultureInfo.InvariantCulture, $"    {words.ToWhom}: {ToWhom(policy, rule, words)}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"  {words.Controller}: {policy.Controller}; {string.Join(", ", policy.Contacts)}\n");
        text.Append(CultureInfo.InvariantCulture, $"  {words.TakeBack}: fieldagent consent withdraw {function}\n");
        var written = text.ToString();
        return new ConsentNotice(words.Language, written, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(written))));
    }

    private static string ToWhom(Policy policy, PolicyRule rule, NoticeWords words) => rule.Recipients.Count == 0
        ? words.Nobody
        : string.Join("; ", rule.Recipients.Select(name => policy.Recipient(name)!)
            .Select(static recipient => $"{recipient.Subject}, {recipient.Region}, {recipient.PolicyLink}"));

    private sealed record NoticeWords(
        string Language, string Needed, string Optional, string Why, string HowLong, string ToWhom, string Nobody, string Controller, string TakeBack)
    {
        public static NoticeWords English { get; } = new(
            DefaultLanguage, "needed", "optional", "what for", "kept at most", "goes to", "nobody; it stays on the board", "responsible",
            "taken back at any time with");

        public static NoticeWords Chinese { get; } = new(
            "zh", "必需", "可选", "用途", "最长保存期限", "接收方", "无；仅保存在设备上", "个人信息处理者", "可随时撤回");
    }
}
