using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

public class CapTests
{
    private const long Cap = 1 << 20;

    [Fact]
    public void The_state_directory_never_exceeds_its_cap_and_every_loss_is_announced()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        var stored = 0L;
        for (var i = 0; i < 300; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            stored += bench.Spool.Flush().Readings;
            Assert.True(Weigh(bench) <= Cap, $"flush {i}: {Weigh(bench)} bytes");
            Assert.True(bench.Spool.State.StateBytes <= Cap);
        }

        var got = bench.ReadAll();
        var blocks = got.Where(g => g.Kind == SpoolItemKind.Block).ToList();
        var gaps = got.Where(g => g.Kind == SpoolItemKind.Gap).ToList();
        Assert.NotEmpty(gaps);
        Assert.True(gaps.Count < 50, $"{gaps.Count} gaps are not merged");
        Assert.Equal(stored, blocks.Sum(b => b.Readings) + gaps.Sum(g => g.Gap!.Readings));
        Assert.Equal(gaps.Sum(g => g.Gap!.Readings), bench.Counters["dropped.storage-cap"]);
        Assert.Equal(bench.Spool.State.Evicted, bench.Counters["dropped.storage-cap"]);
        Assert.True(gaps.All(g => g.Gap!.Reason == GapReason.StorageCap));

