using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

/// <summary>What a legal hold covers stays on the board after its delivery, until the hold ends.</summary>
public class HoldTests
{
    private const long Cap = 2 << 20;

    private static readonly Permit s_photo = Admit.Permit("photo", "image.photo", personal: true);

    private static readonly Permit s_location = Admit.Permit("fleet-location", "location.position", personal: true);

    private static readonly StreamSet s_places = Bench.Set("gnss", "location.position");

    [Fact]
    [Promise("R86")]
    public void What_is_delivered_under_a_hold_stays_until_the_first_sweep_after_it()
    {
        using var bench = new Bench();
        var holds = new FakeHolds("fleet-location", "photo");
        bench.Store.Holds = holds;
        bench.Fill(Bench.Set(), 3);
        bench.Fill(s_places, 4, permit: s_location);
        bench.Spool.Add(Admit.Image(new byte[5000], bench.Clock.Now(), permit: s_photo));
        bench.Spool.Flush();
        var marks = StepTests.Marks(bench, "field <> 'instrument.measurement'");
        Assert.Equal(8, bench.ReadAll(acknowledge: true).Count);

        // nobody waits for any of it, and it is there
        Assert.Equal((0, 0, 0, 5), (bench.Spool.State.Blocks, bench.Spool.State.Readings, bench.Spool.State.Images, bench.Spool.State.Kept));
        Assert.Equal(0, bench.Spool.State.OldestWallUnixNs);
        Assert.Equal([("fleet-location", 4L), ("photo", 1L)], Held(bench));
        Assert.Empty(bench.ReadAll());
        bench.Reopen();
        Assert.Equal(5, bench.Spool.State.Kept);
        Assert.Empty(bench.ReadAll());
        bench.Store.Holds = holds;
        bench.Store.Sweeper.Sweep();
        Assert.Equal(2, bench.Store.Sweeper.Held);
        Assert.Equal([("fleet-location", 4L), ("photo", 1L)], Held(bench));
        Assert.All(marks, mark => Assert.True(ErasureTests.Occurs(bench, mark)));

        // one hold ends; nothing announces a gap to those who have it all
        holds.Functions.Remove("fleet-location");
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Assert.True(bench.Store.Sweeper.Tick());
        var report = bench.Store.Eraser.Reports()[0];
        Assert.Equal((ErasureState.Verified, ErasureGrounds.HoldEnded, 4L, 1), (report.State, report.Ground, report.Items, report.KeysDestroyed));
        Assert.Equal([("photo", 1L)], Held(bench));
        Assert.Empty(bench.ReadAll());

        holds.Functions.Clear();
        bench.Store.Sweeper.Sweep();
        Assert.Empty(Held(bench));
        Assert.Empty(Directory.GetFiles(Path.Join(bench.Options.Directory, "images")));
        Assert.All(marks, mark => Assert.False(ErasureTests.Occurs(bench, mark)));
        bench.Reopen();
        Assert.Equal(0, bench.Spool.State.Kept);
        StepTests.AssertWhole(bench);
    }

