namespace FieldAgent.Privacy;

/// <summary>A list of words that a policy promises to be complete: nothing else may be given where one of them is asked for. Immutable;
/// any thread.</summary>
public sealed class ClosedList
{
    private readonly Dictionary<string, string> _meanings = new(StringComparer.Ordinal);

    internal ClosedList(string what, params (string Word, string Meaning)[] entries)
    {
        What = what;
        Words = [.. entries.Select(static entry => entry.Word)];
        foreach (var (word, meaning) in entries)
        {
            _meanings.Add(word, meaning);
        }
    }

    /// <summary>What the words are, for a message: <c>a ground for refusing a request</c>.</summary>
    public string What { get; }

    /// <summary>The words, in the order of the published policy.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>True for one of <see cref="Words"/>.</summary>
    public bool Contains(string word) => _meanings.ContainsKey(word);

    /// <summary>What <paramref name="word"/> stands for, one sentence without a full stop.</summary>
    /// <exception cref="KeyNotFoundException">It is none of <see cref="Words"/>.</exception>
    public string Meaning(string word) => _meanings[word];

    /// <summary>Says why <paramref name="word"/> is not taken, with the words that are; null when it is.</summary>
    public string? WhyNot(string word) =>
        Contains(word) ? null : $"'{word}' is not {What}; the list is closed: {string.Join(", ", Words)}";
}

/// <summary>The closed lists of the published policies.</summary>
public static class ClosedLists
{
    /// <summary>The seven exemptions from consent (R16). Each use has an actor, a reason and an end, and is audited. None of them covers a
    /// crash report: those need a consent in any case (R112).</summary>
    public static ClosedList Exemptions { get; } = new(
        "an exemption from consent",
        ("public-interest", "directly related to public safety, public health or a significant public interest"),
        ("vital-interest", "protects someone's life, health or property, and the person cannot be asked"),
        ("self-disclosed", "the person has made the data public"),
        ("public-source", "the data come from a lawfully public source"),
        ("contract-request", "performs a contract at the person's own request"),
        ("service-safety", "keeps the service safe and stable, such as finding and mending a fault"),
        ("other-law", "another case that a law names"));

    /// <summary>The grounds for disclosing data to somebody who is no recipient of the policy (R81). Each use is logged.</summary>
    public static ClosedList DisclosureGrounds { get; } = new(
        "a ground for disclosure",
        ("consent", "the person has agreed to this disclosure"),
        ("service-provision", "the service cannot be provided without it"),
        ("law-or-authority", "a law or an authority demands it"),
        ("policy-violation", "it answers a violation of the policy"),
        ("intellectual-property", "it settles a dispute over intellectual property"),
        ("transaction", "it makes a transaction possible that the person wants"),
        ("other-law", "another case that a law permits"));

    /// <summary>The grounds for refusing a subject's request (R98). A refusal can itself be exported.</summary>
    public static ClosedList RefusalGrounds { get; } = new(
        "a ground for refusing a request",
        ("repetitive", "the request repeats earlier ones without reason"),
        ("excessive-effort", "it needs too much technical means, such as a new system"),
        ("impractical", "it is very impractical, such as data on backup media"),
        ("risk-to-others", "it puts legitimate rights of others at risk"),
        ("legal-obligation", "a legal obligation stands against it"),
        ("public-interest", "it touches public safety, public health or a significant public interest"),
        ("malice-or-abuse", "there is sufficient evidence of malice or abuse of rights"),
        ("vital-interest", "the data protect someone's life or property, and consent is hard to obtain"),
        ("serious-damage", "it would seriously damage legitimate rights of somebody"),
        ("trade-secret", "it touches trade secrets"));

    /// <summary>The rights that every policy grants; none can be left out (R106).</summary>
    public static ClosedList Rights { get; } = new(
        "a right",
        ("access", "see all that is held (R89)"),
        ("rectification", "have something wrong corrected (R90)"),
        ("deletion", "have it deleted (R91)"),
        ("restriction", "have it frozen (R92)"),
        ("copy", "take a copy, or hand it to somebody else (R93)"),
        ("withdrawal", "take a consent back (R9, R12)"),
        ("closure", "end everything (R94)"),
        ("complaint", "ask and complain (R101)"));
}
