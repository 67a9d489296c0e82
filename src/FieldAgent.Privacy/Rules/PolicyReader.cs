using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>Turns a document into a <see cref="Policy"/>: the shape first, then what hangs together. All errors at once.</summary>
internal sealed class PolicyReader
{
    private readonly ConfigErrors _errors = new();
    private readonly Dictionary<string, PolicyField> _fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PolicyFunction> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PolicyRecipient> _recipients = new(StringComparer.Ordinal);

    // Names that stand in the document although their entry is wrong: a rule that uses one is not wrong for that.
    private readonly HashSet<string> _mentioned = new(StringComparer.Ordinal);

    private PolicyReader()
    {
    }

    public static Policy? Load(ReadOnlySpan<byte> utf8, ConfigErrors errors)
    {
        var reader = new PolicyReader();
        var policy = reader.Read(utf8);
        foreach (var error in reader._errors.All)
        {
            errors.Add(error.Line, error.Path, error.Message);
        }

        return reader._errors.IsEmpty ? policy : null;
    }

    private Policy? Read(ReadOnlySpan<byte> utf8)
    {
        var root = ConfigNode.Parse(utf8, _errors);
        if (root is null)
        {
            return null;
        }

        var document = PolicyShape.Document.Bind(root, _errors);
        NotEmpty(document, PolicyShape.Version, PolicyShape.Controller);
        CountryCode(document, PolicyShape.Jurisdiction);
        var contacts = document.Get(PolicyShape.Contacts);
        if (document.Has(PolicyShape.Contacts) && (contacts.Count == 0 || contacts.Any(string.IsNullOrWhiteSpace)))
        {
            _errors.Add(document.NodeOf(PolicyShape.Contacts), "must name at least one contact, none of them empty (R101)");
        }

        if (!DateOnly.TryParseExact(
                document.Get(PolicyShape.EffectiveFrom), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var effectiveFrom)
            && document.Has(PolicyShape.EffectiveFrom))
        {
            _errors.Add(document.NodeOf(PolicyShape.EffectiveFrom), "must be a date such as \"2026-01-31\"");
        }

        var fields = Collect(document.Get(PolicyShape.Fields), ReadField);
        var functions = Collect(document.Get(PolicyShape.Functions), ReadFunction);
        var recipients = Collect(document.Get(PolicyShape.Recipients), ReadRecipient);
        var pairs = new HashSet<(string, string)>();
        var rules = Collect(document.Get(PolicyShape.Rules), section => ReadRule(section, pairs));
        return _errors.IsEmpty
            ? new Policy(
                document.Get(PolicyShape.Version),
                effectiveFrom,
                document.Get(PolicyShape.Controller),
                document.Get(PolicyShape.Jurisdiction),
                contacts,
                fields,
                functions,
                rules,
                recipients,
                Convert.ToHexStringLower(SHA256.HashData(utf8)))
            : null;
    }

    private PolicyField? ReadField(ConfigSection section)
    {
        var name = section.Get(PolicyShape.FieldName);
        NotEmpty(section, PolicyShape.FieldSummary);
        if (!section.Has(PolicyShape.FieldName))
        {
            return null;
        }

        _mentioned.Add(name);
        if (Vocabulary.WhyNotAField(name) is { } why)
        {
            _errors.Add(section.NodeOf(PolicyShape.FieldName), why);
            return null;
        }

        if (!section.Has(PolicyShape.FieldClass))
        {
            return null;
        }

        var field = new PolicyField(
            name,
            section.Get(PolicyShape.FieldClass) switch
            {
                "instrument" => FieldClass.Instrument,
                "personal" => FieldClass.Personal,
                "sensitive" => FieldClass.Sensitive,
                _ => FieldClass.Excluded,
            },
            section.Get(PolicyShape.FieldSummary));
        if (Vocabulary.IsLocation(name) && field.Class != FieldClass.Sensitive)
        {
            _errors.Add(section.NodeOf(PolicyShape.FieldClass), "a place is always \"sensitive\" (R3)");
        }

        return Unique(_fields, name, field, section, PolicyShape.FieldName);
    }

