using System.Net;
using System.Net.Sockets;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <content>From options to CONNACK.</content>
public sealed partial class MosquittoLink
{
    private LinkFault Open(LinkOptions options, ILinkEvents events, Deadline deadline)
    {
        if (LibMosquitto.Loaded.Version is null)
        {
            return new LinkFault(LinkFaultKind.Misconfigured, LibMosquitto.Loaded.Problem);
        }

        var fault = LinkCheck.Check(options, _limits);
        if (fault.Kind != LinkFaultKind.None)
        {
            return fault;
        }

        fault = Endpoint.Probe(options, _limits, deadline, _cancel.Token, out var address, out var isOnlyFamily);
        if (fault.Kind != LinkFaultKind.None)
        {
            return _cancel.IsCancellationRequested ? Cancelled(options) : fault;
        }

        _events = events;
        _broker = Endpoint.Name(options);
        _isTls = options.Tls is not null;
        _isV5 = options.Version == MqttVersion.V5;
        _sendMaximum = ushort.MaxValue;
        _packetBytesMax = int.MaxValue;
        SetKeepAlive(options.KeepAlive);
        if (MosquittoHandle.Create(options, _limits, this, out var handle) is { } problem)
        {
            return new LinkFault(LinkFaultKind.Misconfigured, problem);
        }

        _handle = handle;

        // With TLS the certificate is checked against what is named here. Without, the address saves a second look-up.
        // A local address of the family that answered keeps the library from waiting minutes for one that does not.
        var host = _isTls ? options.Host : address.ToString();
        var bindAddress = isOnlyFamily ? null : address.AddressFamily == AddressFamily.InterNetwork ? "0.0.0.0" : "::";
        var keepAliveSeconds = (int)Math.Ceiling(options.KeepAlive.TotalSeconds);
        if (!BlockingConnect.Run(handle, host, options.Port, keepAliveSeconds, bindAddress, deadline, _cancel.Token, out var result, out var errno))
        {
            _handle = null;
            return _cancel.IsCancellationRequested ? Cancelled(options) : TimedOut(options);
        }

        return result switch
        {
            LibMosquitto.Success => default,
            LibMosquitto.NameLookup => new LinkFault(LinkFaultKind.NameUnknown, $"the name '{options.Host}' has no address"),
            _ => ExplainTls(errno, options)
                ?? (result == LibMosquitto.Errno ? FromErrno(errno, options) : MqttReasons.FromLibrary(result, errno, _broker)),
        };
    }

    private LinkFault AwaitConnack(LinkOptions options, Deadline deadline)
    {
        _isDeferring = true;
        while (_connackReason is null && !_hasFault)
        {
            if (_cancel.IsCancellationRequested)
            {
                return Cancelled(options);
            }

            var left = deadline.LeftMs;
            if (left == 0)
            {
                return TimedOut(options);
            }

            Pump(left, canWake: false);
        }

        _isDeferring = false;
        if (_hasFault)
        {
            // Refusals are CONNACK's own; what else ended a TLS connection this early is TLS's fault if it logged one.
            return _connackReason is null && ExplainTls(_errno, options) is { } tlsFault ? tlsFault : _fault;
        }

        return _maximumQos == 0
            ? new LinkFault(LinkFaultKind.Refused, $"{_broker} takes no QoS 1 messages, so it can acknowledge nothing", 0x9b)
            : default;
    }

    private LinkFault? ExplainTls(int errno, LinkOptions options) =>
        TlsFaults.Explain(_verifyResult, _errorLines, errno, options);

    private static LinkFault Cancelled(LinkOptions options) =>
        new(LinkFaultKind.Timeout, $"the connection to {Endpoint.Name(options)} was given up because of a stop");

    private LinkFault TimedOut(LinkOptions options) => new(
        LinkFaultKind.Timeout,
        $"{Endpoint.Name(options)} accepts connections but gave no {(_isTls ? "TLS or MQTT" : "MQTT")} answer within "
        + $"{options.ConnectTimeout.TotalSeconds:0.#} s; is it the broker's {(_isTls ? "TLS " : "")}port?");

    private static LinkFault FromErrno(int errno, LinkOptions options) => Endpoint.FromSocketError(
        errno switch
        {
            111 => SocketError.ConnectionRefused,
            110 => SocketError.TimedOut,
            101 => SocketError.NetworkUnreachable,
            113 => SocketError.HostUnreachable,
            _ => SocketError.SocketError,
        },
        options);
}
