using System.Buffers;
using System.Text;
using FieldAgent.Core;
using MQTTnet.Adapter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace FieldAgent.Delivery;

/// <summary>One MQTT connection over MQTTnet: its TCP or TLS channel and its packets. The session (window, acknowledgements, aliases,
/// keep-alive) is kept here, because MQTTnet's client queues, resends and reconnects by itself, which the contract of a link forbids.</summary>
/// <remarks>Made by <see cref="MqttNetLinkFactory"/>. A pool task reads and hands packets over; all else happens on the owner's thread, within
/// its calls. Events may publish, disconnect and dispose, but not poll or subscribe; what they throw comes out of <see cref="Poll"/>.</remarks>
internal sealed partial class MqttNetLink : ILink, ILinkCarrier
{
    private readonly LinkLimits _limits;
    private readonly LinkSession _session;
    private readonly PacketInbox _inbox;
    private readonly Queue<MqttPacket> _deferred = new();
    private readonly HashSet<ushort> _inFlight = [];

    private MqttNetTls? _tls;
    private BufferedChannel? _channel;
    private MqttChannelAdapter? _adapter;
    private Task _reading = Task.CompletedTask;
    private (string? Text, List<MqttUserProperty>? List) _encoding;
    private ushort _lastId;
    private int _unflushed;

    internal MqttNetLink(LinkLimits limits)
    {
        _limits = limits;
        _session = new LinkSession(this);
        _inbox = new PacketInbox(limits.DeferredBytesMax);
    }

