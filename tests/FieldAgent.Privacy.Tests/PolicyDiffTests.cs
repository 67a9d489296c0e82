using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy.Tests;

/// <summary>The difference of two policies is exact: held against an enumeration of all that each of them permits.</summary>
public sealed class PolicyDiffTests
{
    private const int Cases = 4_000;
    private static readonly string[] Countries = ["CN", "DE", "FR"];
    private static readonly string[] Names = ["vendor", "lab"];

    [Fact]
    [Promise("R106")]
    public void NothingWidensExactlyWhenNothingIsPermittedThatWasNot()
    {
        var same = 0;
        for (var seed = 0; seed < Cases; seed++)
        {
            var older = Generate(seed);
            var newer = Vary(older, seed);
            var difference = PolicyDiff.Compare(older, newer);
            var (before, after) = (Permitted(older), Permitted(newer));
            Assert.True(
                after.IsSubsetOf(before) == (difference.Widens.Count == 0),
                $"seed {seed}: widens {string.Join("; ", difference.Widens)}; new: {string.Join("; ", after.Except(before))}");
            Assert.True(before.IsSubsetOf(after) == (difference.Narrows.Count == 0), $"seed {seed}");
            same += difference.Widens.Count == 0 ? 1 : 0;
        }

        // Both answers were tried.
        Assert.InRange(same, Cases / 20, Cases * 19 / 20);
    }

    [Fact]
    [Promise("R106")]
    public void AWideningIsANarrowingSeenFromTheOtherSide()
    {
        for (var seed = 0; seed < Cases / 4; seed++)
        {
            var older = Generate(seed);
            var newer = seed % 2 == 0 ? Generate(seed + 1) : Vary(older, seed);
            var (there, back) = (PolicyDiff.Compare(older, newer), PolicyDiff.Compare(newer, older));
            Assert.Equal(there.Widens, back.Narrows);
            Assert.Equal(there.Narrows, back.Widens);
            Assert.Equal(there.Major, back.Major);
            Assert.Equal(there.Widens.Select(static change => change.Function).ToHashSet(), there.Affected);
        }
    }

    [Fact]
    [Promise("R106")]
    public void APolicyDoesNotDifferFromItself()
    {
        Assert.True(PolicyDiff.Compare(Policy.Shipped(), Policy.Shipped()).IsEmpty);
        for (var seed = 0; seed < Cases / 4; seed++)
        {
            var difference = PolicyDiff.Compare(Generate(seed), Generate(seed));
            Assert.True(difference.IsEmpty);
            Assert.Empty(difference.Affected);
            Assert.Empty(difference.Major);
        }
    }

    [Fact]
    [Promise("R106", "R107", "R108")]
    public void EveryKindOfWideningIsNamedWithItsFunctionOnly()
    {
        Widens(Of("fleet-location", "location.position", static rule => rule with { Term = TimeSpan.FromDays(60) }),
            PolicyChangeKind.Term, "fleet-location", "30d", "60d", MajorChange.Service);
        Widens(Of("photo", "image.capture-time", static rule => rule with { Necessary = true }),
            PolicyChangeKind.Necessity, "photo", "N", "Y", MajorChange.Rights);
        Widens(Of("photo", "image.photo", static rule => rule with { Purpose = "fault-finding" }),
            PolicyChangeKind.Purpose, "photo", "", "fault-finding (feature)", MajorChange.Service);
        Widens(Of("photo", "image.photo", static rule => rule with { Bases = [LegalBasis.Consent, LegalBasis.LegitimateInterest] }),
            PolicyChangeKind.Basis, "photo", "", "legitimate-interest", MajorChange.Rights);
        Widens(Of("scan", "image.code", static rule => rule with { Recipients = ["vendor", "statistics"] }),
            PolicyChangeKind.Recipient, "scan", "",
            "statistics (The instrument vendor's department of statistics; Statistics over all instruments) in CN", MajorChange.Sharing);
        Widens(Of("activity", "activity.uptime", static rule => rule with { Regions = ["CN", "DE"] }),
            PolicyChangeKind.Region, "activity", "", "vendor in DE", MajorChange.Sharing);
        Widens(Of("geofence", "location.position", static rule => rule with { Prohibitions = [] }),
            PolicyChangeKind.Prohibition, "geofence", "storing is prohibited", "", MajorChange.Service);
        Widens(Of("activity", "activity.uptime", static rule => rule with { Function = rule.Function with { Tier = FunctionTier.Basic } }),
            PolicyChangeKind.Consent, "activity", "off until granted", "on by contract", MajorChange.Rights);
        Widens(Of("scan", "image.photo", static rule => rule with { Field = rule.Field with { Class = FieldClass.Instrument } }),
            PolicyChangeKind.FieldClass, "scan", "sensitive", "instrument", MajorChange.Service);

        var coarse = Of("fleet-location", "location.position", static rule => rule with { Precision = Precision.Cell1km });
        var finer = Assert.Single(PolicyDiff.Compare(coarse, Policy.Shipped()).Widens);
        Assert.Equal((PolicyChangeKind.Precision, "1km", "exact"), (finer.Kind, finer.Narrow, finer.Wide));
    }

