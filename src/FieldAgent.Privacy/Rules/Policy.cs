using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>How a field is to be treated.</summary>
public enum FieldClass : byte
{
    /// <summary>About the instrument, not a person.</summary>
    Instrument,

    /// <summary>About a person, directly or by combination.</summary>
    Personal,

    /// <summary>Personal and needing a consent of its own (R3).</summary>
    Sensitive,

    /// <summary>Excluded from the published policy (R43): still needs a rule, is still encrypted.</summary>
    Excluded,
}

/// <summary>Whether a function is on by contract or off until granted (R54).</summary>
public enum FunctionTier : byte
{
    /// <summary>On; its rules rest on a basis other than consent.</summary>
    Basic,

    /// <summary>Off until (function, field) is granted.</summary>
    Extended,
}

/// <summary>An entry of the vocabulary.</summary>
/// <param name="Name">Dotted name: <c>location.position</c>.</param>
/// <param name="Class">How it is to be treated.</param>
/// <param name="Summary">What it is, one sentence.</param>
public sealed record PolicyField(string Name, FieldClass Class, string Summary);

/// <summary>Something the agent does for someone.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tier">Basic or extended.</param>
/// <param name="Summary">What it does, one sentence.</param>
public sealed record PolicyFunction(string Name, FunctionTier Tier, string Summary);

/// <summary>What one function may do with one field.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Necessary">True when the function cannot work without it (R26, R27).</param>
/// <param name="Purpose">What for.</param>
/// <param name="Basis">Legal basis.</param>
/// <param name="Precision">The finest that any grant can allow.</param>
/// <param name="Term">Retention term; finite.</param>
/// <param name="Recipients">Names of those who may receive it; empty: it stays on the board.</param>
public sealed record PolicyRule(
    PolicyFunction Function,
    PolicyField Field,
    bool Necessary,
    string Purpose,
    LegalBasis Basis,
    Core.Precision Precision,
    TimeSpan Term,
    IReadOnlyList<string> Recipients);

/// <summary>Who may receive data, with all that must be published about it (R73, R75).</summary>
/// <param name="Name">Its name in policy and configuration.</param>
/// <param name="Subject">Who it is.</param>
/// <param name="Endpoint">Name of the endpoint in the configuration.</param>
/// <param name="Agreement">Reference of the agreement with it.</param>
/// <param name="Method">How it receives.</param>
/// <param name="Purpose">What for.</param>
/// <param name="PolicyLink">Its own privacy policy, an https address.</param>
/// <param name="Region">ISO 3166 code of where the data goes.</param>
/// <param name="Fields">All the fields it may ever receive (R72).</param>
public sealed record PolicyRecipient(
    string Name,
    string Subject,
    string Endpoint,
    string Agreement,
    string Method,
    string Purpose,
    string PolicyLink,
    string Region,
    IReadOnlyList<string> Fields);

/// <summary>The versioned document of fields, functions, rules and recipients that the gate executes. Immutable; any thread.</summary>
public sealed class Policy
{
    private readonly Dictionary<(string Function, string Field), PolicyRule> _rules = [];
    private readonly Dictionary<string, PolicyFunction> _functions = new(StringComparer.Ordinal);

    internal Policy(
        string version,
        DateOnly effectiveFrom,
        string controller,
        string jurisdiction,
        IReadOnlyList<string> contacts,
        IReadOnlyList<PolicyField> fields,
        IReadOnlyList<PolicyFunction> functions,
        IReadOnlyList<PolicyRule> rules,
        IReadOnlyList<PolicyRecipient> recipients,
        string hash)
    {
        Version = version;
        EffectiveFrom = effectiveFrom;
        Controller = controller;
        Jurisdiction = jurisdiction;
        Contacts = contacts;
        Fields = fields;
        Functions = functions;
        Rules = rules;
        Recipients = recipients;
        Hash = hash;
        foreach (var function in functions)
        {
            _functions.Add(function.Name, function);
        }

        foreach (var rule in rules)
        {
            _rules.Add((rule.Function.Name, rule.Field.Name), rule);
        }
    }

    /// <summary>Version (R104).</summary>
    public string Version { get; }

    /// <summary>First day on which it holds (R104).</summary>
    public DateOnly EffectiveFrom { get; }

    /// <summary>Who is responsible.</summary>
    public string Controller { get; }

    /// <summary>ISO 3166 code of the governing law (R118).</summary>
    public string Jurisdiction { get; }

    /// <summary>Whom to ask (R101).</summary>
    public IReadOnlyList<string> Contacts { get; }

    /// <summary>The fields, in the document's order.</summary>
    public IReadOnlyList<PolicyField> Fields { get; }

    /// <summary>The functions, in the document's order.</summary>
    public IReadOnlyList<PolicyFunction> Functions { get; }

    /// <summary>The rules, in the document's order; at most one for a (function, field).</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <summary>The recipients, in the document's order.</summary>
    public IReadOnlyList<PolicyRecipient> Recipients { get; }

    /// <summary>SHA-256 over the document's bytes, lower-case hexadecimal.</summary>
    public string Hash { get; }

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

    /// <summary>Reads a policy document.</summary>
    /// <param name="utf8">JSON with comments, 1 MiB at most.</param>
    /// <param name="errors">Gets all that is wrong, with line and path.</param>
    /// <returns>Null when anything is wrong: a policy holds as a whole or not at all.</returns>
    public static Policy? Load(ReadOnlySpan<byte> utf8, ConfigErrors errors) => PolicyReader.Load(utf8, errors);

    /// <summary>The rule for (function, field), or null.</summary>
    public PolicyRule? Rule(string function, string field) => _rules.GetValueOrDefault((function, field));

    /// <summary>The function of that name, or null.</summary>
    public PolicyFunction? Function(string name) => _functions.GetValueOrDefault(name);

    /// <summary>The rules of one function, in the document's order.</summary>
    public IEnumerable<PolicyRule> RulesOf(string function) => Rules.Where(rule => rule.Function.Name == function);
}
