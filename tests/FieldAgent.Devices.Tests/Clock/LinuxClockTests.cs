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
        var before = System();
        var wall = clock.Now().WallUnixNs;
        Assert.InRange(wall, before - Second, System() + Second);

        static long System() => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
    }

    [Fact]
    public void The_wall_offset_is_steady()
    {
        // It may change only when it is measured anew, which is after two seconds at the earliest.
        var clock = new LinuxClock("/", static () => true);
        var start = clock.BootNs;
        var last = clock.WallOffsetNs;
        var changes = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var now = clock.WallOffsetNs;
            changes += now == last ? 0 : 1;
            last = now;
        }

        Assert.InRange(changes, 0, 1 + ((clock.BootNs - start) / (2 * Second)) - (clock.BootNs - start < 1 * Second ? 1 : 0));
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
            var now = clock.BootNs;
            clock.Offer(ClockQuality.Gnss, Later + now, now);
        }

        Assert.Equal(ClockQuality.Gnss, clock.Quality);
        Assert.InRange(clock.WallOffsetNs, Later - Second, Later + Second);
    }

    [Fact]
    public void A_stamp_of_another_clock_does_not_move_when_the_thread_is_held_up_between_two_readings()
    {
        // Boot-time and the stamping clock go on alike, but for 3 s that the thread loses between the first two readings.
        var (boot, held) = (1000L * Second, true);
        var clock = new HeldUpClock(() => boot += 1000);
        var time = new KernelTime(clock, ClockNative.ClockMonotonic, () =>
        {
            boot += held ? 3 * Second : 1000;
            held = false;
            return boot - (70 * Second);
        });
        Assert.InRange(time.ToBootNs(900 * Second), (970 * Second) - 2000, (970 * Second) + 2000);
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

    private sealed class HeldUpClock(Func<long> now) : IClock
    {
        public Guid BootId => Guid.Empty;

        public long BootNs => now();

        public ClockQuality Quality => ClockQuality.Ntp;

        public long WallOffsetNs => 0;

        public void Offer(ClockQuality source, long unixNs, long bootNs)
        {
        }

        public bool WaitUntil(long bootNs, CancellationToken stop) => false;
    }
}
