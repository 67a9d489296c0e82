using System.Net;
using System.Net.Sockets;
using System.Text;
using FieldAgent.Core;
using MQTTnet;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Implementations;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace FieldAgent.Delivery;

/// <content>From options to CONNACK.</content>
internal sealed partial class MqttNetLink
{
    LinkFault ILinkCarrier.Open(LinkOptions options, Deadline deadline)
    {
        var fault = LinkCheck.Check(options, _limits);
        if (fault.Kind != LinkFaultKind.None)
        {
            return fault;
        }

        fault = Endpoint.Probe(options, _limits, deadline, _session.Cancelled, out var address, out _);
        if (fault.Kind != LinkFaultKind.None)
        {
            return _session.IsCancelled ? Endpoint.Cancelled(options) : fault;
        }

        if (options.Tls is not null)
        {
            fault = MqttNetTls.Load(options, out _tls!);
            if (fault.Kind != LinkFaultKind.None)
            {
                return fault;
            }
        }

        SetKeepAlive(options.KeepAlive);
        var tcp = new MqttClientTcpOptions
        {
            RemoteEndpoint = new IPEndPoint(address, options.Port),
            AddressFamily = address.AddressFamily,

            // MQTTnet's own default resets the connection, and what was written last with it: DISCONNECT.
            LingerState = new LingerOption(false, 0),
            TlsOptions = _tls?.Options ?? new MqttClientTlsOptions(),
        };
        _channel = new BufferedChannel(
            new MqttTcpChannel(new MqttClientOptions { ChannelOptions = tcp }), _limits.InboundPacketBytesMax);
        _adapter = new MqttChannelAdapter(
            _channel,
            new MqttPacketFormatterAdapter(_session.IsV5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311, new MqttBufferWriter(4096, 65_535)),
            MqttNetNullLogger.Instance);
        return ConnectSocket(options, deadline);
    }

    private LinkFault ConnectSocket(LinkOptions options, Deadline deadline)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_session.Cancelled);
            limit.CancelAfter(deadline.Left);
            _adapter!.ConnectAsync(limit.Token).GetAwaiter().GetResult();
            return default;
        }
        catch (OperationCanceledException)
        {
            return _session.IsCancelled ? Endpoint.Cancelled(options) : Endpoint.TimedOut(options);
        }
        catch (Exception e) when (e is MqttCommunicationException or IOException or SocketException)
        {
            return _tls?.Explain(e, options) ?? FaultOf(e);
        }
    }

    LinkFault ILinkCarrier.AwaitConnack(LinkOptions options, Deadline deadline)
    {
        Send(Greeting(options));
        _channel!.Flush();
        _reading = ReceiveAsync(_adapter!, _channel, _inbox);
        MqttPacket? packet;
        while (!_inbox.TryTake(out packet!))
        {
            if (_inbox.IsEnded)
            {
                // A TLS 1.3 broker says only now what it thinks of the client's certificate.
                var cause = _inbox.Cause ?? _channel.Broken;
                return IsMalformed(cause) ? FaultOf(cause) : _tls?.Explain(cause, options) ?? FaultOf(cause);
            }

            if (_session.IsCancelled)
            {
                return Endpoint.Cancelled(options);
            }

            if (deadline.LeftMs is var left && left == 0)
            {
                return Endpoint.TimedOut(options);
            }

            _inbox.Wait(left, canWake: false);
        }

        return packet is MqttConnAckPacket connack ? Note(connack) : MqttReasons.FromLibrary(LibMosquitto.Protocol, 0, _session.Broker);
    }

    private LinkFault Note(MqttConnAckPacket connack)
    {
        var reason = _session.IsV5 ? (int)connack.ReasonCode : (int)connack.ReturnCode;
        if (reason != 0)
        {
            return MqttReasons.FromConnack(reason, _session.Broker);
        }

        _session.NoteSession(connack.IsSessionPresent);
        if (!_session.IsV5)
        {
            return default;
        }

        _session.NoteGrant(
            connack.ReceiveMaximum, connack.MaximumPacketSize, Math.Min(connack.TopicAliasMaximum, _limits.TopicAliasesMax));
        if (connack.ServerKeepAlive > 0)
        {
            SetKeepAlive(TimeSpan.FromSeconds(connack.ServerKeepAlive));
        }

        return connack.MaximumQoS == MqttQualityOfServiceLevel.AtMostOnce
            ? MqttReasons.NoQos1(_session.Broker)
            : default;
    }

    private MqttConnectPacket Greeting(LinkOptions options)
    {
        var packet = new MqttConnectPacket
        {
            ClientId = options.ClientId,
            CleanSession = options.CleanStart,
            KeepAlivePeriod = (ushort)Math.Ceiling(options.KeepAlive.TotalSeconds),
            Username = options.UserName,
            Password = options.Password is { } word ? Encoding.UTF8.GetBytes(word) : null,
            RequestProblemInformation = true,
        };
        if (_session.IsV5)
        {
            packet.SessionExpiryInterval = Seconds(options.SessionExpiry);
            packet.ReceiveMaximum = (ushort)options.ReceiveMaximum;
            packet.MaximumPacketSize = (uint)_limits.InboundPacketBytesMax;
        }

        if (options.Will is { } will)
        {
            packet.WillFlag = true;
            packet.WillTopic = will.Topic;
            packet.WillMessage = will.Payload;
            packet.WillQoS = MqttQualityOfServiceLevel.AtLeastOnce;
            packet.WillRetain = will.Retain;
            packet.WillDelayInterval = _session.IsV5 ? Seconds(will.Delay) : 0;
        }

        return packet;
    }

    /// <summary>Whole seconds as MQTT counts them: 4 294 967 295 is "for ever".</summary>
    private static uint Seconds(TimeSpan span) =>
        span.TotalSeconds >= uint.MaxValue ? uint.MaxValue : (uint)Math.Max(0, Math.Ceiling(span.TotalSeconds));

    /// <summary>True for what MQTTnet cannot read: its decoders throw many things at nonsense.</summary>
    private static bool IsMalformed(Exception? e) =>
        e is not (null or MqttCommunicationException or IOException or SocketException or OperationCanceledException or ObjectDisposedException);

    private LinkFault FaultOf(Exception? e)
    {
        if (e is null)
        {
            return MqttReasons.FromLibrary(LibMosquitto.NoConnection, 0, _session.Broker);
        }

        if (IsMalformed(e))
        {
            return MqttReasons.FromLibrary(LibMosquitto.Protocol, 0, _session.Broker);
        }

        var cause = e;
        while (cause.InnerException is { } inner)
        {
            cause = inner;
        }

        return MqttReasons.FromLibrary(LibMosquitto.Errno, cause is SocketException socket ? socket.NativeErrorCode : 0, _session.Broker);
    }
}
