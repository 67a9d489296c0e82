using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

public sealed class ConsentDeskTests
{
    // Two sensitive necessary fields in one function, and a function without any sensitive field.
    private static readonly string TwoSensitive = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"))
        .Replace("\"field\": \"image.location\", \"necessary\": false", "\"field\": \"image.location\", \"necessary\": true", StringComparison.Ordinal)
        .Replace("\"functions\": [", "\"functions\": [ { \"name\": \"bench-check\", \"tier\": \"extended\", \"switch\": \"off\", \"notice\": { \"en\": \"x\", \"zh\": \"x\" } },", StringComparison.Ordinal)
        .Replace("\"rules\": [", """
            "rules": [
              { "function": "bench-check", "field": "instrument.gnss", "necessary": true, "purpose": "operation", "bases": ["consent"],
                "term": "30d", "recipients": [] },
            """, StringComparison.Ordinal);

    // The vendor's broker is in another country, and the rules allow that one.
    private static readonly string Abroad = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"))
        .Replace("\"region\": \"CN\"", "\"region\": \"DE\"", StringComparison.Ordinal)
        .Replace("\"regions\": [\"CN\"]", "\"regions\": [\"CN\", \"DE\"]", StringComparison.Ordinal);

    [Fact]
    [Promise("R4")]
    public void AGrantRecordsWhoHowWhenAndWhatWasShown()
    {
        var house = new House();
        var outcome = house.Desk.Grant("fleet-location", null, null, "operator", "cli");
        Assert.True(outcome.Done, outcome.Message);
        var stored = Assert.Single(house.Ledger.All());
        Assert.Equal(stored, outcome.Events[0]);
        Assert.Equal(
            (ConsentAction.Grant, "fleet-location", "location.position", "1km", "operator", "cli"),
            (stored.Action, stored.Function, stored.Field, stored.Scope, stored.Role, stored.Method));
        Assert.Equal((house.Policy.Version, house.Policy.Hash), (stored.PolicyVersion, stored.PolicyHash));
        Assert.Equal((house.Clock.BootId, ClockQuality.Ntp), (stored.At.BootId, stored.At.Quality));
        Assert.Empty(outcome.Erase);
    }

    [Fact]
    [Promise("R3")]
    public void SensitiveFieldsAreGrantedByNameAndOneAtATime()
    {
        var house = new House(House.Read(TwoSensitive));
        foreach (var (function, field) in new (string, string?)[] { ("*", null), ("*", "*"), ("photo", "*"), ("*", "location.position"), ("photo", null) })
        {
            var refused = house.Desk.Grant(function, field, null, "subject", "cli");
            Assert.Equal(ConsentRefusal.SensitiveNotNamed, refused.Refusal);
        }

        Assert.Empty(house.Ledger.All());
        Assert.True(house.Desk.Grant("photo", "image.location", null, "subject", "cli").Done);
        Assert.True(house.Desk.Grant("fleet-location", null, null, "subject", "cli").Done);
        Assert.True(house.Desk.Grant("bench-check", "*", null, "subject", "cli").Done);
    }

