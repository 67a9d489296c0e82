using FieldAgent.Core;
using FieldAgent.Simulation;
using Microsoft.Data.Sqlite;

namespace FieldAgent.Store.Tests;

public class LedgerTests
{
    [Fact]
    [Promise("R4")]
    public void Consents_are_only_ever_added_and_outlive_a_restart()
    {
        using var bench = new Bench();
        Assert.Empty(bench.Store.Consents.All());
        var first = bench.Store.Consents.Append(Event("photo"));
        var second = bench.Store.Consents.Append(Event("photo", ConsentAction.Withdraw));
        Assert.Equal((1, 2), (first.Id, second.Id));
        bench.Reopen();
        Assert.Equal([first, second], bench.Store.Consents.All());
        using var database = Raw.Open(bench.Options.Directory);
        Assert.Contains("append-only", Assert.Throws<SqliteException>(() => Raw.Execute(database, "UPDATE consents SET action = 0")).Message);
        Assert.Contains("append-only", Assert.Throws<SqliteException>(() => Raw.Execute(database, "DELETE FROM consents")).Message);
    }

    [Fact]
    public void Consents_are_carried_over_from_a_database_set_aside_when_every_one_reads()
    {
        using var bench = new Bench();
        var events = Enumerable.Range(0, 30).Select(i => bench.Store.Consents.Append(Event($"f{i}"))).ToList();
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "INSERT INTO migrations VALUES(1000, 'of the future')");
        }

        bench.Reopen();
        Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
        Assert.Equal(events, bench.Store.Consents.All());
        Assert.Equal(31, bench.Store.Consents.Append(Event("more")).Id);
    }

    [Fact]
    public void A_changed_or_missing_consent_means_that_none_stands()
    {
        foreach (var sql in new[] { "UPDATE consents SET action = 0 WHERE id = 2", "DELETE FROM consents WHERE id = 2" })
        {
            using var bench = new Bench();
            bench.Store.Consents.Append(Event("photo"));
            bench.Store.Consents.Append(Event("photo", ConsentAction.Withdraw));
            bench.Store.Consents.Append(Event("geofence"));
            bench.Store.Dispose();
            using (var database = Raw.Open(bench.Options.Directory))
            {
                Raw.Execute(database, "DROP TRIGGER consents_no_update; DROP TRIGGER consents_no_delete; " + sql);
            }

            bench.Reopen();
            Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
            Assert.Empty(bench.Store.Consents.All());
            Assert.Equal(1, bench.Counters["store.consents-lost"]);
            Assert.Contains(bench.Log.Lines, line => line.Contains("no consent stands", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_command_is_new_once_and_its_state_and_result_outlive_a_restart()
    {
        using var bench = new Bench();
        var later = bench.Clock.Now().WallUnixNs + TimeSpan.FromHours(1).ToNs();
        Assert.Null(bench.Store.Commands.Begin("id-1", "photo", later));
        Assert.Equal(new CommandRecord("id-1", "photo", CommandState.Accepted, ""), bench.Store.Commands.Begin("id-1", "photo", later));
        bench.Store.Commands.Advance("id-1", CommandState.Started, "");
        bench.Reopen();
        Assert.Equal(CommandState.Started, bench.Store.Commands.Begin("id-1", "photo", later)!.State);
        bench.Store.Commands.Advance("id-1", CommandState.Done, """{"ok":true}""");
        bench.Reopen();
        Assert.Equal(new CommandRecord("id-1", "photo", CommandState.Done, """{"ok":true}"""), bench.Store.Commands.Begin("id-1", "photo", later));
    }

    [Fact]
    public void Commands_are_forgotten_when_they_expired_but_not_by_a_clock_nobody_set()
    {
        using var bench = new Bench();
        var soon = bench.Clock.Now().WallUnixNs + TimeSpan.FromMinutes(1).ToNs();
        bench.Store.Commands.Begin("old", "status", soon);
        bench.Clock.SetWall(soon * 2, ClockQuality.Unsynced);
        bench.Store.Commands.Begin("a", "status", long.MaxValue);
        Assert.NotNull(bench.Store.Commands.Begin("old", "status", soon));
        bench.Clock.SetWall(soon + 1, ClockQuality.Ntp);
        bench.Store.Commands.Begin("b", "status", long.MaxValue);
        Assert.Null(bench.Store.Commands.Begin("old", "status", long.MaxValue));
    }

    [Fact]
    public void The_command_ledger_is_bounded()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { CommandsMax = 5 } });
        for (var i = 0; i < 20; i++)
        {
            bench.Store.Commands.Begin($"id-{i}", "status", long.MaxValue - 100 + i);
        }

        using var database = Raw.Open(bench.Options.Directory);
        Assert.Equal(5, Raw.Number(database, "SELECT count(*) FROM commands"));
        Assert.NotNull(bench.Store.Commands.Begin("id-19", "status", long.MaxValue));
    }

    internal static ConsentEvent Event(string function, ConsentAction action = ConsentAction.Grant) =>
        new(0, action, function, "image.photo", "", "subject", "cli", "1.0.0", new string('a', 64),
            new Stamp(Guid.NewGuid(), 5, 1_767_225_600_000_000_000, ClockQuality.Ntp));
}
