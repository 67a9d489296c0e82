using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>Turns a document into a <see cref="Policy"/>: the shape first, then what hangs together. All errors at once.</summary>
internal sealed partial class PolicyReader
{
    private readonly ConfigErrors _errors = new();
    private readonly Dictionary<string, PolicyField> _fields = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PolicyPurpose> _purposes = new(StringComparer.Ordinal);
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
        NotEmpty(document, PolicyShape.Version);
        CountryCode(document, PolicyShape.Jurisdiction);
        var controller = document.Get(PolicyShape.Controller);
        if (controller is not null)
        {
            NotEmpty(controller, PolicyShape.ControllerName);
        }

        var contacts = document.Get(PolicyShape.Contacts);
        if (document.Has(PolicyShape.Contacts) && (contacts.Count == 0 || contacts.Any(string.IsNullOrWhiteSpace)))
        {
            _errors.Add(document.NodeOf(PolicyShape.Contacts), "must name at least one contact, none of them empty (R101)");
        }

        if (!DateOnly.TryParseExact(
                document.Get(PolicyShape.EffectiveFrom), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var effectiveFrom)
            && document.Has(PolicyShape.EffectiveFrom))
        {
            _errors.Add(document.NodeOf(PolicyShape.EffectiveFrom), "must be a date such as \"2026-01-31\" (R104)");
        }

        var notice = ReadText(document, PolicyShape.Notice);
        var changes = ReadText(document, PolicyShape.Changes);
        var rights = ReadRights(document);
        var fields = Collect(document.Get(PolicyShape.Fields), ReadField);
        var purposes = Collect(document.Get(PolicyShape.Purposes), ReadPurpose);
        var functions = Collect(document.Get(PolicyShape.Functions), ReadFunction);
        var risk = ReadRisk(document);
        var recipients = Collect(document.Get(PolicyShape.Recipients), ReadRecipient);
        var pairs = new HashSet<(string, string)>();
        var rules = Collect(document.Get(PolicyShape.Rules), section => ReadRule(section, pairs));
        if (!_errors.IsEmpty)
        {
            return null;
        }