    [Fact]
    [Promise("R86")]
    public void It_is_kept_when_the_last_recipient_has_it_and_whatever_the_sender_decides()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "partner"] });
        var holds = new FakeHolds("fleet-location");
        bench.Store.Holds = holds;
        bench.Fill(s_places, 3, permit: s_location with { Recipients = ["vendor", "partner"] });
        Assert.Equal(3, bench.ReadAll(acknowledge: true).Count);
        Assert.Equal((3, 0), (bench.Spool.State.Blocks, bench.Spool.State.Kept));
        using (var reader = bench.Spool.OpenReader("partner"))
        {
            var item = new SpoolItem();
            foreach (var reason in new GapReason?[] { null, GapReason.ConsentWithdrawn, GapReason.TermOver })
            {
                Assert.True(reader.TryRead(item));
                if (reason is { } why)
                {
                    reader.GiveUp(item.Id, why);
                }
                else
                {
                    reader.Acknowledge(item.Id);
                }
            }
        }

        Assert.Equal((0, 3), (bench.Spool.State.Blocks, bench.Spool.State.Kept));
        Assert.Equal(2, bench.ReadAll("partner").Count(static got => got.Kind == SpoolItemKind.Gap));
        Assert.Empty(bench.ReadAll("vendor"));
    }

    [Fact]
    [Promise("R86")]
    public void A_recipient_that_is_removed_takes_nothing_with_it_that_may_be_held()
    {
        using var bench = new Bench(o => o with { Recipients = ["vendor", "partner"] });
        var now = bench.Clock.Now();
        bench.Store.Consents.Append(new ConsentEvent(
            0, ConsentAction.Hold, "fleet-location", "*", "", "operator", "cli", "1", "h", now) { Reference = "claim-1", Reason = "legal-claim" });
        bench.Fill(s_places, 3, permit: s_location with { Recipients = ["partner"] });
        bench.Reopen(o => o with { Recipients = ["vendor"] });
        bench.Store.Holds = new FakeHolds("fleet-location");
        bench.Store.Sweeper.Sweep();
        Assert.Equal([("fleet-location", 3L)], Held(bench));
        bench.Store.Holds = new FakeHolds();
        bench.Store.Sweeper.Sweep();
        Assert.Empty(Held(bench));
    }

    [Fact]
    [Promise("R86")]
    public void Copies_fill_half_of_the_cap_at_most_and_the_board_goes_on()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        bench.Store.Holds = new FakeHolds("telemetry");
        using var reader = bench.Spool.OpenReader("vendor");
        var delivered = 0;
        var stored = 0;
        for (; bench.Counters["held.not-kept"] < 200; stored++)
        {
            CapTests.TakeNoise(bench, Bench.Set(), 400, stored);
            Assert.Equal(1, bench.Spool.Flush().Blocks);
            delivered += Bench.ReadAll(reader, acknowledge: true).Count;
            reader.Settle();
            Assert.True(CapTests.Weigh(bench) <= Cap);
        }

        Assert.Equal((stored, 0), (delivered, bench.Counters["dropped.storage-cap"]));
        Assert.Equal(stored, bench.Counters["held.not-kept"] + bench.Spool.State.Kept);
        Assert.Equal(0, bench.Counters["held.given-up"]);
        using var database = Raw.Open(bench.Options.Directory);
        Assert.InRange(Raw.Number(database, "SELECT sum(length(payload)) FROM items WHERE kind = 0 AND pending = 0"), Cap / 3, Cap / 2);
        Assert.Equal(1, Raw.Number(database, "SELECT min(sequence) FROM items WHERE kind = 0"));
    }

    [Fact]
    [Promise("R86")]
    public void Without_any_other_room_a_copy_that_a_recipient_has_goes_before_a_reading_that_nobody_has()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        bench.Store.Holds = new FakeHolds("telemetry");
        var stored = 0;
        for (; bench.Counters["held.not-kept"] == 0; stored++)
        {
            CapTests.TakeNoise(bench, Bench.Set(), 400, stored);
            bench.Spool.Flush();
            bench.ReadAll(acknowledge: true);
        }

        // the broker is away: what is held and not delivered takes the other half, and then the room of the copies
        var kept = bench.Spool.State.Kept;
        for (var i = 0; bench.Spool.State.Kept > 0; i++)
        {
            CapTests.TakeNoise(bench, Bench.Set(), 400, i);
            Assert.Equal(1, bench.Spool.Flush().Blocks);
            Assert.Equal(i + 1, bench.Spool.State.Blocks);
            Assert.True(CapTests.Weigh(bench) <= Cap);
        }

        Assert.Equal(kept, bench.Counters["held.given-up"]);
        Assert.Equal(0, bench.Counters["dropped.storage-cap"]);
        Assert.Contains(bench.Log.Lines, static line => line.Contains("their recipients have them", StringComparison.Ordinal));
        Assert.Equal(bench.Spool.State.Blocks, bench.ReadAll().Count);
    }

    [Fact]
    [Promise("R86", "R87", "R91")]
    public void Whatever_happens_exactly_what_is_held_or_waits_is_on_the_board()
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var random = new Random(seed);
            using var bench = new Bench();
            var holds = new FakeHolds();
            bench.Store.Holds = holds;
            var functions = new[] { "telemetry", "fleet-location" };
            List<Copy> board = [];
            for (var step = 0; step < 120; step++)
            {
                var function = functions[random.Next(2)];
                switch (random.Next(8))
                {
                    case 0 or 1:
                        bench.Fill(function == "telemetry" ? Bench.Set() : s_places, 1, permit: function == "telemetry" ? null : s_location);
                        board.Add(new Copy(function));
                        break;
                    case 2:
                        bench.ReadAll(acknowledge: true);
                        board.RemoveAll(copy => copy.Waits && !holds.Functions.Contains(copy.Function));
                        board.ForEach(static copy => copy.Waits = false);
                        break;
                    case 3:
                        holds.Functions.Add(function);
                        break;
                    case 4:
                        holds.Functions.Remove(function);
                        break;
                    case 5:
                        bench.Store.Sweeper.Sweep();
                        board.RemoveAll(copy => !holds.Functions.Contains(copy.Function) && (!copy.Waits || copy.IsAskedFor));
                        break;
                    case 6:
                        bench.Store.Eraser.Erase([new ErasureScope(function, ErasureScope.Any)], GapReason.Erased, "request");
                        if (holds.Functions.Contains(function))
                        {
                            board.FindAll(copy => copy.Function == function).ForEach(static copy => copy.IsAskedFor = true);
                        }
                        else
                        {
                            board.RemoveAll(copy => copy.Function == function);
                        }

                        break;
                    default:
                        // a restart
                        bench.Reopen();
                        bench.Store.Holds = holds;
                        break;
                }

                var what = $"seed {seed}, step {step}";
                var waiting = board.Count(static copy => copy.Waits);
                Assert.True(waiting == bench.Spool.State.Blocks, $"{what}: {bench.Spool.State.Blocks} wait, not {waiting}");
                Assert.True(board.Count - waiting == bench.Spool.State.Kept, $"{what}: {bench.Spool.State.Kept} kept, not {board.Count - waiting}");
                Assert.Equal(
                    board.GroupBy(static copy => copy.Function).Select(static of => (of.Key, (long)of.Count())).OrderBy(static of => of.Key, StringComparer.Ordinal),
                    Held(bench));
                Assert.Equal(waiting, bench.ReadAll().Count(static got => got.Kind == SpoolItemKind.Block));
            }

            StepTests.AssertWhole(bench);
        }
    }

    private static List<(string Function, long Items)> Held(Bench bench)
    {
        using var view = bench.Store.OpenView();
        return [.. view.Summarize().GroupBy(static sum => sum.Function).Select(static of => (of.Key, of.Sum(static sum => sum.Items)))
            .OrderBy(static of => of.Key, StringComparer.Ordinal)];
    }

    private sealed class Copy(string function)
    {
        public string Function { get; } = function;

        public bool Waits { get; set; } = true;

        public bool IsAskedFor { get; set; }
    }
}
