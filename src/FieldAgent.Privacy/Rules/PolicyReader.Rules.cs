using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>The rules, and what every rule must keep to.</summary>
internal sealed partial class PolicyReader
{
    private PolicyRule? ReadRule(ConfigSection section, HashSet<(string Function, string Field)> pairs)
    {
        var function = Reference(section, PolicyShape.RuleFunction, _functions, "function");
        var field = Reference(section, PolicyShape.RuleField, _fields, "field");
        var purpose = Reference(section, PolicyShape.RulePurpose, _purposes, "purpose");
        var recipients = References(section.Get(PolicyShape.RuleRecipients), _recipients, "recipient");
        var bases = ReadBases(section);
        var regions = ReadRegions(section);
        var prohibitions = Collect(section.Get(PolicyShape.Prohibitions), ReadProhibition);
        var necessary = section.Get(PolicyShape.Necessary);
        if (necessary is not null && necessary.Kind != ConfigNodeKind.Flag)
        {
            _errors.Add(necessary, "must be true or false (R26)");
        }

        // The shape has let only these words through.
        var precision = PrecisionWords.TryParse(section.Get(PolicyShape.Precision), out var word) ? word : Precision.Cell10km;
        if (function is null || field is null || purpose is null || necessary is null || bases.Count == 0)
        {
            return null;
        }

        if (!pairs.Add((function.Name, field.Name)))
        {
            _errors.Add(section.Node, $"function '{function.Name}' already has a rule for field '{field.Name}'; keep one");
            return null;
        }

        var rule = new PolicyRule(
            function, field, necessary.Flag, purpose.Name, bases[0], precision, section.Get(PolicyShape.Term), recipients)
        {
            Bases = bases,
            Regions = regions,
            Prohibitions = prohibitions,
        };
        CheckBases(section, rule);
        CheckField(section, rule);
        CheckPurpose(section, rule, purpose);
        CheckRecipients(section, rule);
        return rule;
    }

    private List<LegalBasis> ReadBases(ConfigSection section)
    {
        var words = section.Get(PolicyShape.Bases);
        if (section.Has(PolicyShape.Bases))
        {
            var node = section.NodeOf(PolicyShape.Bases);
            if (node.Items.Count == 0)
            {
                _errors.Add(node, $"must name at least one of: {string.Join(", ", PolicyWords.Bases)} (R18)");
            }
            else if (words.Distinct(StringComparer.Ordinal).Count() != words.Count)
            {
                _errors.Add(node, "names one basis twice");
            }
        }

        return [.. words.Select(static word => PolicyWords.Parse(PolicyWords.Bases, word, static i => (LegalBasis)i))];
    }

    private List<string> ReadRegions(ConfigSection section)
    {
        var regions = new List<string>();
        if (!section.Has(PolicyShape.Regions))
        {
            return regions;
        }

        foreach (var node in section.NodeOf(PolicyShape.Regions).Items.Where(static node => node.Kind == ConfigNodeKind.Text))
        {
            if (!IsCountryCode(node.Text))
            {
                _errors.Add(node, CountryCodeExpected);
            }
            else if (regions.Contains(node.Text))
            {
                _errors.Add(node, $"'{node.Text}' is given twice");
            }
            else
            {
                regions.Add(node.Text);
            }
        }

        return regions;
    }

    private PolicyProhibition? ReadProhibition(ConfigSection section)
    {
        var why = ReadText(section, PolicyShape.ProhibitedWhy);
        CountryCode(section, PolicyShape.ProhibitedRegion);
        var recipient = Reference(section, PolicyShape.ProhibitedRecipient, _recipients, "recipient");
        Stage? stage = section.Has(PolicyShape.ProhibitedStage)
            ? PolicyWords.Parse(PolicyWords.Stages, section.Get(PolicyShape.ProhibitedStage), static i => (Stage)i)
            : null;
        if (stage is Stage.Collect or Stage.Admit && (section.Has(PolicyShape.ProhibitedRecipient) || section.Has(PolicyShape.ProhibitedRegion)))
        {
            _errors.Add(section.NodeOf(PolicyShape.ProhibitedStage), "only \"send\" has a recipient and a region; leave them out, or write \"send\"");
        }

        return section.Has(PolicyShape.ProhibitedRecipient) && recipient is null
            ? null
            : new PolicyProhibition(
                stage,
                recipient?.Name,
                section.Has(PolicyShape.ProhibitedRegion) ? section.Get(PolicyShape.ProhibitedRegion) : null,
                why);
    }

