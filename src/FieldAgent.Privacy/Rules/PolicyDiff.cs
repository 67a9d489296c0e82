using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>Compares two policies by enumerating all that each of them allows: every (function, field), stage, recipient and country. Pure; any
/// thread; time grows with the number of rules, not with its square.</summary>
public static class PolicyDiff
{
    /// <summary>How <paramref name="later"/> differs from <paramref name="earlier"/>. What one gains over the other is found the same way in
    /// both directions, so that each widening is exactly a narrowing seen from the other side.</summary>
    public static PolicyDifference Compare(Policy earlier, Policy later)
    {
        var widens = Gains(earlier, later);
        var affected = widens.Select(static change => change.Function).ToHashSet(StringComparer.Ordinal);
        if (earlier.ControllerId != later.ControllerId)
        {
            affected.UnionWith(later.Functions.Select(static function => function.Name));
        }

        if (later.HighRisk is { } risk && risk.Reference != earlier.HighRisk?.Reference)
        {
            affected.UnionWith(risk.Functions);
        }

        return new PolicyDifference(widens, Gains(later, earlier), Notices(earlier, later), affected);
    }

    private static List<PolicyChange> Gains(Policy narrow, Policy wide)
    {
        var gains = new List<PolicyChange>();
        var functions = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in wide.Rules)
        {
            // A rule under which nothing may be collected allows nothing.
            if (!May(rule, Stage.Collect))
            {
                continue;
            }

            var (function, field) = (rule.Function.Name, rule.Field.Name);
            if (narrow.Rule(function, field) is { } other)
            {
                new RuleComparison(narrow, other, wide, rule, gains).Run();
                continue;
            }

            if (narrow.Function(function) is null && functions.Add(function))
            {
                gains.Add(new PolicyChange(PolicyChangeKind.Function, function, "", "", rule.Function.Tier.ToString().ToLowerInvariant(), MajorChange.Service));
            }

            gains.Add(new PolicyChange(PolicyChangeKind.Field, function, field, "", Describe(rule), MajorChange.Service));
        }

