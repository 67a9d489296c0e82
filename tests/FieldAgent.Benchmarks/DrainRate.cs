using System.Diagnostics;
using FieldAgent.Delivery;

namespace FieldAgent.Benchmarks;

/// <summary>(e) How fast a backlog drains, with little and with much of it waiting.</summary>
internal static class DrainRate
{
    private const int Streams = 10;
    private const int BlockReadings = 100;
    private const int SmallRepeats = 25;
    private const long Small = 10_000;
    private const long Large = 10_000_000;

    public static void Run(Results results)
    {
        using var broker = BenchBroker.Start();
        Drain(broker.Port, Large / 10);          // warm-up: the JIT
        // A hundred blocks drain in a few milliseconds: many repeats, and the median.
        var small = Enumerable.Range(0, SmallRepeats).Select(_ => Drain(broker.Port, Small)).Order().ElementAt(SmallRepeats / 2);
        var (large, first, last) = DrainWatched(broker.Port, Large);
        results.Add("10 thousand readings waiting", small, "readings/s");
        results.Add("10 million readings waiting", large, "readings/s");
        results.Add("10 million waiting, first tenth", first, "readings/s");
        results.Add("10 million waiting, last tenth", last, "readings/s");
        results.AtLeast("10 million against 10 thousand", large / small, "ratio", 0.9);
    }

    private static double Drain(int port, long readings) => DrainWatched(port, readings).Rate;

    private static (double Rate, double First, double Last) DrainWatched(int port, long readings)
    {
        var sensor = new FloodSensor(Streams, readings / Streams);
        using var agent = new BenchAgent(BlockReadings, sensor, port, new MosquittoLinkFactory());
        agent.StartStoring();
        DurablePath.Spin(() => sensor.IsDone && agent.Parts.Pipeline.ReadingsStored == readings, "the backlog");
        var blocks = agent.Parts.Pipeline.BlocksStored;
        agent.StartDelivering();
        DurablePath.Spin(() => agent.Parts.Couriers[0].State.Phase == "connected", "a connection");
        var begin = agent.Acknowledged;
        var watch = Stopwatch.StartNew();
        var tenth = new TimeSpan[11];
        for (var i = 1; i <= 10; i++)
        {
            var until = begin + ((blocks - begin) * i / 10);
            while (agent.Acknowledged < until)
            {
                Thread.Yield();
            }

            tenth[i] = watch.Elapsed;
        }

        var each = (blocks - begin) * (double)BlockReadings / 10;
        return ((blocks - begin) * BlockReadings / tenth[10].TotalSeconds, each / tenth[1].TotalSeconds, each / (tenth[10] - tenth[9]).TotalSeconds);
    }
}
