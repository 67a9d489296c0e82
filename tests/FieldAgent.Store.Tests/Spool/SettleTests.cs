using FieldAgent.Core;
using FieldAgent.Store.Spooling;

namespace FieldAgent.Store.Tests;

/// <summary>When and how acknowledgements are written.</summary>
public class SettleTests
{
    // As Bench.Fill makes them: five rows of two.
    private const long BlockReadings = 10;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Acknowledging_does_not_wait_for_a_flush_under_way_which_takes_the_acknowledgements_along()
    {
        using var bench = new Bench(static o => o with { Limits = o.Limits with { SettleAfter = 4, UnsettledMax = 100 } });
        bench.Fill(Bench.Set(), 20);
        using var reader = bench.Spool.OpenReader("vendor");
        using (var busy = new BusyWriter(bench))
        {
            // it would never end if it waited
            await Task.Run(() => Acknowledge(reader, 20), TestContext.Current.CancellationToken)
                .WaitAsync(s_limit, TestContext.Current.CancellationToken);
            Assert.Equal(20, bench.Spool.State.Blocks);
        }

        bench.Spool.Flush();
        Assert.Equal(0, bench.Spool.State.Blocks);
        var runs = bench.Store.Deliveries.All();
        Assert.Equal((20L, 20L * BlockReadings), (runs.Sum(static run => run.Items), runs.Sum(static run => run.Readings)));
    }

    [Fact]
    public async Task Beyond_a_bound_acknowledging_waits_and_settles()
    {
        using var bench = new Bench(static o => o with { Limits = o.Limits with { SettleAfter = 4, UnsettledMax = 8 } });
        bench.Fill(Bench.Set(), 8);
        using var reader = bench.Spool.OpenReader("vendor");
        Task acknowledging;
        using (var busy = new BusyWriter(bench))
        {
            acknowledging = Task.Run(() => Acknowledge(reader, 8), TestContext.Current.CancellationToken);
        }

        await acknowledging.WaitAsync(s_limit, TestContext.Current.CancellationToken);
        Assert.Equal(0, bench.Spool.State.Blocks);
    }

    [Fact]
    public void Where_nobody_writes_acknowledgements_are_written_as_soon_as_they_are_enough()
    {
        using var bench = new Bench(static o => o with { Limits = o.Limits with { SettleAfter = 4, UnsettledMax = 100 } });
        bench.Fill(Bench.Set(), 9);
        using var reader = bench.Spool.OpenReader("vendor");
        Acknowledge(reader, 3);
        Assert.Equal(9, bench.Spool.State.Blocks);
        Acknowledge(reader, 1);
        Assert.Equal(5, bench.Spool.State.Blocks);
    }

    [Theory]
    [Promise("R32", "R69")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_the_order_each_item_is_either_waiting_or_in_the_ledger_after_a_power_cut(int seed)
    {
        const int Blocks = 60;
        var random = new Random(seed);
        using var bench = new Bench(static o => o with { Limits = o.Limits with { SettleAfter = 7, UnsettledMax = 20 } });
        for (var i = 0; i < Blocks; i++)
        {
            // two functions in turn
            bench.Fill(Bench.Set(), 1, permit: Admit.Permit(i % 2 == 0 ? "telemetry" : "diagnostics", "instrument.measurement"));
        }

        using var cut = new TempFolder();
        var settled = 0;
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            var ids = new List<long>();
            while (reader.TryRead(item))
            {
                ids.Add(item.Id);
            }

            // out of order, and some are never answered
            var answered = ids.OrderBy(_ => random.Next()).Take(Blocks - 13).ToList();
            for (var i = 0; i < answered.Count; i++)
            {
                reader.Acknowledge(answered[i]);
                if (i == answered.Count / 2)
                {
                    bench.Spool.Flush();
                    settled = i + 1;
                    DeliveryLedgerTests.CopyState(bench.Options.Directory, cut.File("cut"));
                }
            }
        }

        Assert.Equal(13, bench.ReadAll().Count);
        Assert.Equal(Blocks - 13, bench.Store.Deliveries.All().Sum(static run => run.Items));
        using var after = new Bench(directory: cut.File("cut"), clock: bench.Clock);
        var waiting = after.ReadAll();
        var runs = after.Store.Deliveries.All();
        Assert.Equal(Blocks - settled, waiting.Count);
        Assert.Equal(settled, runs.Sum(static run => run.Items));
        Assert.Equal(settled * BlockReadings, runs.Sum(static run => run.Readings));
        Assert.All(waiting, got => Assert.DoesNotContain(runs, run => run.Step > 0 && run.Function == got.Function && run.Holds(got.Sequence)));
    }

    [Theory]
    [InlineData("vendor", "clinic")]
    [InlineData("clinic", "vendor")]
    public void What_others_still_wait_for_is_overwritten_where_it_lies_not_written_anew(string first, string second)
    {
        const int Blocks = 20;
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "clinic"] });
        var permit = Admit.Permit(recipients: ["vendor", "clinic"]);
        for (var i = 0; i < Blocks; i++)
        {
            CapTests.TakeNoise(bench, Bench.Set(), 500, i, permit);
        }

        bench.Spool.Flush();
        var database = ((Spool)bench.Spool).Context.Database;
        using var rows = database.Writer.Once("SELECT min(length(payload)) FROM items WHERE kind = 0");
        var bytes = rows.Scalar();
        Assert.True(bytes > 4 * Sqlite.Database.PageBytes, $"{bytes} bytes a block");
        using var reader = bench.Spool.OpenReader(first);
        Acknowledge(reader, Blocks);
        var before = database.PagesWritten;
        ((Spool)bench.Spool).Settle();
        Assert.InRange(database.PagesWritten - before, 1, Blocks);

        Assert.Empty(Bench.ReadAll(reader));
        Assert.Equal(Blocks, bench.ReadAll(second, acknowledge: true).Count);
        ((Spool)bench.Spool).Settle();
        Assert.Equal(0, bench.Spool.State.Blocks);
    }

    private static void Acknowledge(ISpoolReader reader, int count)
    {
        var item = new SpoolItem();
        for (var i = 0; i < count && reader.TryRead(item); i++)
        {
            reader.Acknowledge(item.Id);
        }
    }

    /// <summary>Holds the write lock on a thread of its own, as a long flush does, until it is disposed.</summary>
    private sealed class BusyWriter : IDisposable
    {
        private readonly ManualResetEventSlim _end = new(false);
        private readonly Thread _thread;

        public BusyWriter(Bench bench)
        {
            using var begun = new ManualResetEventSlim(false);
            _thread = new Thread(() =>
            {
                lock (((Spool)bench.Spool).Context.WriteLock)
                {
                    begun.Set();
                    _end.Wait();
                }
            });
            _thread.Start();
            begun.Wait();
        }

        public void Dispose()
        {
            _end.Set();
            _thread.Join();
            _end.Dispose();
        }
    }
}
