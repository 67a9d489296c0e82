using System.Text;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Testing;

namespace FieldAgent.Benchmarks;

/// <summary>(b) What a reading costs at rest and on the wire, at the default flush: ten rows of eight streams a block.</summary>
internal static class BytesPerReading
{
    private const int Streams = 8;
    private const int RowsPerBlock = 10;
    private const int Blocks = 60;
    private const int CompressAbove = 256;

    public static void Run(Results results)
    {
        var (stored, plain) = Measure(int.MaxValue);
        var (_, compressed) = Measure(CompressAbove);
        results.AtMost("stored, sealed, 80 readings a block", stored, "B/reading", 2);
        results.AtMost("on the wire, MQTT included, JSON", plain, "B/reading", 12);
        results.AtMost("on the wire, MQTT included, brotli", compressed, "B/reading", 5);
        var naive = Enumerable.Range(0, 1000).Average(i =>
            PublishBytes("naive/data", Encoding.UTF8.GetByteCount(Naive.Message(i % Streams, 1_767_225_600_000 + i, Noise.Value(i)))));
        results.Add("one JSON message a reading, MQTT included", naive, "B/reading");
        results.AtLeast("ratio to compressed", naive / compressed, "times fewer", 1);
    }

    // MQTT 5, section 3.3: fixed header (2 bytes up to a remaining length of 127, then 3), topic, packet id, no properties.
    private static int PublishBytes(string topic, int payload)
    {
        var remaining = 2 + topic.Length + 2 + 1 + payload;
        return (remaining < 128 ? 2 : 3) + remaining;
    }

    private static (double Stored, double Wire) Measure(int compressAbove)
    {
        using var broker = BenchBroker.Start();
        long sent = 0;
        using var relay = new TcpRelay(broker.Port, (bytes, toBroker) => Interlocked.Add(ref sent, toBroker ? bytes.Length : 0));
        using var agent = new BenchAgent(1000, new IdleSensor(), relay.Port, new MosquittoLinkFactory(), compressAboveBytes: compressAbove);
        var parts = agent.Parts;
        agent.StartDelivering();
        DurablePath.Spin(() => parts.Couriers[0].State.Phase == "connected", "a connection");

        // The first block brings the state message with the streams' units, and tells the broker the topic.
        StoreBlock(parts, 0);
        DurablePath.Spin(() => agent.Acknowledged >= 1 && parts.Couriers[0].State.InFlight == 0, "the first block");
        var before = Volatile.Read(ref sent);
        long payload = 0;
        for (var block = 1; block <= Blocks; block++)
        {
            payload += StoreBlock(parts, block);
        }

        DurablePath.Spin(() => agent.Acknowledged >= Blocks + 1, "every block sent");
        const double readings = Blocks * RowsPerBlock * Streams;
        var wire = Volatile.Read(ref sent) - before;
        agent.Stop();
        return (payload / readings, wire / readings);
    }

    private static long StoreBlock(AgentParts parts, int block)
    {
        var rows = new RawRows(BenchSets.Noisy("env", Streams));
        for (var i = 0; i < RowsPerBlock; i++)
        {
            var row = (block * RowsPerBlock) + i;
            rows.Columns.Append(
                parts.Clock.BootNs + (row * ClockExtensions.NsPerSecond) + (row * 7919 % 201 * 1000),
                [.. Enumerable.Range(0, Streams).Select(s => Noise.Value(s, row))],
                rows.Set.AllPresent);
        }

        parts.Gate.Admit(rows, parts.Store.Spool);
        return parts.Store.Spool.Flush().PayloadBytes;
    }

    private sealed class IdleSensor : ISensor
    {
        public string Name => "idle";

        public IReadOnlyList<string> OpensFor { get; } = [];

        public void Run(ISensorHost host, CancellationToken stop) => stop.WaitHandle.WaitOne();
    }
}