    private PolicyFunction? ReadFunction(ConfigSection section)
    {
        var name = section.Get(PolicyShape.FunctionName);
        NotEmpty(section, PolicyShape.FunctionSummary);
        if (!section.Has(PolicyShape.FunctionName))
        {
            return null;
        }

        _mentioned.Add(name);
        if (!section.Has(PolicyShape.FunctionTier))
        {
            return null;
        }

        var tier = section.Get(PolicyShape.FunctionTier) == "basic" ? FunctionTier.Basic : FunctionTier.Extended;
        return Unique(
            _functions, name, new PolicyFunction(name, tier, section.Get(PolicyShape.FunctionSummary)), section, PolicyShape.FunctionName);
    }

    private PolicyRecipient? ReadRecipient(ConfigSection section)
    {
        NotEmpty(section, PolicyShape.Subject, PolicyShape.Agreement, PolicyShape.Method, PolicyShape.RecipientPurpose);
        CountryCode(section, PolicyShape.Region);
        if (section.Has(PolicyShape.PolicyLink)
            && !(Uri.TryCreate(section.Get(PolicyShape.PolicyLink), UriKind.Absolute, out var link) && link.Scheme == Uri.UriSchemeHttps))
        {
            _errors.Add(section.NodeOf(PolicyShape.PolicyLink), "must be an address that begins with https:// (R73)");
        }

        var fields = References(section.Get(PolicyShape.RecipientFields), _fields, "field");
        if (section.Has(PolicyShape.RecipientFields) && section.Get(PolicyShape.RecipientFields).Count == 0)
        {
            _errors.Add(section.NodeOf(PolicyShape.RecipientFields), "must name the fields it may receive (R73)");
        }

        var name = section.Get(PolicyShape.RecipientName);
        if (!section.Has(PolicyShape.RecipientName))
        {
            return null;
        }

        _mentioned.Add(name);
        var recipient = new PolicyRecipient(
            name,
            section.Get(PolicyShape.Subject),
            section.Get(PolicyShape.Endpoint),
            section.Get(PolicyShape.Agreement),
            section.Get(PolicyShape.Method),
            section.Get(PolicyShape.RecipientPurpose),
            section.Get(PolicyShape.PolicyLink),
            section.Get(PolicyShape.Region),
            fields);
        return Unique(_recipients, name, recipient, section, PolicyShape.RecipientName);
    }

    private PolicyRule? ReadRule(ConfigSection section, HashSet<(string Function, string Field)> pairs)
    {
        NotEmpty(section, PolicyShape.RulePurpose);
        var function = Reference(section, PolicyShape.RuleFunction, _functions, "function");
        var field = Reference(section, PolicyShape.RuleField, _fields, "field");
        var recipients = References(section.Get(PolicyShape.RuleRecipients), _recipients, "recipient");
        var necessary = section.Get(PolicyShape.Necessary);
        if (necessary is not null && necessary.Kind != ConfigNodeKind.Flag)
        {
            _errors.Add(necessary, "must be true or false (R26)");
        }

        // The shape has let only these words through.
        var precision = PrecisionWords.TryParse(section.Get(PolicyShape.Precision), out var word) ? word : Precision.Cell10km;
        var basis = section.Get(PolicyShape.Basis) switch
        {
            "consent" => LegalBasis.Consent,
            "contract" => LegalBasis.Contract,
            "legal-obligation" => LegalBasis.LegalObligation,
            "vital-interest" => LegalBasis.VitalInterest,
            "legitimate-interest" => LegalBasis.LegitimateInterest,
            _ => LegalBasis.PublicInterest,
        };
        if (function is null || field is null || necessary is null || !section.Has(PolicyShape.Basis))
        {
            return null;
        }

        if (!pairs.Add((function.Name, field.Name)))
        {
            _errors.Add(section.Node, $"function '{function.Name}' already has a rule for field '{field.Name}'; keep one");
            return null;
        }

        var rule = new PolicyRule(
            function, field, necessary.Flag, section.Get(PolicyShape.RulePurpose), basis, precision, section.Get(PolicyShape.Term), recipients);
        CheckRule(section, rule);
        return rule;
    }

