using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FieldAgent.Agent.Commands;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Tests;

/// <summary>A policy waits for its day, suspends what it widens and nothing else, and comes from afar only when it is signed.</summary>
public sealed class PolicyAdoptionTests
{
    [Fact]
    [Promise("R104", "R105", "R106", "R107", "R108")]
    public void A_policy_that_keeps_places_longer_waits_for_its_day_and_then_suspends_places_until_they_are_granted_again()
    {
        using var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", "fleet-location"), ("precision", "1km"), ("role", "subject"));
        bench.Ok("consent-grant", ("function", "photo"), ("role", "subject"));
        var first = bench.Gate.Policy;
        var before = bench.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!;

        var later = PartsBench.Longer(from: "2026-02-01");
        Assert.Contains("it takes effect on 2026-02-01", bench.Ok("policy-stage", ("document", Parcel(later))).Message);
        bench.Parts.Policies.Watch();
        Assert.Equal(before, bench.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit);
        var staged = bench.Ok("policy-staged");
        Assert.Contains(staged.Lines!, static line => line.Contains("30d -> 60d", StringComparison.Ordinal));
        Assert.Contains(staged.Lines!, static line => line.Contains("suspended until consent is given again: fleet-location", StringComparison.Ordinal));

        // it still waits after a restart; its day comes, but the clock cannot be trusted
        bench.Reopen();
        Assert.Equal(first.Hash, bench.Gate.Policy.Hash);
        bench.Clock.SetWall(WallOf("2026-02-01T00:00:01Z"), ClockQuality.Unsynced);
        bench.Parts.Policies.Watch();
        Assert.Equal(first.Hash, bench.Gate.Policy.Hash);

        bench.Clock.SetWall(WallOf("2026-02-01T00:00:02Z"), ClockQuality.Ntp);
        bench.Parts.Policies.Watch();
        Assert.Equal("2.1.0", bench.Gate.Policy.Version);
        Assert.Null(bench.Parts.Policies.Staged);
        Assert.Equal(DenyReason.Suspended, bench.Gate.Decide(Stage.Collect, "fleet-location", "location.position").Reason);
        Assert.Equal(DenyReason.Suspended, bench.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor", before.ConsentId).Reason);
        Assert.True(bench.Gate.Decide(Stage.Send, "photo", "image.photo", "vendor").IsPermitted);
        Assert.Equal(["fleet-location"], bench.Parts.Policies.Suspended());
        var adoption = bench.Store.Consents.All()[^1];
        Assert.Equal((ConsentAction.Adopt, "fleet-location", bench.Gate.Policy.Hash), (adoption.Action, adoption.Reference, adoption.PolicyHash));
        Assert.Contains(bench.Ok("consent-show").Lines!, static line => line.Contains("SUSPENDED", StringComparison.Ordinal));
        Assert.Contains("fleet-location", bench.Ok("policy-changes").Lines![0]);

        bench.Reopen();
        Assert.Equal(DenyReason.Suspended, bench.Gate.Decide(Stage.Collect, "fleet-location", "location.position").Reason);
        bench.Ok("consent-grant", ("function", "fleet-location"), ("precision", "1km"), ("role", "subject"));
        var again = bench.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!;
        Assert.Equal((bench.Gate.Policy.Hash, TimeSpan.FromDays(60), Precision.Cell1km), (again.PolicyHash, again.Term, again.Precision));
        Assert.Empty(bench.Parts.Policies.Suspended());
        var receipt = JsonDocument.Parse(bench.Ok("consent-receipt").Json![0]).RootElement.GetRawText();
        Assert.Contains(bench.Gate.Policy.Hash, receipt);
    }

    [Fact]
    [Promise("R106")]
    public void A_configuration_with_another_policy_is_treated_as_one_that_is_handed_in_and_the_first_one_holds_at_once()
    {
        using var bench = new PartsBench(PartsBench.Shipped);
        Assert.Empty(bench.Store.Consents.All());
        bench.Ok("consent-grant", ("function", "fleet-location"), ("role", "subject"));
        bench.Configure(PartsBench.Longer());
        bench.Reopen();
        Assert.Equal("2.1.0", bench.Gate.Policy.Version);
        Assert.Equal(["fleet-location"], bench.Parts.Policies.Suspended());

        // back to the shorter one: it asks for nothing
        bench.Ok("consent-grant", ("function", "fleet-location"), ("role", "subject"));
        bench.Configure(PartsBench.Shipped);
        bench.Reopen();
        Assert.Equal("2.0.0", bench.Gate.Policy.Version);
        Assert.Empty(bench.Parts.Policies.Suspended());
        Assert.True(bench.Gate.Decide(Stage.Collect, "fleet-location", "location.position").IsPermitted);
        bench.Reopen();
        Assert.Equal(2, bench.Store.Consents.All().Count(static e => e.Action == ConsentAction.Adopt));
    }

    [Fact]
    public void A_policy_from_afar_is_never_taken_unsigned_and_is_not_undone_by_the_configuration_at_the_next_start()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bench = new PartsBench(PartsBench.Shipped);
        var newer = Encoding.UTF8.GetBytes(PartsBench.Longer());
        Assert.Equal("not-accepted", Send(bench, newer, Sign(newer, key)).Reason);
        File.WriteAllText(bench.File("key.pem"), key.ExportSubjectPublicKeyInfoPem());
        bench.Configure(PartsBench.Shipped, """, "policyKey": "key.pem" """);
        bench.Reopen();
        Assert.Equal("not-accepted", Send(bench, newer, Sign(newer, stranger)).Reason);
        Assert.Equal("not-accepted", Send(bench, [.. newer, (byte)' '], Sign(newer, key)).Reason);
        Assert.Equal("not-accepted", Send(bench, "{}"u8.ToArray(), Sign("{}"u8.ToArray(), key)).Reason);
        Assert.Equal("2.0.0", bench.Gate.Policy.Version);

        var taken = Send(bench, newer, Sign(newer, key));
        Assert.True(taken.Ok, taken.Message);
        Assert.Contains("\"state\":\"in-force\"", taken.DataJson);
        Assert.Equal("2.1.0", bench.Gate.Policy.Version);
        Assert.Equal("vendor", bench.Entries.Last(static entry => entry is { Kind: AuditKind.Policy, What: "staged" }).Actor);
        bench.Reopen();
        Assert.Equal("2.1.0", bench.Gate.Policy.Version);

        var older = Encoding.UTF8.GetBytes(PartsBench.Longer("1.9.0", "2025-01-01"));
        Assert.Equal("older", Send(bench, older, Sign(older, key)).Reason);
        Assert.Equal("2.1.0", bench.Gate.Policy.Version);
    }

