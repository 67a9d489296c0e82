using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Simulation;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;
using Microsoft.Data.Sqlite;

namespace FieldAgent.Store.Tests;

public class SpoolTests
{
    [Fact]
    public void What_is_flushed_is_read_in_order_and_forgotten_once_acknowledged()
    {
        using var bench = new Bench();
        var set = Bench.Set();
        bench.Fill(set, 10);
        Assert.Equal((10, 100), (bench.Spool.State.Blocks, bench.Spool.State.Readings));
        using var reader = bench.Spool.OpenReader("vendor");
        var got = Bench.ReadAll(reader, acknowledge: true);
        Assert.Equal(Enumerable.Range(1, 10).Select(n => (long)n), got.Select(g => g.Sequence));
        Assert.Equal(Enumerable.Range(1, 50).Select(n => n * 0.01), got.SelectMany(g => g.First));
        Assert.True(got.All(g => g is { Function: "telemetry", Field: "instrument.measurement", Readings: 10, Backlog: true }));
        bench.Spool.Flush();
        Assert.Equal((0, 0), (bench.Spool.State.Blocks, bench.Spool.State.Readings));
        Assert.Equal(0, bench.Spool.State.OldestWallUnixNs);
        bench.Fill(set, 1);
        var fresh = Assert.Single(Bench.ReadAll(reader));
        Assert.Equal(11, fresh.Sequence);
        Assert.False(fresh.Backlog);
    }

