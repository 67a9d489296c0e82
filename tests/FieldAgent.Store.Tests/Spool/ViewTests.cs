using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

public class ViewTests
{
    [Fact]
    [Promise("R89")]
    public void A_view_shows_all_that_is_held_and_takes_nothing_from_delivery()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "partner"] });
        bench.Fill(Bench.Set(), 100, permit: Admit.Permit(recipients: ["vendor", "partner"]));
        bench.Spool.Add(Admit.Image([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9], bench.Clock.Now()));
        bench.Spool.Flush();
        bench.ReadAll("partner", acknowledge: true);
        using var reader = bench.Spool.OpenReader("vendor");
        using (var view = bench.Store.OpenView())
        {
            var item = new SpoolItem();
            var blocks = 0;
            while (view.TryRead(item, out var held))
            {
                Assert.Equal("", held.Unreadable);
                Assert.Equal(["vendor"], held.Pending);
                if (item.Kind == SpoolItemKind.Block)
                {
                    blocks++;
                    Assert.Equal(5, item.Sets[0].Columns.Count);
                    continue;
                }

                var bytes = new byte[16];
                Assert.Equal(7, view.ReadImage(item.Image!, 0, bytes));
            }

            Assert.Equal(100, blocks);
            var sums = view.Summarize();
            Assert.Equal([("photo", 1L), ("telemetry", 100L)], sums.Select(static s => (s.Function, s.Items)));
            Assert.Equal(1000, sums[1].Readings);
            Assert.Equal(100, sums[1].Pending["vendor"]);
        }

        Assert.Equal(101, Bench.ReadAll(reader, acknowledge: true).Count);
    }

    [Fact]
    public void What_was_erased_or_is_past_its_term_has_no_content()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 2);
        using var view = bench.Store.OpenView();
        bench.Spool.Erase("telemetry", "instrument.measurement", GapReason.ConsentWithdrawn);
        bench.Fill(Bench.Set(), 1);
        var item = new SpoolItem();
        while (view.TryRead(item, out _))
        {
            Assert.NotEqual(SpoolItemKind.Block, item.Kind);
        }

        bench.Clock.Advance(TimeSpan.FromDays(31));
        using var later = bench.Store.OpenView();
        var readable = 0;
        while (later.TryRead(item, out var held))
        {
            if (item.Kind == SpoolItemKind.Block)
            {
                Assert.Contains("term", held.Unreadable);
                Assert.Empty(item.Sets);
                readable++;
            }
        }

        Assert.Equal(1, readable);
    }
}
