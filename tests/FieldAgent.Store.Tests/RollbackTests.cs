using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Tests;

/// <summary>An older program on the state directory of a newer one: after a rollback nothing that waits may be lost.</summary>
public class RollbackTests
{
    [Fact]
    public void A_newer_database_that_says_it_can_be_read_is_used_and_loses_nothing()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        bench.Store.Dispose();
        MakeNewer(bench, Schema.Newest);
        bench.Reopen();
        Assert.Equal(OpenKind.Existing, bench.Store.OpenOutcome.Kind);
        bench.Fill(Bench.Set(), 1);
        Assert.Equal([1, 2, 3, 4], bench.ReadAll().Select(static got => got.Sequence));

        // and what the newer program noted for itself is still there when it comes back
        bench.Store.Dispose();
        using var database = Raw.Open(bench.Options.Directory);
        Assert.Equal(Schema.Newest + 1, Raw.Number(database, "SELECT max(number) FROM migrations"));
        Assert.Equal(1, Raw.Number(database, "SELECT count(*) FROM of_the_future"));
    }

    [Fact]
    public void A_newer_database_that_cannot_be_read_is_refused_untouched_and_opens_again_with_the_newer_program()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        bench.Store.Dispose();
        MakeNewer(bench, Schema.Newest + 1);
        var path = Path.Join(bench.Options.Directory, "state.db");
        var before = File.ReadAllBytes(path);
        var fault = Assert.Throws<StoreFault>(() => StateStore.Open(bench.Options, bench.Clock, bench.Counters, bench.Log));
        Assert.Equal((StoreFaultKind.Refused, false), (fault.Kind, fault.Retry));
        Assert.Contains("install that release again", fault.Message);
        Assert.Contains("move the state directory away", fault.Message);
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Empty(Directory.GetFiles(bench.Options.Directory, "*.aside-*"));
        Assert.False(File.Exists(Path.Join(bench.Options.Directory, "key-was-missing")));

        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, $"DELETE FROM migrations WHERE number > {Schema.Newest}");
        }

        bench.Reopen();
        Assert.Equal(3, bench.ReadAll().Count);
    }

    [Fact]
    public void A_newer_database_that_says_nothing_about_it_is_refused()
    {
        using var bench = new Bench();
        bench.Store.Dispose();
        MakeNewer(bench, null);
        Assert.Equal(StoreFaultKind.Refused, Assert.Throws<StoreFault>(() => bench.Reopen()).Kind);
    }

    [Fact]
    public void A_store_from_before_this_was_written_down_gets_it_with_the_next_start()
    {
        using var bench = new Bench();
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "DELETE FROM meta WHERE name = 'readable_from'");
        }

        bench.Reopen();
        using var after = Raw.Open(bench.Options.Directory);
        Assert.Equal(Schema.ReadableFrom, Raw.Number(after, "SELECT value FROM meta WHERE name = 'readable_from'"));
    }

    [Fact]
    public void What_a_migration_after_the_oldest_readable_one_does_leaves_the_tables_of_before_alone()
    {
        for (var number = Schema.ReadableFrom + 1; number <= Schema.Newest; number++)
        {
            foreach (var statement in Schema.Sql(number).Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                Assert.True(
                    statement.StartsWith("CREATE TABLE", StringComparison.Ordinal) || statement.StartsWith("CREATE INDEX", StringComparison.Ordinal),
                    $"migration {number} does more than add a table: raise Schema.ReadableFrom to it");
            }
        }

        Assert.InRange(Schema.ReadableFrom, 1, Schema.Newest);
    }

    private static void MakeNewer(Bench bench, int? readableFrom)
    {
        using var database = Raw.Open(bench.Options.Directory);
        Raw.Execute(database, "CREATE TABLE of_the_future(id INTEGER PRIMARY KEY) STRICT");
        Raw.Execute(database, "INSERT INTO of_the_future VALUES(7)");
        Raw.Execute(database, $"INSERT INTO migrations VALUES({Schema.Newest + 1}, 'of the future')");
        Raw.Execute(database, "DELETE FROM meta WHERE name = 'readable_from'");
        if (readableFrom is { } from)
        {
            Raw.Execute(database, $"INSERT INTO meta VALUES('readable_from', {from})");
        }

        Raw.Execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
}
