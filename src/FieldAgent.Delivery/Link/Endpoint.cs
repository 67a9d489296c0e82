using System.Net;
using System.Net.Sockets;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Finds out whether a broker's port can be reached before libmosquitto tries: it resolves names and connects without a
/// time-out, and cannot say which of the two failed.</summary>
internal static class Endpoint
{
    /// <summary>The broker as people write it: <c>host:port</c>.</summary>
    public static string Name(LinkOptions options) =>
        options.Host.Contains(':', StringComparison.Ordinal) ? $"[{options.Host}]:{options.Port}" : $"{options.Host}:{options.Port}";

    /// <summary>Resolves the host and opens (and closes) a TCP connection to it. Blocks until <paramref name="deadline"/> at most.</summary>
    /// <param name="options">The broker.</param>
    /// <param name="limits">How many addresses are tried.</param>
    /// <param name="deadline">When to give up.</param>
    /// <param name="cancel">Ends it early, with any fault.</param>
    /// <param name="address">The address that answered.</param>
    /// <param name="isOnlyFamily">True when the name has no address of the other family (IPv4, IPv6).</param>
    /// <returns>Kind None when something listens; else NameUnknown, Unreachable, Timeout or Misconfigured.</returns>
    public static LinkFault Probe(
        LinkOptions options, LinkLimits limits, Deadline deadline, CancellationToken cancel, out IPAddress address, out bool isOnlyFamily)
    {
        address = IPAddress.None;
        isOnlyFamily = true;
        var fault = Resolve(options, deadline, cancel, out var addresses);
        if (fault.Kind != LinkFaultKind.None)
        {
            return fault;
        }

        var count = Math.Min(addresses.Length, limits.AddressesMax);
        for (var i = 0; i < count && !cancel.IsCancellationRequested; i++)
        {
            // One black hole among several addresses must not eat the time of the others.
            var share = TimeSpan.FromMilliseconds(deadline.LeftMs / (double)(count - i));
            fault = TryConnect(addresses[i], options, share, cancel);
            if (fault.Kind == LinkFaultKind.None)
            {
                address = addresses[i];
                var family = address.AddressFamily;
                isOnlyFamily = Array.TrueForAll(addresses, other => other.AddressFamily == family);
                return default;
            }
        }

        return fault;
    }

    private static LinkFault Resolve(LinkOptions options, Deadline deadline, CancellationToken cancel, out IPAddress[] addresses)
    {
        if (IPAddress.TryParse(options.Host, out var literal))
        {
            addresses = [literal];
            return default;
        }

        addresses = [];
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(deadline.Left);
            addresses = Dns.GetHostAddressesAsync(options.Host, limit.Token).WaitAsync(limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            return new LinkFault(LinkFaultKind.Timeout, $"no answer in time to the question for the address of '{options.Host}'; "
                + "is the name server reachable?");
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return Unknown(options);
        }

        if (options.Tls is null)
        {
            // A hosts file may send even "localhost" elsewhere.
            addresses = Array.FindAll(addresses, IPAddress.IsLoopback);
        }

        return addresses.Length > 0 ? default : Unknown(options);
    }

    private static LinkFault Unknown(LinkOptions options) =>
        new(LinkFaultKind.NameUnknown, $"the name '{options.Host}' has no address; check its spelling and the board's name server");

    private static LinkFault TryConnect(IPAddress address, LinkOptions options, TimeSpan share, CancellationToken cancel)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(share);
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.ConnectAsync(new IPEndPoint(address, options.Port), limit.Token).AsTask().GetAwaiter().GetResult();
            return default;
        }
        catch (OperationCanceledException)
        {
            return new LinkFault(LinkFaultKind.Timeout, $"no answer from {Name(options)} in time; does a firewall drop the packets?");
        }
        catch (SocketException e)
        {
            return FromSocketError(e.SocketErrorCode, options);
        }
    }

    /// <summary>The fault of a connect that a stop ended.</summary>
    public static LinkFault Cancelled(LinkOptions options) =>
        new(LinkFaultKind.Timeout, $"the connection to {Name(options)} was given up because of a stop");

    /// <summary>The fault of a connect whose time ran out after the port had answered.</summary>
    public static LinkFault TimedOut(LinkOptions options) => new(
        LinkFaultKind.Timeout,
        $"{Name(options)} accepts connections but gave no {(options.Tls is not null ? "TLS or MQTT" : "MQTT")} answer within "
        + $"{options.ConnectTimeout.TotalSeconds:0.#} s; is it the broker's {(options.Tls is not null ? "TLS " : "")}port?");

    /// <summary>The fault of a TCP connect that ended with <paramref name="error"/>.</summary>
    public static LinkFault FromSocketError(SocketError error, LinkOptions options) => error switch
    {
        SocketError.ConnectionRefused => new LinkFault(
            LinkFaultKind.Unreachable, $"nobody listens at {Name(options)}; is the broker running, and is it the right port?"),
        SocketError.TimedOut => new LinkFault(LinkFaultKind.Timeout, $"no answer from {Name(options)} in time"),
        SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.NetworkDown or SocketError.HostDown
            or SocketError.AddressFamilyNotSupported => new LinkFault(
                LinkFaultKind.Unreachable, $"no route to {Name(options)}; is the network up?"),
        _ => new LinkFault(LinkFaultKind.Unreachable, $"{Name(options)} cannot be reached ({error})"),
    };
}
