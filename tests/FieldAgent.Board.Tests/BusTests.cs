using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>Chips on an I2C bus of the kernel, each read through its driver and through the agent's register map: the same answer, and what a
/// technician sees when the bus or a chip fails. One boot for all.</summary>
public sealed class BusTests(BusTests.Bus bus) : IClassFixture<BusTests.Bus>
{
    private static readonly string[] All = ["climate", "climate-map", "board", "board-map", "board-own", "adc", "adc-map", "supply", "supply-map", "env"];

    [Theory]
    [InlineData("climate.temperature", "climate-map.temperature", 25.08, 0.005)]
    [InlineData("climate.pressure", "climate-map.pressure", 100_653.25, 0.01)]
    [InlineData("climate.humidity", "climate-map.humidity", 45.46, 0.001)]
    [InlineData("board.temperature1", "board-map.temperature", 25.375, 1e-9)]
    [InlineData("board.temperature1", "board-own.celsius", 25.375, 1e-9)]
    [InlineData("adc.voltage0", "adc-map.voltage0", 1.2, 1e-9)]
    [InlineData("adc.voltage3", "adc-map.voltage3", 1.2, 1e-9)]
    [InlineData("adc.voltage0-voltage1", "adc-map.voltage0-voltage1", 1.2, 1e-9)]
    [InlineData("supply.voltage0", "supply-map.shunt-voltage", 0.015, 1e-9)]
    [InlineData("supply.voltage1", "supply-map.voltage", 12, 1e-9)]
    [InlineData("supply.current3", "supply-map.current", 1.5, 1e-9)]
    [InlineData("supply.power2", "supply-map.power", 18, 1e-9)]
    public void A_driver_and_a_register_map_say_the_same_of_the_same_registers(string driver, string map, double value, double tolerance)
    {
        Assert.True(bus.Sample.TryGetValue(driver, out var one), $"{driver} is not among {string.Join(", ", bus.Sample)}");
        Assert.True(bus.Sample.TryGetValue(map, out var other), $"{map} is not among {string.Join(", ", bus.Sample)}");
        Assert.Equal(one, other, tolerance);
        Assert.Equal(value, other, Math.Max(tolerance, 0.01));
    }

    [Fact]
    [Promise("R13")]
    public void A_silent_chip_a_hanging_one_and_another_master_are_told_apart_and_come_back_by_themselves() => Breaks(
        "fault nak 0x76; fault timeout 0x49; fault lost_at 0x48; fault lost 1000000000",
        "fault nak -1; fault timeout -1; fault lost 0; fault lost_at -1",
        new()
        {
            ["climate"] = ("Absent", "absent. The chip does not answer"),
            ["climate-map"] = ("Absent", "address 0x76: absent. No chip answers"),
            ["adc"] = ("Failed", "timeout. The chip did not answer in time"),
            ["adc-map"] = ("Failed", "address 0x49: timeout. The bus hangs"),
            ["board"] = ("Failed", "busy. The chip was not ready, or another master"),
            ["board-map"] = ("Failed", "address 0x48: busy. Another master"),
            ["board-own"] = ("Failed", "address 0x48: busy. Another master"),
        });

    [Fact]
    public void A_bus_that_hangs_as_a_whole_stops_what_is_on_it_and_nothing_else() => Breaks(
        "fault timeout 0x80", "fault timeout -1", All.Except(["env"]).ToDictionary(static name => name, static _ => ("Failed", ": timeout. ")));

    [Fact]
    public void A_driver_that_gave_its_chip_up_says_so_until_it_is_bound_anew() => Breaks(
        // the kernel's own way with a chip that sleeps between two readings
        "echo auto >/sys/bus/i2c/devices/$number-0049/power/control; fault timeout 0x49",
        "fault timeout -1; driver ads1015 0049 unbind; driver ads1015 0049 bind; echo on >/sys/bus/i2c/devices/$number-0049/power/control",
        new() { ["adc"] = ("Failed", "gave the chip up"), ["adc-map"] = ("Failed", "timeout. The bus hangs") });

    [Fact]
    [Promise("R13")]
    public void Unbound_drivers_and_a_chip_that_was_exchanged_for_another_are_named_until_they_are_back() => Breaks(
        """
        driver lm75 0048 unbind; driver ads1015 0049 unbind; driver ina2xx_adc 0040 unbind; driver bmp280 0076 unbind
        # the cable is out for a moment, as it is when somebody changes the chip; the driver then refuses the new one
        fault nak 0x76; put 76 0xd0 58; sleep 2; fault nak -1
        ! driver bmp280 0076 bind 2>/dev/null
        """,
        "put 76 0xd0 60; driver lm75 0048 bind; driver ads1015 0049 bind; driver ina2xx_adc 0040 bind; driver bmp280 0076 bind",
        new()
        {
            ["board"] = ("Absent", "No chip named 'lm75b'"),
            ["adc"] = ("Absent", "No chip named 'ads1015'"),
            ["supply"] = ("Absent", "No chip named 'ina219'"),
            ["climate"] = ("Absent", "No chip named 'bme280'"),
            ["climate-map"] = ("Failed", "address 0x76: malformed. It answers as bmp280, not as bme280: its id register 0xd0 says 0x58, not 0x60"),
        });

