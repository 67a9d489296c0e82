using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>A message that arrived, copied.</summary>
public sealed record Received(
    string Topic, string Text, string? ResponseTopic, byte[] CorrelationData, string? ContentEncoding, uint? ExpirySeconds, bool Retained);

/// <summary>Keeps what a link tells.</summary>
public sealed class RecordingEvents : ILinkEvents
{
    public List<LinkFault> Closed { get; } = [];

    public List<(int MessageId, int ReasonCode)> Acknowledged { get; } = [];

    public List<Received> Messages { get; } = [];

    /// <summary>Called at the end of each event, with its name.</summary>
    public Action<string>? Then { get; set; }

    public void OnClosed(LinkFault fault)
    {
        Closed.Add(fault);
        Then?.Invoke(nameof(OnClosed));
    }

    public void OnAcknowledged(int messageId, int reasonCode)
    {
        Acknowledged.Add((messageId, reasonCode));
        Then?.Invoke(nameof(OnAcknowledged));
    }

    public void OnMessage(in LinkMessage message)
    {
        Messages.Add(new Received(
            message.Topic, Encoding.UTF8.GetString(message.Payload), message.ResponseTopic, message.CorrelationData.ToArray(),
            message.ContentEncoding, message.ExpirySeconds, message.Retained));
        Then?.Invoke(nameof(OnMessage));
    }
}