    private void CheckRule(ConfigSection section, PolicyRule rule)
    {
        if (rule.Function.Tier == FunctionTier.Basic)
        {
            if (rule.Basis == LegalBasis.Consent)
            {
                _errors.Add(
                    section.NodeOf(PolicyShape.Basis),
                    "a basic function is on without consent: give its basis, or make the function extended (R54)");
            }

            if (rule.Field.Class == FieldClass.Sensitive)
            {
                _errors.Add(
                    section.NodeOf(PolicyShape.RuleField),
                    $"'{rule.Field.Name}' is sensitive and needs a consent of its own: only an extended function may use it (R3)");
            }
        }

        if (rule.Precision != Precision.Exact && !Vocabulary.IsLocation(rule.Field.Name))
        {
            _errors.Add(
                section.NodeOf(PolicyShape.Precision),
                $"'{rule.Field.Name}' cannot be made coarser; only places can: write \"exact\" or leave it out");
        }

        if (rule.Field.Name.StartsWith("image.", StringComparison.Ordinal) && rule.Term > PolicyLimits.ImageTermMax)
        {
            _errors.Add(
                section.NodeOf(PolicyShape.Term),
                $"photographs and what is in them are kept {Opt.Write(PolicyLimits.ImageTermMax)} at most (R64)");
        }

        var nodes = section.Get(PolicyShape.RuleRecipients);
        foreach (var name in rule.Recipients)
        {
            if (!_recipients[name].Fields.Contains(rule.Field.Name))
            {
                _errors.Add(
                    nodes.First(node => node.Text == name),
                    $"recipient '{name}' is not declared to receive '{rule.Field.Name}'; add it to the recipient's fields (R72)");
            }
        }
    }

    private static List<T> Collect<T>(IReadOnlyList<ConfigSection> sections, Func<ConfigSection, T?> read)
        where T : class
    {
        var all = new List<T>(sections.Count);
        foreach (var section in sections)
        {
            if (read(section) is { } one)
            {
                all.Add(one);
            }
        }

        return all;
    }

    private T? Unique<T>(Dictionary<string, T> all, string name, T value, ConfigSection section, Option option)
        where T : class
    {
        if (all.TryAdd(name, value))
        {
            return value;
        }

        _errors.Add(section.NodeOf(option), $"'{name}' is declared twice; keep one");
        return null;
    }

    private T? Reference<T>(ConfigSection section, Option<string> option, Dictionary<string, T> known, string what)
        where T : class
    {
        if (!section.Has(option))
        {
            return null;
        }

        var name = section.Get(option);
        if (known.TryGetValue(name, out var value))
        {
            return value;
        }

        Undeclared(section.NodeOf(option), name, known.Keys, what);
        return null;
    }

    private List<string> References<T>(IReadOnlyList<ConfigNode> nodes, Dictionary<string, T> known, string what)
    {
        var names = new List<string>(nodes.Count);
        foreach (var node in nodes)
        {
            if (node.Kind != ConfigNodeKind.Text)
            {
                _errors.Add(node, $"must be the name of a {what} in quotes");
            }
            else if (!known.ContainsKey(node.Text))
            {
                Undeclared(node, node.Text, known.Keys, what);
            }
            else if (names.Contains(node.Text))
            {
                _errors.Add(node, $"'{node.Text}' is given twice");
            }
            else
            {
                names.Add(node.Text);
            }
        }

        return names;
    }

    private void Undeclared(ConfigNode node, string name, IEnumerable<string> known, string what)
    {
        if (!_mentioned.Contains(name))
        {
            var list = string.Join(", ", known);
            _errors.Add(node, $"{what} '{name}' is not declared (R1); declared: {(list.Length > 0 ? list : "none")}");
        }
    }

    private void NotEmpty(ConfigSection section, params Option<string>[] options)
    {
        foreach (var option in options)
        {
            if (section.Has(option) && string.IsNullOrWhiteSpace(section.Get(option)))
            {
                _errors.Add(section.NodeOf(option), "must not be empty");
            }
        }
    }

    private void CountryCode(ConfigSection section, Option<string> option)
    {
        var code = section.Get(option);
        if (section.Has(option) && !(code.Length == 2 && char.IsAsciiLetterUpper(code[0]) && char.IsAsciiLetterUpper(code[1])))
        {
            _errors.Add(section.NodeOf(option), "must be a country code of two capital letters, such as \"CN\" (ISO 3166)");
        }
    }
}
