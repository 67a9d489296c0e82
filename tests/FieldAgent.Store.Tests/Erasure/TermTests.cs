using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Store.Tests;

/// <summary>Terms that end, on clocks that can be trusted and on others.</summary>
public class TermTests
{
    private const long Day = 86_400 * ClockExtensions.NsPerSecond;
    private static readonly Permit s_photo = Admit.Permit("photo", "image.photo", personal: true) with { Term = TimeSpan.FromDays(30) };

    [Fact]
    [Promise("R64", "R85")]
    public void A_picture_can_be_read_a_second_before_30_times_24_hours_and_not_after()
    {
        using var bench = new Bench();
        var marks = Add(bench);
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        Assert.True(reader.TryRead(item));
        bench.Clock.Advance(TimeSpan.FromDays(30) - TimeSpan.FromSeconds(1));
        bench.Store.Sweeper.Tick();
        reader.Rewind();
        Assert.True(reader.TryRead(item));
        Assert.Equal(5000, reader.ReadImage(item.Image!, 0, new byte[5000]));

        // the picture that is open cannot be read on, and nothing hands it out again
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StoreFaultKind.Refused, Assert.Throws<StoreFault>(() => reader.ReadImage(item.Image!, 0, new byte[5000])).Kind);
        reader.Rewind();
        Assert.False(reader.TryRead(item));
        Assert.Equal(1, bench.Counters["withheld.items"]);

