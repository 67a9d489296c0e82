using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>The versioned document of fields, functions, purposes, rules and recipients that the gate executes. Immutable; any thread.</summary>
public sealed class Policy
{
    private readonly Dictionary<(string Function, string Field), PolicyRule> _rules = [];
    private readonly Dictionary<string, PolicyFunction> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PolicyRecipient> _recipients = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PolicyPurpose> _purposes = new(StringComparer.Ordinal);

    internal Policy(
        IReadOnlyList<PolicyField> fields,
        IReadOnlyList<PolicyFunction> functions,
        IReadOnlyList<PolicyRule> rules,
        IReadOnlyList<PolicyRecipient> recipients,
        IReadOnlyList<PolicyPurpose>? purposes = null)
    {
        Fields = fields;
        Functions = functions;
        Rules = rules;
        Recipients = recipients;
        Purposes = purposes ?? [];
        foreach (var function in functions)
        {
            _functions.Add(function.Name, function);
        }

        foreach (var rule in rules)
        {
            _rules.Add((rule.Function.Name, rule.Field.Name), rule);
        }

        foreach (var recipient in recipients)
        {
            _recipients.Add(recipient.Name, recipient);
        }

        foreach (var purpose in Purposes)
        {
            _purposes.Add(purpose.Name, purpose);
        }
    }

    /// <summary>Version (R104).</summary>
    public string Version { get; init; } = "1.0.0";

    /// <summary>First day on which it holds (R104); before it the policy may be staged, never used (R105).</summary>
    public DateOnly EffectiveFrom { get; init; }

    /// <summary>Id of who is responsible. A consent binds it: a policy of another controller needs every consent anew (R79).</summary>
    public string ControllerId { get; init; } = "";

    /// <summary>Who is responsible.</summary>
    public string Controller { get; init; } = "";

    /// <summary>ISO 3166 code of the governing law (R118), and the country whose borders count (R84).</summary>
    public string Jurisdiction { get; init; } = "CN";

    /// <summary>Whom to ask (R101).</summary>
    public IReadOnlyList<string> Contacts { get; init; } = [];

    /// <summary>What the notice begins with.</summary>
    public LocalText Notice { get; init; } = "";

    /// <summary>What is new against the version before, for people (R108).</summary>
    public LocalText Changes { get; init; } = "";

    /// <summary>How each right is exercised, in the document's order; all of <see cref="ClosedLists.Rights"/>.</summary>
    public IReadOnlyList<PolicyRight> Rights { get; init; } = [];

    /// <summary>The impact assessment that found a high risk; null when none did (R107).</summary>
    public PolicyRisk? HighRisk { get; init; }

    /// <summary>The fields, in the document's order.</summary>
    public IReadOnlyList<PolicyField> Fields { get; }

    /// <summary>The purposes, in the document's order.</summary>
    public IReadOnlyList<PolicyPurpose> Purposes { get; }

    /// <summary>The functions, in the document's order.</summary>
    public IReadOnlyList<PolicyFunction> Functions { get; }

    /// <summary>The rules, in the document's order; at most one for a (function, field).</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <summary>The recipients, in the document's order.</summary>
    public IReadOnlyList<PolicyRecipient> Recipients { get; }

    /// <summary>SHA-256 over the document's bytes, lower-case hexadecimal.</summary>
    public string Hash { get; init; } = "";

    /// <summary>The document's bytes, of which <see cref="Hash"/> is the hash; empty for one that was not read from a document.</summary>
    public ReadOnlyMemory<byte> Document { get; init; }

    /// <summary>The shape of the document, for documentation and the published JSON Schema.</summary>
    public static ConfigShape Shape => PolicyShape.Document;

    /// <summary>The policy that is part of the program.</summary>
    public static Policy Shipped()
    {
        using var stream = typeof(Policy).Assembly.GetManifestResourceStream("fieldagent-policy.json")
            ?? throw new InvalidOperationException("the program was built without its policy");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var errors = new ConfigErrors();
        return Load(bytes, errors)
            ?? throw new InvalidOperationException("the program's own policy is wrong: " + string.Join("; ", errors.All));
    }

    /// <summary>Reads a policy document. Where it comes from and who signed it is checked elsewhere.</summary>
    /// <param name="utf8">JSON with comments, 1 MiB at most.</param>
    /// <param name="errors">Gets all that is wrong, with line and path.</param>
    /// <returns>Null when anything is wrong: a policy holds as a whole or not at all.</returns>
    public static Policy? Load(ReadOnlySpan<byte> utf8, ConfigErrors errors) => PolicyReader.Load(utf8, errors);

    /// <summary>The rule for (function, field), or null.</summary>
    public PolicyRule? Rule(string function, string field) => _rules.GetValueOrDefault((function, field));

    /// <summary>The function of that name, or null.</summary>
    public PolicyFunction? Function(string name) => _functions.GetValueOrDefault(name);

    /// <summary>The recipient of that name, or null.</summary>
    public PolicyRecipient? Recipient(string name) => _recipients.GetValueOrDefault(name);

    /// <summary>The purpose of that name, or null.</summary>
    public PolicyPurpose? Purpose(string name) => _purposes.GetValueOrDefault(name);

    /// <summary>The rules of one function, in the document's order.</summary>
    public IEnumerable<PolicyRule> RulesOf(string function) => Rules.Where(rule => rule.Function.Name == function);
}