    [Fact]
    [Promise("R84")]
    public void ACountryIsGrantedBesideTheFieldAndOnlyOneThatThePolicySendsTo()
    {
        var house = new House(House.Read(Abroad));
        Assert.Equal(ConsentRefusal.Scope, house.Desk.Grant("photo", "image.photo@DE", null, "subject", "cli").Refusal);
        Assert.True(house.Desk.Grant("photo", null, null, "subject", "cli").Done);
        Assert.Equal(DenyReason.Region, Send().Reason);

        var unknown = house.Desk.Grant("photo", "image.photo@XX", null, "subject", "cli");
        Assert.Equal(ConsentRefusal.Scope, unknown.Refusal);
        Assert.Contains("to no country 'XX'; to: DE", unknown.Message, StringComparison.Ordinal);
        Assert.False(house.Desk.Grant("photo", "image.photo@CN", null, "subject", "cli").Done);
        Assert.False(house.Desk.Grant("photo", "image.photo@DE", "1km", "subject", "cli").Done);
        Assert.True(house.Desk.Grant("photo", "image.photo@DE", null, "subject", "cli").Done);
        Assert.True(Send().IsPermitted);

        // for one field and function, and no other
        Assert.True(house.Desk.Grant("fleet-location", null, null, "subject", "cli").Done);
        Assert.Equal(DenyReason.Region, house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor").Reason);

        Assert.True(house.Desk.Withdraw("photo", "image.photo@DE", new ConsentBy("subject", "cli")).Done);
        Assert.Equal(DenyReason.Region, Send().Reason);
        Assert.True(house.Gate.Decide(Stage.Collect, "photo", "image.photo").IsPermitted);

        Decision Send() => house.Gate.Decide(Stage.Send, "photo", "image.photo", "vendor");
    }

    [Fact]
    [Promise("R63", "R26")]
    public void GrantingPhotographsGrantsNoneOfTheirMetadata()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        Assert.Equal(["image.photo"], house.Ledger.All().Select(static e => e.Field));
        Assert.True(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
        Assert.False(house.Gate.Decide(Stage.Admit, "photo", "image.location").IsPermitted);
    }

    [Theory]
    [InlineData("photos", null, null, "subject", "cli", ConsentRefusal.UnknownFunction, "fleet-location, photo")]
    [InlineData("telemetry", null, null, "subject", "cli", ConsentRefusal.BasicFunction, "basic function")]
    [InlineData("photo", "location.position", null, "subject", "cli", ConsentRefusal.UnknownField, "image.photo, image.capture-time")]
    [InlineData("photo", "image.photo", "1km", "subject", "cli", ConsentRefusal.Scope, "only a place")]
    [InlineData("fleet-location", null, "1 mile", "subject", "cli", ConsentRefusal.Scope, "exact, 100m, 1km, 10km")]
    [InlineData("fleet-location", null, null, "boss", "cli", ConsentRefusal.Who, "subject, operator, guardian")]
    [InlineData("fleet-location", null, null, "subject", "", ConsentRefusal.Who, "method")]
    public void AWrongGrantChangesNothingAndSaysWhatIsPossible(
        string function, string? field, string? scope, string role, string method, ConsentRefusal refusal, string message)
    {
        var house = new House();
        var outcome = house.Desk.Grant(function, field, scope, role, method);
        Assert.Equal(refusal, outcome.Refusal);
        Assert.Contains(message, outcome.Message);
        Assert.Empty(house.Ledger.All());
    }

    [Theory]
    [InlineData("photos", null, ConsentRefusal.UnknownFunction)]
    [InlineData("telemetry", null, ConsentRefusal.BasicFunction)]
    [InlineData("photo", "location.position", ConsentRefusal.UnknownField)]
    [InlineData("*", "image.photo", ConsentRefusal.UnknownField)]
    public void AWrongWithdrawalChangesNothing(string function, string? field, ConsentRefusal refusal)
    {
        var house = new House();
        Assert.Equal(refusal, house.Desk.Withdraw(function, field, "subject", "cli").Refusal);
        Assert.Empty(house.Ledger.All());
    }

    [Fact]
    [Promise("R9")]
    public void WithdrawalIsPerFieldOrPerFunction()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        house.Desk.Grant("photo", "image.location", "10km", "subject", "cli");
        var one = house.Desk.Withdraw("photo", "image.location", "subject", "cli");
        Assert.Equal([new ConsentPair("photo", "image.location")], one.Erase);
        Assert.True(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
        Assert.Equal(DenyReason.Withdrawn, house.Gate.Decide(Stage.Admit, "photo", "image.location").Reason);

        var all = house.Desk.Withdraw("photo", null, "subject", "cli");
        Assert.Single(all.Events);
        Assert.Equal(4, all.Erase.Count);
        Assert.Equal(DenyReason.Withdrawn, house.Gate.Decide(Stage.Admit, "photo", "image.photo").Reason);
        Assert.Equal(DenyReason.NotGranted, house.Gate.Decide(Stage.Admit, "photo", "image.capture-time").Reason);
    }

    [Fact]
    [Promise("R12")]
    public void OneCommandWithdrawsEverythingEvenWhatAnOlderPolicyKnew()
    {
        var house = new House();
        house.Ledger.Grant("geofence", "location.fence");
        house.Desk.Grant("fleet-location", null, null, "subject", "cli");
        house.Desk.Grant("photo", null, null, "subject", "cli");
        var outcome = house.Desk.Withdraw("*", null, "subject", "cli");
        Assert.Equal(3, outcome.Events.Count);
        Assert.Contains(new ConsentPair("geofence", "location.fence"), outcome.Erase);
        Assert.DoesNotContain(outcome.Erase, static pair => pair.Function == "telemetry");
        Assert.All(house.Policy.Rules.Where(static rule => rule.Function.Tier == FunctionTier.Extended), rule =>
            Assert.False(house.Gate.Decide(Stage.Admit, rule.Function.Name, rule.Field.Name).IsPermitted));

        // Once more does no harm, appends nothing, and names what an interrupted erasure has left.
        var again = house.Desk.Withdraw("*", null, "subject", "cli");
        Assert.Empty(again.Events);
        Assert.Equal(outcome.Erase, again.Erase);
    }

    [Fact]
    public void ThePolicysPrecisionBoundsAGrant()
    {
        var coarse = new House(House.Read(TwoSensitive.Replace(
            "\"purpose\": \"find-and-service\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\"",
            "\"purpose\": \"find-and-service\", \"bases\": [\"consent\"],\n      \"precision\": \"10km\"",
            StringComparison.Ordinal)));
        var finer = coarse.Desk.Grant("fleet-location", null, "1km", "subject", "cli");
        Assert.Equal(ConsentRefusal.Scope, finer.Refusal);
        Assert.Contains("no finer than 10km", finer.Message);
        Assert.Equal("10km", coarse.Desk.Grant("fleet-location", null, null, "subject", "cli").Events[0].Scope);

        // A finer grant from a time when the policy allowed it does not lift today's bound.
        coarse.Ledger.Grant("fleet-location", "location.position", "exact");
        coarse.Gate.Refresh();
        Assert.Equal(Precision.Cell10km, coarse.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!.Precision);
    }

    [Fact]
    [Promise("R54", "R100")]
    public void ShowTellsWhereEverythingStands()
    {
        var house = new House();
        house.Desk.Grant("fleet-location", null, "10km", "guardian", "cli");
        house.Desk.Grant("photo", null, null, "subject", "cli");
        house.Desk.Withdraw("photo", null, "subject", "cli");
        var lines = house.Desk.Show().ToDictionary(static line => $"{line.Rule.Function.Name} {line.Rule.Field.Name}");
        Assert.Equal(house.Policy.Rules.Count, lines.Count);
        Assert.Equal(ConsentState.Basic, lines["telemetry instrument.measurement"].State);
        Assert.Equal((ConsentState.Granted, Precision.Cell10km), (lines["fleet-location location.position"].State, lines["fleet-location location.position"].Precision));
        Assert.Equal(("guardian", 1L), (lines["fleet-location location.position"].Last!.Role, lines["fleet-location location.position"].Last!.Id));
        Assert.Equal(ConsentState.Withdrawn, lines["photo image.photo"].State);
        Assert.Equal((ConsentState.NotGranted, null), (lines["photo image.location"].State, lines["photo image.location"].Last));
    }

    [Fact]
    public void ChangedIsRaisedOnceTheNewDecisionHolds()
    {
        var house = new House();
        var seen = new List<bool>();
        house.Gate.Changed += () => seen.Add(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
        house.Desk.Grant("photo", null, null, "subject", "cli");
        house.Desk.Grant("nothing", null, null, "subject", "cli");
        house.Desk.Withdraw("photo", null, "subject", "cli");
        Assert.Equal([true, false], seen);
    }

    [Fact]
    public void AConsentThatCannotBeStoredChangesNothingAndSaysSo()
    {
        var house = new House();
        house.Ledger.FailAfter = 0;
        Assert.Throws<StoreFault>(() => house.Desk.Grant("photo", null, null, "subject", "cli"));
        Assert.False(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
    }

    [Fact]
    [Promise("R10")]
    public void AWithdrawalThatIsStoredHalfHoldsForThatHalf()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        house.Desk.Grant("photo", "image.location", null, "subject", "cli");
        house.Ledger.FailAfter = 3;
        Assert.Throws<StoreFault>(() => house.Desk.Withdraw("photo", null, "subject", "cli"));
        Assert.Equal(DenyReason.Withdrawn, house.Gate.Decide(Stage.Admit, "photo", "image.photo").Reason);
    }
}
