using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Privacy.Tests;

/// <summary>What each kind of ledger event does to a decision, one by one.</summary>
public sealed class DecideTests
{
    private const string Fleet = "fleet-location";
    private const string Place = "location.position";
    private const long Hour = 3_600_000_000_000;

    private readonly House _house = new();

    private long Now => _house.Clock.Now().WallUnixNs;

    [Fact]
    [Promise("R7", "R10", "R11")]
    public void AGlobalRefusalStopsEverythingAndItsEndBringsBackTheBasicFunctionsAlone()
    {
        _house.GrantPlace("1km");
        Assert.True(Ask("telemetry", "instrument.measurement").IsPermitted);
        var refusal = Add(ConsentAction.Withdraw, "*", "*");
        foreach (var rule in _house.Policy.Rules)
        {
            Assert.Equal(DenyReason.Withdrawn, Ask(rule.Function.Name, rule.Field.Name).Reason);
            Assert.False(_house.Gate.MayCollect(rule.Field.Name));
        }

        var resumed = Add(ConsentAction.Grant, "*", "*");
        var telemetry = Ask("telemetry", "instrument.measurement");
        Assert.Equal(resumed.Id, telemetry.Permit!.ConsentId);
        Assert.Equal(DenyReason.Withdrawn, Ask(Fleet, Place).Reason);

        // What was stored before the refusal stays refused.
        Assert.Equal(DenyReason.Withdrawn, _house.Gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "vendor", 0).Reason);
        Assert.True(_house.Gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "vendor", resumed.Id).IsPermitted);
        Assert.True(refusal.Id < resumed.Id);
    }

    [Fact]
    [Promise("R9", "R10")]
    public void AWithdrawalOfAllFieldsOfAFunctionEndsThemAll()
    {
        Add(ConsentAction.Grant, "photo", "image.photo");
        Add(ConsentAction.Grant, "photo", "image.device-model");
        Add(ConsentAction.Withdraw, "photo", "*");
        Assert.Equal(DenyReason.Withdrawn, Ask("photo", "image.photo").Reason);
        Assert.Equal(DenyReason.Withdrawn, Ask("photo", "image.device-model").Reason);
        Assert.Equal(DenyReason.NotGranted, Ask("photo", "image.capture-time").Reason);
    }

    [Fact]
    [Promise("R92")]
    public void ARestrictionFreezesWhatIsPermittedAndItsEndThawsIt()
    {
        Add(ConsentAction.Grant, "photo", "image.photo");
        Add(ConsentAction.Restrict, "*", "*", expires: Now + (2 * Hour));
        Assert.Equal(DenyReason.Restricted, Ask("photo", "image.photo").Reason);
        Assert.Equal(DenyReason.Restricted, Ask("telemetry", "instrument.measurement").Reason);
        Assert.False(_house.Gate.MayCollect("image.photo"));

        // A second, shorter one does not end the first sooner; nor does a clock that nobody has set.
        Add(ConsentAction.Restrict, "photo", "image.photo", expires: Now + 1);
        _house.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(DenyReason.Restricted, Ask("photo", "image.photo").Reason);
        Assert.Equal(DenyReason.Restricted, Ask("photo", "image.photo", clock: ClockQuality.Unsynced, later: 9 * Hour).Reason);
        Assert.True(Ask("photo", "image.photo", later: 2 * Hour).IsPermitted);
        Add(ConsentAction.Unrestrict, "photo", "image.photo");
        Assert.True(Ask("photo", "image.photo").IsPermitted);
        Assert.Equal(DenyReason.Restricted, Ask("telemetry", "instrument.measurement").Reason);
    }

    [Theory]
    [Promise("R16")]
    [InlineData("vital-interest", LegalBasis.VitalInterest)]
    [InlineData("other-law", LegalBasis.LegalObligation)]
    [InlineData("curiosity", null)]
    public void AnExemptionOfTheClosedListPermitsWithoutConsentUntilItsEnd(string reason, LegalBasis? basis)
    {
        var used = Add(ConsentAction.Exempt, Fleet, Place, "10km", reason: reason, expires: Now + Hour);
        var decision = Ask(Fleet, Place);
        Assert.Equal(basis, decision.Permit?.Basis);
        if (basis is null)
        {
            Assert.Equal(DenyReason.NotGranted, decision.Reason);
            return;
        }

        Assert.Equal((Precision.Cell10km, used.Id), (decision.Permit!.Precision, decision.Permit.ConsentId));
        Assert.Equal(DenyReason.Lapsed, Ask(Fleet, Place, later: Hour).Reason);
        Assert.Equal(DenyReason.ClockUntrusted, Ask(Fleet, Place, clock: ClockQuality.Unsynced).Reason);
        Assert.Contains(_house.Audit.Entries, static entry => entry is { What: "permitted", Function: Fleet, Field: Place });
        Add(ConsentAction.Withdraw, Fleet, Place);
        Assert.Equal(DenyReason.Withdrawn, Ask(Fleet, Place).Reason);
    }

    [Fact]
    [Promise("R16", "R112")]
    public void AnExemptionWithoutAnEndExemptsNothingAndACrashReportIsNeverExempt()
    {
        Add(ConsentAction.Exempt, Fleet, Place, reason: "vital-interest");
        Add(ConsentAction.Exempt, "diagnostics", "diagnostics.crash", reason: "service-safety", expires: Now + Hour);
        Add(ConsentAction.Exempt, "photo", "*", reason: "vital-interest", expires: Now + Hour);
        Assert.Equal(DenyReason.NotGranted, Ask(Fleet, Place).Reason);
        Assert.Equal(DenyReason.NotGranted, Ask("diagnostics", "diagnostics.crash").Reason);
        Assert.Equal(DenyReason.NotGranted, Ask("photo", "image.photo").Reason);
        Assert.All(ClosedLists.Exemptions.Words, static word => Assert.NotNull(Exemptions.BasisOf(word)));
        Assert.Contains(_house.Policy.Rules, static rule => rule.Field.Name == "diagnostics.crash");
    }

    [Fact]
    [Promise("R42")]
    public void WhatNoPolicyMayDeclareIsDeniedEvenByAPolicyMadeByHand()
    {
        var function = new PolicyFunction("study", FunctionTier.Basic, "");
        var field = new PolicyField("biometrics.face", FieldClass.Instrument, "");
        var rule = new PolicyRule(function, field, true, "p", LegalBasis.Contract, Precision.Exact, TimeSpan.FromDays(1), ["vendor"]) { Regions = ["CN"] };
        var ledger = new MemoryLedger();
        ledger.Grant("study", "biometrics.face");
        var gate = new Gate(new Policy([field], [function], [rule], []), ledger, new Counters(), _house.Clock);
        Assert.Equal(DenyReason.NoRule, gate.Decide(Stage.Collect, "study", "biometrics.face").Reason);
        Assert.False(gate.MayCollect("biometrics.face"));
    }

    [Fact]
    [Promise("R45")]
    public void CoarseFineAndBackgroundPlacesAreThreeGrants()
    {
        var coarse = _house.Desk.Grant(Fleet, Place, null, "subject", "cli").Events[0];
        Assert.Equal(Precision.Cell1km, Ask(Fleet, Place).Permit!.Precision);
        Add(ConsentAction.Grant, Fleet, Place, "exact");
        Assert.Equal(Precision.Cell1km, Ask(Fleet, Place).Permit!.Precision);
        Add(ConsentAction.Grant, Fleet, "location.precise", "100m");
        Assert.Equal(Precision.Cell1km, Ask(Fleet, Place).Permit!.Precision);
        var fine = Add(ConsentAction.Grant, Fleet, "location.background");
        Assert.Equal((Precision.Cell100m, fine.Id), (Ask(Fleet, Place).Permit!.Precision, Ask(Fleet, Place).Permit!.ConsentId));

        // The leave ends: what was stored under it is refused, what was coarse all along is not.
        Add(ConsentAction.Withdraw, Fleet, "location.precise");
        Assert.Equal(Precision.Cell1km, Ask(Fleet, Place).Permit!.Precision);
        Assert.Equal(DenyReason.Withdrawn, _house.Gate.Decide(Stage.Send, Fleet, Place, "vendor", fine.Id).Reason);
        Assert.True(_house.Gate.Decide(Stage.Send, Fleet, Place, "vendor", Ask(Fleet, Place).Permit!.ConsentId).IsPermitted);

        // Given again it does not bring the fine places back; and with the consent it adds to, it ends.
        var again = Add(ConsentAction.Grant, Fleet, "location.precise", "exact");
        Assert.Equal((Precision.Exact, again.Id), (Ask(Fleet, Place).Permit!.Precision, Ask(Fleet, Place).Permit!.ConsentId));
        Assert.Equal(DenyReason.Withdrawn, _house.Gate.Decide(Stage.Send, Fleet, Place, "vendor", fine.Id).Reason);
        Add(ConsentAction.Withdraw, Fleet, Place);
        Add(ConsentAction.Grant, Fleet, Place);
        Assert.Equal(Precision.Cell1km, Ask(Fleet, Place).Permit!.Precision);
        Assert.True(coarse.Id < fine.Id);
    }

    [Fact]
    [Promise("R45")]
    public void TheDeskSaysHowAFinePlaceIsGranted()
    {
        var early = _house.Desk.Grant(Fleet, "location.precise", "100m", "subject", "cli");
        Assert.Contains("grant that first", early.Message);
        var finer = _house.Desk.Grant(Fleet, Place, "100m", "subject", "cli");
        Assert.Contains("location.precise", finer.Message);
        Assert.Empty(_house.Ledger.All());
        _house.GrantPlace("100m");
        Assert.Equal(Precision.Cell100m, Ask(Fleet, Place).Permit!.Precision);
    }

    [Fact]
    [Promise("R45")]
    public void ReducingAPlaceTwiceChangesNothing()
    {
        var random = new Random(45);
        foreach (var scope in new[] { "100m", "1km", "10km" })
        {
            var (first, second) = (new House(), new House());
            first.GrantPlace(scope);
            second.GrantPlace(scope);
            for (var n = 0; n < 200; n++)
            {
                // A house of its own each time would forget the cell; here both remember it.
                var once = new Sink();
                first.Gate.Admit(House.Positions(((random.NextDouble() * 178) - 89, (random.NextDouble() * 360) - 180)), once);
                var twice = new Sink();
                second.Gate.Admit(House.Positions((once.All[0].Values[0][0], once.All[0].Values[1][0])), twice);
                Assert.Equal(once.All[0].Values, twice.All[0].Values);
            }
        }
    }

    [Fact]
    [Promise("R79")]
    public void AConsentToAnotherControllerDoesNotCount()
    {
        Add(ConsentAction.Grant, "photo", "image.photo", controller: "somebody-else");
        Assert.Equal(DenyReason.ControllerChanged, Ask("photo", "image.photo").Reason);
        var own = Add(ConsentAction.Grant, "photo", "image.photo", controller: _house.Policy.ControllerId);
        Assert.True(Ask("photo", "image.photo").IsPermitted);
        Add(ConsentAction.Grant, "photo", "image.photo", controller: "somebody-else");
        Assert.Equal(own.Id, Ask("photo", "image.photo").Permit!.ConsentId);
        Assert.Equal(_house.Policy.ControllerId, _house.Desk.Grant("photo", null, null, "subject", "cli").Events[0].ControllerId);
    }

    [Fact]
    [Promise("R83", "R84")]
    public void DataStaysInItsTerritoryUnlessCrossingTheBorderIsGrantedByItself()
    {
        var rule = _house.Policy.Rule("photo", "image.photo")!;
        var abroad = new House(With(rule with { Regions = ["CN", "DE"], Recipients = ["vendor", "lab"] }, "lab", "DE"));
        abroad.Ledger.Grant("photo", "image.photo");
        abroad.Gate.Refresh();
        Assert.True(Send("vendor", null).IsPermitted);
        Assert.True(Send("vendor", "CN").IsPermitted);

        // The configured endpoint is not where the policy says; a country that the rule does not list; a border without a consent.
        Assert.Equal(DenyReason.Region, Send("vendor", "DE").Reason);
        Assert.Equal(DenyReason.Region, Send(null, "US").Reason);
        Assert.Equal(DenyReason.Region, Send("lab", null).Reason);
        abroad.Ledger.Grant("photo", CrossBorder.Name("image.photo", "DE"));
        abroad.Ledger.Grant("photo", CrossBorder.Name("image.photo", "US"));
        abroad.Gate.Refresh();
        Assert.True(Send("lab", null).IsPermitted);
        Assert.True(Send("lab", "DE").IsPermitted);
        Assert.Equal(DenyReason.Region, Send(null, "US").Reason);

        // It ends with the consent that it adds to.
        abroad.Ledger.Withdraw("photo", "image.photo");
        abroad.Ledger.Grant("photo", "image.photo");
        abroad.Gate.Refresh();
        Assert.Equal(DenyReason.Region, Send("lab", null).Reason);

        Decision Send(string? recipient, string? region) => abroad.Gate.Decide(
            new Question(Stage.Send, "photo", "image.photo", abroad.Clock.Now().WallUnixNs, ClockQuality.Ntp) { Recipient = recipient, Region = region });
    }

    [Fact]
    [Promise("R71", "R72", "R31")]
    public void ARecipientGetsWhatItIsDeclaredForAndAnAnonymousOneNothingElse()
    {
        var rule = _house.Policy.Rule("telemetry", "instrument.measurement")!;
        var gate = new House(With(rule with { Recipients = ["vendor", "lab"] }, "lab", "CN", RecipientTransform.Anonymise)).Gate;
        Assert.True(gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "vendor").IsPermitted);
        Assert.Equal(DenyReason.AnonymousOnly, gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "lab").Reason);
        Assert.Equal(DenyReason.NotARecipient, gate.Decide(Stage.Send, "telemetry", "instrument.gnss", "lab").Reason);
    }

    [Fact]
    [Promise("R86")]
    public void AHoldKeepsDataThatMayNotBeSentUntilItIsReleased()
    {
        Add(ConsentAction.Grant, "photo", "image.photo");
        Add(ConsentAction.Hold, "photo", "*", reference: "case-7", expires: Now + (2 * Hour));
        Add(ConsentAction.Withdraw, "photo", "image.photo");
        Assert.Equal(DenyReason.Withdrawn, Ask("photo", "image.photo").Reason);
        Assert.False(_house.Gate.MayErase("photo", "image.photo", Now));
        Assert.True(_house.Gate.MayErase(Fleet, Place, Now));
        Assert.True(_house.Gate.MayErase("photo", "image.photo", Now + (2 * Hour)));
        Add(ConsentAction.Release, "", "", reference: "case-8");
        Assert.True(_house.Gate.IsHeld("photo", "image.photo", Now));
        Add(ConsentAction.Release, "", "", reference: "case-7");
        Assert.True(_house.Gate.MayErase("photo", "image.photo", Now));
    }

    [Fact]
    [Promise("R102")]
    public void ForAPersonUnder14OnlyAGuardianGrants()
    {
        var own = Add(ConsentAction.Grant, "photo", "image.photo");
        Assert.Equal(DenyReason.NeedsGuardian, Ask("photo", "image.photo", subject: Subject.Minor).Reason);
        Add(ConsentAction.Minor, "", "");
        Assert.Equal(DenyReason.NeedsGuardian, Ask("photo", "image.photo").Reason);
        Assert.True(Ask("telemetry", "instrument.measurement").IsPermitted);
        var guardian = Add(ConsentAction.Grant, "photo", "image.photo", role: "guardian");
        Assert.Equal(guardian.Id, Ask("photo", "image.photo").Permit!.ConsentId);
        Assert.Equal(DenyReason.Withdrawn, _house.Gate.Decide(Stage.Send, "photo", "image.photo", "vendor", own.Id).Reason);
        Add(ConsentAction.Withdraw, "photo", "image.photo", role: "subject");
        Assert.Equal(DenyReason.Withdrawn, Ask("photo", "image.photo").Reason);
    }

    [Fact]
    [Promise("R104", "R106", "R107")]
    public void AWideningSuspendsOnlyTheFunctionsConcernedUntilTheyAreAgreedToAgain()
    {
        Add(ConsentAction.Grant, "photo", "image.photo", hash: "old");
        _house.GrantPlace("1km");
        Add(ConsentAction.Adopt, "", "", reference: "photo, telemetry", hash: _house.Policy.Hash);
        Assert.Equal(DenyReason.Suspended, Ask("photo", "image.photo").Reason);
        Assert.Equal(DenyReason.Suspended, Ask("telemetry", "instrument.measurement").Reason);
        Assert.True(Ask(Fleet, Place).IsPermitted);
        Assert.True(Ask("identity", "identity.pseudonym").IsPermitted);

        // Under the notice of the old policy it is not agreed to; under the new one it is, field by field.
        Add(ConsentAction.Grant, "photo", "image.photo", hash: "old");
        Assert.Equal(DenyReason.Suspended, Ask("photo", "image.photo").Reason);
        var again = Add(ConsentAction.Grant, "photo", "image.photo", hash: _house.Policy.Hash);
        Assert.Equal(again.Id, Ask("photo", "image.photo").Permit!.ConsentId);
        var agreed = Add(ConsentAction.Grant, "telemetry", "instrument.measurement", hash: _house.Policy.Hash);
        Assert.Equal(agreed.Id, Ask("telemetry", "instrument.measurement").Permit!.ConsentId);
        Assert.True(_house.Gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "vendor", 0).IsPermitted);
        Assert.Equal(DenyReason.Suspended, Ask("telemetry", "instrument.gnss").Reason);
    }

    [Fact]
    [Promise("R104", "R105")]
    public void AStagedPolicyIsNotUsedBeforeItsDayNorByAClockThatIsNotTrusted()
    {
        var next = new Policy(_house.Policy.Fields, _house.Policy.Functions, _house.Policy.Rules, _house.Policy.Recipients)
        {
            Hash = "next", ControllerId = _house.Policy.ControllerId, EffectiveFrom = _house.Policy.EffectiveFrom.AddDays(10),
        };
        var day = 10 * 24 * Hour;
        Assert.False(PolicyInForce.MayTakeEffect(next, _house.Clock.Now()));
        Assert.False(PolicyInForce.MayTakeEffect(next, new Stamp(default, 0, Now + day, ClockQuality.Unsynced)));
        Assert.True(PolicyInForce.MayTakeEffect(next, new Stamp(default, 0, Now + day, ClockQuality.Rtc)));

        // Even in the gate's hands it permits nothing while another one is adopted, nor before its day.
        Add(ConsentAction.Adopt, "", "", hash: _house.Policy.Hash);
        _house.Gate.Use(next);
        Assert.Equal(DenyReason.NotYetInForce, Ask("telemetry", "instrument.measurement", later: day).Reason);
        Add(ConsentAction.Adopt, "", "", hash: "next");
        Assert.Equal(DenyReason.NotYetInForce, Ask("telemetry", "instrument.measurement").Reason);
        Assert.Equal(DenyReason.NotYetInForce, Ask("telemetry", "instrument.measurement", ClockQuality.Unsynced, day).Reason);
        Assert.True(Ask("telemetry", "instrument.measurement", later: day).IsPermitted);

        // Once it took effect, a lost clock does not take it back.
        _house.Clock.Advance(TimeSpan.FromDays(11));
        Add(ConsentAction.Adopt, "", "", hash: "next");
        Assert.True(Ask("telemetry", "instrument.measurement", ClockQuality.Unsynced, -(300 * day)).IsPermitted);
        Assert.Equal("next", Ask("telemetry", "instrument.measurement").Permit!.PolicyHash);
    }

    [Fact]
    [Promise("R105")]
    public void AFirstPolicyServesABoardThatDoesNotKnowTheTime()
    {
        Assert.True(Ask("telemetry", "instrument.measurement", ClockQuality.Unsynced, -Now).IsPermitted);
        Assert.Equal(DenyReason.NotYetInForce, Ask("telemetry", "instrument.measurement", ClockQuality.Ntp, -Hour).Reason);
    }

    [Fact]
    [Promise("R85")]
    public void DataWhoseTermIsOverIsNotSentAndByAnUntrustedClockNotErasedEither()
    {
        var question = new Question(Stage.Send, "telemetry", "instrument.measurement", Now, ClockQuality.Ntp)
        {
            Recipient = "vendor", CapturedWallUnixNs = Now - _house.Policy.Rule("telemetry", "instrument.measurement")!.Term.ToNs(),
        };
        Assert.Equal(DenyReason.Expired, _house.Gate.Decide(question).Reason);
        Assert.Equal(DenyReason.ClockUntrusted, _house.Gate.Decide(question with { Clock = ClockQuality.Unsynced }).Reason);
        Assert.True(_house.Gate.Decide(question with { CapturedWallUnixNs = question.CapturedWallUnixNs + 1 }).IsPermitted);
    }

    private static Policy With(PolicyRule changed, string recipient, string region, RecipientTransform transform = RecipientTransform.Pseudonymise)
    {
        var shipped = Policy.Shipped();
        var other = new PolicyRecipient(recipient, "s", recipient, "a", "m", "p", "https://x.example", region, [changed.Field.Name]) { Transform = transform };
        return new Policy(
            shipped.Fields, shipped.Functions,
            [.. shipped.Rules.Select(rule => rule.Function == changed.Function && rule.Field == changed.Field ? changed : rule)],
            [.. shipped.Recipients, other])
        {
            Hash = shipped.Hash, ControllerId = shipped.ControllerId, EffectiveFrom = shipped.EffectiveFrom,
        };
    }

    private Decision Ask(
        string function, string field, ClockQuality clock = ClockQuality.Ntp, long later = 0, Subject subject = Subject.OnRecord) =>
        _house.Gate.Decide(new Question(Stage.Collect, function, field, Now + later, clock) { Subject = subject });

    private ConsentEvent Add(
        ConsentAction action, string function, string field, string scope = "", string role = "subject", string? controller = null,
        string reason = "", string reference = "", string? hash = null, long expires = 0)
    {
        var stored = _house.Ledger.Append(MemoryLedger.Event(action, function, field, scope, role) with
        {
            ControllerId = controller ?? "", Reason = reason, Reference = reference, PolicyHash = hash ?? _house.Policy.Hash,
            ExpiresWallUnixNs = expires, At = _house.Clock.Now(),
        });
        _house.Gate.Refresh();
        return stored;
    }
}
