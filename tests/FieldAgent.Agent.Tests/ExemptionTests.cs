using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Tests;

/// <summary>The two closed lists of grounds as an operator uses them: processing without consent (R16), and handing data to somebody else (R81).</summary>
public sealed class ExemptionTests : IDisposable
{
    private const string Fleet = "fleet-location";
    private const string Place = "location.position";

    private readonly PartsBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    [Promise("R16")]
    public void A_listed_ground_permits_until_its_end_is_shown_and_audited_with_actor_reason_and_expiry()
    {
        Assert.False(IsPermitted());
        var reply = _bench.Ok("consent-exempt", [.. Exemption("vital-interest", In(hours: 2)), ("precision", "10km")]);
        Assert.Contains("without consent until", reply.Message, StringComparison.Ordinal);
        Assert.True(IsPermitted());
        Assert.Equal(LegalBasis.VitalInterest, _bench.Gate.Decide(Stage.Admit, Fleet, Place).Permit!.Basis);
        Assert.Contains(_bench.Ok("consent-show").Lines!, static line => line.Contains("EXEMPT (vital-interest) until", StringComparison.Ordinal));

        var entry = Assert.Single(_bench.Entries, static e => e is { Kind: AuditKind.Exemption, What: "used" });
        Assert.Equal((Fleet, Place, "operator"), (entry.Function, entry.Field, entry.Actor));
        Assert.Contains($"10km vital-interest until {In(hours: 2)[..15]}", entry.Detail, StringComparison.Ordinal);

        _bench.Clock.Advance(TimeSpan.FromHours(2));
        Assert.False(IsPermitted());
        Assert.DoesNotContain(_bench.Ok("consent-show").Lines!, static line => line.Contains("EXEMPT", StringComparison.Ordinal));
    }

    [Fact]
    [Promise("R16")]
    public void A_withdrawal_ends_it_sooner()
    {
        _bench.Ok("consent-exempt", Exemption("other-law", In(hours: 2)));
        Assert.Contains("withdrawn: fleet-location location.position", _bench.Ok("consent-withdraw", ("function", Fleet)).Message, StringComparison.Ordinal);
        Assert.False(IsPermitted());
    }

    [Theory]
    [Promise("R16")]
    [InlineData("curiosity", 2, Place, "the list is closed")]
    [InlineData("vital-interest", -1, Place, "an exemption ends")]
    [InlineData("vital-interest", 24 * 32, Place, "at most 31 days")]
    [InlineData("service-safety", 2, "diagnostics.crash", "needs a consent in any case")]
    [InlineData("vital-interest", 2, "*", "names its field")]
    [InlineData("vital-interest", 2, "image.photo", "does not use")]
    public void Anything_less_is_refused_and_exempts_nothing(string ground, int hours, string field, string why)
    {
        Assert.Contains(why, _bench.Do("consent-exempt", Exemption(ground, In(hours), field)).Message, StringComparison.Ordinal);
        Assert.Contains("is no time", _bench.Do("consent-exempt", Exemption("vital-interest", "soon")).Message, StringComparison.Ordinal);
        Assert.False(IsPermitted());
        Assert.DoesNotContain(_bench.Entries, static e => e.Kind == AuditKind.Exemption);
    }

    [Fact]
    [Promise("R81")]
    public void An_export_for_somebody_else_names_a_listed_ground_and_is_logged_before_any_of_it_leaves()
    {
        Assert.Contains("the list is closed", _bench.Do("privacy-export", ("ground", "curiosity"), ("case", "claim-17")).Message, StringComparison.Ordinal);
        Assert.Contains("no name for a case", _bench.Do("privacy-export", ("ground", "law-or-authority"), ("case", "Mr. X")).Message, StringComparison.Ordinal);
        Assert.Contains("the list is closed", _bench.Do("privacy-export", ("case", "claim-17")).Message, StringComparison.Ordinal);
        Assert.Contains("no export was begun", _bench.Do("privacy-export-fetch").Message, StringComparison.Ordinal);

        _bench.Ok("privacy-export", ("ground", "law-or-authority"), ("case", "claim-17"));
        var entry = Assert.Single(_bench.Entries, static e => e.What == "disclosed");
        Assert.Equal((AuditKind.Exemption, "law-or-authority claim-17", "operator"), (entry.Kind, entry.Detail, entry.Actor));
        Fetch();

        _bench.Ok("privacy-export");
        Fetch();
        Assert.Single(_bench.Entries, static e => e.What == "disclosed");
    }

    [Fact]
    public void An_export_that_nobody_fetches_ends_with_the_agent_before_its_store_is_closed()
    {
        using var reading = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        ISpoolView Held()
        {
            reading.Set();
            go.Wait();
            return _bench.Store.OpenView();
        }

        var export = new PrivacyExport(
            _bench.Gate, Held, _bench.Store.Consents, _bench.Store.Deliveries, _bench.Store.Outbox, _bench.Store.Requests, _bench.Store.Audit,
            _bench.Parts.Audiences, _bench.Clock);
        Assert.True(export.Begin().Ok);
        Eventually.True(() => reading.IsSet, "the export reads");
        var end = new Thread(export.Dispose) { IsBackground = true };
        end.Start();
        Eventually.True(() => !export.Begin().Ok, "the end has begun");
        go.Set();
        Eventually.True(() => !end.IsAlive, "the end");

        // The writer has ended before: what it says of it is there.
        Assert.Contains("nobody fetches the export", export.Fetch().Message, StringComparison.Ordinal);
    }

    private bool IsPermitted() => _bench.Gate.Decide(Stage.Admit, Fleet, Place).IsPermitted;

    private string In(int hours) => ClockExtensions.ToDate(_bench.Clock.Now().WallUnixNs).AddHours(hours).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static (string Name, string? Value)[] Exemption(string ground, string until, string field = Place) =>
        [("function", field.StartsWith("diagnostics", StringComparison.Ordinal) ? "diagnostics" : Fleet), ("field", field), ("ground", ground), ("until", until)];

    private void Fetch() => Eventually.True(() => _bench.Ok("privacy-export-fetch").Json is [""], "the export has ended");
}
