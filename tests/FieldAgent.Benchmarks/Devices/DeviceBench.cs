namespace FieldAgent.Benchmarks.Devices;

/// <summary>The drivers on the virtual board, each beside a plain C loop on the same interface. The board is emulated: the ratios say something,
/// the seconds do not.</summary>
internal static class DeviceBench
{
    // A register of two bytes takes start, address, register, start, address, two bytes and stop: 47 bits of the bus's clock.
    private const double ReadsOfSlowBus = 100_000 / 47.0;

    private const int WatchSeconds = 4;
    private const int PlainSeconds = 2;
    private const int LongSeconds = 20;
    private const int I2cSensors = 2;
    private const int I2cRegisters = 16;
    private const int EdgesAimed = 5_000;
    private const double SlowMax = 1.1;

    private const string Line = """{ "name": "line", "kind": "gpio", "chip": "fieldagent-gpio", "lines": [ { "name": "pulse", "line": "0" } ] }""";

    private static readonly int[] EdgeRates = [1_000, 2_000, EdgesAimed, 10_000, 20_000, 50_000, 100_000];

    /// <summary>GPIO: the highest rate of edges of which none is missing, and how many are in a longer time at the rate aimed at.</summary>
    public static void Edges(Results results, BenchBoard board)
    {
        board.Live.Ok("modprobe fieldagent-gpio");
        var plain = Highest(rate => PlainRun(board, rate, PlainSeconds) is { Missing: 0, IsAtRate: true });
        var plainMissing = PlainRun(board, EdgesAimed, LongSeconds).Missing;
        var (agent, missing) = board.With(Line, () =>
        {
            var seen = board.Look();
            return (Highest(rate => Run(board, ref seen, rate, PlainSeconds) is { Missing: 0, IsAtRate: true }), Run(board, ref seen, EdgesAimed, LongSeconds).Missing);
        });
        results.Add("GPIO edges, plain C loop: highest rate without a loss", plain, "edges/s");
        results.AtLeast("GPIO edges, agent: highest rate without a loss", agent, "edges/s", EdgesAimed);
        results.Add("GPIO edges, agent against C", plain == 0 ? 0 : (double)agent / plain, "ratio");
        results.Add($"GPIO, {BenchBoard.Text(LongSeconds)} s at 5 kHz: edges the plain C loop missed", plainMissing, "edges");
        results.AtMost($"GPIO, {BenchBoard.Text(LongSeconds)} s at 5 kHz: edges the agent missed", missing, "edges", 0);
    }

    /// <summary>I2C: reads of one register a second, with the agent's sensors as fast as they go.</summary>
    public static void I2cReads(Results results, BenchBoard board)
    {
        var plain = BenchBoard.Median(() =>
        {
            var figures = board.Figures($"plain-loops i2c /run/i2c-bus 0x48 0 {BenchBoard.Text(PlainSeconds)}");
            return figures["reads"] / figures["seconds"];
        });
        var registers = string.Join(',', Enumerable.Range(0, I2cRegisters).Select(static r =>
            $$"""{ "name": "r{{BenchBoard.Text(r)}}", "register": {{BenchBoard.Text(r)}}, "bits": 16 }"""));
        var sensors = string.Join(',', Enumerable.Range(0, I2cSensors).Select(i =>
            $$"""{ "name": "s{{BenchBoard.Text(i)}}", "kind": "i2c", "map": "custom", "bus": "/run/i2c-bus", "address": "0x48", "interval": "1ms", "streams": [ {{registers}} ] }"""));
        var rate = board.With(sensors, () => board.Watch(WatchSeconds)).Rate * I2cRegisters;
        results.Add("I2C register reads, plain C loop", plain, "reads/s");
        results.Add("I2C register reads, agent (sampled, admitted, stored)", rate, "reads/s");
        results.Add("I2C register reads, agent against C", rate / plain, "ratio");
        results.AtLeast("I2C register reads, agent against a bus at 100 kHz", rate / ReadsOfSlowBus, "ratio", 1);
    }

