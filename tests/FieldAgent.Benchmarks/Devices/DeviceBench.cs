using System.Globalization;
using FieldAgent.Testing;

namespace FieldAgent.Benchmarks.Devices;

/// <summary>The drivers on the virtual board, each beside a plain C loop on the same interface. The board is emulated: the ratios say something,
/// the seconds do not.</summary>
internal static class DeviceBench
{
    // A register of two bytes takes start, address, register, start, address, two bytes and stop: 47 bits of the bus's clock.
    private const double ReadsOfSlowBus = 100_000 / 47.0;

    private const int WatchSeconds = 5;
    private const int I2cSensors = 2;
    private const int I2cRegisters = 16;
    private const int CpuSensors = 21;

    private static readonly int[] EdgeRates = [5000, 2000, 1000, 500, 200, 100];

    /// <summary>GPIO: the highest rate of edges of which none is missing.</summary>
    public static void Edges(Results results, BenchBoard board)
    {
        const string Line = """{ "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line7" } ] }""";
        const string Plain = """
            plain-loops edges /dev/$(cat /sys/kernel/config/gpio-sim/board/bank/chip_name) 7 {0} >edges.txt &
            reader=$!
            until grep -q ready edges.txt; do sleep 0.05; done
            plain-loops drive /run/gpio/line7/pull {0} {1} >/dev/null
            wait $reader
            cat edges.txt
            """;
        var plain = EdgeRates.FirstOrDefault(rate => board.Figures(Plain
            .Replace("{0}", Text(rate), StringComparison.Ordinal).Replace("{1}", Text(1_000_000 / rate), StringComparison.Ordinal))["edges"] == rate);
        var lost = 0L;
        var agent = board.With(Line, () => EdgeRates.FirstOrDefault(rate =>
        {
            var before = board.Look();
            board.Live.Ok($"plain-loops drive /run/gpio/line7/pull {Text(rate)} {Text(1_000_000 / rate)} >/dev/null; sleep 1");
            var after = board.Look();
            lost += after.Lost - before.Lost;
            return after.Rows - before.Rows == rate;
        }));
        results.Add("GPIO edges, plain C loop: highest rate without a missing one", plain, "edges/s");
        results.Add("GPIO edges, agent: highest rate without a missing one", agent, "edges/s");
        results.AtMost("GPIO edges that the kernel gave and the agent lost, all rates", lost, "edges", 0);
        results.AtLeast("GPIO edges, agent against C", plain == 0 ? 0 : (double)agent / plain, "ratio", 1);
    }

    /// <summary>I2C: reads of one register a second, with the agent's sensors as fast as they go.</summary>
    public static void I2cReads(Results results, BenchBoard board)
    {
        var plain = board.Figures("plain-loops i2c /run/i2c-bus 0x48 0 3");
        var plainRate = plain["reads"] / plain["seconds"];
        var registers = string.Join(',', Enumerable.Range(0, I2cRegisters).Select(static r => $$"""{ "name": "r{{Text(r)}}", "register": {{Text(r)}}, "bits": 16 }"""));
        var sensors = string.Join(',', Enumerable.Range(0, I2cSensors).Select(i =>
            $$"""{ "name": "s{{Text(i)}}", "kind": "i2c", "map": "custom", "bus": "/run/i2c-bus", "address": "0x48", "interval": "1ms", "streams": [ {{registers}} ] }"""));
        var span = board.With(sensors, () => board.Watch(WatchSeconds));
        var rate = span.Rows * I2cRegisters / span.Seconds;
        results.Add("I2C reads, plain C loop", plainRate, "reads/s");
        results.Add("I2C reads, agent (sampled, admitted, stored)", rate, "reads/s");
        results.Add("I2C reads, agent against C", rate / plainRate, "ratio");
        results.AtLeast("I2C reads, agent against what a bus at 100 kHz carries", rate / ReadsOfSlowBus, "ratio", 1);
    }