    /// <inheritdoc/>
    public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted) =>
        _session.Connect(options, events, out accepted);

    /// <inheritdoc/>
    public int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
    {
        if (!_session.IsUp || _inbox.IsEnded)
        {
            return PublishResult.Down;
        }

        if (_inFlight.Count >= _session.SendMaximum)
        {
            Flush();
            return PublishResult.WindowFull;
        }

        if (topic.Name.Length == 0 || topic.Name.AsSpan().ContainsAny('+', '#', '\0') || topic.Utf8Z.Length > ushort.MaxValue)
        {
            throw new ArgumentException($"topic '{topic.Name}' is empty, too long or holds a wildcard", nameof(topic));
        }

        var alias = _session.Aliases.Find(topic, out var isKnown);
        var encoding = _session.IsV5 ? options.ContentEncoding : null;
        var correlation = _session.IsV5 ? options.CorrelationData : null;
        var propertyBytes = _session.IsV5 ? PublishSize.OfProperties(alias, encoding, correlation) : -1;
        if (PublishSize.Of(isKnown ? 0 : topic.Utf8Z.Length - 1, propertyBytes, payload.Length) > _session.PacketBytesMax)
        {
            return PublishResult.TooLarge;
        }

        var id = NextId();
        var copy = ArrayPool<byte>.Shared.Rent(payload.Length);
        payload.CopyTo(copy);
        var sent = Send(new MqttPublishPacket
        {
            Topic = isKnown ? "" : topic.Name,
            TopicAlias = alias,
            PacketIdentifier = id,
            QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
            Retain = options.Retain,
            CorrelationData = correlation,
            UserProperties = EncodingProperties(encoding),
            Payload = new ReadOnlySequence<byte>(copy, 0, payload.Length),
        });
        ArrayPool<byte>.Shared.Return(copy);
        if (!sent)
        {
            return PublishResult.Down;
        }

        _inFlight.Add(id);
        if (alias != 0 && !isKnown)
        {
            // In order, so whatever the broker thinks of the message, it has read the number before the next one.
            _session.Aliases.Sent(topic, alias);
        }

        // A run of messages shares its segments, until the next poll.
        if (++_unflushed >= _limits.CorkedMessagesMax)
        {
            Flush();
        }

        return id;
    }

    /// <inheritdoc/>
    public bool Subscribe(string filter, TimeSpan timeout)
    {
        _session.ThrowIfInside();
        if (!IsFilter(filter))
        {
            throw new ArgumentException($"'{filter}' is not a topic filter", nameof(filter));
        }

        if (!_session.IsUp)
        {
            return false;
        }

        var id = NextId();
        var packet = new MqttSubscribePacket { PacketIdentifier = id };
        packet.TopicFilters.Add(new MqttTopicFilter { Topic = filter, QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce });
        Send(packet);
        Flush();
        return AwaitSuback(id, Deadline.After(timeout)) < 0x80;
    }

    /// <inheritdoc/>
    public bool Unsubscribe(string filter)
    {
        _session.ThrowIfInside();
        if (!_session.IsUp || _inbox.IsEnded)
        {
            return false;
        }

        var packet = new MqttUnsubscribePacket { PacketIdentifier = NextId() };
        packet.TopicFilters.Add(filter);
        var sent = Send(packet);
        Flush();
        return sent;
    }

    /// <inheritdoc/>
    public void Wake() => _inbox.Wake();

    /// <inheritdoc/>
    public void CancelWaits()
    {
        _session.Cancel();
        _inbox.Cancel();
    }

    /// <inheritdoc/>
    /// <remarks>Answers that have not been polled are lost; poll until nothing is in flight to have them.</remarks>
    public void Disconnect() => _session.Disconnect();

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    void ILinkCarrier.SayGoodbye()
    {
        if (_inbox.IsEnded)
        {
            return;
        }

        // The broker closes when it has read this: what arrives until then is not wanted any more, but must be read, since closing a
        // socket with unread bytes is a reset, and the broker would send the will.
        _inbox.Discard();
        Send(new MqttDisconnectPacket());
        Flush();
        _inbox.WaitForEnd(Deadline.After(_limits.GoodbyeTimeout));
    }

    void ILinkCarrier.Close()
    {
        _inbox.Discard();
        _adapter?.Dispose();
        _adapter = null;
        _channel = null;
        _tls?.Dispose();
        _tls = null;
    }

    void ILinkCarrier.Release()
    {
        // Waits end with the inbox's lock: nothing of the system is held.
    }

    private static bool IsFilter(string filter)
    {
        if (filter.Length == 0 || Encoding.UTF8.GetByteCount(filter) > ushort.MaxValue || filter.Contains('\0', StringComparison.Ordinal))
        {
            return false;
        }

        var levels = filter.Split('/');
        for (var i = 0; i < levels.Length; i++)
        {
            var isWhole = levels[i] is "+" || (levels[i] is "#" && i == levels.Length - 1);
            if (!isWhole && levels[i].AsSpan().ContainsAny('+', '#'))
            {
                return false;
            }
        }

        return true;
    }

    private List<MqttUserProperty>? EncodingProperties(string? encoding)
    {
        if (encoding is not null && _encoding.Text != encoding)
        {
            _encoding = (encoding, [new MqttUserProperty(ContentEncodingName, Encoding.UTF8.GetBytes(encoding).AsMemory())]);
        }

        return encoding is null ? null : _encoding.List;
    }

    private ushort NextId()
    {
        do
        {
            _lastId = _lastId == ushort.MaxValue ? (ushort)1 : (ushort)(_lastId + 1);
        }
        while (_inFlight.Contains(_lastId));

        return _lastId;
    }

    /// <summary>Hands a packet to the channel's buffer, which never waits.</summary>
    private bool Send(MqttPacket packet)
    {
        try
        {
            _adapter!.SendPacketAsync(packet, CancellationToken.None).GetAwaiter().GetResult();
            return true;
        }
        catch (MQTTnet.Exceptions.MqttCommunicationException e)
        {
            _session.Fail(FaultOf(e));
            return false;
        }
    }

    private void Flush()
    {
        _unflushed = 0;
        _lastSent = Deadline.After(_keepAlive);
        _channel?.Flush();
    }
}
