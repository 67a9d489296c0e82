using FieldAgent.Core;
using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace FieldAgent.Delivery;

/// <content>Waiting, the broker's packets, and keeping alive.</content>
internal sealed partial class MqttNetLink
{
    private const string ContentEncodingName = "content-encoding";

    /// <summary>Packets told in one poll, so that a flood cannot hold the owner.</summary>
    private const int PacketsPerPoll = 1024;

    private TimeSpan _keepAlive = TimeSpan.FromSeconds(60);
    private Deadline _lastSent;
    private Deadline _lastHeard;
    private Deadline? _pingLimit;
    private long _deferredBytes;

    /// <inheritdoc/>
    /// <remarks>After the connection has closed it waits for <see cref="Wake"/> alone.</remarks>
    public void Poll(TimeSpan wait)
    {
        _session.ThrowIfInside();
        var deadline = Deadline.After(wait);
        var told = TellDeferred();
        if (_session.State != LinkState.Up)
        {
            if (!told && !_session.IsDisposed)
            {
                _inbox.Wait(deadline.LeftMs, canWake: true, wakeOnly: true);
            }

            return;
        }

        FlushIfNeeded();
        var isWoken = false;
        while (true)
        {
            told |= TellArrived();
            if (!_session.HasFault && !_session.IsClosing && !_session.IsDisposed)
            {
                KeepAlive();
                FlushIfNeeded();
            }

            if (told || isWoken || _session.HasFault || _session.IsClosing || _session.IsDisposed || deadline.LeftMs == 0)
            {
                break;
            }

            isWoken = _inbox.Wait(Math.Min(deadline.LeftMs, KeepAliveLeftMs()), canWake: true);
        }

        _session.FinishPoll();
    }

    private static async Task ReceiveAsync(MqttChannelAdapter adapter, BufferedChannel channel, PacketInbox inbox)
    {
        try
        {
            while (await adapter.ReceivePacketAsync(CancellationToken.None).ConfigureAwait(false) is { } packet)
            {
                await inbox.AddAsync(packet).ConfigureAwait(false);
            }

            inbox.End(channel.Broken);
        }
        catch (Exception e)
        {
            // Whatever a decoder throws at nonsense; the owner finds the words for it.
            inbox.End(e);
        }
    }

    private bool TellDeferred()
    {
        var told = false;
        while (!_session.IsDisposed && !_session.IsClosing && _deferred.TryDequeue(out var packet))
        {
            told = true;
            _deferredBytes -= PacketInbox.BytesOf(packet);
            Handle(packet);
        }

        return told;
    }

    private bool TellArrived()
    {
        var told = 0;
        while (!_session.HasFault && !_session.IsClosing && !_session.IsDisposed && told < PacketsPerPoll && _inbox.TryTake(out var packet))
        {
            told++;
            Heard();
            Handle(packet);
        }

        if (told == 0 && !_session.HasFault && _inbox.IsEnded && !_inbox.TryTake(out _))
        {
            _session.Fail(FaultOf(_inbox.Cause ?? _channel?.Broken));
        }

        return told > 0;
    }

    private int? AwaitSuback(ushort id, Deadline deadline)
    {
        while (!_session.HasFault)
        {
            while (_inbox.TryTake(out var packet))
            {
                Heard();
                if (packet is MqttSubAckPacket suback && suback.PacketIdentifier == id)
                {
                    return suback.ReasonCodes.Count > 0 ? (int)suback.ReasonCodes[0] : null;
                }

                _deferred.Enqueue(packet);
                _deferredBytes += PacketInbox.BytesOf(packet);
            }

            if (_inbox.IsEnded || _inbox.IsCancelled || _deferredBytes > _limits.DeferredBytesMax || deadline.LeftMs == 0)
            {
                return null;
            }

            KeepAlive();
            FlushIfNeeded();
            _inbox.Wait(Math.Min(deadline.LeftMs, KeepAliveLeftMs()), canWake: false);
        }

        return null;
    }

