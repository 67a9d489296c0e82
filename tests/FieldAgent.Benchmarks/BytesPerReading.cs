using System.Text;
using FieldAgent.Core;
using FieldAgent.Delivery;

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
        results.AtMost("on the wire, JSON, topic included", plain, "B/reading", 12);
        results.AtMost("on the wire, brotli, topic included", compressed, "B/reading", 5);
        var naive = Enumerable.Range(0, 1000).Average(i =>
            Encoding.UTF8.GetByteCount(Naive.Message(i % Streams, 1_767_225_600_000 + i, Noise.Value(i))) + "naive/data".Length);
        results.Add("one JSON message a reading, topic included", naive, "B/reading");
        results.AtLeast("ratio to compressed", naive / compressed, "times fewer", 1);
    }

    private static (double Stored, double Wire) Measure(int compressAbove)
    {
        var links = new CountingLinkFactory();
        using var agent = new BenchAgent(1000, new IdleSensor(), 1883, links, compressAboveBytes: compressAbove);
        var parts = agent.Parts;
        agent.StartDelivering();
        DurablePath.Spin(() => parts.Couriers[0].State.Phase == "connected", "a connection");
        links.Reset();
        long payload = 0;
        for (var block = 0; block < Blocks; block++)
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
            payload += parts.Store.Spool.Flush().PayloadBytes;
        }

        DurablePath.Spin(() => agent.Acknowledged >= Blocks, "every block sent");
        agent.Stop();
        const double readings = Blocks * RowsPerBlock * Streams;
        return (payload / readings, links.DataBytes / readings);
    }

    private sealed class IdleSensor : ISensor
    {
        public string Name => "idle";

        public IReadOnlyList<string> OpensFor { get; } = [];

        public void Run(ISensorHost host, CancellationToken stop) => stop.WaitHandle.WaitOne();
    }
}

/// <summary>A link that acknowledges everything and counts the bytes of data messages: topic and payload.</summary>
internal sealed class CountingLinkFactory : ILinkFactory
{
    public string Library => "counting";

    /// <summary>Bytes of data messages so far.</summary>
    public long DataBytes { get; private set; }

    public void Reset() => DataBytes = 0;

    public ILink Create() => new Link(this);

    private sealed class Link(CountingLinkFactory counts) : ILink
    {
        private readonly Queue<int> _unacknowledged = new();
        private readonly AutoResetEvent _wake = new(false);
        private ILinkEvents? _events;
        private int _next = 1;

        public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted)
        {
            _events = events;
            accepted = new LinkAccepted(false, 65_535, int.MaxValue, MqttVersion.V5);
            return default;
        }

        public int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
        {
            if (topic.Name.Contains("/data/", StringComparison.Ordinal))
            {
                counts.DataBytes += topic.Name.Length + payload.Length;
            }

            var id = _next++;
            _unacknowledged.Enqueue(id);
            return id;
        }

        public bool Subscribe(string filter, TimeSpan timeout) => true;

        public void Poll(TimeSpan wait)
        {
            if (_unacknowledged.Count == 0)
            {
                _wake.WaitOne(wait);
            }

            while (_unacknowledged.TryDequeue(out var id))
            {
                _events!.OnAcknowledged(id, 0);
            }
        }

        public void Wake() => _wake.Set();

        public void Disconnect()
        {
        }

        public void Dispose() => _wake.Dispose();
    }
}
