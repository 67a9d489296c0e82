using System.Globalization;
using System.Text;
using FieldAgent.Core;
using Microsoft.Data.Sqlite;

namespace FieldAgent.Store.Tests;

public class AuditLedgerTests
{
    private const string NoTriggers = "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; ";

    [Fact]
    public void Entries_are_numbered_chained_read_back_and_only_ever_added()
    {
        using var bench = new Bench();
        Assert.Equal(new AuditHead(1, 0, new string('0', 64)), bench.Store.Audit.Head);
        for (var i = 1; i <= 5; i++)
        {
            Assert.Equal(i, bench.Store.Audit.Append(Entry(i)));
        }

        bench.Reopen();
        var records = bench.Store.Audit.Read(2, 3);
        Assert.Equal([2, 3, 4], records.Select(static r => r.Number));
        Assert.Equal(Entry(3), records[1].Entry);
        Assert.Equal(records[2].Hash, bench.Store.Audit.HashAt(4));
        Assert.Equal(new AuditCheck("", 1, 5, 0), bench.Store.Audit.Verify());
        using var database = Raw.Open(bench.Options.Directory);
        foreach (var sql in new[] { "UPDATE audit SET wall_ns = 0", "DELETE FROM audit", "UPDATE audit SET salt = x'00', entry = x'00' WHERE number = 1" })
        {
            Assert.Contains("append-only", Assert.Throws<SqliteException>(() => Raw.Execute(database, sql)).Message);
        }
    }

    [Theory]
    [InlineData("UPDATE audit SET entry = (SELECT entry FROM audit WHERE number = 4) WHERE number = 3", "entry 3 was changed")]
    [InlineData("UPDATE audit SET wall_ns = wall_ns + 1 WHERE number = 3", "entry 3 was changed")]
    [InlineData("UPDATE audit SET commitment = zeroblob(32) WHERE number = 3", "entry 3 was changed")]
    [InlineData("DELETE FROM audit WHERE number = 3", "entry 3 is missing")]
    [InlineData("UPDATE audit SET number = 99 WHERE number = 3; UPDATE audit SET number = 3 WHERE number = 4; UPDATE audit SET number = 4 WHERE number = 99", "entry 3 was changed, or is another's")]
    [InlineData("DELETE FROM audit WHERE number > 3", "cut off")]
    [InlineData("DELETE FROM audit WHERE number < 3", "entry 1 is missing")]
    [InlineData("DELETE FROM audit", "cut off")]
    [InlineData("DELETE FROM audit WHERE number > 3; UPDATE audit_head SET last = 3, hash = (SELECT hash FROM audit WHERE number = 3)", "where the log ends was changed")]
    [InlineData("UPDATE audit_head SET first = 3, base = (SELECT hash FROM audit WHERE number = 2); DELETE FROM audit WHERE number < 3", "where the log ends was changed")]
    [InlineData("DELETE FROM audit_head", "where the log ends is missing")]
    [InlineData("INSERT INTO audit SELECT 6, boot_id, boot_ns, wall_ns, quality, salt, entry, commitment, hash FROM audit WHERE number = 5", "entry 6 was not written by the agent")]
    public void Editing_dropping_reordering_and_cutting_off_are_detected_and_stay_detected(string sql, string problem)
    {
        using var bench = new Bench();
        for (var i = 1; i <= 5; i++)
        {
            bench.Store.Audit.Append(Entry(i));
        }

        Tamper(bench, sql);
        Assert.Contains(problem, bench.Store.Audit.Verify().Problem, StringComparison.Ordinal);
        if (!sql.Contains("SET entry", StringComparison.Ordinal))
        {
            // A changed text costs opening every seal: 'audit verify' finds it, the start does not look.
            Assert.Contains(problem, bench.Store.Audit.Broken, StringComparison.Ordinal);
            Assert.Contains(bench.Store.Findings, static f => f.Kind == IncidentKind.ChainBroken);
        }

        // What happens next is noted behind it, and covers nothing up.
        var next = bench.Store.Audit.Append(Entry(7));
        Assert.Equal(Entry(7), Assert.Single(bench.Store.Audit.Read(next, 1)).Entry);
        bench.Reopen();
        Assert.False(bench.Store.Audit.Verify().IsWhole);

        bench.Store.Audit.BeginAnew();
        bench.Store.Audit.Append(Entry(8));
        bench.Reopen();
        Assert.Equal(new AuditCheck("", next + 1, next + 1, 0), bench.Store.Audit.Verify());
    }

