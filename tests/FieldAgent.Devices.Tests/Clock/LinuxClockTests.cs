using System.Diagnostics;
using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

public sealed class LinuxClockTests
{
    private const long Second = ClockExtensions.NsPerSecond;

    [Fact]
    public void Boot_time_goes_on_and_wall_time_is_the_systems()
    {
        var clock = new LinuxClock();
        var last = 0L;
        for (var i = 0; i < 10_000; i++)
        {
            var now = clock.BootNs;
            Assert.True(now >= last);
            last = now;
        }

        Assert.NotEqual(Guid.Empty, clock.BootId);
        Assert.Equal(new LinuxClock().BootId, clock.BootId);
        var system = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        Assert.InRange(Math.Abs(clock.Now().WallUnixNs - system), 0, 5 * Second);
    }

    [Fact]
    public void The_wall_offset_is_steady()
    {
        var clock = new LinuxClock("/", static () => true);
        var first = clock.WallOffsetNs;
        for (var i = 0; i < 10_000; i++)
        {
            Assert.Equal(first, clock.WallOffsetNs);
        }
    }

    [Fact]
    public void A_wait_ends_at_its_time_and_not_before()
    {
        var clock = new LinuxClock();
        for (var i = 1; i <= 20; i++)
        {
            var until = clock.BootNs + (i * 300_000);
            Assert.True(clock.WaitUntil(until, CancellationToken.None));
            Assert.True(clock.BootNs >= until);
        }

        Assert.True(clock.WaitUntil(0, CancellationToken.None));
    }

    [Fact]
    public void A_long_wait_ends_at_once_when_stopped()
    {
        var clock = new LinuxClock();
        using var stop = new CancellationTokenSource();
        var watch = Stopwatch.StartNew();
        stop.CancelAfter(20);
        Assert.False(clock.WaitUntil(long.MaxValue, stop.Token));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30));
        Assert.False(clock.WaitUntil(0, stop.Token));
    }

    [Fact]
    public void Waiting_does_not_allocate()
    {
        var clock = new LinuxClock();
        using var stop = new CancellationTokenSource();
        for (var i = 0; i < 50; i++)
        {
            clock.WaitUntil(clock.BootNs + 1_100_000, stop.Token);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++)
        {
            clock.WaitUntil(clock.BootNs + 1_100_000, stop.Token);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Without_ntp_quality_hangs_on_a_battery_backed_clock()
    {
        using var root = new TempFolder();
        Assert.Equal(ClockQuality.Unsynced, new LinuxClock(root.Path, static () => false).Quality);
        Assert.Equal(ClockQuality.Ntp, new LinuxClock(root.Path, static () => true).Quality);
        root.Write("sys/class/rtc/rtc0/name", "rpi_rtc");
        Assert.Equal(ClockQuality.Rtc, new LinuxClock(root.Path, static () => false).Quality);
    }

    [Fact]
    public void The_boot_id_is_the_kernels()
    {
        using var root = new TempFolder();
        root.Write("proc/sys/kernel/random/boot_id", "0d7ad8b9-6a47-4a0e-9b1c-2f1f3f0c7a11\n");
        Assert.Equal(new Guid("0d7ad8b9-6a47-4a0e-9b1c-2f1f3f0c7a11"), new LinuxClock(root.Path, static () => true).BootId);
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, 0x2001, true)]
    [InlineData(4, 0, true)]
    [InlineData(5, 0x40, false)]
    [InlineData(0, 0x40, false)]
    [InlineData(5, 0, false)]
    [InlineData(-1, 0, false)]
    public void Only_the_kernels_plain_word_counts_as_synchronised(int code, int status, bool synchronised) =>
        Assert.Equal(synchronised, ClockNative.IsSynchronised(code, status));

    [Fact]
    public void Gnss_gives_the_time_when_ntp_does_not()
    {
        using var root = new TempFolder();
        var clock = new LinuxClock(root.Path, static () => false);
        const long Later = 2_000_000_000L * Second;
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(ClockQuality.Unsynced, clock.Quality);
            clock.Offer(ClockQuality.Gnss, Later + clock.BootNs, clock.BootNs);
        }

        Assert.Equal(ClockQuality.Gnss, clock.Quality);
        Assert.InRange(clock.WallOffsetNs, Later - Second, Later + Second);
    }

    [Fact]
    public void Gnss_does_not_move_the_time_while_ntp_keeps_it()
    {
        var clock = new LinuxClock("/", static () => true);
        var before = clock.WallOffsetNs;
        for (var i = 0; i < 10; i++)
        {
            clock.Offer(ClockQuality.Gnss, (2_000_000_000L * Second) + clock.BootNs, clock.BootNs);
        }

        Assert.Equal(ClockQuality.Ntp, clock.Quality);
        Assert.InRange(Math.Abs(clock.WallOffsetNs - before), 0, 60 * Second);
    }
}