    /// <summary>IIO: samples a second of one channel through the kernel's buffer, from a chip with a FIFO.</summary>
    public static void IioSamples(Results results, BenchBoard board)
    {
        board.Live.Ok("modprobe fieldagent-iio");
        foreach (var hertz in new[] { 1_000, 10_000 })
        {
            var at = $"IIO at {BenchBoard.Text(hertz / 1000)} kHz";
            var plainLost = 0.0;
            var plain = BenchBoard.Median(() =>
            {
                var figures = board.Figures($"""
                    device=$(dirname $(grep -l '^fieldagent-iio$' /sys/bus/iio/devices/iio:device*/name))
                    for element in $device/scan_elements/*_en; do echo 1 >$element; done
                    echo {BenchBoard.Text(hertz)} >$device/sampling_frequency
                    echo 16384 >$device/buffer/length
                    echo 1 >$device/buffer/enable
                    plain-loops iio /dev/$(basename $device) {BenchBoard.Text(PlainSeconds)}
                    echo 0 >$device/buffer/enable
                    """);
                plainLost += figures["lost"];
                return figures["scans"] / figures["seconds"];
            });
            var (span, dropped) = board.With(
                $$"""{ "name": "fast", "kind": "iio", "device": "fieldagent-iio", "buffer": { "rate": "{{BenchBoard.Text(hertz)}}Hz", "length": 16384 } }""",
                () => (board.Watch(WatchSeconds), board.Figures("echo dropped=$(cat /sys/module/fieldagent_iio/parameters/dropped)")["dropped"]));
            results.Add($"{at}, plain C loop", plain, "samples/s");
            results.Add($"{at}, agent (sampled, admitted, stored)", span.Rate, "samples/s");
            results.AtLeast($"{at}, agent against C", span.Rate / plain, "ratio", 0.99);
            results.Add($"{at}, samples the plain C loop missed", plainLost, "samples");
            results.AtMost($"{at}, samples the agent missed", span.Lost + dropped, "samples", 0);
        }
    }

    // Edges made and not seen, and whether the source kept its rate: else it proves nothing.
    private static (double Missing, bool IsAtRate) PlainRun(BenchBoard board, int rate, int seconds)
    {
        var figures = board.Figures(Begin(rate) + $"""
            plain-loops edges /dev/$(basename /sys/bus/platform/devices/fieldagent-gpio/gpiochip*) 0 {BenchBoard.Text(rate * seconds)} >edges.txt &
            reader=$!
            until grep -q ready edges.txt; do sleep 0.05; done
            {Make(rate * seconds)}
            wait $reader
            cat edges.txt
            """);
        return ((rate * seconds) - figures["edges"], IsAtRate(figures, seconds));
    }

    private static (double Missing, bool IsAtRate) Run(BenchBoard board, ref BenchBoard.Span before, int rate, int seconds)
    {
        var figures = board.Figures(Begin(rate) + Make(rate * seconds) + "sleep 0.5");
        var (rows, lost) = (before.Rows, before.Lost);
        before = board.Look();
        // After a loss the levels are read anew, as a row more: the kernel's numbers tell then.
        return (Math.Max((rate * seconds) - (before.Rows - rows), before.Lost - lost), IsAtRate(figures, seconds));
    }

    private static string Begin(int rate) => $"line=/sys/module/fieldagent_gpio/parameters\necho {BenchBoard.Text(rate)} >$line/rate\n";

    private static string Make(int count) => $"""
        begin=$(date +%s%N)
        echo {BenchBoard.Text(count)} >$line/left
        until [ $(cat $line/left) = 0 ]; do sleep 0.05; done
        echo took=$(($(date +%s%N) - begin))

        """;

    private static bool IsAtRate(Dictionary<string, double> figures, int seconds) => figures["took"] / 1e9 < (seconds * SlowMax) + 0.3;

    // From the top: whether an edge is missed is chance near the limit, so two of three tries must be whole.
    private static int Highest(Func<int, bool> isWhole) => EdgeRates.OrderDescending().FirstOrDefault(rate =>
    {
        var (whole, broken) = (0, 0);
        while (whole <= BenchBoard.Repeats / 2 && broken <= BenchBoard.Repeats / 2)
        {
            if (isWhole(rate))
            {
                whole++;
            }
            else
            {
                broken++;
            }
        }

        return whole > broken;
    });
}
