using FieldAgent.Delivery;

namespace FieldAgent.Benchmarks;

/// <summary>(e) How fast a backlog drains, with little and with much of it waiting.</summary>
/// <remarks>Both are timed from the first message to the last acknowledgement. A backlog of 10 thousand readings is gone in a few milliseconds,
/// in which a wake-up or a write by others shows: many repeats, and the median. It fits the window, so its acknowledgements are not yet written
/// when the last comes; the large one pays for writing nearly all of its own.</remarks>
internal static class DrainRate
{
    private const int Streams = 10;
    private const int BlockReadings = 100;
    private const int SmallRepeats = 101;
    private const int LargeRepeats = 3;
    private const long Small = 10_000;
    private const long Large = 10_000_000;

    public static void Run(Results results)
    {
        using var broker = BenchBroker.Start();
        Drain(broker.Port, Large / 10);          // warm-up: the JIT
        var small = Median(SmallRepeats, () => Drain(broker.Port, Small));
        var large = Median(LargeRepeats, () => Drain(broker.Port, Large));
        results.Add("10 thousand readings waiting", small.Rate, "readings/s");
        results.Add("10 million readings waiting", large.Rate, "readings/s");
        results.Add("10 million waiting, first tenth", large.First, "readings/s");
        results.Add("10 million waiting, last tenth", large.Last, "readings/s");
        results.AtLeast("10 million against 10 thousand", large.Rate / small.Rate, "ratio", 0.9);
    }

    private static Drained Median(int repeats, Func<Drained> drain) =>
        Enumerable.Range(0, repeats).Select(_ => drain()).OrderBy(static d => d.Rate).ElementAt(repeats / 2);

    private static Drained Drain(int port, long readings)
    {
        var sensor = new FloodSensor(Streams, readings / Streams);
        // A few more than the readings fill: each flush ends the block that it finds begun.
        var stamps = new DeliveryStamps((int)(readings / BlockReadings * 2));
        using var agent = new BenchAgent(BlockReadings, sensor, port, new StampedLinkFactory(new MosquittoLinkFactory(), stamps));
        agent.StartStoring();
        DurablePath.Spin(() => sensor.IsDone && agent.Parts.Pipeline.Progress.Readings == readings, "the backlog");
        var blocks = (int)agent.Parts.Pipeline.Progress.Blocks;
        agent.StartDelivering();
        DurablePath.Spin(() => stamps.Count == blocks, "every block acknowledged");
        var each = readings / 10.0;
        return new Drained(
            readings / stamps.SecondsTo(blocks), each / stamps.SecondsTo(blocks / 10),
            each / (stamps.SecondsTo(blocks) - stamps.SecondsTo(blocks * 9 / 10)));
    }

    /// <summary>Readings a second: of all, and of the first and the last tenth.</summary>
    private readonly record struct Drained(double Rate, double First, double Last);
}