    // A fault: the sensors that it hits say so, the others go on meanwhile; it ends, and all deliver again.
    private void Breaks(string on, string off, Dictionary<string, (string State, string Words)> says)
    {
        var live = bus.Live;
        var others = All.Except(says.Keys).ToArray();
        var before = live.StatusUntil(static s => All.All(name => State(s, name) == "Running"), "all sensors run");
        try
        {
            live.Ok(Bus.Helpers + on);
            var during = live.StatusUntil(
                s => says.All(e => State(s, e.Key) == e.Value.State && Detail(s, e.Key).Contains(e.Value.Words, StringComparison.Ordinal)), $"{string.Join(", ", says.Keys)} say what is wrong");
            live.StatusUntil(s => others.All(name => State(s, name) == "Running" && Rows(s, name) > Rows(during, name)), $"{string.Join(", ", others)} go on");
            Assert.All(says.Keys, name => Assert.True(LiveBoard.Sensor(during, name).GetProperty("failures").GetInt64() > LiveBoard.Sensor(before, name).GetProperty("failures").GetInt64()));
        }
        finally
        {
            live.Ok(Bus.Helpers + off);
        }

        var after = live.StatusUntil(static s => All.All(name => State(s, name) == "Running"), "all sensors run again");
        live.StatusUntil(s => All.All(name => Rows(s, name) > Rows(after, name)), "all sensors deliver again");
    }

    private static string State(JsonElement status, string sensor) => LiveBoard.Sensor(status, sensor).GetProperty("state").GetString()!;

    private static string Detail(JsonElement status, string sensor) => LiveBoard.Sensor(status, sensor).GetProperty("detail").GetString()!;

    private static long Rows(JsonElement status, string sensor) => LiveBoard.Sensor(status, sensor).GetProperty("rows").GetInt64();

    /// <summary>A board whose chips are bound to their drivers, and an agent that reads them both ways.</summary>
    public sealed class Bus : IDisposable
    {
        private VirtualBoard? _board;
        private LiveBoard? _live;
        private Dictionary<string, double> _sample = [];

        internal static string Helpers { get; } = "set -e\n" + BusChips.Put + "\n" + BusChips.Fault + """
            number=$(readlink /run/i2c-bus); number=${number##*-}
            driver() { echo $number-$2 >/sys/bus/i2c/drivers/$1/$3; }

            """;

        /// <summary>The board, with the agent running.</summary>
        internal LiveBoard Live
        {
            get
            {
                Boot();
                return _live!;
            }
        }

        /// <summary>The last value of each stream.</summary>
        internal Dictionary<string, double> Sample
        {
            get
            {
                Boot();
                return _sample;
            }
        }

        public void Dispose()
        {
            _live?.Dispose();
            _board?.Dispose();
        }

        private void Boot()
        {
            if (_live is not null)
            {
                return;
            }

            _board = new VirtualBoard();
            _board.Share.Write("config.json", """
                { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B" }, "recipients": [],
                  "sensors": [
                    { "name": "climate", "kind": "iio", "device": "bme280", "interval": "500ms" },
                    { "name": "climate-map", "kind": "i2c", "map": "bme280", "bus": "/run/i2c-bus", "interval": "500ms" },
                    { "name": "board", "kind": "hwmon", "device": "lm75b", "interval": "500ms" },
                    { "name": "board-map", "kind": "i2c", "map": "lm75", "bus": "/run/i2c-bus", "interval": "500ms" },
                    { "name": "board-own", "kind": "i2c", "map": "custom", "bus": "/run/i2c-bus", "address": "0x48", "interval": "500ms",
                      "streams": [ { "name": "celsius", "unit": "Cel", "register": 0, "bits": 16, "format": "signed", "shift": 5, "scale": 0.125 } ] },
                    { "name": "adc", "kind": "iio", "device": "ads1015", "interval": "500ms" },
                    { "name": "adc-map", "kind": "i2c", "map": "ads1015", "bus": "/run/i2c-bus", "address": "0x49", "range": "2.048", "interval": "500ms",
                      "channels": [ { "channel": "voltage0" }, { "channel": "voltage3" }, { "channel": "voltage0-voltage1" } ] },
                    { "name": "supply", "kind": "iio", "device": "ina219", "interval": "500ms" },
                    { "name": "supply-map", "kind": "i2c", "map": "ina219", "bus": "/run/i2c-bus", "shunt": 0.01, "interval": "500ms" },
                    { "name": "env", "kind": "simulated", "interval": "500ms", "seed": 1, "streams": [ { "name": "a", "unit": "1" } ] }
                  ] }
                """);
            _live = _board.TurnOn();
            _live.Ok("set -e\n" + BusChips.Content + BusChips.Drivers + "fieldagent sample --config config.json --count 150 --json >sample.json");
            _sample = File.ReadLines(_board.Share.File("sample.json")).Select(static line => JsonDocument.Parse(line).RootElement)
                .GroupBy(static r => r.GetProperty("stream").GetString()!).ToDictionary(static g => g.Key, static g => g.Last().GetProperty("value").GetDouble());
            _live.StartAgent();
        }
    }
}
