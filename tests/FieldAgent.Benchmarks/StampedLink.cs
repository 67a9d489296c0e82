using System.Diagnostics;
using FieldAgent.Core;

namespace FieldAgent.Benchmarks;

/// <summary>When items left and when each was acknowledged, noted where it happens: a look from outside would take processor time from what
/// is measured, and begin late.</summary>
internal sealed class DeliveryStamps(int items)
{
    private readonly long[] _answered = new long[items];
    private long _begin;
    private int _count;

    /// <summary>Items acknowledged so far. Any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Seconds from the first message to the acknowledgement number <paramref name="item"/>.</summary>
    public double SecondsTo(int item) => Stopwatch.GetElapsedTime(_begin, _answered[item - 1]).TotalSeconds;

    /// <summary>A message leaves. The courier's thread.</summary>
    public void Published()
    {
        if (_begin == 0)
        {
            _begin = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>A message was acknowledged. The courier's thread.</summary>
    public void Answered()
    {
        if (_count < _answered.Length)
        {
            _answered[_count] = Stopwatch.GetTimestamp();
            Volatile.Write(ref _count, _count + 1);
        }
    }
}

/// <summary>Links of another factory that note the times of the messages under a data topic.</summary>
internal sealed class StampedLinkFactory(ILinkFactory inner, DeliveryStamps stamps) : ILinkFactory
{
    public string Library => inner.Library;

    public ILink Create() => new StampedLink(inner.Create(), stamps);

    private sealed class StampedLink(ILink inner, DeliveryStamps stamps) : ILink, ILinkEvents
    {
        private readonly HashSet<int> _others = [];
        private ILinkEvents _events = null!;

        public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted)
        {
            _events = events;
            return inner.Connect(options, this, out accepted);
        }

        public int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
        {
            var isData = topic.Name.Contains("/data/", StringComparison.Ordinal);
            if (isData)
            {
                stamps.Published();
            }

            var id = inner.Publish(topic, payload, options);
            if (!isData)
            {
                _others.Add(id);
            }

            return id;
        }

        public bool Subscribe(string filter, TimeSpan timeout) => inner.Subscribe(filter, timeout);

        public bool Unsubscribe(string filter) => inner.Unsubscribe(filter);

        public void Poll(TimeSpan wait) => inner.Poll(wait);

        public void Wake() => inner.Wake();

        public void CancelWaits() => inner.CancelWaits();

        public void Disconnect() => inner.Disconnect();

        public void Dispose() => inner.Dispose();

        public void OnClosed(LinkFault fault) => _events.OnClosed(fault);

        public void OnAcknowledged(int messageId, int reasonCode)
        {
            if (_others.Count == 0 || !_others.Remove(messageId))
            {
                stamps.Answered();
            }

            _events.OnAcknowledged(messageId, reasonCode);
        }

        public void OnMessage(in LinkMessage message) => _events.OnMessage(message);
    }
}
