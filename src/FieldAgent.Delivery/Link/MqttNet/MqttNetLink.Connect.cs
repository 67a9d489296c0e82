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
    private LinkFault Open(LinkOptions options, Deadline deadline)
    {
        var fault = LinkCheck.Check(options, _limits);
        if (fault.Kind != LinkFaultKind.None)
        {
            return fault;
        }

        fault = Endpoint.Probe(options, _limits, deadline, _cancel.Token, out var address, out _);
        if (fault.Kind != LinkFaultKind.None)
        {
            return _cancel.IsCancellationRequested ? Cancelled(options) : fault;
        }

        if (options.Tls is not null)
        {
            fault = MqttNetTls.Load(options, out _tls!);
            if (fault.Kind != LinkFaultKind.None)
            {
                return fault;
            }
        }

        _broker = Endpoint.Name(options);
        _isV5 = options.Version == MqttVersion.V5;
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
            new MqttPacketFormatterAdapter(_isV5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311, new MqttBufferWriter(4096, 65_535)),
            MqttNetNullLogger.Instance);
        return ConnectSocket(options, deadline);
    }

    private LinkFault ConnectSocket(LinkOptions options, Deadline deadline)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_cancel.Token);
            limit.CancelAfter(deadline.Left);
            _adapter!.ConnectAsync(limit.Token).GetAwaiter().GetResult();
            return default;
        }
        catch (OperationCanceledException)
        {
            return _cancel.IsCancellationRequested ? Cancelled(options) : TimedOut(options);
        }
        catch (Exception e) when (e is MqttCommunicationException or IOException or SocketException)
        {
            return _tls?.Explain(e, options) ?? FaultOf(e);
        }
    }

    private LinkFault AwaitConnack(LinkOptions options, Deadline deadline)
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

            if (_cancel.IsCancellationRequested)
            {
                return Cancelled(options);
            }

            if (deadline.LeftMs is var left && left == 0)
            {
                return TimedOut(options);
            }

            _inbox.Wait(left, canWake: false);
        }

        return packet is MqttConnAckPacket connack ? Note(connack) : MqttReasons.FromLibrary(LibMosquitto.Protocol, 0, _broker);
    }

    private LinkFault Note(MqttConnAckPacket connack)
    {
        var reason = _isV5 ? (int)connack.ReasonCode : (int)connack.ReturnCode;
        if (reason != 0)
        {
            return MqttReasons.FromConnack(reason, _broker);
        }

        _isSessionPresent = connack.IsSessionPresent;
        if (!_isV5)
        {
            return default;
        }

        _sendMaximum = connack.ReceiveMaximum > 0 ? connack.ReceiveMaximum : _sendMaximum;
        _packetBytesMax = connack.MaximumPacketSize > 0 ? (int)Math.Min(connack.MaximumPacketSize, int.MaxValue) : _packetBytesMax;
        _aliases = new TopicAliases(Math.Min(connack.TopicAliasMaximum, _limits.TopicAliasesMax));
        if (connack.ServerKeepAlive > 0)
        {
            SetKeepAlive(TimeSpan.FromSeconds(connack.ServerKeepAlive));
        }

        return connack.MaximumQoS == MqttQualityOfServiceLevel.AtMostOnce
            ? new LinkFault(LinkFaultKind.Refused, $"{_broker} takes no QoS 1 messages, so it can acknowledge nothing", 0x9b)
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
        if (_isV5)
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
            packet.WillDelayInterval = _isV5 ? Seconds(will.Delay) : 0;
        }

        return packet;
    }

    /// <summary>Whole seconds as MQTT counts them: 4 294 967 295 is "for ever".</summary>
    private static uint Seconds(TimeSpan span) =>
        span.TotalSeconds >= uint.MaxValue ? uint.MaxValue : (uint)Math.Max(0, Math.Ceiling(span.TotalSeconds));

    private static LinkFault Cancelled(LinkOptions options) =>
        new(LinkFaultKind.Timeout, $"the connection to {Endpoint.Name(options)} was given up because of a stop");

    private static LinkFault TimedOut(LinkOptions options) => new(
        LinkFaultKind.Timeout,
        $"{Endpoint.Name(options)} accepts connections but gave no {(options.Tls is not null ? "TLS or MQTT" : "MQTT")} answer within "
        + $"{options.ConnectTimeout.TotalSeconds:0.#} s; is it the broker's {(options.Tls is not null ? "TLS " : "")}port?");

    /// <summary>True for what MQTTnet cannot read: its decoders throw many things at nonsense.</summary>
    private static bool IsMalformed(Exception? e) =>
        e is not (null or MqttCommunicationException or IOException or SocketException or OperationCanceledException or ObjectDisposedException);

    private LinkFault FaultOf(Exception? e)
    {
        if (e is null)
        {
            return MqttReasons.FromLibrary(LibMosquitto.NoConnection, 0, _broker);
        }

        if (IsMalformed(e))
        {
            return MqttReasons.FromLibrary(LibMosquitto.Protocol, 0, _broker);
        }

        var cause = e;
        while (cause.InnerException is { } inner)
        {
            cause = inner;
        }

        return MqttReasons.FromLibrary(LibMosquitto.Errno, cause is SocketException socket ? socket.NativeErrorCode : 0, _broker);
    }
}