    [Fact]
    public void A_power_cut_between_the_ledger_and_the_shelf_leaves_the_policy_adopted_once()
    {
        using var bench = new PartsBench();
        bench.Ok("policy-stage", ("document", Parcel(PartsBench.Longer(from: "2026-02-01"))));
        var staged = bench.Parts.Policies.Staged!;
        bench.Store.Consents.Append(new ConsentEvent(0, ConsentAction.Adopt, "", "", "", "agent", "policy", staged.Version, staged.Hash, bench.Clock.Now())
        {
            Reference = "fleet-location",
        });
        bench.Reopen();
        Assert.Equal(staged.Hash, bench.Gate.Policy.Hash);
        Assert.Null(bench.Parts.Policies.Staged);
        bench.Reopen();
        Assert.Single(bench.Store.Consents.All(), static e => e.Action == ConsentAction.Adopt);
    }

    [Fact]
    [Promise("R9", "R106")]
    public void A_basic_function_that_a_policy_widens_rests_until_it_is_agreed_to_which_can_be_taken_back()
    {
        using var bench = new PartsBench();
        var wider = PartsBench.Shipped.Replace("\"version\": \"2.0.0\"", "\"version\": \"2.2.0\"", StringComparison.Ordinal);
        var rule = wider.IndexOf("\"function\": \"telemetry\", \"field\": \"instrument.measurement\"", StringComparison.Ordinal);
        var term = wider.IndexOf("\"term\": \"", rule, StringComparison.Ordinal) + 9;
        wider = wider[..term] + "900d" + wider[wider.IndexOf('"', term)..];
        bench.Ok("policy-stage", ("document", Parcel(wider)));
        Assert.Equal(["telemetry"], bench.Parts.Policies.Suspended());
        Assert.Equal(DenyReason.Suspended, bench.Gate.Decide(Stage.Collect, "telemetry", "instrument.measurement").Reason);
        bench.Ok("consent-grant", ("function", "telemetry"), ("role", "subject"));
        Assert.True(bench.Gate.Decide(Stage.Collect, "telemetry", "instrument.measurement").IsPermitted);
        bench.Ok("consent-withdraw", ("function", "telemetry"), ("role", "subject"));
        Assert.False(bench.Gate.Decide(Stage.Collect, "telemetry", "instrument.measurement").IsPermitted);
        Assert.False(bench.Do("consent-grant", ("function", "identity"), ("role", "subject")).Ok);
    }

    [Fact]
    public void A_parcel_is_bounded_in_both_directions()
    {
        Assert.True(PolicyParcel.TryUnpack(PolicyParcel.Pack(Encoding.UTF8.GetBytes(PartsBench.Shipped)), out var document));
        Assert.Equal(PartsBench.Shipped, Encoding.UTF8.GetString(document));
        Assert.InRange(PolicyParcel.Pack(Encoding.UTF8.GetBytes(PartsBench.Shipped)).Length, 1, PolicyParcel.LengthMax / 4);
        Assert.False(PolicyParcel.TryUnpack("", out _));
        Assert.False(PolicyParcel.TryUnpack("nonsense!", out _));
        Assert.False(PolicyParcel.TryUnpack(Convert.ToBase64String("no brotli at all"u8), out _));
        Assert.False(PolicyParcel.TryUnpack(PolicyParcel.Pack(new byte[(1 << 20) + 1]), out _));
    }

    private static CommandOutcome Send(PartsBench bench, byte[] document, string signature) => new PolicyHandler(bench.Parts.Policies, bench.Parts.Config)
        .Handle(new CommandRequest("1", "policy", "vendor", long.MaxValue, new Dictionary<string, string>
        {
            ["document"] = PolicyParcel.Pack(document),
            ["signature"] = signature,
        }));

    private static string Sign(byte[] document, ECDsa key) => Encoding.UTF8.GetString(PolicySignature.Sign(document, key)).Trim();

    private static string Parcel(string document) => PolicyParcel.Pack(Encoding.UTF8.GetBytes(document));

    private static long WallOf(string time) =>
        (DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture) - DateTimeOffset.UnixEpoch).Ticks * 100;
}