        return new Policy(fields, functions, rules, recipients, purposes)
        {
            Version = document.Get(PolicyShape.Version),
            EffectiveFrom = effectiveFrom,
            ControllerId = controller!.Get(PolicyShape.ControllerId),
            Controller = controller.Get(PolicyShape.ControllerName),
            Jurisdiction = document.Get(PolicyShape.Jurisdiction),
            Contacts = contacts,
            Notice = notice,
            Changes = changes,
            HighRisk = risk,
            Rights = rights,
            Hash = Convert.ToHexStringLower(SHA256.HashData(utf8)),
            Document = utf8.ToArray(),
        };
    }

    private List<PolicyRight> ReadRights(ConfigSection document)
    {
        var rights = new List<PolicyRight>();
        foreach (var section in document.Get(PolicyShape.Rights).Where(static section => section.Has(PolicyShape.RightName)))
        {
            var name = section.Get(PolicyShape.RightName);
            if (rights.Exists(right => right.Name == name))
            {
                _errors.Add(section.NodeOf(PolicyShape.RightName), $"'{name}' is given twice; keep one");
            }

            rights.Add(new PolicyRight(name, ReadText(section, PolicyShape.RightHow)));
        }

        if (document.Has(PolicyShape.Rights) && ClosedLists.Rights.Words.Except(rights.Select(static right => right.Name)).ToList() is { Count: > 0 } missing)
        {
            _errors.Add(document.NodeOf(PolicyShape.Rights), $"no right can be left out (R106); missing: {string.Join(", ", missing)}");
        }

        return rights;
    }

    private PolicyRisk? ReadRisk(ConfigSection document)
    {
        if (document.Get(PolicyShape.HighRisk) is not { } section)
        {
            return null;
        }

        NotEmpty(section, PolicyShape.RiskReference);
        return new PolicyRisk(
            section.Get(PolicyShape.RiskReference), References(section.Get(PolicyShape.RiskFunctions), _functions, "function"));
    }

    private PolicyField? ReadField(ConfigSection section)
    {
        var name = section.Get(PolicyShape.FieldName);
        var summary = ReadText(section, PolicyShape.FieldSummary);
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
            summary);
        if (field.Class != FieldClass.Sensitive && Vocabulary.WhyAlwaysSensitive(name) is { } sensitive)
        {
            _errors.Add(section.NodeOf(PolicyShape.FieldClass), sensitive);
        }

        return Unique(_fields, name, field, section, PolicyShape.FieldName);
    }

    private PolicyPurpose? ReadPurpose(ConfigSection section)
    {
        var name = section.Get(PolicyShape.PurposeName);
        var summary = ReadText(section, PolicyShape.PurposeSummary);
        if (!section.Has(PolicyShape.PurposeName))
        {
            return null;
        }

        _mentioned.Add(name);
        if (!section.Has(PolicyShape.PurposeKind))
        {
            return null;
        }

        var kind = PolicyWords.Parse(PolicyWords.PurposeKinds, section.Get(PolicyShape.PurposeKind), static i => (PurposeKind)i);
        return Unique(_purposes, name, new PolicyPurpose(name, kind, summary), section, PolicyShape.PurposeName);
    }

    private PolicyFunction? ReadFunction(ConfigSection section)
    {
        var name = section.Get(PolicyShape.FunctionName);
        var notice = ReadText(section, PolicyShape.FunctionNotice);
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
        if (section.Has(PolicyShape.FunctionSwitch) && section.Get(PolicyShape.FunctionSwitch) != (tier == FunctionTier.Basic ? "on" : "off"))
        {
            _errors.Add(
                section.NodeOf(PolicyShape.FunctionSwitch),
                tier == FunctionTier.Basic
                    ? "a basic function is \"on\"; one that begins switched off is extended (R54)"
                    : "an extended function is \"off\" until somebody grants it (R54)");
        }

        return Unique(_functions, name, new PolicyFunction(name, tier, notice), section, PolicyShape.FunctionName);
    }

    private PolicyRecipient? ReadRecipient(ConfigSection section)
    {
        var subject = ReadText(section, PolicyShape.Subject);
        var method = ReadText(section, PolicyShape.Method);
        var purpose = ReadText(section, PolicyShape.RecipientPurpose);
        NotEmpty(section, PolicyShape.Agreement);
        CountryCode(section, PolicyShape.Region);
        if (section.Has(PolicyShape.PolicyLink)
            && !(Uri.TryCreate(section.Get(PolicyShape.PolicyLink), UriKind.Absolute, out var link) && link.Scheme == Uri.UriSchemeHttps))
        {
            _errors.Add(section.NodeOf(PolicyShape.PolicyLink), "must be an address that begins with https:// (R73)");
        }

        var nodes = section.Get(PolicyShape.RecipientFields);
        var fields = References(nodes, _fields, "field");
        if (section.Has(PolicyShape.RecipientFields) && nodes.Count == 0)
        {
            _errors.Add(section.NodeOf(PolicyShape.RecipientFields), "must name the fields it may receive (R73)");
        }

        var transform = section.Get(PolicyShape.Transform) == "anonymise" ? RecipientTransform.Anonymise : RecipientTransform.Pseudonymise;
        foreach (var node in nodes.Where(node => fields.Contains(node.Text)))
        {
            if (Vocabulary.WhyNeverSent(node.Text) is { } promise)
            {
                _errors.Add(node, $"'{node.Text}' never leaves the board ({promise}); remove it");
            }
            else if (transform == RecipientTransform.Anonymise && !Vocabulary.IsAnonymous(node.Text))
            {
                _errors.Add(
                    node,
                    $"an anonymising recipient gets aggregates only, fields that begin with '{Vocabulary.AnonymousNamespace}' (R71): "
                        + "remove it, or write \"transform\": \"pseudonymise\"");
            }
        }

        var name = section.Get(PolicyShape.RecipientName);
        if (!section.Has(PolicyShape.RecipientName))
        {
            return null;
        }

        _mentioned.Add(name);
        var recipient = new PolicyRecipient(
            name,
            subject,
            section.Get(PolicyShape.Endpoint),
            section.Get(PolicyShape.Agreement),
            method,
            purpose,
            section.Get(PolicyShape.PolicyLink),
            section.Get(PolicyShape.Region),
            fields)
        {
            Encoding = section.Get(PolicyShape.Encoding),
            Transform = transform,
        };
        return Unique(_recipients, name, recipient, section, PolicyShape.RecipientName);
    }
}