        // oldest first: what is left is the newest, without a hole
        var first = gaps.Max(g => g.Gap!.ToSequence) + 1;
        Assert.Equal(Enumerable.Range(0, blocks.Count).Select(n => first + n), blocks.Select(b => b.Sequence));
        Assert.True(blocks.Count > 50, $"only {blocks.Count} blocks fit");
    }

    [Fact]
    public void The_least_important_goes_first_even_when_it_is_newer()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        for (var i = 0; i < 20; i++)
        {
            TakeNoise(bench, Bench.Set("alarm", importance: Importance.High), 100, i);
            bench.Spool.Flush();
        }

        for (var i = 0; i < 200; i++)
        {
            TakeNoise(bench, Bench.Set("low", importance: Importance.Low), 400, i);
            bench.Spool.Flush();
        }

        for (var i = 0; i < 20; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            bench.Spool.Flush();
        }

        using var database = Raw.Open(bench.Options.Directory);
        Assert.Equal(20, Raw.Number(database, "SELECT count(*) FROM items WHERE kind = 0 AND importance = 2"));
        Assert.Equal(20 * 800, Raw.Number(database, "SELECT sum(readings) FROM items WHERE kind = 0 AND importance = 1"));
    }

    [Fact]
    public void New_but_less_important_readings_do_not_displace_what_matters_more()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        var faults = 0;
        for (var i = 0; i < 250; i++)
        {
            TakeNoise(bench, Bench.Set("alarm", importance: Importance.High), 400, i);
            bench.Spool.Flush();
        }

        var high = HighReadings(bench);
        for (var i = 0; i < 100; i++)
        {
            TakeNoise(bench, Bench.Set("low", importance: Importance.Low), 400, i);
            try
            {
                bench.Spool.Flush();
            }
            catch (StoreFault fault)
            {
                Assert.Equal((StoreFaultKind.Full, true), (fault.Kind, fault.Retry));
                faults++;
            }
        }

        Assert.Equal(high, HighReadings(bench));
        Assert.True(faults + bench.Counters["dropped.storage-cap"] > 0);
        Assert.True(Weigh(bench) <= Cap);
    }

    [Fact]
    [Promise("R86")]
    public void What_a_legal_hold_keeps_is_not_given_up_for_room_and_new_readings_are_refused_aloud()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        var holds = new FakeHolds("fleet-location");
        bench.Store.Holds = holds;
        var held = Admit.Permit("fleet-location", "location.position", personal: true);
        var places = Bench.Set("gnss", "location.position", Importance.Low);
        for (var i = 0; i < 60; i++)
        {
            TakeNoise(bench, places, 400, i, held);
            bench.Spool.Flush();
        }

        // others give way, although they are newer and matter more
        for (var i = 0; i < 200; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            bench.Spool.Flush();
            Assert.True(Weigh(bench) <= Cap);
        }

        Assert.True(bench.Counters["dropped.storage-cap"] > 0);
        Assert.Equal(60, Count(bench, "location.position"));

        // only held data is left: what is new is refused, by name of the reason
        holds.Functions.Add("telemetry");
        StoreFault? refused = null;
        for (var i = 0; i < 100; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            try
            {
                bench.Spool.Flush();
            }
            catch (StoreFault fault)
            {
                refused = fault;
            }
        }

        Assert.Equal((StoreFaultKind.Full, true), (refused!.Kind, refused.Retry));
        Assert.Contains("a legal hold keeps what is left", refused.Message);
        Assert.Equal(60, Count(bench, "location.position"));

        // it ends: room is made again
        holds.Functions.Clear();
        bench.Clock.Advance(TimeSpan.FromMinutes(2));
        bench.Spool.Flush();
        TakeNoise(bench, Bench.Set(), 400, 1);
        bench.Spool.Flush();
        Assert.True(Count(bench, "location.position") < 60);
    }

    private static long Count(Bench bench, string field)
    {
        using var database = Raw.Open(bench.Options.Directory);
        return Raw.Number(database, $"SELECT count(*) FROM items WHERE kind = 0 AND ground IN (SELECT id FROM grounds WHERE field = '{field}')");
    }

    [Fact]
    public void Pictures_are_given_up_with_their_files()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        for (var i = 0; i < 40; i++)
        {
            bench.Spool.Add(Admit.Image(new byte[100_000], bench.Clock.Now()));
            bench.Spool.Flush();
            Assert.True(Weigh(bench) <= Cap, $"picture {i}: {Weigh(bench)} bytes");
        }

        var images = bench.Spool.State.Images;
        Assert.InRange(images, 3, 10);
        Assert.Equal(images, Directory.GetFiles(Path.Join(bench.Options.Directory, "images")).Length);
        Assert.Equal(40 - images, bench.ReadAll().Where(g => g.Kind == SpoolItemKind.Gap).Sum(g => g.Gap!.Blocks));
    }

    [Fact]
    public void Space_that_readings_left_is_given_to_pictures()
    {
        using var bench = new Bench(o => o with { StateBytesMax = Cap });
        for (var i = 0; i < 250; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            bench.Spool.Flush();
        }

        bench.ReadAll(acknowledge: true);
        bench.Spool.Flush();
        for (var i = 0; i < 5; i++)
        {
            bench.Spool.Add(Admit.Image(new byte[100_000], bench.Clock.Now()));
            bench.Spool.Flush();
        }

        Assert.Equal(5, bench.Spool.State.Images);
        Assert.True(Weigh(bench) <= Cap, $"{Weigh(bench)} bytes");
    }

    [Fact]
    public void The_free_space_floor_of_the_disk_is_kept()
    {
        using var disk = new SmallDisk(8 << 20);
        using var bench = new Bench(o => o with { FreeBytesMin = 4 << 20 }, directory: disk.File("state"));
        for (var i = 0; i < 500; i++)
        {
            TakeNoise(bench, Bench.Set(), 900, i);
            bench.Spool.Flush();
        }

        Assert.True(new DriveInfo(disk.Path).AvailableFreeSpace >= (4 << 20) - 300_000, "the floor was passed");
        Assert.True(bench.Counters["dropped.disk-full"] > 0);
        Assert.Contains(bench.ReadAll(), g => g.Gap?.Reason == GapReason.DiskFull);
    }

    [Fact]
    public void A_disk_filled_by_others_costs_the_oldest_and_the_store_goes_on()
    {
        using var disk = new SmallDisk(4 << 20);
        using var bench = new Bench(directory: disk.File("state"));
        for (var i = 0; i < 60; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            bench.Spool.Flush();
        }

        disk.FillUp();
        var faults = 0;
        for (var i = 0; i < 200; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            try
            {
                bench.Spool.Flush();
            }
            catch (StoreFault fault)
            {
                Assert.Equal((StoreFaultKind.Full, true), (fault.Kind, fault.Retry));
                Assert.Contains("free space", fault.Message);
                faults++;
            }
        }

        Assert.Contains(bench.ReadAll(), g => g.Gap?.Reason == GapReason.DiskFull);
        disk.MakeRoom();
        bench.Spool.Flush();
        var got = bench.ReadAll();
        var readings = got.Sum(g => g.Kind == SpoolItemKind.Gap ? g.Gap!.Readings : g.Readings);
        Assert.True(260 * 800 == readings, $"{readings} of {260 * 800} readings accounted for, {faults} faults");
        bench.Reopen();
        Assert.Equal(OpenKind.Existing, bench.Store.OpenOutcome.Kind);
        Assert.Equal(got.Count, bench.ReadAll().Count);
    }

    [Fact]
    public void A_disk_that_stays_full_bounds_the_memory_and_announces_what_went()
    {
        using var disk = new SmallDisk(2 << 20);
        using var bench = new Bench(o => o with { Limits = new StoreLimits { PendingBytesMax = 20_000 } }, directory: disk.File("state"));
        bench.Spool.Flush();
        disk.FillUp();
        File.Delete(Path.Join(bench.Options.Directory, "reserve"));
        disk.FillUp();
        for (var i = 0; i < 100; i++)
        {
            TakeNoise(bench, Bench.Set(), 400, i);
            try
            {
                bench.Spool.Flush();
            }
            catch (StoreFault fault)
            {
                Assert.Equal(StoreFaultKind.Full, fault.Kind);
            }
        }

        disk.MakeRoom();
        bench.Spool.Flush();
        var got = bench.ReadAll();
        Assert.Equal(100 * 800, got.Sum(g => g.Kind == SpoolItemKind.Gap ? g.Gap!.Readings : g.Readings));
        Assert.Equal(100, got.Where(g => g.Kind == SpoolItemKind.Block).Max(g => g.Sequence));
    }

    [Fact]
    [Promise("R9")]
    public void A_withdrawal_can_be_noted_on_a_full_disk()
    {
        using var disk = new SmallDisk(4 << 20);
        using var bench = new Bench(directory: disk.File("state"));
        bench.Store.Consents.Append(LedgerTests.Event("photo"));
        disk.FillUp();
        for (var i = 0; i < 30; i++)
        {
            bench.Store.Consents.Append(LedgerTests.Event("photo", ConsentAction.Withdraw));
        }

        bench.Reopen();
        Assert.Equal(31, bench.Store.Consents.All().Count);
    }

    internal static void TakeNoise(Bench bench, StreamSet set, int rows, int seed, Permit? permit = null)
    {
        var random = new Random(seed);
        var columns = new RowColumns(2);
        for (var i = 0; i < rows; i++)
        {
            columns.Append((seed * 1_000_000_000_000) + (i * 1_000_000_000L) + random.Next(0, 1 << 20),
                [random.NextDouble(), random.Next(0, 1 << 20)], 3);
        }

        bench.Spool.Take(Admit.Rows(set, columns, permit));
    }

    private static long HighReadings(Bench bench)
    {
        using var database = Raw.Open(bench.Options.Directory);
        return Raw.Number(database, "SELECT sum(readings) FROM items WHERE importance = 2 AND kind = 0");
    }

    internal static long Weigh(Bench bench) =>
        new DirectoryInfo(bench.Options.Directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
