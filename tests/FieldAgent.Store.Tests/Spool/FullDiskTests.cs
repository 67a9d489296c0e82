using FieldAgent.Core;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Tests;

/// <summary>No room: under the cap, on a disk filled by the store itself, and on one filled by others.</summary>
public class FullDiskTests
{
    // Database, log, its index, reserve, keys.
    private const int OtherFiles = 10;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task At_no_instant_is_the_directory_larger_than_its_cap(int mebibytes)
    {
        // Whole pages, so that the disk counts a picture as the store does.
        const int ImageFileBytes = 15 * SmallDisk.PageBytes;
        var image = new byte[ImageFileBytes - (RandomAccessSeal.FileBytes(ImageFileBytes - 100) - (ImageFileBytes - 100))];
        Assert.Equal(ImageFileBytes, RandomAccessSeal.FileBytes(image.Length));

        // The disk has no more room than the cap allows, beside the unused rest of the other files' last pages: what would go over it for an
        // instant, as while a transaction runs, is refused by the kernel, and would be given up for the full disk instead of for the cap.
        var cap = (long)mebibytes << 20;
        using var disk = new SmallDisk(cap + (OtherFiles * SmallDisk.PageBytes));
        using var bench = new Bench(
            o => o with { StateBytesMax = cap, FreeBytesMin = 0, Recipients = ["vendor", "clinic"] }, directory: disk.File("state"));
        var permit = Admit.Permit(recipients: ["vendor", "clinic"]);
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() => Drain(bench, stop.Token), TestContext.Current.CancellationToken);
        var faults = 0;
        for (var i = 0; i < 60; i++)
        {
            for (var block = 0; block < 12 * (i % 8); block++)
            {
                CapTests.TakeNoise(bench, Bench.Set(importance: (Importance)(block % 3)), 500, (i * 100) + block, permit);
            }

            try
            {
                if (i % 5 == 0)
                {
                    bench.Spool.Add(Admit.Image(image, bench.Clock.Now()));
                }

                bench.Spool.Flush();
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full)
            {
                // what is stored matters more than what is new
                Assert.Contains("has reached its cap", fault.Message, StringComparison.Ordinal);
                faults++;
            }

            Assert.True(bench.Spool.State.StateBytes <= cap);
        }

        await stop.CancelAsync();
        await reading;
        Assert.InRange(CapTests.Weigh(bench), cap / 4, cap);
        Assert.Equal(0, bench.Counters["dropped.disk-full"]);
        Assert.Equal(0, bench.Counters["store.log-underestimated"]);
        Assert.True(File.Exists(Path.Join(bench.Options.Directory, "reserve")), "the reserve was needed");
        Assert.True(bench.Counters["dropped.storage-cap"] > 0);
        Assert.True(bench.Spool.State.StateBytes > cap / 4, $"{faults} faults, {bench.Spool.State.StateBytes} bytes: the room is not used");
        Assert.True(Directory.GetFiles(bench.Options.Directory, "*", SearchOption.TopDirectoryOnly).Length <= OtherFiles, "more files than pages were added for");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public void The_store_fills_a_disk_by_itself_and_never_fails(int mebibytes)
    {
        using var disk = new SmallDisk((long)mebibytes << 20);
        using var bench = new Bench(directory: disk.File("state"));
        for (var i = 0; i < 60; i++)
        {
            for (var block = 0; block < 30; block++)
            {
                CapTests.TakeNoise(bench, Bench.Set(), 500, (i * 100) + block);
            }

            Assert.Equal(30, bench.Spool.Flush().Blocks);
        }

        Assert.True(bench.Counters["dropped.disk-full"] > 0);
        Assert.True(File.Exists(Path.Join(bench.Options.Directory, "reserve")), "the reserve was needed");
        Assert.Equal(60 * 30 * 1000, Account(bench));
        Assert.True(bench.Spool.State.Blocks > 100, $"{bench.Spool.State.Blocks} blocks");
    }

    [Fact]
    public void A_disk_that_others_fill_to_the_last_byte_goes_on_taking_the_newest()
    {
        using var disk = new SmallDisk(6 << 20);
        using var bench = new Bench(directory: disk.File("state"));
        Flood(bench, 0, 30);
        disk.FillUp();
        Assert.Equal(0, new DriveInfo(disk.Path).AvailableFreeSpace);
        Flood(bench, 30, 60);
        Assert.True(bench.Counters["dropped.disk-full"] > 0);
        Assert.Equal(60 * 10, bench.ReadAll().Max(g => g.Sequence));

        disk.MakeRoom();
        Flood(bench, 60, 61);
        Assert.True(File.Exists(Path.Join(bench.Options.Directory, "reserve")), "no new reserve");
        Assert.Equal(61 * 20 * 500, Account(bench));
        var before = bench.Spool.State.Blocks;
        bench.Reopen();
        Assert.Equal(before, bench.Spool.State.Blocks);
    }