    /// <summary>IIO: samples a second of one channel through the kernel's buffer, with a timer as trigger.</summary>
    public static void IioSamples(Results results, BenchBoard board)
    {
        foreach (var hertz in new[] { 1_000, 10_000 })
        {
            var plain = board.Figures($"""
                device=$(dirname $(grep -l '^board-iio$' /sys/bus/iio/devices/iio:device*/name))
                trigger=$(dirname $(grep -l '^board-timer$' /sys/bus/iio/devices/trigger*/name))
                for element in $device/scan_elements/*_en; do echo 0 >$element; done
                echo 1 >$device/scan_elements/in_voltage0_en
                echo 1 >$device/scan_elements/in_timestamp_en
                echo {Text(hertz)} >$trigger/sampling_frequency
                echo board-timer >$device/trigger/current_trigger
                echo 16384 >$device/buffer/length
                echo 1 >$device/buffer/enable
                plain-loops iio /dev/$(basename $device) 16 3
                echo 0 >$device/buffer/enable
                """);
            var plainRate = plain["scans"] / plain["seconds"];
            var span = board.With(
                $$"""
                { "name": "fast", "kind": "iio", "device": "board-iio", "channels": [ { "channel": "voltage0" } ],
                  "buffer": { "trigger": "board-timer", "rate": "{{Text(hertz)}}Hz", "length": 16384 } }
                """,
                () => board.Watch(WatchSeconds));
            var rate = span.Rows / span.Seconds;
            results.Add($"IIO at {Text(hertz)} Hz asked for, plain C loop", plainRate, "samples/s");
            results.Add($"IIO at {Text(hertz)} Hz asked for, agent (sampled, admitted, stored)", rate, "samples/s");
            results.Add($"IIO at {Text(hertz)} Hz asked for, samples the emulated timer missed or a buffer dropped", span.Lost / span.Seconds, "samples/s");
            results.AtLeast($"IIO at {Text(hertz)} Hz asked for, agent against C", rate / plainRate, "ratio", 0.9);
        }
    }

    /// <summary>Processor time of one more sensor at 1 Hz.</summary>
    public static void Cpu(Results results, BenchBoard board)
    {
        double Measure(int count) => board.With(
            string.Join(',', Enumerable.Range(0, count).Select(i =>
                $$"""{ "name": "s{{Text(i)}}", "kind": "i2c", "map": "custom", "bus": "/run/i2c-bus", "address": "0x48", "streams": [ { "name": "a", "register": 0, "bits": 16 } ] }""")),
            () =>
            {
                // The start, and the looks themselves, are not what is measured: the same in both.
                var span = board.Watch(3 * WatchSeconds);
                return span.CpuSeconds / span.Seconds * 100;
            });

        var one = Measure(1);
        var many = Measure(CpuSensors);
        results.Add("CPU, one I2C sensor at 1 Hz (emulated core)", one, "% of a core");
        results.Add($"CPU, {Text(CpuSensors)} I2C sensors at 1 Hz (emulated core)", many, "% of a core");
        results.Add("CPU, each further sensor (emulated core)", (many - one) / (CpuSensors - 1), "% of a core");
    }

    /// <summary>A photograph from the command until the consumer has it whole, over TLS.</summary>
    public static void Photo(Results results)
    {
        const int Shots = 5;
        using var delivery = new Board.Tests.DeliveryBoard { Shots = """ "warmUp": "1ms" """ };
        delivery.Live.StatusUntil(static s => LiveBoard.Sensor(s, "camera").GetProperty("state").GetString() == "Running", "the camera waits");
        DurablePath.Spin(() => delivery.Device.Length > 0, "the board's first batch");
        var times = new List<double>();
        for (var i = 0; i < Shots; i++)
        {
            var seen = delivery.PhotoCount;
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var (code, output) = Shell.Run(
                "mosquitto_pub", "-h", "127.0.0.1", "-p", Text(delivery.PlainPort), "-q", "1", "-t", $"fieldagent/v1/{delivery.Device}/command/photo",
                "-m", $$"""{"id":"p-{{Text(i)}}","expires":"2199-01-01T00:00:00Z"}""");
            if (code != 0)
            {
                throw new InvalidOperationException(output);
            }

            DurablePath.Spin(() => delivery.PhotoCount > seen, "the photograph");
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        var plain = delivery.Live.Ok("begin=$(date +%s%N); ffmpeg -nostdin -loglevel error -f video4linux2 -i /dev/video0 -ss 0.001 -frames:v 1 -q:v 2 -f image2pipe pipe:1 >/dev/null; echo $((($(date +%s%N) - begin) / 1000000))");
        results.Add("photograph, ffmpeg alone", double.Parse(plain, CultureInfo.InvariantCulture), "ms");
        results.Add($"photograph, from command to delivered over TLS (median of {Text(Shots)})", times.Order().ElementAt(Shots / 2), "ms");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
