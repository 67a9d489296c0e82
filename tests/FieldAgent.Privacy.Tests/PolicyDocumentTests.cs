using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy.Tests;

/// <summary>What a policy document can say, and what none can: edits of the shipped one, as data.</summary>
public sealed class PolicyDocumentTests
{
    [Fact]
    public void TheShippedPolicyCoversEveryFunctionAndOnlyBasicOnesAreOn()
    {
        var policy = Policy.Shipped();
        string[] basic = ["telemetry", "identity", "compatibility", "delivery"];
        string[] extended =
        [
            "fleet-location", "geofence", "photo", "scan", "diagnostics", "activity", "analytics", "group-commands", "shared-uplink",
            "autostart", "remote-support", "identity-supplement",
        ];
        Assert.Equal(basic.Order(), policy.Functions.Where(static f => f.Tier == FunctionTier.Basic).Select(static f => f.Name).Order());
        Assert.Equal(extended.Order(), policy.Functions.Where(static f => f.Tier == FunctionTier.Extended).Select(static f => f.Name).Order());
        Assert.All(policy.Functions, function => Assert.NotEmpty(policy.RulesOf(function.Name)));
        Assert.All(policy.Fields, field => Assert.Contains(policy.Rules, rule => rule.Field == field));
        Assert.All(policy.Purposes, purpose => Assert.Contains(policy.Rules, rule => rule.Purpose == purpose.Name));
        Assert.All(policy.Functions, static function => Assert.NotEqual(function.Notice.En, function.Notice.Zh));
        Assert.All(policy.Fields, static field => Assert.NotEqual(field.Summary.En, field.Summary.Zh));
    }

    [Fact]
    [Promise("R28", "R29", "R39")]
    public void CompatibilityUsesExactlyThePublishedFields() =>
        Assert.Equal(
            [
                "device.display-resolution", "device.manufacturer", "device.model", "device.product", "device.storage-size",
                "os.language", "os.name", "os.version",
            ],
            Policy.Shipped().RulesOf("compatibility").Select(static rule => rule.Field.Name).Order(StringComparer.Ordinal));

    [Fact]
    [Promise("R20", "R24", "R19")]
    public void IdentifiersOfTheHardwareAreOffOptionalAndNeverLeaveTheBoard()
    {
        var rules = Policy.Shipped().Rules.Where(static rule => Vocabulary.WhyNeverSent(rule.Field.Name) == "R19").ToList();
        Assert.Equal(["device.mac", "device.serial"], rules.Select(static rule => rule.Field.Name));
        Assert.All(rules, static rule => Assert.Equal(
            (FunctionTier.Extended, false, 0, FieldClass.Sensitive),
            (rule.Function.Tier, rule.Necessary, rule.Recipients.Count, rule.Field.Class)));
        Refused(static policy => Rule(policy, "device.mac")["recipients"] = new JsonArray("vendor"), "recipients[0]", "R19");
        Refused(static policy => Named(policy, "fields", "device.mac")["class"] = "personal", "class", "R20");
        Refused(static policy => Recipient(policy)["fields"]!.AsArray().Add("device.serial"), "recipients[0].fields[", "R19");
    }

    [Theory]
    [Promise("R30", "R31")]
    [InlineData("network.ip", "R30")]
    [InlineData("network.address", "R30")]
    public void TheAddressOfTheSessionCannotBeAField(string field, string promise) =>
        Refused(policy => Named(policy, "fields", "network.type")["name"] = field, "name", promise);

    [Theory]
    [Promise("R31")]
    [InlineData("network.ssid")]
    [InlineData("network.bssid")]
    [InlineData("network.wifi-list")]
    [InlineData("network.base-station")]
    public void TheSurroundingsNeverLeaveTheBoard(string field) =>
        Refused(
            policy =>
            {
                Named(policy, "fields", "foreign.reading")["name"] = field;
                Rule(policy, "foreign.reading")["field"] = field;
                var fields = Recipient(policy)["fields"]!.AsArray();
                fields[fields.IndexOf(fields.First(static f => (string?)f == "foreign.reading"))] = field;
            },
            "recipients", "R31");

    [Fact]
    [Promise("R8")]
    public void APurposeThatIsNotDeclaredIsRefused() =>
        Refused(static policy => Rule(policy, "image.photo")["purpose"] = "curiosity", "purpose", "'curiosity' is not declared");

    [Fact]
    [Promise("R5")]
    public void AnalyticsIsAPurposeOfItsOwn()
    {
        Refused(static policy => Rule(policy, "analytics.window")["purpose"] = "operation", "purpose", "R5");
        Refused(static policy => Rule(policy, "activity.uptime")["purpose"] = "statistics", "purpose", "R5");
    }

