using FieldAgent.Core;
using FieldAgent.Simulation;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Store.Tests;

/// <summary>What a recipient may have although it never acknowledged it: never less than was sent, and nothing once all is answered.</summary>
public class PossibleLedgerTests
{
    [Fact]
    [Promise("R78")]
    public void What_is_read_and_not_sent_nobody_has_and_what_is_sent_one_may_have_until_it_is_acknowledged()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "partner"] });
        bench.Fill(Bench.Set(), 5, permit: Admit.Permit("telemetry", "instrument.measurement", recipients: ["vendor", "partner"]));
        using var reader = bench.Spool.OpenReader("vendor");
        var ids = Read(reader, 4);
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.True(reader.Sending(ids[0]));
        Assert.True(reader.Sending(ids[1]));
        Assert.True(reader.Sending(ids[2]));
        var possible = Assert.Single(bench.Store.Deliveries.Possible());
        Assert.Equal(("vendor", "telemetry", "instrument.measurement", 1L, 3L, 3L),
            (possible.Recipient, possible.Function, possible.Field, possible.FromSequence, possible.ToSequence, possible.Items));

        reader.Acknowledge(ids[0]);
        reader.Acknowledge(ids[2]);
        bench.Store.Deliveries.Settle();
        possible = Assert.Single(bench.Store.Deliveries.Possible());
        Assert.Equal((2L, 2L, 1L), (possible.FromSequence, possible.ToSequence, possible.Items));
        reader.Acknowledge(ids[1]);
        bench.Store.Deliveries.Settle();
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.Equal(3, bench.Store.Deliveries.All().Sum(static run => run.Items));
    }

    [Fact]
    [Promise("R78")]
    public void It_is_on_the_card_before_the_first_message_and_costs_one_transaction_a_rule()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 50);
        using var reader = bench.Spool.OpenReader("vendor");
        var ids = Read(reader, 50);
        Assert.True(reader.Sending(ids[0]));
        using var folder = new TempFolder();
        OpenTests.Copy(bench.Options.Directory, folder.File("cut"));
        using var cut = new Bench(directory: folder.File("cut"), clock: bench.Clock);
        var possible = Assert.Single(cut.Store.Deliveries.Possible());
        Assert.Equal(("vendor", "telemetry", 1L, 50L, 0L),
            (possible.Recipient, possible.Function, possible.FromSequence, possible.ToSequence, possible.Items));

        using var before = Raw.Open(bench.Options.Directory);
        var version = Raw.Number(before, "PRAGMA data_version");
        Assert.All(ids, id => Assert.True(reader.Sending(id)));
        Assert.Equal(version, Raw.Number(before, "PRAGMA data_version"));
    }

    [Fact]
    [Promise("R78")]
    public void After_a_cut_it_ends_when_all_of_it_is_acknowledged()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 6);
        using var folder = new TempFolder();
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var ids = Read(reader, 4);
            Assert.All(ids, id => Assert.True(reader.Sending(id)));
            reader.Acknowledge(ids[0]);
            reader.Settle();
            OpenTests.Copy(bench.Options.Directory, folder.File("cut"));
        }

        using var cut = new Bench(directory: folder.File("cut"), clock: bench.Clock);
        var possible = Assert.Single(cut.Store.Deliveries.Possible());
        Assert.Equal((2L, 6L), (possible.FromSequence, possible.ToSequence));
        using (var reader = cut.Spool.OpenReader("vendor"))
        {
            var ids = Read(reader, 5);
            Assert.All(ids, id => Assert.True(reader.Sending(id)));
            Assert.All(ids[..4], reader.Acknowledge);
            reader.Settle();
            Assert.NotEmpty(cut.Store.Deliveries.Possible());
            reader.Acknowledge(ids[4]);
            reader.Settle();
            Assert.Empty(cut.Store.Deliveries.Possible());
        }

        cut.Reopen();
        Assert.Empty(cut.Store.Deliveries.Possible());
        Assert.Equal(0, Rows(cut));
    }

    [Fact]
    [Promise("R78")]
    public void An_orderly_end_leaves_exactly_what_was_sent_and_not_answered()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 9);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var ids = Read(reader, 5);
            Assert.All(ids, id => Assert.True(reader.Sending(id)));
            Assert.All(ids[..3], reader.Acknowledge);
        }

        bench.Reopen();
        var possible = Assert.Single(bench.Store.Deliveries.Possible());
        Assert.Equal((4L, 5L, 2L), (possible.FromSequence, possible.ToSequence, possible.Items));
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var ids = Read(reader, 6);
            Assert.All(ids, id => Assert.True(reader.Sending(id)));
            Assert.All(ids, reader.Acknowledge);
        }

        bench.Reopen();
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.Equal(0, Rows(bench));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Promise("R78")]
    public void What_is_erased_while_it_is_on_its_way_stays_possible_until_the_answer_comes(bool answered)
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 6);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var ids = Read(reader, 4);
            Assert.All(ids[..3], id => Assert.True(reader.Sending(id)));
            reader.Acknowledge(ids[0]);
            Assert.Equal(5, bench.Store.Eraser.Erase([new ErasureScope("telemetry", "instrument.measurement")], GapReason.Erased, "request").Items);
            Assert.Equal((1, 1), (bench.Store.Deliveries.All().Count, (int)bench.Store.Deliveries.All()[0].ToSequence));

            // what was at hand when it was erased is not sent any more
            Assert.False(reader.Sending(ids[3]));
            var possible = Assert.Single(bench.Store.Deliveries.Possible());
            Assert.Equal((2L, 3L, 2L), (possible.FromSequence, possible.ToSequence, possible.Items));
            if (answered)
            {
                reader.Rewind();
                reader.Acknowledge(ids[1]);
                reader.Acknowledge(ids[2]);
            }
        }

        bench.Reopen();
        Assert.Equal(answered ? 0 : 1, bench.Store.Deliveries.Possible().Count);
        Assert.Equal(answered ? 3 : 1, bench.Store.Deliveries.All().Sum(static run => run.Items));
        bench.Clock.Offer(ClockQuality.Ntp, bench.Clock.Now().WallUnixNs, bench.Clock.BootNs);
        bench.Clock.Advance(TimeSpan.FromDays(181));
        Assert.Empty(bench.Store.Deliveries.Possible());
    }

    [Fact]
    [Promise("R78")]
    public void What_is_erased_after_a_cut_stays_possible_and_what_was_never_sent_does_not()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "partner"] });
        bench.Fill(Bench.Set(), 3, permit: Admit.Permit("telemetry", "instrument.measurement", recipients: ["vendor", "partner"]));
        bench.Fill(Bench.Set(field: "location.position"), 3, permit: Admit.Permit("fleet-location", "location.position"));
        using var folder = new TempFolder();
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            Assert.True(reader.Sending(Read(reader, 1)[0]));
            OpenTests.Copy(bench.Options.Directory, folder.File("cut"));
        }

        using var cut = new Bench(static o => o with { Recipients = ["vendor", "partner"] }, folder.File("cut"), bench.Clock);
        cut.Store.Eraser.Erase([new ErasureScope(ErasureScope.Any, ErasureScope.Any)], GapReason.ConsentWithdrawn, "withdrawn");
        cut.Reopen();
        Assert.Equal([("vendor", "telemetry")], cut.Store.Deliveries.Possible().Select(static p => (p.Recipient, p.Function)).Distinct());
    }

    [Fact]
    [Promise("R78")]
    public void What_gives_way_to_newer_data_after_it_was_sent_stays_possible()
    {
        using var bench = new Bench(static o => o with { StateBytesMax = 1 << 20 });
        bench.Fill(Bench.Set(), 10, rows: 200);
        var reader = bench.Spool.OpenReader("vendor");
        var ids = Read(reader, 3);
        Assert.All(ids, id => Assert.True(reader.Sending(id)));
        for (var i = 0; i < 2000 && bench.Counters["evicted.storage-cap"] < 5; i++)
        {
            bench.Fill(Bench.Set(), 1, rows: 5000);
        }

        Assert.True(bench.Counters["evicted.storage-cap"] >= 5, "nothing gave way");
        bench.Reopen();
        Assert.Equal((1L, 3L), (bench.Store.Deliveries.Possible()[0].FromSequence, bench.Store.Deliveries.Possible()[0].ToSequence));
        Assert.Equal(0, bench.Counters["store.log-underestimated"]);
    }

    [Fact]
    [Promise("R78")]
    public void A_recipient_that_is_no_longer_configured_may_still_have_it()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "partner"] });
        bench.Fill(Bench.Set(), 2, permit: Admit.Permit("telemetry", "instrument.measurement", recipients: ["vendor", "partner"]));
        using (var reader = bench.Spool.OpenReader("partner"))
        {
            Assert.True(reader.Sending(Read(reader, 1)[0]));
        }

        bench.Reopen(static o => o with { Recipients = ["vendor"] });
        bench.ReadAll(acknowledge: true);
        bench.Reopen();
        Assert.Equal("partner", Assert.Single(bench.Store.Deliveries.Possible()).Recipient);
    }

    [Fact]
    [Promise("R78")]
    public void A_database_set_aside_hands_on_what_was_on_its_way()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            Assert.True(reader.Sending(Read(reader, 1)[0]));
        }

        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "INSERT INTO migrations VALUES(1000, 'of the future')");
        }

        bench.Reopen();
        Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
        Assert.Equal("vendor", Assert.Single(bench.Store.Deliveries.Possible()).Recipient);
        bench.Fill(Bench.Set(), 1);
        bench.ReadAll(acknowledge: true);
        bench.Reopen();
        Assert.Single(bench.Store.Deliveries.Possible());
    }

    [Fact]
    [Promise("R78")]
    public void A_program_that_noted_nothing_may_have_sent_what_it_left()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "DELETE FROM meta WHERE name = 'sends-noted'");
        }

        bench.Reopen();
        var possible = Assert.Single(bench.Store.Deliveries.Possible());
        Assert.Equal((1L, 3L), (possible.FromSequence, possible.ToSequence));
        bench.ReadAll(acknowledge: true);
        Assert.Empty(bench.Store.Deliveries.Possible());
        bench.Fill(Bench.Set(), 2);
        bench.Reopen();
        Assert.Empty(bench.Store.Deliveries.Possible());
    }

    /// <summary>Two rules, one of them at two recipients; sends, answers, lost connections, erasures, rejections, power cuts in any order. Whatever was
    /// sent is delivered or possible at that recipient at every moment; nobody may have anything of a rule that was never sent to
    /// it; and once all that is left is acknowledged, only what was taken away unanswered is left.</summary>
    [Fact]
    [Promise("R78")]
    public void Whatever_happens_what_was_sent_is_delivered_or_possible_and_nothing_else_is()
    {
        var runs = from seed in Gen.Choose(0, 1_000_000) from steps in Gen.Choose(5, 60) select (seed, steps);
        Prop.ForAll(runs.ToArbitrary(), static input =>
        {
            using var world = new SendingWorld(input.seed);
            for (var i = 0; i < input.steps; i++)
            {
                world.Step();
                world.Check();
            }

            world.Finish();
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void What_was_settled_after_it_was_read_ahead_is_not_sent_again()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        using var reader = bench.Spool.OpenReader("vendor");
        var ids = Read(reader, 2);
        Assert.All(ids, id => Assert.True(reader.Sending(id)));
        reader.Acknowledge(ids[1]);
        reader.Rewind();
        Assert.Equal(ids[0], Read(reader, 1)[0]);
        reader.Settle();
        Assert.Equal(ids[1] + 1, Read(reader, 1)[0]);
        Assert.Equal(ids[0], Assert.Single(bench.Store.Deliveries.Possible()).FromItem);
    }

    private static long[] Read(ISpoolReader reader, int count)
    {
        var item = new SpoolItem();
        var ids = new long[count];
        for (var i = 0; i < count; i++)
        {
            Assert.True(reader.TryRead(item));
            ids[i] = item.Id;
        }

        return ids;
    }

    private static long Rows(Bench bench)
    {
        using var database = Raw.Open(bench.Options.Directory);
        return Raw.Number(database, "SELECT count(*) FROM possible_deliveries");
    }
}
