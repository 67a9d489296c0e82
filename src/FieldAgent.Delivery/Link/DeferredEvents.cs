using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What arrived while its owner was not polling (during Connect and Subscribe), copied, in order.</summary>
internal sealed class DeferredEvents
{
    private const int MessageOverheadBytes = 128;

    private readonly Queue<Item> _items = new();

    public int Bytes { get; private set; }

    public bool IsEmpty => _items.Count == 0;

    public void AddAcknowledged(int messageId, int reasonCode)
    {
        _items.Enqueue(new Item(messageId, reasonCode, null));
        Bytes += MessageOverheadBytes;
    }

    public void AddMessage(in LinkMessage message)
    {
        var copy = new MessageCopy(
            message.Topic,
            message.Payload.ToArray(),
            message.ResponseTopic,
            message.CorrelationData.ToArray(),
            message.ContentEncoding,
            message.ExpirySeconds,
            message.Retained);
        _items.Enqueue(new Item(0, 0, copy));
        Bytes += copy.Bytes;
    }

    /// <summary>Tells the oldest event and forgets it; does nothing when there is none.</summary>
    public void TellNext(ILinkEvents events)
    {
        if (!_items.TryDequeue(out var item))
        {
            return;
        }

        if (item.Message is not { } copy)
        {
            Bytes -= MessageOverheadBytes;
            events.OnAcknowledged(item.MessageId, item.ReasonCode);
            return;
        }

        Bytes -= copy.Bytes;
        events.OnMessage(new LinkMessage
        {
            Topic = copy.Topic,
            Payload = copy.Payload,
            ResponseTopic = copy.ResponseTopic,
            CorrelationData = copy.CorrelationData,
            ContentEncoding = copy.ContentEncoding,
            ExpirySeconds = copy.ExpirySeconds,
            Retained = copy.Retained,
        });
    }

    private readonly record struct Item(int MessageId, int ReasonCode, MessageCopy? Message);

    private sealed record MessageCopy(
        string Topic,
        byte[] Payload,
        string? ResponseTopic,
        byte[] CorrelationData,
        string? ContentEncoding,
        uint? ExpirySeconds,
        bool Retained)
    {
        public int Bytes => Payload.Length + CorrelationData.Length + MessageOverheadBytes;
    }
}