    private void Handle(MqttPacket packet)
    {
        switch (packet)
        {
            case MqttPublishPacket publish when publish.QualityOfServiceLevel != MqttQualityOfServiceLevel.ExactlyOnce:
                Tell(publish);
                if (publish.QualityOfServiceLevel == MqttQualityOfServiceLevel.AtLeastOnce && !_session.IsDisposed && _adapter is not null)
                {
                    // Only now: what is not told yet counts against the receive maximum.
                    Send(new MqttPubAckPacket { PacketIdentifier = publish.PacketIdentifier });
                    _unflushed++;
                }

                break;
            case MqttPubAckPacket puback:
                if (_inFlight.Remove(puback.PacketIdentifier))
                {
                    Call(static (events, ack) => events.OnAcknowledged(ack.PacketIdentifier, (int)ack.ReasonCode), puback);
                }

                break;
            case MqttPingRespPacket:
                _pingLimit = null;
                break;
            case MqttDisconnectPacket disconnect:
                var reason = (int)disconnect.ReasonCode;
                _session.Fail(reason >= 0x80
                    ? MqttReasons.FromDisconnect(reason, _session.Broker)
                    : MqttReasons.FromLibrary(LibMosquitto.Success, 0, _session.Broker));
                break;
            case MqttSubAckPacket or MqttUnsubAckPacket:
                break;
            default:
                _session.Fail(MqttReasons.FromLibrary(LibMosquitto.Protocol, 0, _session.Broker));
                break;
        }
    }

    private void Tell(MqttPublishPacket publish) => Call(
        (events, message) => events.OnMessage(new LinkMessage
        {
            Topic = message.Topic,
            Payload = message.Payload.FirstSpan,
            ResponseTopic = message.ResponseTopic,
            CorrelationData = message.CorrelationData,
            ContentEncoding = EncodingOf(message),
            ExpirySeconds = message.MessageExpiryInterval > 0 ? message.MessageExpiryInterval : null,
            Retained = message.Retain,
        }),
        publish);

    private string? EncodingOf(MqttPublishPacket publish)
    {
        var properties = publish.UserProperties;
        for (var i = 0; properties is not null && i < properties.Count && i < _limits.UserPropertiesMax; i++)
        {
            if (properties[i].Name == ContentEncodingName)
            {
                return properties[i].ReadValueAsString();
            }
        }

        return null;
    }

    private void Call<T>(Action<ILinkEvents, T> call, T argument)
    {
        if (_session.IsDisposed)
        {
            return;
        }

        _session.IsInside = true;
        try
        {
            call(_session.Events, argument);
        }
        catch (Exception e)
        {
            _session.Keep(e);
        }
        finally
        {
            _session.IsInside = false;
        }
    }

    private void Heard() => _lastHeard = Deadline.After(_keepAlive);

    private void SetKeepAlive(TimeSpan keepAlive)
    {
        _keepAlive = keepAlive;
        _lastSent = Deadline.After(keepAlive);
        Heard();
    }

    /// <summary>A ping when one side was silent for the keep-alive; the end when its answer takes as long again.</summary>
    private void KeepAlive()
    {
        if (_pingLimit is { } limit)
        {
            if (limit.LeftMs == 0)
            {
                _session.Fail(MqttReasons.FromLibrary(LibMosquitto.KeepAlive, 0, _session.Broker));
            }
        }
        else if (_lastSent.LeftMs == 0 || _lastHeard.LeftMs == 0)
        {
            _pingLimit = Deadline.After(_keepAlive);
            Send(MqttPingReqPacket.Instance);
            Flush();
        }
    }

    private int KeepAliveLeftMs() => Math.Max(1, _pingLimit?.LeftMs ?? Math.Min(_lastSent.LeftMs, _lastHeard.LeftMs));

    private void FlushIfNeeded()
    {
        if (_unflushed > 0)
        {
            Flush();
        }
    }
}
