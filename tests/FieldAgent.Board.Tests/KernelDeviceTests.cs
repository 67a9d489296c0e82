using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>The agent's drivers against the kernel's own interfaces.</summary>
public sealed class KernelDeviceTests : IDisposable
{
    private readonly VirtualBoard _board = new();

    [Fact]
    [Promise("R13")]
    public void Lines_edges_and_pulses_come_from_the_kernel_and_none_is_lost()
    {
        _board.Share.Write("config.json", Config("""
            { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" }, { "name": "pump", "line": "line4", "activeLow": true } ] },
            { "name": "meter", "kind": "pulse-counter", "line": "line5", "pulsesPerUnit": 50, "unit": "L", "interval": "500ms" },
            { "name": "gone", "kind": "gpio", "lines": [ { "name": "x", "line": "GPIO99" } ] }
            """));
        var (code, output) = _board.Run(
            """
            ./fieldagent sample --config config.json --sensor door --count 22 --json >door.json &
            agent=$!
            until [ -s door.json ]; do sleep 0.2; done
            ls -l /proc/$agent/fd | grep -c gpio >open || true
            # the simulator merges what follows too fast upon an interrupt, and the kernel looks at a line a moment after it
            interrupts() { awk '/irq_sim/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts; }
            drive() { before=$(interrupts); echo $2 >/run/gpio/line$1/pull; until [ "$(interrupts)" -gt "$before" ]; do sleep 0.01; done; sleep 0.1; }
            for i in 1 2 3 4 5 6 7 8 9 10; do drive 3 pull-up; drive 3 pull-down; done
            wait $agent
            ./fieldagent sample --config config.json --sensor meter --count 600 --json >meter.json &
            agent=$!
            until [ -s meter.json ]; do sleep 0.2; done
            for i in $(seq 1 50); do drive 5 pull-up; echo pull-down >/run/gpio/line5/pull; done
            until grep '"stream":"meter.total","value":1,' meter.json >/dev/null || ! kill -0 $agent 2>/dev/null; do sleep 0.2; done
            kill $agent 2>/dev/null
            timeout 15 ./fieldagent sample --config config.json --sensor gone --count 1 >gone.txt 2>&1
            exit 0
            """);
        Assert.True(code == 0, output);
        Assert.True(int.Parse(File.ReadAllText(_board.Share.File("open")), CultureInfo.InvariantCulture) > 0);

        // the state at the start (an active-low line that is down is active), then ten times up and down
        var rows = Readings("door.json");
        Assert.Equal(0, rows[0].Value);
        Assert.Equal(("door.pump", 1), (rows[1].Stream, rows[1].Value));
        Assert.Equal(Enumerable.Range(0, 20).Select(static i => 1.0 - (i % 2)), rows.Skip(2).Take(20).Select(static r => r.Value));
        Assert.Equal(rows.Select(static r => r.Time), rows.Select(static r => r.Time).Order());
        Assert.Equal(1, Readings("meter.json").Where(static r => r.Stream == "meter.total").Max(static r => r.Value));
        Assert.Contains("GPIO99", File.ReadAllText(_board.Share.File("gone.txt")), StringComparison.Ordinal);
    }

    [Fact]
    public void Chips_with_a_driver_are_read_through_it()
    {
        // BMP280 data sheet (BST-BMP280-DS001), 3.12: calibration and raw values that give 25.08 °C and 100,653 Pa.
        const string calibration = "706b4367 18fc7d8e 43d6d00b 270b8c00 f9ff8c3c f8c67017";
        _board.Share.Write("config.json", Config("""
            { "name": "climate", "kind": "iio", "device": "bme280", "interval": "1s" },
            { "name": "board", "kind": "hwmon", "device": "lm75", "interval": "1s" }
            """));
        var (code, output) = _board.Run(
            $$"""
            set -e
            put() { printf "$(echo "$3" | tr -d ' ' | sed 's/../\\x&/g')" | dd of=/sys/kernel/debug/fieldagent-i2c/$1 bs=1 seek=$(($2)) conv=notrunc status=none; }
            put 76 0xd0 60
            put 76 0x88 '{{calibration}}'
            put 76 0xf7 '655ac07eed00'
            put 48 0 1980
            bus=$(readlink /run/i2c-bus)
            number=${bus##*-}
            modprobe bmp280-i2c
            modprobe lm75
            echo bme280 0x76 >/sys/bus/i2c/devices/i2c-$number/new_device
            echo lm75 0x48 >/sys/bus/i2c/devices/i2c-$number/new_device
            ./fieldagent sample --config config.json --sensor climate --count 3 --json >climate.json
            ./fieldagent sample --config config.json --sensor board --count 1 --json >board.json
            """);
        Assert.True(code == 0, output);
        var climate = Readings("climate.json").ToDictionary(static r => r.Stream, static r => r.Value);
        Assert.True(climate.TryGetValue("climate.temperature", out var celsius), string.Join(", ", climate));
        Assert.Equal(25.08, celsius, 2);
        Assert.Equal(100_653, climate["climate.pressure"], 0);
        Assert.Equal(25.5, Readings("board.json")[0].Value, 3);
    }

    public void Dispose() => _board.Dispose();

    private static string Config(string sensors) =>
        $$"""{ "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state" }, "recipients": [], "sensors": [ {{sensors}} ] }""";

    private List<(DateTimeOffset Time, string Stream, double Value)> Readings(string file) =>
        [.. File.ReadLines(_board.Share.File(file)).Where(static line => line.EndsWith('}')).Select(static line =>
        {
            using var reading = JsonDocument.Parse(line);
            var root = reading.RootElement;
            return (root.GetProperty("time").GetDateTimeOffset(), root.GetProperty("stream").GetString()!, root.GetProperty("value").GetDouble());
        })];
}
