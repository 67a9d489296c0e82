using FieldAgent.Testing;

namespace FieldAgent.Benchmarks.Devices;

/// <summary>Processor time of a sensor of each kind on the virtual board, above that of an agent without it.</summary>
internal static class SensorCost
{
    private const int Seconds = 3;
    private const int Many = 20;
    private const string Idle = """{ "name": "env", "kind": "simulated", "seed": 1, "streams": [ { "name": "a", "unit": "1" } ] }""";
    private const string MakeEdges = "echo 5000 >/sys/module/fieldagent_gpio/parameters/rate; echo 1000000000 >/sys/module/fieldagent_gpio/parameters/left";

    public static void Run(Results results, BenchBoard board)
    {
        File.Copy(Path.Join(Places.Repository, "hardware/boards/recordings/walk.nmea"), board.Share.File("walk.nmea"));
        board.Live.Ok("modprobe -a fieldagent-gpio fieldagent-iio\n" + Board.Tests.BusChips.Content + Board.Tests.BusChips.Drivers);
        var idle = board.With(Idle, () => board.Cpu(Seconds));
        results.Add("CPU, the agent with one simulated stream at 1 Hz", idle, "% of a core");
        Cost("i2c register map at 1 Hz", Many, """ "kind": "i2c", "map": "lm75", "bus": "/run/i2c-bus" """);
        Cost("hwmon at 1 Hz", Many, """ "kind": "hwmon", "device": "lm75b" """);
        Cost("iio polled at 1 Hz", Many, """ "kind": "iio", "device": "bme280" """);
        Cost("iio buffered at 1 kHz", 1, """ "kind": "iio", "device": "fieldagent-iio", "buffer": { "rate": "1kHz" } """);
        Cost("iio buffered at 10 kHz", 1, """ "kind": "iio", "device": "fieldagent-iio", "buffer": { "rate": "10kHz" } """);
        Cost("gpio, edges at 5 kHz", 1, """ "kind": "gpio", "chip": "fieldagent-gpio", "lines": [ { "name": "a", "line": "0" } ] """, MakeEdges);
        Cost("pulse-counter at 5 kHz", 1, """ "kind": "pulse-counter", "chip": "fieldagent-gpio", "line": "0", "edge": "both" """, MakeEdges);
        Cost("gnss, NMEA at 1 Hz", 1, """ "kind": "gnss", "file": "walk.nmea", "loop": true """, "fieldagent consent grant fleet-location --config config.json");

        void Cost(string what, int count, string sensor, string begin = "true")
        {
            var sensors = Enumerable.Range(0, count).Select(i => $$"""{ "name": "s{{BenchBoard.Text(i)}}", {{sensor}} }""").Prepend(Idle);
            var all = board.With(string.Join(',', sensors), () => board.Cpu(Seconds), begin);
            board.Live.Ok("echo 0 >/sys/module/fieldagent_gpio/parameters/left");
            results.Add($"CPU, {what}" + (count > 1 ? $" (each of {BenchBoard.Text(count)})" : ""), (all - idle) / count, "% of a core");
        }
    }
}