    [Fact]
    [Promise("R70")]
    public void PhotographsServeThreeKindsOfPurpose()
    {
        Refused(static policy => Named(policy, "purposes", "site-condition")["kind"] = "operation", "purpose", "R70");
        Refused(static policy => Named(policy, "purposes", "site-condition")["kind"] = "improvement", "recipients", "R70");
        Assert.Empty(Errors(static policy => Named(policy, "purposes", "site-condition")["kind"] = "legal"));
        Assert.Empty(Errors(static policy =>
        {
            Named(policy, "purposes", "site-condition")["kind"] = "improvement";
            Rule(policy, "image.photo")["recipients"] = new JsonArray();
        }));
    }

    [Fact]
    [Promise("R71", "R117")]
    public void ARecipientGetsAnonymousAggregatesUnlessThePolicySaysOtherwise()
    {
        Refused(static policy => Recipient(policy).Remove("transform"), "recipients[0].fields[0]", "R71");
        Assert.Equal(RecipientTransform.Anonymise, Policy.Shipped().Recipient("statistics")!.Transform);
        Assert.All(Policy.Shipped().Recipient("statistics")!.Fields, static field => Assert.True(Vocabulary.IsAnonymous(field)));
        Assert.Empty(Errors(static policy => policy["recipients"]![1]!.AsObject().Remove("transform")));
    }

    [Fact]
    [Promise("R82")]
    public void MarketingIsNeverNecessaryAndSafetyIsNotMarketing()
    {
        Refused(static policy => Named(policy, "purposes", "usage-totals")["kind"] = "marketing", "purpose", "R82");
        Refused(static policy => Named(policy, "purposes", "time-source")["kind"] = "marketing", "purpose", "R82");
        Assert.Empty(Errors(static policy =>
        {
            Named(policy, "purposes", "usage-totals")["kind"] = "marketing";
            Rule(policy, "activity.uptime")["necessary"] = false;
        }));
        Assert.Empty(Errors(static policy => Named(policy, "purposes", "operation")["kind"] = "safety"));
    }

    [Fact]
    [Promise("R83")]
    public void ARecipientInACountryThatTheRuleDoesNotNameIsRefused()
    {
        Refused(static policy => Recipient(policy)["region"] = "DE", "regions", "R83");
        Refused(static policy => Rule(policy, "activity.uptime").Remove("regions"), "rules[", "R83");
        Refused(static policy => Rule(policy, "activity.uptime")["regions"] = new JsonArray("CN", "Germany"), "regions", "2 characters");
        Refused(static policy => Rule(policy, "activity.uptime")["regions"] = new JsonArray("CN", "CN"), "regions[1]", "twice");
    }

    [Fact]
    [Promise("R84", "R118")]
    public void TheJurisdictionSaysWhatIsAbroad()
    {
        Assert.Equal("CN", Policy.Shipped().Jurisdiction);
        Refused(static policy => policy.Remove("jurisdiction"), "", "'jurisdiction' is missing");
        Refused(static policy => policy["jurisdiction"] = "eu", "jurisdiction", "ISO 3166");
    }

    [Fact]
    [Promise("R106")]
    public void NoRightCanBeLeftOut()
    {
        Refused(static policy => policy["rights"]!.AsArray().RemoveAt(0), "rights", "access");
        Refused(static policy => policy.Remove("rights"), "", "'rights' is missing");
    }

    [Fact]
    [Promise("R101")]
    public void ThereIsAlwaysSomebodyToAsk()
    {
        Refused(static policy => policy["contacts"] = new JsonArray(), "contacts", "R101");
        Refused(static policy => policy["contacts"] = new JsonArray(" "), "contacts", "R101");
    }

    [Fact]
    [Promise("R54")]
    public void TheSwitchOfAnExtendedFunctionIsOff()
    {
        Refused(static policy => Named(policy, "functions", "photo")["switch"] = "on", "switch", "R54");
        Refused(static policy => Named(policy, "functions", "telemetry")["switch"] = "off", "switch", "R54");
        Refused(static policy => Rule(policy, "image.photo")["bases"] = new JsonArray("contract", "consent"), "bases", "R54");
    }

    [Fact]
    [Promise("R18")]
    public void ARuleHasAtLeastOneBasis()
    {
        Refused(static policy => Rule(policy, "image.photo")["bases"] = new JsonArray(), "bases", "R18");
        Refused(static policy => Rule(policy, "image.photo")["bases"] = new JsonArray("consent", "consent"), "bases", "twice");
        var two = Read(static policy => Rule(policy, "image.photo")["bases"] = new JsonArray("consent", "legal-obligation"));
        Assert.Equal([LegalBasis.Consent, LegalBasis.LegalObligation], two.Rule("photo", "image.photo")!.Bases);
        Assert.Equal(LegalBasis.Consent, two.Rule("photo", "image.photo")!.Basis);
    }

