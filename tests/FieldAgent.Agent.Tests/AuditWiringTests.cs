using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Tests;

/// <summary>Whatever is done with data about people leaves exactly one audit entry: no command forgets it, none tells it twice, and neither does a
/// power cut.</summary>
public sealed class AuditWiringTests
{
    [Fact]
    [Promise("R14", "R81", "R86")]
    public void Every_consent_event_erasure_hold_rotation_request_and_policy_has_exactly_one_entry()
    {
        using var bench = new PartsBench();
        Assert.Equal(["Policy adopted"], Told(bench, 0));
        Expect(bench, "consent-grant", ["Consent granted fleet-location location.position"], ("function", "fleet-location"), ("role", "subject"));
        bench.Fill("fleet-location", "location.position");
        Expect(bench, "consent-grant", ["Consent granted photo image.photo"], ("function", "photo"), ("role", "subject"));
        Expect(bench, "privacy-restrict", ["Consent restricted photo *"], ("function", "photo"));
        Expect(bench, "privacy-unrestrict", ["Consent unrestricted photo *"], ("function", "photo"));
        Expect(bench, "hold-add", ["Hold held photo *"], ("name", "claim-1"), ("function", "photo"), ("reason", "legal-claim"), ("until", "2026-06-01"));
        Expect(bench, "hold-release", ["Hold released photo *"], ("name", "claim-1"));
        Expect(
            bench, "consent-withdraw", ["Consent withdrawn fleet-location location.position", "Erasure erased fleet-location location.position"],
            ("function", "fleet-location"), ("role", "subject"));
        Expect(bench, "consent-minor", ["Consent minor", "Consent withdrawn photo image.photo", "Erasure erased photo image.photo"], ("role", "operator"));
        Expect(bench, "identity-rotate", ["Identity rotated"], ("erase", "true"), alsoErasures: true);
        Expect(bench, "privacy-delete", ["Erasure erased", "Request deleted"], ("category", "sensitive"), ("reason", "withdrawn"));
        Expect(bench, "privacy-request-new", ["Request received"], ("kind", "access"));
        Expect(bench, "privacy-request-verify", ["Request verified"], ("number", "1"));
        Expect(bench, "privacy-request-complete", ["Request done"], ("number", "1"));
        Expect(bench, "consent-refuse", ["Consent refused * *"], ("role", "subject"), alsoErasures: true);
        Expect(bench, "consent-resume", ["Consent resumed * *"], ("role", "guardian"), ("attest", "I am the mother"));
        Expect(
            bench, "policy-stage", ["Policy adopted", "Policy staged"], ("document", PolicyParcel.Pack(System.Text.Encoding.UTF8.GetBytes(PartsBench.Longer()))));
        Assert.False(bench.Do("policy-stage", ("document", PolicyParcel.Pack("{}"u8))).Ok);
        Assert.Equal("refused", bench.Entries[^1].What);

        // every event, every verified erasure: one entry, however often the board starts
        for (var start = 0; start < 2; start++)
        {
            bench.Reopen();
            foreach (var e in bench.Store.Consents.All())
            {
                Assert.Single(bench.Entries, entry => entry.Detail.StartsWith($"event {e.Id}", StringComparison.Ordinal)
                    && (entry.Detail.Length == $"event {e.Id}".Length || entry.Detail[$"event {e.Id}".Length] == ' '));
            }

            foreach (var report in bench.Store.Eraser.Reports())
            {
                Assert.Single(bench.Entries, entry => entry.Detail.StartsWith($"erasure {report.Id} ", StringComparison.Ordinal));
            }
        }

        Assert.True(bench.Store.Audit.Verify().IsWhole);
    }

    [Fact]
    [Promise("R10")]
    public void A_permit_that_ends_has_one_entry_of_the_decision_beside_the_one_of_the_act()
    {
        using var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", "fleet-location"), ("role", "subject"));
        var before = bench.Entries.Count;
        bench.Ok("consent-withdraw", ("function", "fleet-location"), ("role", "subject"));
        var refused = bench.Entries.Skip(before).Where(static entry => entry.Kind == AuditKind.Decision).ToList();
        Assert.Equal(refused.Count, refused.DistinctBy(static entry => (entry.Function, entry.Field)).Count());
        Assert.Single(refused, static entry => (entry.What, entry.Function, entry.Field) == ("refused", "fleet-location", "location.position"));
    }