    [Fact]
    public void Erasing_a_salt_makes_an_entry_unreadable_and_leaves_the_chain_whole()
    {
        using var bench = new Bench();
        for (var i = 1; i <= 4; i++)
        {
            bench.Store.Audit.Append(Entry(i));
        }

        var before = bench.Store.Audit.Read(2, 1)[0];
        Assert.True(bench.Store.Audit.EraseSalt(2));
        Assert.False(bench.Store.Audit.EraseSalt(2));
        Assert.False(bench.Store.Audit.EraseSalt(99));
        bench.Reopen();
        var after = bench.Store.Audit.Read(2, 1)[0];
        Assert.Equal(before with { Entry = null }, after);
        Assert.Equal(new AuditCheck("", 1, 5, 1), bench.Store.Audit.Verify());
        Assert.Equal(("entry-erased", "entry 2"), (bench.Store.Audit.Read(5, 1)[0].Entry!.What, bench.Store.Audit.Read(5, 1)[0].Entry!.Detail));
    }

    [Fact]
    public void Entries_are_sealed_at_rest_and_the_same_entry_has_another_commitment_each_time()
    {
        using var bench = new Bench();
        var entry = Entry(1) with { Detail = "audit-canary" };
        bench.Store.Audit.Append(entry);
        bench.Store.Audit.Append(entry);
        Assert.Equal(2, bench.Store.Audit.Read(1, 9).Select(static r => r.Commitment).Distinct().Count());
        bench.Store.Dispose();
        foreach (var file in Directory.GetFiles(bench.Options.Directory))
        {
            Assert.DoesNotContain("audit-canary", Encoding.Latin1.GetString(File.ReadAllBytes(file)), StringComparison.Ordinal);
        }

        bench.Reopen();
    }

