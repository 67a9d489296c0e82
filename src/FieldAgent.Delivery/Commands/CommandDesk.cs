using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>An answer on its way.</summary>
/// <param name="Topic">Where to.</param>
/// <param name="Payload">The result's JSON.</param>
/// <param name="Correlation">The request's correlation data (MQTT 5), or null.</param>
internal sealed record CommandReply(MqttTopic Topic, byte[] Payload, byte[]? Correlation);

/// <summary>Takes commands as they arrive and keeps their answers until the broker has them. One thread.</summary>
/// <remarks>A command is handled inside the client library's callback, before the broker gets its PUBACK: if the power fails in
/// between, the broker delivers it again, and the ledger knows how far it got.</remarks>
internal sealed class CommandDesk(CommandRouter router, CommandLimits limits, Counters counters)
{
    private readonly Queue<CommandReply> _replies = new();
    private MqttVersion _version;

    /// <summary>A connection is up.</summary>
    public void Begin(MqttVersion version) => _version = version;

    /// <summary>A message arrived.</summary>
    public void Receive(in LinkMessage message)
    {
        if (router.Handle(message, _version) is not { } reply)
        {
            return;
        }

        if (_replies.Count >= limits.RepliesMax)
        {
            counters.Add("commands.results-dropped");
            return;
        }

        _replies.Enqueue(reply);
    }

    /// <summary>Sends the answers that wait, as far as the window allows.</summary>
    /// <returns>False when the link is down.</returns>
    public bool SendReplies(ILink link, InFlightTable table, int window)
    {
        while (table.Count < window && _replies.TryPeek(out var reply))
        {
            var options = _version == MqttVersion.V5 ? new PublishOptions(CorrelationData: reply.Correlation) : default;
            var messageId = link.Publish(reply.Topic, reply.Payload, options);
            if (messageId <= 0)
            {
                return false;
            }

            _replies.Dequeue();
            table.Add(messageId, new Sent(SentKind.Result, Reference: reply));
        }

        return true;
    }

    /// <summary>The connection is gone: answers that were under way are sent again over the next one.</summary>
    public void End(InFlightTable table)
    {
        foreach (var reply in table.Replies().Take(Math.Max(0, limits.RepliesMax - _replies.Count)))
        {
            _replies.Enqueue(reply);
        }
    }
}
