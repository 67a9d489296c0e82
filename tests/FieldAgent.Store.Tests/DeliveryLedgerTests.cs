using FieldAgent.Core;
using FieldAgent.Simulation;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Store.Tests;

public class DeliveryLedgerTests
{
    [Fact]
    [Promise("R32", "R69")]
    public void What_was_acknowledged_is_one_run_with_its_grounds_and_nothing_else_is_delivered()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "partner"] });
        var permit = Admit.Permit("fleet-location", "location.position", recipients: ["vendor", "partner"]) with { ConsentId = 7 };
        bench.Fill(Bench.Set(), 5, permit: permit);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            for (var i = 0; i < 3; i++)
            {
                Assert.True(reader.TryRead(item));
                reader.Acknowledge(item.Id);
            }

            reader.Settle();
        }

        var run = Assert.Single(bench.Store.Deliveries.All());
        Assert.Equal(("vendor", "fleet-location", "location.position", 1L, 3L, 3L, 30L),
            (run.Recipient, run.Function, run.Field, run.FromSequence, run.ToSequence, run.Items, run.Readings));
        Assert.Equal((permit.Purpose, permit.Basis, permit.Precision, permit.Term, 7L, permit.PolicyVersion, permit.PolicyHash),
            (run.Purpose, run.Basis, run.Precision, run.Term, run.ConsentId, run.PolicyVersion, run.PolicyHash));
        Assert.Equal((1L, 3L), (run.FromItem, run.ToItem));
        Assert.NotNull(bench.Store.Deliveries.Find("vendor", "fleet-location", 3));
        Assert.Null(bench.Store.Deliveries.Find("vendor", "fleet-location", 4));
        Assert.Null(bench.Store.Deliveries.Find("partner", "fleet-location", 3));
    }

    [Fact]
    [Promise("R32")]
    public void A_power_cut_leaves_it_exact()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 20);
        using var folder = new TempFolder();
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            for (var i = 0; i < 12 && reader.TryRead(item); i++)
            {
                reader.Acknowledge(item.Id);
                reader.Settle();
            }

            // what the card holds at this moment
            CopyState(bench.Options.Directory, folder.File("cut"));
        }

        using var after = new Bench(directory: folder.File("cut"), clock: bench.Clock);
        var run = Assert.Single(after.Store.Deliveries.All());
        Assert.Equal((1L, 12L, 12L, 120L), (run.FromSequence, run.ToSequence, run.Items, run.Readings));
        after.ReadAll(acknowledge: true);
        run = Assert.Single(after.Store.Deliveries.All());
        Assert.Equal((1L, 20L, 20L, 200L), (run.FromSequence, run.ToSequence, run.Items, run.Readings));
    }

    [Fact]
    public void What_was_given_up_is_not_delivered()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 9);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            while (reader.TryRead(item))
            {
                if (item.Sequence is 4 or 5)
                {
                    reader.GiveUp(item.Id, GapReason.Rejected);
                }
                else
                {
                    reader.Acknowledge(item.Id);
                }
            }
        }

        Assert.Equal([(1, 3), (6, 9)], bench.Store.Deliveries.All().Select(static r => (r.FromSequence, r.ToSequence)));
        Assert.Null(bench.Store.Deliveries.Find("vendor", "telemetry", 5));
    }

    [Fact]
    public void A_removed_recipient_got_nothing_more_and_keeps_its_record()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "partner"] });
        var permit = Admit.Permit("telemetry", "instrument.measurement", recipients: ["vendor", "partner"]);
        bench.Fill(Bench.Set(), 2, permit: permit);
        bench.ReadAll("partner", acknowledge: true);
        bench.Fill(Bench.Set(), 2, permit: permit);
        bench.Reopen(static o => o with { Recipients = ["vendor"] });
        var run = Assert.Single(bench.Store.Deliveries.All());
        Assert.Equal(("partner", 2L), (run.Recipient, run.ToSequence));
    }

    [Fact]
    [Promise("R32")]
    public void It_has_a_term_and_a_bound_of_its_own()
    {
        using var bench = new Bench(static o => o with { Limits = o.Limits with { DeliveriesMax = 5 } });
        bench.Clock.Offer(ClockQuality.Ntp, 1_800_000_000_000_000_000, bench.Clock.BootNs);
        for (var day = 0; day < 8; day++)
        {
            bench.Fill(Bench.Set(), 2);
            bench.ReadAll(acknowledge: true);
            bench.Clock.Advance(TimeSpan.FromDays(1));
        }

        Assert.InRange(bench.Store.Deliveries.All().Count, 1, 5);
        Assert.Equal(16, bench.Store.Deliveries.All()[^1].ToSequence);
        Assert.True(bench.Counters["dropped.deliveries-forgotten"] > 0);
        bench.Clock.Advance(TimeSpan.FromDays(181));
        Assert.Empty(bench.Store.Deliveries.All());
    }

    [Fact]
    public void A_database_set_aside_hands_its_deliveries_on()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        bench.ReadAll(acknowledge: true);
        var before = Assert.Single(bench.Store.Deliveries.All());
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "INSERT INTO migrations VALUES(1000, 'of the future')");
        }

        bench.Reopen();
        Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
        Assert.Equal(before, Assert.Single(bench.Store.Deliveries.All()));
        bench.Fill(Bench.Set(), 1);
        bench.ReadAll(acknowledge: true);
        Assert.Equal(2, bench.Store.Deliveries.All().Count);
        Assert.NotEqual(before.Generation, bench.Store.Deliveries.Find("vendor", "telemetry", 1)!.Generation);
    }

    /// <summary>Two fields of one function share its numbers; acknowledgements come in any order; some items are given up; the store is
    /// closed now and then.</summary>
    [Fact]
    public void Whatever_the_order_each_delivered_number_is_held_once_and_no_other()
    {
        var arrivals = from seed in Gen.Choose(0, 1_000_000) from blocks in Gen.Choose(1, 40) select (seed, blocks);
        Prop.ForAll(arrivals.ToArbitrary(), static input =>
        {
            var random = new Random(input.seed);
            using var bench = new Bench();
            var grounds = new[] { Admit.Permit("mixed", "instrument.measurement"), Admit.Permit("mixed", "instrument.mode") };
            var delivered = new Dictionary<long, string>();
            for (var round = 0; round < 3; round++)
            {
                for (var i = 0; i < input.blocks; i++)
                {
                    bench.Fill(Bench.Set(), 1, 1, grounds[random.Next(4) == 0 ? 1 : 0]);
                }

                using (var reader = bench.Spool.OpenReader("vendor"))
                {
                    var item = new SpoolItem();
                    var window = new List<(long Id, long Sequence, string Field)>();
                    while (reader.TryRead(item))
                    {
                        if (item.Kind == SpoolItemKind.Block)
                        {
                            window.Add((item.Id, item.Sequence, item.Field));
                        }

                        if (window.Count > 4)
                        {
                            Answer(reader, window, random, delivered);
                        }
                    }

                    while (window.Count > 0)
                    {
                        Answer(reader, window, random, delivered);
                    }
                }

                if (random.Next(2) == 0)
                {
                    bench.Reopen();
                }
            }

            var runs = bench.Store.Deliveries.All();
            Assert.Equal(delivered.Count, runs.Sum(static run => run.Items));
            for (long number = 1; number <= input.blocks * 3; number++)
            {
                var holding = runs.Where(run => run.Step > 0 && run.Holds(number)).ToList();
                if (delivered.TryGetValue(number, out var field))
                {
                    Assert.True(holding.Count == 1 || runs.Any(run => run.Step == 0 && run.Holds(number)), $"number {number}");
                    Assert.Contains(runs, run => run.Holds(number) && run.Field == field);
                }
                else
                {
                    Assert.Empty(holding);
                }
            }
        }).QuickCheckThrowOnFailure();
    }

    private static void Answer(
        ISpoolReader reader, List<(long Id, long Sequence, string Field)> window, Random random, Dictionary<long, string> delivered)
    {
        var at = random.Next(3) == 0 ? random.Next(window.Count) : 0;
        var (id, sequence, field) = window[at];
        window.RemoveAt(at);
        if (random.Next(12) == 0)
        {
            reader.GiveUp(id, GapReason.Rejected);
            return;
        }

        reader.Acknowledge(id);
        delivered.Add(sequence, field);
        if (random.Next(3) == 0)
        {
            reader.Settle();
        }
    }

    /// <summary>Copies what a power cut would leave of an open store.</summary>
    internal static void CopyState(string from, string to)
    {
        Directory.CreateDirectory(to, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var name in Directory.GetFiles(from))
        {
            if (Path.GetFileName(name) == "lock")
            {
                continue;
            }

            using var source = new FileStream(name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var target = File.Create(Path.Join(to, Path.GetFileName(name)));
            source.CopyTo(target);
        }
    }
}