    [Fact]
    public void Beyond_its_limit_the_oldest_are_folded_and_the_rest_stands_on_their_hash()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { Audit = new AuditLimits { EntriesMax = 20, EntriesMin = 10 } } });
        var hashes = new Dictionary<long, string>();
        for (var i = 1; i <= 100; i++)
        {
            bench.Store.Audit.Append(Entry(i));
            hashes[i] = bench.Store.Audit.Head.Hash;
        }

        Assert.Equal(new AuditCheck("", 81, 100, 0), bench.Store.Audit.Verify());
        Assert.Equal(hashes[80], bench.Store.Audit.HashAt(80));
        Assert.Null(bench.Store.Audit.HashAt(79));
        Assert.Equal(80, bench.Counters["audit.folded"]);
        bench.Reopen(o => o with { Limits = new StoreLimits { Audit = new AuditLimits { EntriesMax = 15, EntriesMin = 10 } } });
        bench.Store.Audit.Append(Entry(101));
        Assert.Equal(new AuditCheck("", 85, 101, 0), bench.Store.Audit.Verify());
    }

    [Fact]
    public void The_log_and_its_checkpoints_are_carried_over_from_a_database_set_aside()
    {
        using var bench = new Bench();
        for (var i = 1; i <= 150; i++)
        {
            bench.Store.Audit.Append(Entry(i));
        }

        bench.Store.Audit.KeepCheckpoint(150, "checkpoint"u8);
        var head = bench.Store.Audit.Head;
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "INSERT INTO migrations VALUES(1000, 'of the future')");
        }

        bench.Reopen();
        Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
        Assert.Equal(head, bench.Store.Audit.Head);
        Assert.True(bench.Store.Audit.Verify().IsWhole);
        Assert.Equal("checkpoint", Encoding.UTF8.GetString(Assert.Single(bench.Store.Audit.Checkpoints()).Document));
        Assert.Empty(bench.Store.Findings);
    }

    [Fact]
    public void A_changed_consent_ledger_is_found_and_the_chain_goes_on_in_the_new_database()
    {
        using var bench = new Bench();
        bench.Store.Consents.Append(LedgerTests.Event("photo"));
        bench.Store.Audit.Append(Entry(1));
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "DROP TRIGGER consents_no_update; UPDATE consents SET role = 'guardian'");
        }

        bench.Reopen();
        Assert.Equal(IncidentKind.StoreTampered, Assert.Single(bench.Store.Findings).Kind);
        Assert.Equal(2, bench.Store.Audit.Append(Entry(2)));
        Assert.True(bench.Store.Audit.Verify().IsWhole);
    }

    [Fact]
    public void Checkpoints_are_kept_up_to_a_limit()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { Audit = new AuditLimits { CheckpointsMax = 3 } } });
        for (var i = 1; i <= 9; i++)
        {
            bench.Store.Audit.KeepCheckpoint(i, Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
        }

        Assert.Equal([7, 8, 9], bench.Store.Audit.Checkpoints().Select(static c => c.Number));
    }

    [Fact]
    public void A_database_replaced_while_in_use_is_told_and_the_chain_continues_its_numbers()
    {
        using var bench = new Bench();
        var found = new List<StoreFinding>();
        bench.Store.Found += found.Add;
        bench.Store.Audit.Append(Entry(1));
        var head = bench.Store.Audit.Head;
        foreach (var file in Directory.GetFiles(bench.Options.Directory, "state.db*"))
        {
            File.Move(file, Path.Join(bench.Options.Directory, "gone-" + Path.GetFileName(file)));
        }

        bench.Fill(Bench.Set(), 2);
        Assert.Equal(IncidentKind.StoreTampered, Assert.Single(found).Kind);
        Assert.Equal(2, bench.Store.Audit.Append(Entry(2)));
        Assert.Equal(head.Hash, bench.Store.Audit.HashAt(1));
        Assert.True(bench.Store.Audit.Verify().IsWhole);
    }

    [Fact]
    public void A_missing_root_key_is_remembered_until_the_next_start_that_succeeds()
    {
        using var bench = new Bench();
        var key = Path.Join(bench.Options.Directory, "root.key");
        var right = File.ReadAllBytes(key);
        bench.Store.Dispose();
        File.Delete(key);
        Assert.Throws<StoreFault>(() => bench.Reopen());
        File.WriteAllBytes(key, right);
        bench.Reopen();
        Assert.Equal(new StoreFinding(IncidentKind.KeyMissing, "root key"), Assert.Single(bench.Store.Findings));
        bench.Reopen();
        Assert.Single(bench.Store.Findings);
        bench.Store.FindingsNoted();
        bench.Reopen();
        Assert.Empty(bench.Store.Findings);
    }

    [Fact]
    public void Incidents_are_counted_not_repeated_bounded_and_cleared()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { IncidentsMax = 3 } });
        var first = bench.Store.Incidents.Note(IncidentKind.CredentialsRefused, "vendor");
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(first with { Times = 2 }, bench.Store.Incidents.Note(IncidentKind.CredentialsRefused, "vendor"));
        bench.Reopen();
        Assert.Equal(first with { Times = 2 }, Assert.Single(bench.Store.Incidents.All()));
        Assert.Equal(first.Id, bench.Store.Incidents.Clear(first.Id)!.Id);
        Assert.Null(bench.Store.Incidents.Clear(first.Id));
        Assert.Equal(1, bench.Store.Incidents.Note(IncidentKind.CredentialsRefused, "vendor").Times);
        for (var i = 0; i < 5; i++)
        {
            bench.Store.Incidents.Note(IncidentKind.StoreTampered, $"place {i}");
        }

        Assert.Equal(["place 4", "place 3", "place 2"], bench.Store.Incidents.All().Select(static r => r.Place));
    }

    private static AuditEntry Entry(int i) => new(AuditKind.Consent, "withdrawn", "fleet-location", "location.position", $"détail {i}", "subject");

    private static void Tamper(Bench bench, string sql)
    {
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, NoTriggers + sql);
        }

        bench.Reopen();
    }
}
