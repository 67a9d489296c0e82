using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>Who may decide, what is recorded of it, and what refusing everything means.</summary>
public sealed class ConsentRolesTests
{
    [Fact]
    [Promise("R4", "R14", "R79")]
    public void A_grant_records_role_method_language_notice_controller_and_what_was_declared()
    {
        var house = new House();
        var by = new ConsentBy(ConsentBy.Operator, "page") { Language = "zh", Attestation = "signed form 2026-17" };
        Assert.True(house.Desk.Grant("fleet-location", null, "1km", by).Done);
        var stored = Assert.Single(house.Ledger.All());
        Assert.Equal(("operator", "page", "zh", "signed form 2026-17"), (stored.Role, stored.Method, stored.Language, stored.Reference));
        Assert.Equal(ConsentNotice.Of(house.Policy, "fleet-location", "zh").Hash, stored.NoticeHash);
        Assert.Equal(house.Policy.ControllerId, stored.ControllerId);
        Assert.NotEqual("", stored.ControllerId);
    }

    [Fact]
    [Promise("R14")]
    public void Nothing_is_declared_in_an_operators_name()
    {
        var house = new House();
        Assert.True(house.Desk.Grant("fleet-location", null, null, new ConsentBy(ConsentBy.Operator, "cli")).Done);
        Assert.Equal(("operator", ""), (house.Ledger.All()[0].Role, house.Ledger.All()[0].Reference));
    }

    [Theory]
    [InlineData("boss", "cli", "en", "", "subject, operator, guardian")]
    [InlineData("subject", "telepathy", "en", "", "cli, page, switch, signed-command")]
    [InlineData("subject", "cli", "fr", "", "en, zh")]
    [InlineData("subject", "cli", "en", "two\nlines", "one line")]
    public void Who_and_how_are_closed_lists(string role, string method, string language, string attestation, string message)
    {
        var house = new House();
        var outcome = house.Desk.Grant("photo", null, null, new ConsentBy(role, method) { Language = language, Attestation = attestation });
        Assert.Equal(ConsentRefusal.Who, outcome.Refusal);
        Assert.Contains(message, outcome.Message);
        Assert.Empty(house.Ledger.All());
    }

    [Fact]
    [Promise("R102", "R103")]
    public void Once_a_person_is_marked_as_a_child_only_a_guardian_can_grant_and_what_others_granted_ends()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "operator", "cli");
        house.Desk.Grant("fleet-location", null, null, "guardian", "cli");
        var marked = house.Desk.MarkMinor(DeskCalls.By("operator"));
        Assert.Equal([new ConsentPair("photo", "image.photo")], marked.Erase);
        Assert.False(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
        Assert.True(house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").IsPermitted);

        Assert.Equal(ConsentRefusal.GuardianNeeded, house.Desk.Grant("photo", null, null, "operator", "cli").Refusal);
        Assert.Equal(ConsentRefusal.GuardianNeeded, house.Desk.Grant("photo", null, null, "subject", "cli").Refusal);
        Assert.Equal(ConsentRefusal.Attestation, house.Desk.Grant("photo", null, null, new ConsentBy("guardian", "cli")).Refusal);
        Assert.True(house.Desk.Grant("photo", null, null, "guardian", "cli").Done);
        Assert.True(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);

        // Taking back needs no guardian.
        Assert.True(house.Desk.Withdraw("photo", null, "subject", "cli").Done);
        Assert.Empty(house.Desk.MarkMinor(DeskCalls.By("operator")).Events);
    }

    [Fact]
    [Promise("R7")]
    public void Refusing_everything_permits_nothing_at_all_until_it_is_resumed()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        var refused = house.Desk.Refuse(DeskCalls.By("subject"));
        Assert.Equal(house.Policy.Rules.Count, refused.Erase.Count);
        Assert.All(house.Policy.Rules, rule => Assert.False(house.Gate.Decide(Stage.Admit, rule.Function.Name, rule.Field.Name).IsPermitted));
        Assert.All(house.Desk.Show(), static line => Assert.Equal(ConsentState.Refused, line.State));
        Assert.Equal(ConsentRefusal.Idle, house.Desk.Grant("photo", null, null, "subject", "cli").Refusal);
        Assert.Empty(house.Desk.Refuse(DeskCalls.By("subject")).Events);

        Assert.True(house.Desk.Resume(DeskCalls.By("subject")).Done);
        Assert.True(house.Gate.Decide(Stage.Admit, "telemetry", "instrument.measurement").IsPermitted);
        Assert.False(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
        Assert.Empty(house.Desk.Resume(DeskCalls.By("subject")).Events);
    }

    [Fact]
    [Promise("R45")]
    public void Coarse_precise_and_unasked_places_are_granted_apart()
    {
        var house = new House();
        house.Desk.Grant("fleet-location", null, "exact", "subject", "cli");
        Assert.Equal(Precision.Cell1km, house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!.Precision);
        house.Desk.Grant("fleet-location", "location.precise", "exact", "subject", "cli");
        Assert.Equal(Precision.Cell1km, house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!.Precision);
        house.Desk.Grant("fleet-location", "location.background", null, "subject", "cli");
        Assert.Equal(Precision.Exact, house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!.Precision);
        house.Desk.Withdraw("fleet-location", "location.precise", "subject", "cli");
        Assert.Equal(Precision.Cell1km, house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!.Precision);
    }

    [Fact]
    [Promise("R63")]
    public void What_a_photograph_says_of_itself_takes_three_grants()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        string[] fields = ["image.capture-time", "image.device-model", "image.location"];
        for (var granted = 0; granted <= fields.Length; granted++)
        {
            Assert.Equal(granted, fields.Count(field => house.Gate.Decide(Stage.Admit, "photo", field).IsPermitted));
            if (granted < fields.Length)
            {
                Assert.True(house.Desk.Grant("photo", fields[granted], null, "subject", "cli").Done);
            }
        }
    }

    [Fact]
    [Promise("R5")]
    public void Statistics_are_granted_as_a_purpose_of_their_own()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        house.Desk.Grant("fleet-location", null, null, "subject", "cli");
        Assert.All(house.Policy.RulesOf("analytics"), rule =>
            Assert.False(house.Gate.Decide(Stage.Admit, "analytics", rule.Field.Name).IsPermitted));
    }
}
