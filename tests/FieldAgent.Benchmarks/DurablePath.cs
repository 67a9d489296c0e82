using System.Diagnostics;
using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Benchmarks;

/// <summary>(a) From the sample to PUBACK, through gate and spool, against a local mosquitto; beside it the naive way and a plain
/// <c>mosquitto_pub</c>.</summary>
internal static class DurablePath
{
    private const int Streams = 10;
    private const int NaiveReadings = 6000;

    // Fewer than there are message ids: mosquitto_pub -l (2.0.11) ends as soon as the id of its last line comes back in any
    // acknowledgement. Of 400,000 lines 72,330 arrived, and it ended with 0.
    private const int PubLines = 60_000;

    private const int Repeats = 3;

    public static void Run(Results results)
    {
        using var broker = BenchBroker.Start();
        var folder = Directory.CreateTempSubdirectory("fieldagent-naive-").FullName;
        try
        {
            // Warm-up: the JIT recompiles what runs often, in the background and on the same two cores.
            Measure(broker.Port, 100, 400_000);
            Measure(broker.Port, 1000, 1_000_000);
            var ten = Median(() => Measure(broker.Port, 10, 40_000));
            var hundred = Median(() => Measure(broker.Port, 100, 400_000));
            var thousand = Median(() => Measure(broker.Port, 1000, 2_000_000));
            var (seconds, cpu) = Naive.Run(Path.Join(folder, "naive.db"), broker.Port, NaiveReadings);
            var naive = NaiveReadings / seconds;
            var pub = Median(() => (Pub(broker.Port, folder), 0)).Rate;
            results.Add("blocks of 10", ten.Rate, "readings/s");
            results.Add("blocks of 10, CPU", ten.CpuUs, "µs/reading");
            results.AtLeast("blocks of 100", hundred.Rate, "readings/s", 2e6);
            results.Add("blocks of 100, CPU", hundred.CpuUs, "µs/reading");
            results.AtLeast("blocks of 1,000", thousand.Rate, "readings/s", 5e6);
            results.Add("blocks of 1,000, CPU", thousand.CpuUs, "µs/reading");
            results.Add("naive: a row and a message a reading", naive, "readings/s");
            results.Add("naive, CPU", cpu / NaiveReadings * 1e6, "µs/reading");
            results.AtLeast("blocks of 100 against naive", hundred.Rate / naive, "times", 100);
            if (pub > 0)
            {
                results.Add("mosquitto_pub -l -q 1, nothing stored", pub, "readings/s");
                results.AtLeast("blocks of 100 against mosquitto_pub", hundred.Rate / pub, "times", 5);
            }
            else
            {
                results.Skipped("mosquitto_pub", "not installed (mosquitto-clients)");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (double Rate, double CpuUs) Measure(int port, int blockReadings, long rows) =>
        Measure(port, blockReadings, rows, new MosquittoLinkFactory());

    /// <summary>Delivers so many rows of ten readings over links of <paramref name="links"/>.</summary>
    /// <returns>Readings a second, and µs of CPU a reading.</returns>
    internal static (double Rate, double CpuUs) Measure(int port, int blockReadings, long rows, ILinkFactory links)
    {
        var sensor = new FloodSensor(Streams, rows);
        using var agent = new BenchAgent(blockReadings, sensor, port, links);
        agent.StartDelivering();
        Spin(() => agent.Parts.Couriers[0].State.Phase == "connected", "a connection");
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        agent.StartStoring();
        Spin(() => sensor.IsDone && agent.Parts.Pipeline.Progress.Readings == rows * Streams
            && agent.Acknowledged == agent.Parts.Pipeline.Progress.Blocks, "every block acknowledged");
        var seconds = watch.Elapsed.TotalSeconds;
        return (rows * Streams / seconds, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / (rows * Streams));
    }

    private static double Pub(int port, string folder)
    {
        var file = Path.Join(folder, "lines");
        using (var lines = File.CreateText(file))
        {
            for (var i = 0; i < PubLines; i++)
            {
                lines.WriteLine(Naive.Message(i % 8, i, Noise.Value(i)));
            }
        }

        var watch = Stopwatch.StartNew();
        var (code, _) = Shell.Run("sh", "-c", string.Create(CultureInfo.InvariantCulture,
            $"exec mosquitto_pub -h 127.0.0.1 -p {port} -t naive/pub -l -q 1 < {file}"));
        return code == 0 ? PubLines / watch.Elapsed.TotalSeconds : 0;
    }

    private static (double Rate, double CpuUs) Median(Func<(double Rate, double CpuUs)> measure)
    {
        var all = Enumerable.Range(0, Repeats).Select(_ => measure()).OrderBy(static m => m.Rate).ToList();
        return all[Repeats / 2];
    }

    internal static void Spin(Func<bool> condition, string what)
    {
        using var pause = new ManualResetEventSlim(false);
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed.TotalSeconds > 300)
            {
                throw new TimeoutException($"not within 300 s: {what}");
            }

            pause.Wait(1);
        }
    }
}