    [Fact]
    public void Without_a_byte_for_the_log_memory_is_bounded_it_is_said_once_and_space_ends_it()
    {
        using var disk = new SmallDisk(4 << 20);
        using var bench = new Bench(o => o with { Limits = new StoreLimits { PendingBytesMax = 50_000 } }, directory: disk.File("state"));
        Flood(bench, 0, 5);

        // erasing empties the log; then others take its place, and that of the reserve
        bench.Spool.Erase("no-such", "function", GapReason.ConsentWithdrawn);
        disk.FillUp();
        File.Delete(Path.Join(bench.Options.Directory, "reserve"));
        disk.FillUp();
        Assert.Equal(0, new FileInfo(Path.Join(bench.Options.Directory, "state.db-wal")).Length);
        for (var i = 5; i < 40; i++)
        {
            CapTests.TakeNoise(bench, Bench.Set(), 250, i);
            Assert.Equal(StoreFaultKind.Full, Assert.Throws<StoreFault>(() => bench.Spool.Flush()).Kind);
        }

        Assert.Single(bench.Log.Lines, static line => line.Contains("nothing can be stored", StringComparison.Ordinal));
        bench.Clock.Advance(TimeSpan.FromMinutes(2));
        for (var i = 40; i < 45; i++)
        {
            CapTests.TakeNoise(bench, Bench.Set(), 250, i);
            Assert.Throws<StoreFault>(() => bench.Spool.Flush());
        }

        Assert.Equal(2, bench.Log.Lines.Count(static line => line.Contains("nothing can be stored", StringComparison.Ordinal)));
        disk.MakeRoom();
        Assert.True(bench.Spool.Flush().Blocks > 0);
        Assert.True(File.Exists(Path.Join(bench.Options.Directory, "reserve")), "no new reserve");
        Assert.Equal((5 * 20 * 500) + (40 * 500), Account(bench));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void From_any_full_state_it_converges_and_accounts_for_every_reading(int seed)
    {
        var random = new Random(seed);
        using var disk = new SmallDisk(4 << 20);
        using var bench = new Bench(directory: disk.File("state"));
        var taken = 0L;
        for (var i = 0; i < 150; i++)
        {
            switch (random.Next(12))
            {
                case 0:
                    disk.FillUp();
                    break;
                case 1:
                    disk.MakeRoom();
                    break;
                case 2:
                    TryOnFullDisk(() => bench.Spool.Erase("no-such", "function", GapReason.ConsentWithdrawn));
                    break;
                case 3:
                    File.Delete(Path.Join(bench.Options.Directory, "reserve"));
                    break;
                default:
                    break;
            }

            for (var block = random.Next(1, 60); block > 0; block--)
            {
                CapTests.TakeNoise(bench, Bench.Set(importance: (Importance)random.Next(3)), 250, (i * 100) + block);
                taken += 500;
            }

            TryOnFullDisk(() => bench.Spool.Flush());
        }

        disk.MakeRoom();
        bench.Spool.Flush();
        Assert.Equal(taken, Account(bench));
        Assert.True(bench.Spool.State.Blocks > 50, $"{bench.Spool.State.Blocks} blocks");
        bench.Reopen();
        Assert.Equal(taken, Account(bench));
    }

    private static void TryOnFullDisk(Action action)
    {
        try
        {
            action();
        }
        catch (StoreFault fault)
        {
            Assert.Equal((StoreFaultKind.Full, true), (fault.Kind, fault.Retry));
        }
    }

    private static void Flood(Bench bench, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            for (var block = 0; block < 20; block++)
            {
                CapTests.TakeNoise(bench, Bench.Set("board-" + block, importance: Importance.Normal), 250, (i * 100) + block);
            }

            bench.Spool.Flush();
        }
    }

    // Readings stored, and those announced as lost.
    private static long Account(Bench bench) =>
        bench.ReadAll().Sum(static got => got.Kind == SpoolItemKind.Gap ? got.Gap!.Readings : got.Readings);

    // One recipient of two: what it has is written again for the other.
    private static void Drain(Bench bench, CancellationToken stop)
    {
        using var reader = bench.Spool.OpenReader("clinic");
        var item = new SpoolItem();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (reader.TryRead(item))
                {
                    reader.Acknowledge(item.Id);
                }
                else
                {
                    Thread.Yield();
                }
            }
            catch (StoreFault fault) when (fault.Retry)
            {
                reader.Rewind();
            }
        }
    }
}