        return gains;
    }

    private static string Describe(PolicyRule rule) =>
        $"{rule.Purpose}, {rule.Precision.Word()}, {Opt.Write(rule.Term)}, to {(rule.Recipients.Count == 0 ? "nobody" : string.Join(", ", rule.Recipients))}";

    /// <summary>True unless <paramref name="rule"/> prohibits storing, or collecting at all: what it allows to collect is then used and forgotten.</summary>
    public static bool MayStore(PolicyRule rule) => May(rule, Stage.Admit);

    /// <summary>True unless the rule prohibits the stage, or one before it, altogether.</summary>
    internal static bool May(PolicyRule rule, Stage stage)
    {
        foreach (var prohibition in rule.Prohibitions)
        {
            if (prohibition.Recipient is null && prohibition.Region is null && (prohibition.Stage is null || prohibition.Stage <= stage))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when the rule allows sending to <paramref name="recipient"/> in <paramref name="region"/>.</summary>
    internal static bool MaySend(PolicyRule rule, string recipient, string region)
    {
        if (!May(rule, Stage.Send) || !rule.Recipients.Contains(recipient) || !rule.Regions.Contains(region))
        {
            return false;
        }

        foreach (var prohibition in rule.Prohibitions)
        {
            if ((prohibition.Recipient is null || prohibition.Recipient == recipient) && (prohibition.Region is null || prohibition.Region == region)
                && prohibition.Stage is null or Stage.Send)
            {
                return false;
            }
        }

        return true;
    }

    private static List<PolicyChange> Notices(Policy earlier, Policy later)
    {
        var notices = new List<PolicyChange>();
        void Note(PolicyChangeKind kind, string before, string now, MajorChange major)
        {
            if (before != now)
            {
                notices.Add(new PolicyChange(kind, "", "", before, now, major));
            }
        }

        Note(PolicyChangeKind.Controller, $"{earlier.Controller} ({earlier.ControllerId})", $"{later.Controller} ({later.ControllerId})", MajorChange.Ownership);
        foreach (var word in ClosedLists.Rights.Words)
        {
            string Of(Policy policy) => policy.Rights.FirstOrDefault(right => right.Name == word) is { } right ? $"{word}: {right.How.En}" : "";
            Note(PolicyChangeKind.Right, Of(earlier), Of(later), MajorChange.Rights);
        }

        Note(PolicyChangeKind.Contact, string.Join(", ", earlier.Contacts), string.Join(", ", later.Contacts), MajorChange.Contacts);
        Note(PolicyChangeKind.HighRisk, earlier.HighRisk?.Reference ?? "", later.HighRisk?.Reference ?? "", MajorChange.HighRisk);
        return notices;
    }
}

/// <summary>What one rule allows that another for the same function and field does not.</summary>
internal readonly struct RuleComparison(Policy narrowPolicy, PolicyRule narrow, Policy widePolicy, PolicyRule wide, List<PolicyChange> gains)
{
    public void Run()
    {
        if (!PolicyDiff.May(narrow, Stage.Collect))
        {
            Add(PolicyChangeKind.Prohibition, "collecting is prohibited", "", MajorChange.Service);
        }

        var (before, after) = (Purpose(narrowPolicy, narrow), Purpose(widePolicy, wide));
        if (before != after)
        {
            Add(PolicyChangeKind.Purpose, "", after, MajorChange.Service);
        }

        foreach (var basis in wide.Bases)
        {
            if (!narrow.Bases.Contains(basis))
            {
                Add(PolicyChangeKind.Basis, "", basis.Word(), MajorChange.Rights);
            }
        }

        if (wide.Function.Tier == FunctionTier.Basic && narrow.Function.Tier == FunctionTier.Extended)
        {
            Add(PolicyChangeKind.Consent, "off until granted", "on by contract", MajorChange.Rights);
        }

        if (wide.Necessary && !narrow.Necessary)
        {
            Add(PolicyChangeKind.Necessity, "N", "Y", MajorChange.Rights);
        }

        if (Protection(wide.Field.Class) < Protection(narrow.Field.Class))
        {
            Add(PolicyChangeKind.FieldClass, Word(narrow.Field.Class), Word(wide.Field.Class), MajorChange.Service);
        }

        if (wide.Precision < narrow.Precision)
        {
            Add(PolicyChangeKind.Precision, narrow.Precision.Word(), wide.Precision.Word(), MajorChange.Service);
        }

        if (!PolicyDiff.May(wide, Stage.Admit))
        {
            return;
        }

        if (PolicyDiff.May(narrow, Stage.Collect) && !PolicyDiff.May(narrow, Stage.Admit))
        {
            Add(PolicyChangeKind.Prohibition, "storing is prohibited", "", MajorChange.Service);
        }

        if (wide.Term > narrow.Term)
        {
            Add(PolicyChangeKind.Term, Opt.Write(narrow.Term), Opt.Write(wide.Term), MajorChange.Service);
        }

        foreach (var recipient in wide.Recipients)
        {
            Send(recipient);
        }
    }

    private static int Protection(FieldClass fieldClass) => fieldClass switch
    {
        FieldClass.Excluded => 0,
        FieldClass.Instrument => 1,
        FieldClass.Personal => 2,
        _ => 3,
    };

    private static string Word(FieldClass fieldClass) => fieldClass.ToString().ToLowerInvariant();

    // A purpose is its name and its kind: one that turns into marketing is another one.
    private static string Purpose(Policy policy, PolicyRule rule) =>
        policy.Purpose(rule.Purpose) is { } purpose ? $"{rule.Purpose} ({purpose.Kind.Word()})" : rule.Purpose;

    // Who stands behind a name: another subject or another use is another recipient.
    private static string Who(Policy policy, string name) =>
        policy.Recipient(name) is { } recipient ? $"{name} ({recipient.Subject.En}; {recipient.Purpose.En})" : name;

    private void Send(string recipient)
    {
        var who = Who(widePolicy, recipient);
        var known = narrow.Recipients.Contains(recipient) && Who(narrowPolicy, recipient) == who;
        var countries = new List<string>();
        var sends = false;
        foreach (var region in wide.Regions)
        {
            if (!PolicyDiff.MaySend(wide, recipient, region))
            {
                continue;
            }

            sends = true;
            if (!known)
            {
                countries.Add(region);
            }
            else if (!narrow.Regions.Contains(region))
            {
                Add(PolicyChangeKind.Region, "", $"{recipient} in {region}", MajorChange.Sharing);
            }
            else if (!PolicyDiff.MaySend(narrow, recipient, region))
            {
                Add(PolicyChangeKind.Prohibition, $"sending to {recipient} in {region} is prohibited", "", MajorChange.Sharing);
            }
            else if (region == widePolicy.Jurisdiction && region != narrowPolicy.Jurisdiction)
            {
                Add(PolicyChangeKind.Region, $"{recipient} in {region}, abroad", $"{recipient} in {region}, at home", MajorChange.Sharing);
            }
        }

        if (countries.Count > 0)
        {
            Add(PolicyChangeKind.Recipient, "", $"{who} in {string.Join(", ", countries)}", MajorChange.Sharing);
        }
        else if (known && sends && widePolicy.Recipient(recipient)?.Transform == RecipientTransform.Pseudonymise
            && narrowPolicy.Recipient(recipient)?.Transform == RecipientTransform.Anonymise)
        {
            Add(PolicyChangeKind.Transform, $"{recipient}: anonymise", $"{recipient}: pseudonymise", MajorChange.Sharing);
        }
    }

    private void Add(PolicyChangeKind kind, string from, string to, MajorChange major) =>
        gains.Add(new PolicyChange(kind, wide.Function.Name, wide.Field.Name, from, to, major));
}