    [Fact]
    [Promise("R112")]
    public void ACrashReportIsNeverPartOfABasicFunction() =>
        Refused(
            static policy =>
            {
                var rule = Rule(policy, "diagnostics.crash");
                (rule["function"], rule["bases"]) = ("telemetry", new JsonArray("legitimate-interest"));
            },
            "field", "R112");

    [Fact]
    [Promise("R45", "R63")]
    public void PlacesAndWhatIsInAPhotographAreSeparateFields()
    {
        var policy = Policy.Shipped();
        string[] separate = ["location.position", "location.precise", "location.background"];
        Assert.All(separate, field => Assert.Equal(FieldClass.Sensitive, policy.Rule("fleet-location", field)!.Field.Class));
        Assert.All(separate[1..], field => Assert.False(policy.Rule("fleet-location", field)!.Necessary));
        string[] inside = ["image.capture-time", "image.device-model", "image.location"];
        Assert.All(inside, field => Assert.False(policy.Rule("photo", field)!.Necessary));
        Refused(static p => Recipient(p)["fields"]!.AsArray().Add("location.precise"), "fields[", "R45");
    }

    [Fact]
    [Promise("R43")]
    public void AnExcludedFieldIsNoWayRoundTheGate()
    {
        static void Exclude(JsonObject policy) => Named(policy, "fields", "activity.uptime")["class"] = "excluded";
        var house = new House(Read(Exclude));
        Assert.Equal(DenyReason.NotGranted, house.Gate.Decide(Stage.Admit, "activity", "activity.uptime").Reason);
        Assert.Equal(DenyReason.NoRule, house.Gate.Decide(Stage.Admit, "telemetry", "activity.uptime").Reason);
        Assert.False(house.Gate.MayCollect("activity.uptime"));
        Refused(static policy => Named(policy, "fields", "image.photo")["class"] = "excluded", "class", "R3");
    }

    [Fact]
    [Promise("R46")]
    public void AFenceKeepsNoPlaceAndSendsNone()
    {
        var rule = Policy.Shipped().Rule("geofence", "location.position")!;
        Assert.Empty(rule.Recipients);
        Assert.False(PolicyDiff.MayStore(rule));
        Assert.Equal(["vendor"], Policy.Shipped().Rule("geofence", "geofence.transition")!.Recipients);
    }

    [Fact]
    public void AProhibitionNamesOnlyWhatItsStageHas()
    {
        var read = Read(static policy => Rule(policy, "activity.uptime")["prohibitions"] = new JsonArray(
            new JsonObject { ["stage"] = "send", ["recipient"] = "vendor", ["region"] = "CN", ["why"] = Text() },
            new JsonObject { ["why"] = Text() }));
        Assert.Equal(
            [new PolicyProhibition(Stage.Send, "vendor", "CN", "x"), new PolicyProhibition(null, null, null, "x")],
            read.Rule("activity", "activity.uptime")!.Prohibitions);
        Refused(static policy => Prohibit(policy, new JsonObject { ["stage"] = "store", ["region"] = "CN", ["why"] = Text() }), "stage", "send");
        Refused(static policy => Prohibit(policy, new JsonObject { ["recipient"] = "nobody", ["why"] = Text() }), "recipient", "not declared");
        Refused(static policy => Prohibit(policy, new JsonObject { ["stage"] = "send" }), "prohibitions[0]", "'why' is missing");
    }

    [Fact]
    [Promise("R16", "R81", "R98")]
    public void TheListsOfGroundsAreClosed()
    {
        Assert.Equal(7, ClosedLists.Exemptions.Words.Count);
        Assert.Equal(7, ClosedLists.DisclosureGrounds.Words.Count);
        Assert.Equal(10, ClosedLists.RefusalGrounds.Words.Count);
        foreach (var list in new[] { ClosedLists.Exemptions, ClosedLists.DisclosureGrounds, ClosedLists.RefusalGrounds, ClosedLists.Rights })
        {
            Assert.All(list.Words, word => Assert.True(Opt.IsName(word) && list.Contains(word) && list.WhyNot(word) is null));
            Assert.All(list.Words, word => Assert.NotEmpty(list.Meaning(word)));
            Assert.False(list.Contains("because"));
            Assert.Contains(list.Words[^1], list.WhyNot("because"));
        }
    }

