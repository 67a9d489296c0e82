using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy.Tests;

public sealed class PolicyTests
{
    private static string ShippedText =>
        File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));

    [Fact]
    [Promise("R1", "R104")]
    public void TheShippedPolicyLoadsWithVersionDateAndHash()
    {
        var policy = Policy.Shipped();
        Assert.Equal("2.0.0", policy.Version);
        Assert.Equal(new DateOnly(2026, 1, 1), policy.EffectiveFrom);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ShippedText))), policy.Hash);
        Assert.NotEmpty(policy.Contacts);
        foreach (var rule in policy.Rules)
        {
            Assert.NotEmpty(rule.Purpose);
            Assert.InRange(rule.Term, PolicyLimits.TermMin, PolicyLimits.TermMax);
            Assert.Equal(rule.Function.Tier == FunctionTier.Basic ? LegalBasis.Contract : LegalBasis.Consent, rule.Basis);
        }

        Assert.Equal(TimeSpan.FromDays(90), policy.Rule("telemetry", "instrument.measurement")!.Term);
        Assert.Equal(TimeSpan.FromDays(30), policy.Rule("fleet-location", "location.position")!.Term);
        Assert.Equal(TimeSpan.FromDays(30), policy.Rule("photo", "image.photo")!.Term);
    }

    [Fact]
    public void TheShapeIsAlsoAJsonSchema()
    {
        using var schema = System.Text.Json.JsonDocument.Parse(ConfigSchema.Of(Policy.Shape));
        var rule = schema.RootElement.GetProperty("properties").GetProperty("rules").GetProperty("items");
        Assert.Contains("term", rule.GetProperty("required").EnumerateArray().Select(static name => name.GetString()));
    }

    [Fact]
    public void AllErrorsComeAtOnceWithLineAndPath()
    {
        var errors = Errors(ShippedText
            .Replace("\"version\": \"2.0.0\"", "\"version\": 1", StringComparison.Ordinal)
            .Replace("\"term\": \"90d\"", "\"term\": \"forever\"", StringComparison.Ordinal)
            .Replace("\"tier\": \"basic\"", "\"tier\": \"premium\"", StringComparison.Ordinal)
            .Replace("\"region\": \"CN\"", "\"region\": \"china\"", StringComparison.Ordinal));
        Assert.Contains(errors, static e => e is { Line: 3, Path: "version" });
        Assert.Contains(errors, static e => e is { Path: "functions[0].tier", Line: > 0 } && e.Message.Contains("basic, extended"));
        Assert.Contains(errors, static e => e.Path == "recipients[0].region");
        Assert.Contains(errors, static e => e.Path == "rules[0].term" && e.Message.Contains("30d"));
        Assert.Contains(errors, static e => e.Path == "rules[1].term");

        // A rule is not wrong because the function it names is.
        Assert.DoesNotContain(errors, static e => e.Message.Contains("not declared"));
    }

    [Theory]
    [Promise("R1")]
    [InlineData("\"function\": \"telemetry\", \"field\": \"instrument.measurement\"", "\"function\": \"telemetrie\", \"field\": \"instrument.measurement\"",
        "rules[0].function", "'telemetrie' is not declared")]
    [InlineData("\"function\": \"telemetry\", \"field\": \"instrument.measurement\"", "\"function\": \"telemetry\", \"field\": \"instrument.other\"",
        "rules[0].field", "'instrument.other' is not declared")]
    [InlineData("\"precision\": \"exact\", \"term\": \"90d\", \"recipients\": [\"vendor\"]", "\"precision\": \"exact\", \"term\": \"90d\", \"recipients\": [\"nobody\"]",
        "rules[0].recipients[0]", "'nobody' is not declared")]
    public void WhatIsNotDeclaredCannotBeUsed(string old, string now, string path, string message) => Refused(old, now, path, message);

    [Theory]
    [Promise("R85")]
    [InlineData("forever")]
    [InlineData("0s")]
    [InlineData("999999d")]
    [InlineData("")]
    public void EveryTermIsFinite(string term) => Refused("\"term\": \"90d\"", $"\"term\": \"{term}\"", "rules[0].term", "");

    [Fact]
    [Promise("R85")]
    public void ARuleWithoutATermIsRefused() => Refused("\"term\": \"90d\", ", "", "rules[0]", "'term' is missing");

    [Fact]
    [Promise("R64")]
    public void PhotographsAreNeverKeptLongerThanThirtyDays() =>
        Refused(
            "photo-order\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\", \"term\": \"30d\"",
            "photo-order\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\", \"term\": \"31d\"", RulePath("photo", "image.capture-time") + ".term", "R64");

    [Theory]
    [Promise("R73", "R75")]
    [InlineData("subject")]
    [InlineData("agreement")]
    [InlineData("method")]
    [InlineData("purpose")]
    [InlineData("policyLink")]
    [InlineData("fields")]
    [InlineData("region")]
    [InlineData("endpoint")]
    public void ARecipientWithoutAllThatMustBePublishedIsRefused(string option)
    {
        var text = ShippedText;
        var from = text.IndexOf($"\"{option}\"", text.IndexOf("\"recipients\"", StringComparison.Ordinal), StringComparison.Ordinal);
        var wrong = text[..from] + "\"//\"" + text[(from + option.Length + 2)..];
        Assert.Contains(Errors(wrong), e => e.Path == "recipients[0]" && e.Message.StartsWith($"'{option}' is missing", StringComparison.Ordinal));
    }

    [Fact]
    [Promise("R73")]
    public void AnEmptyAnswerIsNoAnswer() => Refused("\"en\": \"MQTT over TLS, one message a batch\"", "\"en\": \" \"", "recipients[0].method.en", "empty");

    [Fact]
    [Promise("R72")]
    public void ARecipientGetsOnlyFieldsItIsDeclaredToReceive() =>
        Refused("\"instrument.measurement\", \"instrument.gnss\", \"identity.pseudonym\",", "\"instrument.gnss\", \"identity.pseudonym\",",
            "rules[0].recipients[0]", "R72");

    [Theory]
    [Promise("R42")]
    [InlineData("race.group")]
    [InlineData("politics.party")]
    [InlineData("religion.creed")]
    [InlineData("genetics.sample")]
    [InlineData("biometrics.iris")]
    [InlineData("orientation.sexual")]
    [InlineData("face.template")]
    [InlineData("image.face-template")]
    [InlineData("instrument.fingerprint")]
    public void NoPolicyCanDeclareWhatIsNeverCollected(string field) => NeverAField(field, "R42");

    [Theory]
    [Promise("R36", "R37", "R38")]
    [InlineData("name.full", "R37")]
    [InlineData("person.name", "R37")]
    [InlineData("device.birthdate", "R37")]
    [InlineData("identity-document.number", "R37")]
    [InlineData("browsing.history", "R37")]
    [InlineData("user.phone", "R37")]
    [InlineData("device.phone-number", "R36")]
    [InlineData("registration.number", "R38")]
    public void NoPolicyCanDeclareWhatIsNoBusinessOfADevice(string field, string promise) => NeverAField(field, promise);

    [Theory]
    [InlineData("instrument.orientation")]
    [InlineData("device.mac")]
    [InlineData("os.name")]
    [InlineData("surface.temperature")]
    public void OrdinaryFieldsAreNotMistakenForThose(string field) => Assert.Null(Vocabulary.WhyNotAField(field));

    [Fact]
    [Promise("R3")]
    public void ASensitiveFieldNeedsAnExtendedFunction() =>
        Refused("\"function\": \"fleet-location\", \"field\": \"location.position\"", "\"function\": \"telemetry\", \"field\": \"location.position\"",
            RulePath("fleet-location", "location.position") + ".field", "R3");

    [Fact]
    [Promise("R3")]
    public void APlaceIsAlwaysSensitive() =>
        Refused("\"name\": \"location.position\", \"class\": \"sensitive\"", "\"name\": \"location.position\", \"class\": \"instrument\"",
            FieldPath("location.position") + ".class", "R3");

    [Fact]
    [Promise("R18")]
    public void TheBasisIsFromAClosedList() => Refused("\"bases\": [\"contract\"]", "\"bases\": [\"because\"]", "rules[0].bases[0]", "legitimate-interest");

    [Fact]
    [Promise("R54")]
    public void ABasicFunctionDoesNotRestOnConsent() => Refused("\"bases\": [\"contract\"]", "\"bases\": [\"contract\", \"consent\"]", "rules[0].bases", "R54");

    [Fact]
    [Promise("R26", "R27")]
    public void NecessityBelongsToTheRuleAndMustBeSaid()
    {
        Refused("\"necessary\": true,", "", "rules[0]", "'necessary' is missing");
        Refused("\"necessary\": true", "\"necessary\": \"Y\"", "rules[0].necessary", "true or false");
    }

    [Fact]
    public void OnlyPlacesHaveAPrecision() => Refused("\"precision\": \"exact\"", "\"precision\": \"1km\"", "rules[0].precision", "only places");

    [Fact]
    public void ASecondRuleForTheSamePairIsRefused() =>
        Refused("\"function\": \"telemetry\", \"field\": \"instrument.gnss\"", "\"function\": \"telemetry\", \"field\": \"instrument.measurement\"", "rules[1]", "already has a rule");

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("\"x\"")]
    [InlineData("{\"rules\": {}, \"fields\": [1, null, {\"name\": 5}]}")]
    public void JunkIsRefusedWithAMessage(string text) => Assert.NotEmpty(Errors(text));

    [Fact]
    public void NoDocumentMakesTheReaderThrow()
    {
        var bytes = Encoding.UTF8.GetBytes(ShippedText);
        var random = new Random(20260101);
        for (var i = 0; i < 500; i++)
        {
            var copy = (byte[])bytes.Clone();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
            }

            var errors = new ConfigErrors();
            var policy = Policy.Load(copy.AsSpan(0, random.Next(10) == 0 ? random.Next(copy.Length) : copy.Length), errors);
            Assert.Equal(policy is null, !errors.IsEmpty);
        }
    }

    private static string RulePath(string function, string field) =>
        $"rules[{Policy.Shipped().Rules.ToList().FindIndex(rule => rule.Function.Name == function && rule.Field.Name == field)}]";

    private static string FieldPath(string field) => $"fields[{Policy.Shipped().Fields.ToList().FindIndex(f => f.Name == field)}]";

    private static void NeverAField(string field, string promise) =>
        Refused("\"name\": \"instrument.measurement\"", $"\"name\": \"{field}\"", "fields[0].name", promise);

    private static void Refused(string old, string now, string path, string message)
    {
        var text = ShippedText;
        var at = text.IndexOf(old, StringComparison.Ordinal);
        Assert.True(at >= 0, "the shipped policy has changed; adapt the test");
        var errors = Errors(text[..at] + now + text[(at + old.Length)..]);
        Assert.Contains(errors, e => e.Path == path && e.Line > 0 && e.Message.Contains(message, StringComparison.Ordinal));
    }

    private static IReadOnlyList<ConfigError> Errors(string text)
    {
        var errors = new ConfigErrors();
        Assert.Null(Policy.Load(Encoding.UTF8.GetBytes(text), errors));
        return errors.All;
    }
}