        // and it is destroyed: file, rows, log and all
        Assert.True(bench.Store.Sweeper.NextDueBootNs <= bench.Clock.BootNs + SweeperLimit);
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(bench.Store.Sweeper.Tick());
        Assert.Empty(Directory.GetFiles(Path.Join(bench.Options.Directory, "images")));
        Assert.All(marks, mark => Assert.False(ErasureTests.Occurs(bench, mark)));
        var report = bench.Store.Eraser.Reports()[0];
        Assert.Equal((ErasureState.Verified, "term-over", GapReason.TermOver, 1), (report.State, report.Ground, report.Reason, report.KeysDestroyed));
        bench.Spool.Flush();
        Assert.Equal(GapReason.TermOver, Assert.Single(Bench.ReadAll(reader)).Gap!.Reason);
        Assert.False(bench.Store.Sweeper.Tick());
    }

    [Fact]
    [Promise("R64", "R85")]
    public void An_untrusted_jump_forward_makes_unreadable_and_destroys_nothing()
    {
        using var bench = new Bench();
        Add(bench);
        bench.Fill(Bench.Set(), 2);
        var wall = bench.Clock.Now().WallUnixNs;
        bench.Clock = Boot(2, wall + (400 * Day), ClockQuality.Unsynced);
        bench.Reopen();
        bench.Store.Sweeper.Sweep();
        Assert.Empty(bench.ReadAll());
        Assert.Equal((2, 1), (bench.Spool.State.Blocks, bench.Spool.State.Images));
        Assert.Empty(bench.Store.Eraser.Reports());
        using var reader = bench.Spool.OpenReader("vendor");
        Assert.False(reader.TryRead(new SpoolItem()));

        // the time becomes known: it was an hour later, and all of it is there, also for who is connected
        bench.Clock.SetWall(wall + (3600 * ClockExtensions.NsPerSecond), ClockQuality.Ntp);
        bench.Store.Sweeper.Tick();
        Assert.Equal(3, Bench.ReadAll(reader).Count);
    }

    [Fact]
    [Promise("R64", "R85")]
    public void When_the_jump_turns_out_true_it_is_destroyed()
    {
        using var bench = new Bench();
        Add(bench);
        var wall = bench.Clock.Now().WallUnixNs;
        bench.Clock = Boot(2, wall + (31 * Day), ClockQuality.Unsynced);
        bench.Reopen();
        bench.Store.Sweeper.Tick();
        Assert.Equal(1, bench.Spool.State.Images);
        bench.Clock.SetWall(wall + (31 * Day), ClockQuality.Gnss);
        Assert.True(bench.Store.Sweeper.Tick());
        Assert.Equal(0, bench.Spool.State.Images);
    }

    [Fact]
    [Promise("R85")]
    public void A_clock_set_back_lengthens_no_term()
    {
        using var bench = new Bench();
        Add(bench);
        var wall = bench.Clock.Now().WallUnixNs;
        bench.Clock.Advance(TimeSpan.FromDays(29));
        bench.Store.Sweeper.Tick();
        bench.Clock = Boot(2, wall - (100 * Day), ClockQuality.Ntp);
        bench.Reopen();
        Assert.Equal(SpoolItemKind.Image, Assert.Single(bench.ReadAll()).Kind);
        bench.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Empty(bench.ReadAll());
        bench.Store.Sweeper.Sweep();
        Assert.Equal(0, bench.Spool.State.Images);
    }

    [Fact]
    [Promise("R85")]
    public void Without_any_clock_terms_end_by_the_time_the_board_has_run_over_reboots()
    {
        using var bench = new Bench(clock: Boot(1, 1_767_225_600_000_000_000, ClockQuality.Unsynced));
        Add(bench);
        for (var boot = 2; boot <= 4; boot++)
        {
            bench.Clock.Advance(TimeSpan.FromDays(9.9));
            bench.Store.Sweeper.Sweep();
            Assert.Equal(1, bench.Spool.State.Images);
            bench.Clock = Boot(boot, 1_767_225_600_000_000_000, ClockQuality.Unsynced);
            bench.Reopen();
        }

        bench.Clock.Advance(TimeSpan.FromDays(0.3));
        bench.Store.Sweeper.Sweep();
        Assert.Equal(0, bench.Spool.State.Images);
    }

    [Fact]
    [Promise("R86")]
    public void A_hold_keeps_what_is_overdue_or_withdrawn_unreadable_until_it_ends()
    {
        using var bench = new Bench();
        var holds = new FakeHolds();
        bench.Store.Holds = holds;
        Add(bench);
        bench.Fill(Bench.Set(), 2, permit: s_photo with { Function = "geofence", Field = "location.position" });
        holds.Functions.UnionWith(["photo", "geofence"]);
        var report = bench.Store.Eraser.Erase([new ErasureScope("geofence", "location.position")], GapReason.ConsentWithdrawn, "withdrawn");
        Assert.Equal((0, 0), (report.Scopes.Count, report.Items));
        Assert.Equal(new ErasureScope("geofence", "location.position"), Assert.Single(report.Held));
        report = bench.Store.Eraser.Erase([new ErasureScope(ErasureScope.Any, ErasureScope.Any)], GapReason.ConsentWithdrawn, "close");
        Assert.Equal((0, 2), (report.Items, report.Held.Count));
        bench.Fill(Bench.Set(), 1, permit: s_photo with { Function = "geofence", Field = "location.position" });

        bench.Clock.Advance(TimeSpan.FromDays(31));
        bench.Store.Sweeper.Sweep();
        Assert.Equal((3, 1), (bench.Spool.State.Blocks, bench.Spool.State.Images));
        Assert.DoesNotContain(bench.ReadAll(), static got => got.Kind != SpoolItemKind.Gap);

        // what came after the withdrawal was not asked for, and is only overdue
        holds.Functions.Clear();
        bench.Reopen();
        bench.Store.Holds = holds;
        bench.Store.Sweeper.Sweep();
        Assert.Equal((0, 0), (bench.Spool.State.Blocks, bench.Spool.State.Images));
        var reports = bench.Store.Eraser.Reports();
        Assert.All(reports, static r => Assert.Equal(ErasureState.Verified, r.State));
        Assert.Contains(reports, static r => r is { Ground: "withdrawn", Items: 2 });
        Assert.DoesNotContain(reports, static r => r.Held.Count > 0);
    }

    [Fact]
    [Promise("R62", "R64")]
    public void A_picture_made_from_another_is_unreadable_and_erased_when_that_one_is()
    {
        using var bench = new Bench();
        var parent = Admit.Image(new byte[5000], bench.Clock.Now(), permit: s_photo);
        var id = bench.Spool.Add(parent);
        bench.Spool.Flush();
        bench.Clock.Advance(TimeSpan.FromDays(20));

        // as the gate hands it down: the moment and the term of the parent
        var inherited = ImageParent.Of(id, parent);
        bench.Spool.Add(Admit.Image(new byte[500], inherited.Captured, permit: s_photo with { Term = inherited.Term }, parentId: inherited.ImageId));
        bench.Spool.Flush();
        Assert.Equal(id, bench.ReadAll().Select(static got => got.Image).Last(static image => image is not null)!.ParentId);

        bench.Clock.Advance(TimeSpan.FromDays(10) + TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(bench.ReadAll(), static got => got.Kind == SpoolItemKind.Image);
        bench.Store.Sweeper.Sweep();
        Assert.Equal(0, bench.Spool.State.Images);
        Assert.Empty(Directory.GetFiles(Path.Join(bench.Options.Directory, "images")));
    }

    private const long SweeperLimit = 61 * ClockExtensions.NsPerSecond;

    private static List<byte[]> Add(Bench bench)
    {
        bench.Spool.Add(Admit.Image(new byte[5000], bench.Clock.Now(), permit: s_photo));
        bench.Spool.Flush();
        bench.Store.Sweeper.Tick();
        return StepTests.Marks(bench, "function = 'photo'");
    }

    private static SimulatedClock Boot(int number, long wallNs, ClockQuality quality) =>
        new(wallNs, quality: quality, bootId: new Guid(number, 0, 0, new byte[8]));
}