    [Fact]
    public void What_a_power_cut_kept_from_being_told_is_told_at_the_next_start_once()
    {
        using var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", "fleet-location"), ("role", "subject"));

        // past the audit, as if the power had been cut between the two
        bench.Store.Consents.Append(new ConsentEvent(
            0, ConsentAction.Withdraw, "fleet-location", "location.position", "", "subject", "cli", "2.0.0", "", bench.Clock.Now()));
        bench.Store.Eraser.Erase([new ErasureScope("fleet-location", "location.position")], GapReason.ConsentWithdrawn, "withdrawn");
        var untold = bench.Store.Consents.All()[^1].Id;
        Assert.DoesNotContain(bench.Entries, entry => entry.Detail == $"event {untold}");
        bench.Reopen();
        Assert.Single(bench.Entries, entry => entry.Detail == $"event {untold}");
        bench.Reopen();
        Assert.Single(bench.Entries, entry => entry.Detail == $"event {untold}");
        Assert.Single(bench.Entries, static entry => entry.Detail.StartsWith("erasure 1 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Sequences_of_commands_at_random_leave_one_entry_for_each_event_and_each_erasure()
    {
        for (var seed = 0; seed < 4; seed++)
        {
            using var bench = new PartsBench();
            var random = new Random(seed);
            string[] functions = ["fleet-location", "photo", "geofence", "diagnostics", "activity"];
            for (var step = 0; step < 25; step++)
            {
                var function = functions[random.Next(functions.Length)];
                _ = random.Next(9) switch
                {
                    0 or 1 or 2 => bench.Do("consent-grant", ("function", function), ("role", "subject")),
                    3 or 4 => bench.Do("consent-withdraw", ("function", function), ("role", "subject")),
                    5 => bench.Do("privacy-restrict", ("function", function)),
                    6 => bench.Do("privacy-unrestrict", ("function", function)),
                    7 => bench.Do("hold-add", ("name", $"h{step}"), ("function", function), ("reason", "legal-claim"), ("until", "2026-06-01")),
                    _ => bench.Do("privacy-delete", ("category", function), ("reason", "withdrawn")),
                };
                if (random.Next(10) == 0)
                {
                    bench.Reopen();
                }
            }

            Assert.Equal(
                bench.Store.Consents.All().Select(static e => e.Id),
                bench.Entries.Where(static entry => entry.Detail.StartsWith("event ", StringComparison.Ordinal)).Select(static entry => long.Parse(
                    entry.Detail.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)));
            Assert.Equal(
                bench.Store.Eraser.Reports().Select(static report => report.Id).Order(),
                bench.Entries.Where(static entry => entry.Kind == AuditKind.Erasure).Select(static entry => long.Parse(
                    entry.Detail.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)).Order());
        }
    }

    private static void Expect(
        PartsBench bench, string op, string[] wanted, params (string Name, string? Value)[] arguments) => Expect(bench, op, wanted, false, arguments);

    private static void Expect(PartsBench bench, string op, string[] wanted, (string Name, string? Value) argument, bool alsoErasures) =>
        Expect(bench, op, wanted, alsoErasures, argument);

    private static void Expect(PartsBench bench, string op, string[] wanted, bool alsoErasures, params (string Name, string? Value)[] arguments)
    {
        var before = bench.Entries.Count;
        bench.Ok(op, arguments);
        var told = Told(bench, before);
        Assert.Equal(wanted.Order(), (alsoErasures ? told.Where(static one => !one.StartsWith("Erasure", StringComparison.Ordinal)) : told).Order());
    }

    // Decisions are the gate's to tell: a change of a permit has an entry of its own.
    private static IReadOnlyList<string> Told(PartsBench bench, int before) => [.. bench.Entries.Skip(before)
        .Where(static entry => entry.Kind != AuditKind.Decision)
        .Select(static entry => $"{entry.Kind} {entry.What} {entry.Function} {entry.Field}".TrimEnd())];
}
