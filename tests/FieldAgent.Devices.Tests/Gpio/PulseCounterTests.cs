using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices.Tests.Gpio;

public sealed class PulseCounterTests : IDisposable
{
    private readonly FakeGpio _gpio = new();

    [Fact]
    public void Frequency_and_rate_are_those_of_whole_periods_and_the_total_is_exact()
    {
        using var host = new RecordingHost(new LinuxClock());
        using var run = host.Start(Counter("""{ "line": "GPIO5", "pulsesPerUnit": 450, "unit": "L", "interval": "100ms" }"""));
        Eventually.True(() => host.Rows.Count > 0, "a first row");

        // 900 pulses of 250 Hz: two litres at 33.3 litres a minute, whatever the intervals are
        var start = ClockNative.Now(ClockNative.ClockMonotonic);
        for (var i = 0; i < 900; i++)
        {
            _gpio.Drive(0, active: true, start + (i * 4_000_000L));
        }

        Eventually.True(() => host.Rows[^1]["total"] == 2, "two litres");
        var counted = host.Rows.First(static row => row["frequency"] > 0);
        Assert.Equal(250, counted["frequency"]!.Value, 3);
        Assert.Equal(250 * 60 / 450.0, counted["rate"]!.Value, 3);
        Eventually.True(() => host.Rows[^1]["frequency"] == 0, "standstill");
        Assert.Equal(2, host.Rows[^1]["total"]);
    }

    [Fact]
    public void The_total_goes_on_after_a_restart()
    {
        var memory = new SensorMemory();
        memory.Load("meter", "total", 1000);
        for (var life = 1; life <= 3; life++)
        {
            using var host = new RecordingHost(new LinuxClock()) { Memory = memory.Of("meter") };
            using var run = host.Start(Counter("""{ "line": "GPIO5", "interval": "100ms" }"""));
            Eventually.True(() => host.Rows.Count > 0, "a first row");
            for (var i = 0; i < 10; i++)
            {
                _gpio.Drive(0, active: true);
            }

            var expected = 1000 + (10 * life);
            Eventually.True(() => host.Rows[^1]["total"] == expected, $"a total of {expected}");
        }

        Assert.Contains(memory.TakeChanged()!, static n => n is { Sensor: "meter", Name: "total", Value: 1030 });
        Assert.Null(memory.TakeChanged());
    }

    [Fact]
    public void Pulses_that_the_kernel_dropped_count_and_are_said()
    {
        using var host = new RecordingHost(new LinuxClock());
        using var run = host.Start(Counter("""{ "line": "GPIO5", "interval": "100ms" }"""));
        Eventually.True(() => host.Rows.Count > 0, "a first row");
        _gpio.Drive(0, active: true);
        _gpio.Drive(0, active: true, lost: 98);
        Eventually.True(() => host.Rows[^1]["total"] == 100, "a total of 100");
        Assert.Equal(98, host.Skips["lost-edges"]);
    }

    [Fact]
    public void A_counter_that_is_late_for_every_row_counts_every_pulse_all_the_same()
    {
        // Each look at the clock finds the next moment passed, as where the machine or the store is slower than the interval.
        using var stop = new CancellationTokenSource();
        var memory = new SensorMemory();
        using var host = new RecordingHost(new LateClock(looks =>
        {
            if (looks > 200)
            {
                stop.Cancel();
            }
        })) { Memory = memory.Of("meter") };
        var counter = Counter("""{ "line": "GPIO5", "interval": "100ms" }""");
        var driven = false;
        _gpio.Waiting = () =>
        {
            for (var i = 0; i < 300 && !driven; i++)
            {
                _gpio.Drive(0, active: true);
            }

            driven = true;
        };
        counter.Run(host, stop.Token);
        Assert.Equal(300, host.Rows[^1]["total"]);
        Assert.True(host.Skips["overrun"] > 0);
    }

    public void Dispose() => _gpio.Dispose();

    private sealed class LateClock(Action<int> onLook) : IClock
    {
        private int _looks;

        public Guid BootId => Guid.Empty;

        public long BootNs
        {
            get
            {
                onLook(++_looks);
                return 1_000_000_000 + (_looks * 150_000_000L);
            }
        }

        public ClockQuality Quality => ClockQuality.Ntp;

        public long WallOffsetNs => 0;

        public void Offer(ClockQuality source, long unixNs, long bootNs)
        {
        }

        public bool WaitUntil(long bootNs, CancellationToken stop) => !stop.IsCancellationRequested;
    }

    private PulseCounter Counter(string options)
    {
        var errors = new ConfigErrors();
        var kind = new PulseCounterKind();
        var node = ConfigNode.Parse(System.Text.Encoding.UTF8.GetBytes(options), errors)!;
        var sensor = new PulseCounter(new SensorSetup("meter", kind.Shape.Bind(node, errors), "/", "/"), _gpio);
        Assert.True(errors.IsEmpty);
        return sensor;
    }
}