    [Fact]
    [Promise("R8", "R107")]
    public void ANewFunctionOrFieldIsNamed()
    {
        var without = Edit(Policy.Shipped(), static rules => rules.Where(static rule => rule.Function.Name != "activity"),
            static functions => functions.Where(static function => function.Name != "activity"));
        var difference = PolicyDiff.Compare(without, Policy.Shipped());
        Assert.Equal([PolicyChangeKind.Function, PolicyChangeKind.Field], difference.Widens.Select(static change => change.Kind));
        Assert.Equal(["activity"], difference.Affected);
        Assert.Empty(difference.Narrows);

        var lessPhoto = Edit(Policy.Shipped(), static rules => rules.Where(static rule => rule.Field.Name != "image.location"));
        var field = Assert.Single(PolicyDiff.Compare(lessPhoto, Policy.Shipped()).Widens);
        Assert.Equal((PolicyChangeKind.Field, "photo", "image.location"), (field.Kind, field.Function, field.Field));
        Assert.Empty(PolicyDiff.Compare(Policy.Shipped(), lessPhoto).Affected);
    }

    [Fact]
    [Promise("R107", "R79")]
    public void TheSixKindsOfMajorChangeAreToldApart()
    {
        var text = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));
        PolicyDifference To(string old, string now) => PolicyDiff.Compare(Policy.Shipped(), House.Read(text.Replace(old, now, StringComparison.Ordinal)));

        Assert.Equal([MajorChange.Service], To("\"term\": \"90d\"", "\"term\": \"91d\"").Major);
        var owner = To("\"id\": \"instrument-vendor\"", "\"id\": \"somebody-else\"");
        Assert.Equal([MajorChange.Ownership], owner.Major);
        Assert.Equal(Policy.Shipped().Functions.Count, owner.Affected.Count);
        Assert.Equal([MajorChange.Sharing], To("The instrument's vendor and its hosting provider", "An insurer").Major);
        Assert.Equal([MajorChange.Rights], To("on the board: fieldagent privacy export", "by letter").Major);
        var contact = To("privacy@fieldagent.example", "desk@fieldagent.example");
        Assert.Equal([MajorChange.Contacts], contact.Major);
        Assert.Empty(contact.Affected);
        var risk = To("\"jurisdiction\": \"CN\",", "\"jurisdiction\": \"CN\", \"highRisk\": { \"reference\": \"DPIA 7\", \"functions\": [\"photo\"] },");
        Assert.Equal([MajorChange.HighRisk], risk.Major);
        Assert.Equal(["photo"], risk.Affected);
        Assert.Empty(To("\"version\": \"2.0.0\"", "\"version\": \"2.0.1\"").Major);
    }

    [Fact]
    [Promise("R84")]
    public void ACountryThatIsNoLongerAbroadIsAWidening()
    {
        var older = Of("activity", "activity.uptime", static rule => rule with { Regions = ["CN", "DE"] });
        var newer = Edit(older, static rules => rules, jurisdiction: "DE");
        var difference = PolicyDiff.Compare(older, newer);
        Assert.Equal(["vendor in DE, at home"], difference.Widens.Select(static change => change.Wide));
        Assert.Contains(difference.Narrows, static change => change.Wide == "vendor in CN, at home");
    }

    private static void Widens(Policy newer, PolicyChangeKind kind, string function, string from, string to, MajorChange major)
    {
        var difference = PolicyDiff.Compare(Policy.Shipped(), newer);
        var change = Assert.Single(difference.Widens);
        Assert.Equal((kind, function, from, to, major), (change.Kind, change.Function, change.Narrow, change.Wide, change.Major));
        Assert.Equal([function], difference.Affected);
    }

    private static Policy Of(string function, string field, Func<PolicyRule, PolicyRule> change)
    {
        Assert.NotNull(Policy.Shipped().Rule(function, field));
        return Edit(Policy.Shipped(), rules => rules.Select(rule => rule.Function.Name == function && rule.Field.Name == field ? change(rule) : rule));
    }

    private static Policy Edit(
        Policy policy,
        Func<IEnumerable<PolicyRule>, IEnumerable<PolicyRule>> rules,
        Func<IEnumerable<PolicyFunction>, IEnumerable<PolicyFunction>>? functions = null,
        string? jurisdiction = null) =>
        new(policy.Fields, [.. functions?.Invoke(policy.Functions) ?? policy.Functions], [.. rules(policy.Rules)], policy.Recipients, policy.Purposes)
        {
            Version = policy.Version,
            ControllerId = policy.ControllerId,
            Controller = policy.Controller,
            Contacts = policy.Contacts,
            Rights = policy.Rights,
            Jurisdiction = jurisdiction ?? policy.Jurisdiction,
        };

    /// <summary>Everything a policy permits, one string each; an ordered value is permitted with all that is less than it.</summary>
    private static HashSet<string> Permitted(Policy policy)
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in policy.Rules)
        {
            bool Forbidden(Stage at, string? recipient, string? region) => rule.Prohibitions.Any(p =>
                (p.Stage is null || p.Stage == at)
                && (p.Recipient is null || p.Recipient == recipient)
                && (p.Region is null || p.Region == region));
            var key = $"{rule.Function.Name} {rule.Field.Name}";
            if (Forbidden(Stage.Collect, null, null))
            {
                continue;
            }

            all.Add($"{key} collect");
            all.Add($"{key} for {rule.Purpose} {policy.Purpose(rule.Purpose)?.Kind}");
            all.UnionWith(rule.Bases.Select(basis => $"{key} on {basis}"));
            all.UnionWith(Enumerable.Range((int)rule.Precision, 4 - (int)rule.Precision).Select(cell => $"{key} cell {cell}"));
            FieldClass[] guarded = [FieldClass.Excluded, FieldClass.Instrument, FieldClass.Personal, FieldClass.Sensitive];
            all.UnionWith(guarded.SkipWhile(fieldClass => fieldClass != rule.Field.Class).Select(fieldClass => $"{key} guarded like {fieldClass}"));
            if (rule.Necessary)
            {
                all.Add($"{key} demanded");
            }

            if (rule.Function.Tier == FunctionTier.Basic)
            {
                all.Add($"{key} unasked");
            }

            if (Forbidden(Stage.Admit, null, null))
            {
                continue;
            }

            all.Add($"{key} store");
            all.UnionWith(Enumerable.Range(1, (int)rule.Term.TotalDays).Select(day => $"{key} day {day}"));
            foreach (var name in rule.Recipients)
            {
                foreach (var region in rule.Regions.Where(region => !Forbidden(Stage.Send, name, region)))
                {
                    var who = policy.Recipients.Single(recipient => recipient.Name == name);
                    all.Add($"{key} to {name} {who.Subject} {who.Purpose} in {region}");
                    if (region == policy.Jurisdiction)
                    {
                        all.Add($"{key} to {name} {who.Subject} {who.Purpose} in {region} at home");
                    }

                    if (who.Transform == RecipientTransform.Pseudonymise)
                    {
                        all.Add($"{key} to {name} {who.Subject} {who.Purpose} by pseudonym");
                    }
                }
            }
        }

        return all;
    }

    private static Policy Generate(int seed)
    {
        var random = new Random(seed);
        var fields = Enumerable.Range(0, 3).Select(i => new PolicyField($"field.n{i}", (FieldClass)random.Next(4), "")).ToList();
        var functions = Enumerable.Range(0, 3).Select(i => new PolicyFunction($"f{i}", (FunctionTier)random.Next(2), "")).ToList();
        var purposes = Enumerable.Range(0, 2).Select(i => new PolicyPurpose($"p{i}", (PurposeKind)random.Next(7), "")).ToList();
        var recipients = Names.Select(name => new PolicyRecipient(name, $"s{random.Next(3)}", name, "", "", "u", "", "CN", [])
        {
            Transform = (RecipientTransform)random.Next(2),
        }).ToList();
        var rules = new List<PolicyRule>();
        foreach (var function in functions)
        {
            foreach (var field in fields.Where(_ => random.Next(4) > 0))
            {
                rules.Add(Rule(random, function, field));
            }
        }

        return new Policy(fields, functions, rules, recipients, purposes) { Jurisdiction = Countries[random.Next(2)] };
    }

    private static PolicyRule Rule(Random random, PolicyFunction function, PolicyField field) =>
        new(function, field, random.Next(2) == 0, $"p{random.Next(2)}", LegalBasis.Consent, (Precision)random.Next(4), TimeSpan.FromDays(random.Next(1, 5)),
            [.. Names.Where(_ => random.Next(2) == 0)])
        {
            Bases = [LegalBasis.Consent, .. random.Next(3) == 0 ? [(LegalBasis)random.Next(1, 6)] : Array.Empty<LegalBasis>()],
            Regions = [.. Countries.Where(_ => random.Next(2) == 0)],
            Prohibitions = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Prohibition(random))],
        };

    private static PolicyProhibition Prohibition(Random random)
    {
        Stage? stage = random.Next(4) == 0 ? null : (Stage)random.Next(3);
        var sends = stage is null or Stage.Send;
        return new PolicyProhibition(
            stage,
            sends && random.Next(2) == 0 ? Names[random.Next(2)] : null,
            sends && random.Next(2) == 0 ? Countries[random.Next(3)] : null,
            "");
    }

    /// <summary>The same policy with one or two rules made anew, so that both answers come up often.</summary>
    private static Policy Vary(Policy policy, int seed)
    {
        var random = new Random(seed ^ 0x5eed);
        var rules = policy.Rules.ToList();
        for (var n = random.Next(3); n > 0 && rules.Count > 0; n--)
        {
            var at = random.Next(rules.Count);
            var rule = rules[at];
            rules[at] = random.Next(8) switch
            {
                0 => rule with { Term = TimeSpan.FromDays(random.Next(1, 5)) },
                1 => rule with { Precision = (Precision)random.Next(4) },
                2 => rule with { Recipients = [.. Names.Where(_ => random.Next(2) == 0)] },
                3 => rule with { Regions = [.. Countries.Where(_ => random.Next(2) == 0)] },
                4 => rule with { Prohibitions = [Prohibition(random)] },
                5 => rule with { Prohibitions = [] },
                6 => rule with { Necessary = random.Next(2) == 0 },
                _ => Rule(random, rule.Function, rule.Field),
            };
        }

        return Edit(policy, _ => rules, jurisdiction: random.Next(8) == 0 ? Countries[random.Next(2)] : null);
    }
}