    [Fact]
    public void NoJsonMakesTheReaderThrowAndEveryErrorSaysWhere()
    {
        var shipped = File.ReadAllText(ShippedFile);
        for (var seed = 0; seed < 1_000; seed++)
        {
            var random = new Random(seed);
            var root = seed % 3 == 0 ? Any(random, 0) : Mangle(Node(shipped), random);
            var errors = new ConfigErrors();
            var policy = Policy.Load(Encoding.UTF8.GetBytes(root?.ToJsonString() ?? "null"), errors);
            Assert.Equal(policy is null, !errors.IsEmpty);
            Assert.All(errors.All, static error => Assert.True(error.Line >= 1 && error.Message.Length > 0 && error.Path is not null));
        }
    }

    private static string ShippedFile => Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json");

    // One to three members or elements anywhere are removed, doubled or become something else.
    private static JsonObject Mangle(JsonObject root, Random random)
    {
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            JsonNode at = root;
            while (true)
            {
                if (at is JsonObject members && members.Count > 0)
                {
                    var name = members.ElementAt(random.Next(members.Count)).Key;
                    if (members[name] is JsonObject or JsonArray && random.Next(5) > 0)
                    {
                        at = members[name]!;
                        continue;
                    }

                    if (random.Next(4) == 0)
                    {
                        members.Remove(name);
                    }
                    else
                    {
                        members[name] = Any(random, 2);
                    }
                }
                else if (at is JsonArray items && items.Count > 0)
                {
                    var i = random.Next(items.Count);
                    if (items[i] is JsonObject or JsonArray && random.Next(5) > 0)
                    {
                        at = items[i]!;
                        continue;
                    }

                    switch (random.Next(3))
                    {
                        case 0:
                            items.RemoveAt(i);
                            break;
                        case 1:
                            items.Add(items[i]?.DeepClone());
                            break;
                        default:
                            items[i] = Any(random, 2);
                            break;
                    }
                }

                break;
            }
        }

        return root;
    }

    private static JsonNode? Any(Random random, int depth)
    {
        string[] words = ["version", "rules", "fields", "name", "CN", "consent", "vendor", "", "30d", "en", "location.position", "\u0000", "隐私", "2026-01-31"];
        return random.Next(depth > 4 ? 5 : 8) switch
        {
            0 => null,
            1 => random.Next(2) == 0,
            2 => random.Next(-5, 5_000_000),
            3 => 1e300 * random.NextDouble(),
            4 or 5 => words[random.Next(words.Length)],
            6 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Any(random, depth + 1))]),
            _ => new JsonObject(words.Distinct().Where(_ => random.Next(3) == 0).Select(word => KeyValuePair.Create(word, Any(random, depth + 1)))),
        };
    }

    private static JsonObject Text() => new() { ["en"] = "x", ["zh"] = "x" };

    private static void Prohibit(JsonObject policy, JsonObject prohibition) =>
        Rule(policy, "activity.uptime")["prohibitions"] = new JsonArray(prohibition);

    private static JsonObject Node(string text) =>
        JsonNode.Parse(text, null, new System.Text.Json.JsonDocumentOptions { CommentHandling = System.Text.Json.JsonCommentHandling.Skip })!.AsObject();

    private static JsonObject Named(JsonObject policy, string list, string name) =>
        policy[list]!.AsArray().Select(static item => item!.AsObject()).First(item => (string?)item["name"] == name);

    private static JsonObject Rule(JsonObject policy, string field) =>
        policy["rules"]!.AsArray().Select(static item => item!.AsObject()).First(item => (string?)item["field"] == field);

    private static JsonObject Recipient(JsonObject policy) => policy["recipients"]![0]!.AsObject();

    private static IReadOnlyList<ConfigError> Errors(Action<JsonObject> edit)
    {
        var policy = Node(File.ReadAllText(ShippedFile));
        edit(policy);
        var errors = new ConfigErrors();
        Policy.Load(Encoding.UTF8.GetBytes(policy.ToJsonString()), errors);
        return errors.All;
    }

    private static void Refused(Action<JsonObject> edit, string path, string message)
    {
        var errors = Errors(edit);
        Assert.True(
            errors.Any(error => error.Path.Contains(path, StringComparison.Ordinal) && error.Message.Contains(message, StringComparison.Ordinal)),
            $"expected at '{path}': {message}; got:\n{string.Join('\n', errors)}");
    }

    private static Policy Read(Action<JsonObject> edit)
    {
        var policy = Node(File.ReadAllText(ShippedFile));
        edit(policy);
        return House.Read(policy.ToJsonString());
    }
}
