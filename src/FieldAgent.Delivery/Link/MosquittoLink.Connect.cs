using System.Net;
using System.Net.Sockets;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <content>From options to CONNACK.</content>
internal sealed partial class MosquittoLink
{
    LinkFault ILinkCarrier.Open(LinkOptions options, Deadline deadline)
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

        fault = Endpoint.Probe(options, _limits, deadline, _session.Cancelled, out var address, out var isOnlyFamily);
        if (fault.Kind != LinkFaultKind.None)
        {
            return _session.IsCancelled ? Endpoint.Cancelled(options) : fault;
        }

        _isTls = options.Tls is not null;
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
        if (!BlockingConnect.Run(handle, host, options.Port, keepAliveSeconds, bindAddress, deadline, _session.Cancelled, out var result, out var errno))
        {
            _handle = null;
            return _session.IsCancelled ? Endpoint.Cancelled(options) : Endpoint.TimedOut(options);
        }

        return result switch
        {
            LibMosquitto.Success => default,
            LibMosquitto.NameLookup => new LinkFault(LinkFaultKind.NameUnknown, $"the name '{options.Host}' has no address"),
            _ => ExplainTls(errno, options)
                ?? (result == LibMosquitto.Errno ? FromErrno(errno, options) : MqttReasons.FromLibrary(result, errno, _session.Broker)),
        };
    }

    LinkFault ILinkCarrier.AwaitConnack(LinkOptions options, Deadline deadline)
    {
        _isDeferring = true;
        while (_connackReason is null && !_session.HasFault)
        {
            if (_session.IsCancelled)
            {
                return Endpoint.Cancelled(options);
            }

            var left = deadline.LeftMs;
            if (left == 0)
            {
                return Endpoint.TimedOut(options);
            }

            Pump(left, canWake: false);
        }

        _isDeferring = false;
        if (_session.HasFault)
        {
            // Refusals are CONNACK's own; what else ended a TLS connection this early is TLS's fault if it logged one.
            return _connackReason is null && ExplainTls(_errno, options) is { } tlsFault ? tlsFault : _session.Fault;
        }

        if (_maximumQos == 0)
        {
            return MqttReasons.NoQos1(_session.Broker);
        }

        _handle!.StopLog();
        return default;
    }

    private LinkFault? ExplainTls(int errno, LinkOptions options) =>
        TlsFaults.Explain(_verifyResult, _errorLines, errno, options);

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