    private void CheckBases(ConfigSection section, PolicyRule rule)
    {
        var node = section.NodeOf(PolicyShape.Bases);
        if (rule.Function.Tier == FunctionTier.Basic)
        {
            if (rule.Bases.Contains(LegalBasis.Consent))
            {
                _errors.Add(node, "a basic function is on without consent: give its basis, or make the function extended (R54)");
            }

            if (rule.Field.Class == FieldClass.Sensitive)
            {
                _errors.Add(
                    section.NodeOf(PolicyShape.RuleField),
                    $"'{rule.Field.Name}' is sensitive and needs a consent of its own: only an extended function may use it (R3)");
            }

            if (rule.Field.Name == Vocabulary.Crash)
            {
                _errors.Add(section.NodeOf(PolicyShape.RuleField), "a crash report needs a consent in any case: only an extended function may use it (R112)");
            }
        }
        else if (rule.Basis != LegalBasis.Consent)
        {
            _errors.Add(node, "an extended function is off until it is granted: its first basis is \"consent\" (R54)");
        }
    }

    private void CheckField(ConfigSection section, PolicyRule rule)
    {
        if (rule.Precision != Precision.Exact && !Vocabulary.IsLocation(rule.Field.Name))
        {
            _errors.Add(
                section.NodeOf(PolicyShape.Precision),
                $"'{rule.Field.Name}' cannot be made coarser; only places can: write \"exact\" or leave it out");
        }

        if (Vocabulary.IsImage(rule.Field.Name) && rule.Term > PolicyLimits.ImageTermMax)
        {
            _errors.Add(
                section.NodeOf(PolicyShape.Term),
                $"photographs and what is in them are kept {Opt.Write(PolicyLimits.ImageTermMax)} at most (R64)");
        }
    }

    private void CheckPurpose(ConfigSection section, PolicyRule rule, PolicyPurpose purpose)
    {
        var node = section.NodeOf(PolicyShape.RulePurpose);
        if (purpose.Kind == PurposeKind.Marketing && (rule.Necessary || rule.Function.Tier == FunctionTier.Basic))
        {
            _errors.Add(node, "marketing is never necessary and never part of a basic function (R82)");
        }

        if (Vocabulary.IsAnonymous(rule.Field.Name) != (purpose.Kind == PurposeKind.Analytics))
        {
            _errors.Add(
                node,
                $"analytics is a purpose of its own (R5): fields that begin with '{Vocabulary.AnonymousNamespace}' serve it, and nothing else does");
        }

        if (Vocabulary.IsImage(rule.Field.Name))
        {
            if (purpose.Kind is not (PurposeKind.Feature or PurposeKind.Improvement or PurposeKind.Legal))
            {
                _errors.Add(node, "photographs serve a purpose of the kind feature, improvement or legal, and no other (R70)");
            }
            else if (purpose.Kind == PurposeKind.Improvement && rule.Recipients.Count > 0)
            {
                _errors.Add(
                    section.NodeOf(PolicyShape.RuleRecipients),
                    "photographs that serve improvement are anonymised on the board: they go to nobody, write [] (R70)");
            }
        }
    }

    private void CheckRecipients(ConfigSection section, PolicyRule rule)
    {
        foreach (var node in section.Get(PolicyShape.RuleRecipients).Where(node => rule.Recipients.Contains(node.Text)))
        {
            var recipient = _recipients[node.Text];
            if (Vocabulary.WhyNeverSent(rule.Field.Name) is { } promise)
            {
                _errors.Add(node, $"'{rule.Field.Name}' never leaves the board ({promise}); write []");
            }
            else if (!recipient.Fields.Contains(rule.Field.Name))
            {
                _errors.Add(
                    node,
                    $"recipient '{node.Text}' is not declared to receive '{rule.Field.Name}'; add it to the recipient's fields (R72)");
            }

            if (!rule.Regions.Contains(recipient.Region))
            {
                _errors.Add(
                    section.NodeOf(PolicyShape.Regions),
                    $"recipient '{node.Text}' is in {recipient.Region}, where this may not be sent; name the country, or remove the recipient (R83)");
            }
        }
    }
}
