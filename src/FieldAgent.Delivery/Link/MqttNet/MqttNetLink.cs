using System.Buffers;
using System.Runtime.ExceptionServices;
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
internal sealed partial class MqttNetLink(LinkLimits limits) : ILink
{
    private readonly LinkLimits _limits = limits;
    private readonly PacketInbox _inbox = new(limits.DeferredBytesMax);
    private readonly CancellationTokenSource _cancel = new();
    private readonly Queue<MqttPacket> _deferred = new();
    private readonly HashSet<ushort> _inFlight = [];

    private MqttNetTls? _tls;
    private BufferedChannel? _channel;
    private MqttChannelAdapter? _adapter;
    private Task _reading = Task.CompletedTask;
    private ILinkEvents? _events;
    private State _state;
    private string _broker = "the broker";
    private bool _isV5;
    private bool _isSessionPresent;
    private int _sendMaximum = ushort.MaxValue;
    private int _packetBytesMax = int.MaxValue;
    private TopicAliases _aliases = new(0);
    private (string? Text, List<MqttUserProperty>? List) _encoding;
    private ushort _lastId;
    private int _unflushed;

    private LinkFault _fault;
    private bool _hasFault;
    private bool _isInsideEvent;
    private bool _isClosing;
    private bool _isDisposed;
    private ExceptionDispatchInfo? _thrown;

    private enum State
    {
        New,
        Connecting,
        Up,
        Down,
    }

    /// <inheritdoc/>
    public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted)
    {
        accepted = default;
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_state != State.New)
        {
            throw new InvalidOperationException("a link connects once; make a new one");
        }

        _state = State.Connecting;
        var deadline = Deadline.After(options.ConnectTimeout);
        var fault = Open(options, deadline);
        if (fault.Kind == LinkFaultKind.None)
        {
            fault = AwaitConnack(options, deadline);
        }

        if (fault.Kind != LinkFaultKind.None)
        {
            Close();
            return fault;
        }

        _events = events;
        _state = State.Up;
        accepted = new LinkAccepted(_isSessionPresent, _sendMaximum, _packetBytesMax, options.Version);
        return default;
    }

    /// <inheritdoc/>
    public int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
    {
        if (_state != State.Up || _hasFault || _inbox.IsEnded)
        {
            return PublishResult.Down;
        }

        if (_inFlight.Count >= _sendMaximum)
        {
            Flush();
            return PublishResult.WindowFull;
        }

        if (topic.Name.Length == 0 || topic.Name.AsSpan().ContainsAny('+', '#', '\0') || topic.Utf8Z.Length > ushort.MaxValue)
        {
            throw new ArgumentException($"topic '{topic.Name}' is empty, too long or holds a wildcard", nameof(topic));
        }

        var alias = _aliases.Find(topic, out var isKnown);
        var encoding = _isV5 ? options.ContentEncoding : null;
        var correlation = _isV5 ? options.CorrelationData : null;
        var propertyBytes = _isV5 ? PublishSize.OfProperties(alias, encoding, correlation) : -1;
        if (PublishSize.Of(isKnown ? 0 : topic.Utf8Z.Length - 1, propertyBytes, payload.Length) > _packetBytesMax)
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
            _aliases.Sent(topic, alias);
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
        ThrowIfInsideEvent();
        if (!IsFilter(filter))
        {
            throw new ArgumentException($"'{filter}' is not a topic filter", nameof(filter));
        }

        if (_state != State.Up || _hasFault)
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
        ThrowIfInsideEvent();
        if (_state != State.Up || _hasFault || _inbox.IsEnded)
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
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The owner is gone: nobody waits.
        }

        _inbox.Cancel();
    }

    /// <inheritdoc/>
    /// <remarks>Answers that have not been polled are lost; poll until nothing is in flight to have them.</remarks>
    public void Disconnect()
    {
        if (_isInsideEvent)
        {
            _isClosing = true;
            return;
        }

        if (_state == State.Up && !_hasFault && !_inbox.IsEnded)
        {
            // The broker closes when it has read this: what arrives until then is not wanted any more, but must be read, since closing a
            // socket with unread bytes is a reset, and the broker would send the will.
            _inbox.Discard();
            Send(new MqttDisconnectPacket());
            Flush();
            _inbox.WaitForEnd(Deadline.After(_limits.GoodbyeTimeout));
        }

        Close();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (!_isInsideEvent)
        {
            Close();
            _cancel.Dispose();
        }
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
            SetFault(FaultOf(e));
            return false;
        }
    }

    private void Flush()
    {
        _unflushed = 0;
        _lastSent = Deadline.After(_keepAlive);
        _channel?.Flush();
    }

    private void SetFault(LinkFault fault)
    {
        // The first cause is the true one.
        if (!_hasFault)
        {
            _hasFault = true;
            _fault = fault;
        }
    }

    private void ThrowIfInsideEvent()
    {
        if (_isInsideEvent)
        {
            throw new InvalidOperationException("an event must not poll or subscribe; do it when Poll has returned");
        }
    }

    private void Close()
    {
        _state = State.Down;
        _inbox.Discard();
        _adapter?.Dispose();
        _adapter = null;
        _channel = null;
        _tls?.Dispose();
        _tls = null;
    }
}