    [Fact]
    public void Nothing_is_lost_over_a_restart_and_numbers_go_on()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        var generation = bench.ReadAll();
        bench.Reopen();
        Assert.Equal(OpenKind.Existing, bench.Store.OpenOutcome.Kind);
        Assert.Equal(generation.Select(g => (g.Id, g.Sequence)), bench.ReadAll().Select(g => (g.Id, g.Sequence)));
        bench.Fill(Bench.Set(), 1);
        Assert.Equal([1, 2, 3, 4], bench.ReadAll(acknowledge: true).Select(g => g.Sequence));
        bench.Reopen();
        Assert.Empty(bench.ReadAll());
        bench.Fill(Bench.Set(), 1);
        Assert.Equal(5, Assert.Single(bench.ReadAll()).Sequence);
    }

    [Fact]
    public void A_rewind_yields_what_is_not_acknowledged_and_only_that()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 200, rows: 1);
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        for (var i = 0; i < 150; i++)
        {
            Assert.True(reader.TryRead(item));
            if (item.Sequence % 3 != 0)
            {
                reader.Acknowledge(item.Id);
            }
        }

        reader.Rewind();
        var again = Bench.ReadAll(reader, acknowledge: true).Select(g => g.Sequence);
        Assert.Equal(Enumerable.Range(1, 200).Where(n => n % 3 == 0 || n > 150).Select(n => (long)n), again);
        reader.Settle();
        Assert.Equal(0, bench.Spool.State.Blocks);
    }

    [Fact]
    public void A_block_is_deleted_when_every_recipient_has_it()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "clinic", "archive"] });
        var shared = Admit.Permit(recipients: ["vendor", "clinic"]);
        var own = Admit.Permit("diagnostics", recipients: ["archive"]);
        bench.Fill(Bench.Set(), 5, permit: shared);
        bench.Fill(Bench.Set(), 2, permit: own);
        Assert.Equal(5, bench.ReadAll("vendor", acknowledge: true).Count);
        bench.Spool.Flush();
        Assert.Equal(7, bench.Spool.State.Blocks);
        bench.Reopen();
        Assert.Empty(bench.ReadAll("vendor"));
        Assert.Equal(5, bench.ReadAll("clinic", acknowledge: true).Count);
        bench.Spool.Flush();
        Assert.Equal(2, bench.Spool.State.Blocks);
        Assert.Equal(["diagnostics", "diagnostics"], bench.ReadAll("archive", acknowledge: true).Select(g => g.Function));
        bench.Spool.Flush();
        Assert.Equal(0, bench.Spool.State.Blocks);
    }

    [Fact]
    public void A_recipient_that_is_no_longer_configured_holds_nothing_back()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "clinic"] });
        bench.Fill(Bench.Set(), 3, permit: Admit.Permit(recipients: ["vendor", "clinic"]));
        bench.Fill(Bench.Set(), 2, permit: Admit.Permit(recipients: ["clinic"]));
        bench.Reopen(o => o with { Recipients = ["vendor", "other"] });
        Assert.Equal(3, bench.Spool.State.Blocks);
        Assert.Empty(bench.ReadAll("other"));
        Assert.Equal(3, bench.ReadAll(acknowledge: true).Count);
        bench.Spool.Flush();
        Assert.Equal(0, bench.Spool.State.Blocks);
        Assert.Equal(2, bench.Counters["dropped.recipient-removed"]);
    }

    [Fact]
    public void Rows_that_no_configured_recipient_may_have_are_dropped_and_counted()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 1, permit: Admit.Permit(recipients: ["stranger"]));
        Assert.Equal(0, bench.Spool.State.Blocks);
        Assert.Equal(10, bench.Counters["dropped.no-recipient"]);
    }

    [Fact]
    public void Blocks_are_split_at_their_largest_size_and_keep_every_reading()
    {
        using var bench = new Bench(o => o with { BlockReadingsMax = 100 });
        bench.Take(Bench.Set(), 430);
        bench.Take(Bench.Set("other"), 30);
        var outcome = bench.Spool.Flush();
        Assert.Equal(920, outcome.Readings);
        var got = bench.ReadAll();
        Assert.Equal(outcome.Blocks, got.Count);
        Assert.True(got.All(g => g.Readings <= 100));
        Assert.Equal(920, got.Sum(g => g.Readings));
    }

    [Fact]
    public void Readings_of_a_boot_without_a_clock_get_the_wall_time_learned_later()
    {
        using var bench = new Bench(clock: new SimulatedClock(wallUnixNs: 0, quality: ClockQuality.Unsynced));
        bench.Fill(Bench.Set(), 1);
        Assert.Equal(ClockQuality.Unsynced, bench.ReadAll()[0].Quality);
        bench.Clock.Offer(ClockQuality.Gnss, 1_800_000_000_000_000_000, bench.Clock.BootNs);
        var offset = bench.Clock.WallOffsetNs;
        Assert.Equal((ClockQuality.Gnss, offset), (bench.ReadAll()[0].Quality, bench.ReadAll()[0].WallOffsetNs));
        bench.Spool.Flush();
        bench.Clock = new SimulatedClock(bootId: Guid.NewGuid());
        bench.Reopen();
        bench.Fill(Bench.Set(), 1);
        var got = bench.ReadAll();
        Assert.Equal((ClockQuality.Gnss, offset), (got[0].Quality, got[0].WallOffsetNs));
        Assert.Equal(ClockQuality.Ntp, got[1].Quality);
    }

    [Fact]
    public void An_item_given_up_is_announced_to_that_recipient_only()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "clinic"] });
        bench.Fill(Bench.Set(), 2, permit: Admit.Permit(recipients: ["vendor", "clinic"]));
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            Assert.True(reader.TryRead(item));
            reader.GiveUp(item.Id, GapReason.Rejected);
        }

        bench.Spool.Flush();
        var vendor = bench.ReadAll("vendor");
        Assert.Equal([SpoolItemKind.Block, SpoolItemKind.Gap], vendor.Select(g => g.Kind));
        Assert.Equal(new SpoolGap(GapReason.Rejected, 1, 1, 1, 10), vendor[1].Gap);
        Assert.Equal("telemetry", vendor[1].Function);
        Assert.Equal([SpoolItemKind.Block, SpoolItemKind.Block], bench.ReadAll("clinic").Select(g => g.Kind));
        Assert.Equal(1, bench.Counters["dropped.rejected"]);
        bench.ReadAll("vendor", acknowledge: true);
        Assert.Empty(bench.ReadAll("vendor"));
    }

    [Fact]
    public void Counts_agree_with_the_tables_after_anything()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "clinic"], StateBytesMax = 1 << 20 });
        var random = new Random(5);
        using var vendor = bench.Spool.OpenReader("vendor");
        using var clinic = bench.Spool.OpenReader("clinic");
        var item = new SpoolItem();
        for (var step = 0; step < 600; step++)
        {
            switch (random.Next(8))
            {
                case 0:
                    bench.Spool.Add(Admit.Image(new byte[random.Next(1, 150_000)], bench.Clock.Now()));
                    break;
                case 1 when random.Next(10) == 0:
                    bench.Spool.Erase("photo", "image.photo", GapReason.ConsentWithdrawn);
                    break;
                case 2 or 3:
                    var reader = random.Next(2) == 0 ? vendor : clinic;
                    while (random.Next(5) != 0 && reader.TryRead(item))
                    {
                        if (random.Next(9) == 0)
                        {
                            reader.GiveUp(item.Id, GapReason.Rejected);
                        }
                        else
                        {
                            reader.Acknowledge(item.Id);
                        }
                    }

                    break;
                case 4 when random.Next(5) == 0:
                    vendor.Rewind();
                    break;
                default:
                    bench.Take(Bench.Set(importance: (Importance)random.Next(3)), random.Next(1, 700),
                        Admit.Permit(recipients: random.Next(2) == 0 ? ["vendor"] : ["vendor", "clinic"]));
                    bench.Clock.Advance(TimeSpan.FromHours(random.Next(5)));
                    bench.Spool.Flush();
                    break;
            }
        }

        bench.Spool.Flush();
        var state = bench.Spool.State;
        using var database = Raw.Open(bench.Options.Directory);
        Assert.Equal(Raw.Number(database, "SELECT count(*) FROM items WHERE kind = 0"), state.Blocks);
        Assert.Equal(Raw.Number(database, "SELECT ifnull(sum(readings), 0) FROM items WHERE kind = 0"), state.Readings);
        Assert.Equal(Raw.Number(database, "SELECT count(*) FROM items WHERE kind = 1"), state.Images);
        Assert.Equal(state.Images, Raw.Number(database, "SELECT count(*) FROM image_files"));
        Assert.Equal(state.Images, Directory.GetFiles(Path.Join(bench.Options.Directory, "images")).Length);
        Assert.Equal(0, Raw.Number(database, "SELECT count(*) FROM items WHERE kind < 2 AND key NOT IN (SELECT id FROM keys)"));
        Assert.Equal(0, Raw.Number(database, "SELECT count(*) FROM items WHERE kind < 3 AND pending = 0"));
        Assert.Equal(Raw.Number(database, "SELECT count(*) FROM items WHERE kind = 2"), Raw.Number(database, "SELECT count(*) FROM gaps"));
        AssertCountsHold(bench, database);
        Assert.True(bench.Counters["dropped.storage-cap"] > 0, "the cap was not reached");
    }

    // Every count is what a recount finds, wherever it is kept, and there is no other.
    private static void AssertCountsHold(Bench bench, SqliteConnection database)
    {
        using var connection = Connection.Open(Path.Join(bench.Options.Directory, "state.db"), readOnly: true);
        var tally = new Tally();
        tally.Load(connection);
        Assert.Equal(Raw.Number(database, "SELECT count(DISTINCT key) FROM items WHERE kind < 2"), tally.CountedOf(TallyKind.KeyUses).Count());
        Assert.All(tally.CountedOf(TallyKind.KeyUses), key => Assert.Equal(
            Raw.Number(database, string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM items WHERE key = {key}")),
            tally[TallyKind.KeyUses, key]));
        for (var level = 0; level < 3; level++)
        {
            Assert.Equal(
                Raw.Number(database, string.Create(CultureInfo.InvariantCulture, $"SELECT count(*) FROM items WHERE kind = 0 AND importance = {level}")),
                tally[TallyKind.Blocks, level]);
        }
    }

    [Fact]
    public void Counts_that_became_many_move_to_their_table_and_none_is_lost()
    {
        using var bench = new Bench();
        for (var function = 0; function < 40; function++)
        {
            bench.Take(Bench.Set(), 10, Admit.Permit(function: "function-" + function.ToString(CultureInfo.InvariantCulture)));
            bench.Spool.Flush();
        }

        using var database = Raw.Open(bench.Options.Directory);
        Assert.True(Raw.Number(database, "SELECT count(*) FROM counts") > 0, "none moved");
        Assert.True(Raw.Number(database, "SELECT length(payload) FROM items WHERE id = 0") > 0, "all moved");
        AssertCountsHold(bench, database);
    }

    [Fact]
    public void Reading_after_a_long_backlog_is_a_search_by_key_and_never_a_scan()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "clinic"] });
        for (var i = 0; i < 40; i++)
        {
            bench.Take(Bench.Set(), 1000);
        }

        bench.Spool.Flush();
        using var database = Raw.Open(bench.Options.Directory);
        var plan = Raw.Text(database, "EXPLAIN QUERY PLAN " + Spooling.Prefetch.Query.Replace("?1", "5"), 3);
        Assert.Contains("SEARCH items USING INTEGER PRIMARY KEY", plan);

        // the other recipient's rows in front are passed once, and not again after a restart
        bench.ReadAll("clinic", acknowledge: true);
        bench.ReadAll("vendor", acknowledge: false);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            for (var i = 0; i < 60 && reader.TryRead(item); i++)
            {
                reader.Acknowledge(item.Id);
            }

            bench.Spool.Flush();
        }

        Assert.Equal(20, bench.ReadAll("vendor").Count);
    }

    [Fact]
    public void Couriers_are_woken_by_a_flush_that_stored_something()
    {
        using var bench = new Bench();
        var woken = 0;
        bench.Spool.Stored += () => woken++;
        bench.Spool.Flush();
        Assert.Equal(0, woken);
        bench.Fill(Bench.Set(), 2);
        Assert.Equal(2, woken);
    }

    [Fact]
    public void Two_threads_storing_and_delivering_lose_nothing_and_deliver_nothing_twice()
    {
        using var bench = new Bench();
        var seen = new List<long>();
        using var done = new ManualResetEventSlim(false);
        using var reader = bench.Spool.OpenReader("vendor");
        var courier = new Thread(() =>
        {
            var item = new SpoolItem();
            while (true)
            {
                var last = done.IsSet;
                while (reader.TryRead(item))
                {
                    seen.Add(item.Sequence);
                    reader.Acknowledge(item.Id);
                }

                if (last)
                {
                    return;
                }
            }
        });
        courier.Start();
        bench.Fill(Bench.Set(), 400, rows: 2);
        done.Set();
        courier.Join();
        Assert.Equal(Enumerable.Range(1, 400).Select(n => (long)n), seen);
        reader.Settle();
        Assert.Equal(0, bench.Spool.State.Blocks);
    }
}
