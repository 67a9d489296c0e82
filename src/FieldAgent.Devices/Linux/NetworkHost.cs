using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Devices.Linux;

/// <summary>Finds and reaches hosts in bounded time, and so that a stop ends it at once. Blocks the caller's thread only.</summary>
internal static class NetworkHost
{
    private const int LookMs = 50;

    /// <summary>The addresses of a host; a literal address is its own, and nobody is asked.</summary>
    /// <param name="host">Name or address.</param>
    /// <param name="limit">Longest time. The resolver itself cannot be interrupted: what it still finds after that is thrown away.</param>
    /// <param name="stop">Ends it at once.</param>
    /// <param name="lookUp">Asks for a name; null: the system's resolver.</param>
    /// <returns>At least one address.</returns>
    /// <exception cref="SocketException">The name has no address.</exception>
    /// <exception cref="TimeoutException">Nobody answered in time; worth another try.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static IPAddress[] Resolve(
        string host, TimeSpan limit, CancellationToken stop, Func<string, CancellationToken, Task<IPAddress[]>>? lookUp = null)
    {
        if (IPAddress.TryParse(host, out var literal))
        {
            return [literal];
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop);
        either.CancelAfter(limit);
        try
        {
            var found = (lookUp ?? Dns.GetHostAddressesAsync)(host, either.Token).WaitAsync(either.Token).GetAwaiter().GetResult();
            return found.Length > 0 ? found : throw new SocketException((int)SocketError.HostNotFound);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new TimeoutException("no answer to the question for the address", e);
        }
        catch (ArgumentException)
        {
            // A name that none can have.
            throw new SocketException((int)SocketError.HostNotFound);
        }
    }

    /// <summary>Connects to the first address of a host that answers.</summary>
    /// <param name="host">Name or address.</param>
    /// <param name="port">TCP port.</param>
    /// <param name="limit">Longest time to find it, and again to connect to all its addresses. It is counted in looks: a machine that stood
    /// still meanwhile has not waited.</param>
    /// <param name="stop">Ends it within some 50 ms.</param>
    /// <returns>The connection, blocking; the caller's to dispose.</returns>
    /// <exception cref="SocketException">The name has no address, nobody listens, or there is no way to it.</exception>
    /// <exception cref="TimeoutException">Nobody answered in time; worth another try.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static Socket Connect(string host, int port, TimeSpan limit, CancellationToken stop)
    {
        var addresses = Resolve(host, limit, stop);
        var looks = Math.Max(1, (int)(limit.TotalMilliseconds / LookMs / addresses.Length));
        SocketException? refused = null;
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
            try
            {
                Begin(socket, new IPEndPoint(address, port));
                for (var look = 0; look < looks; look++)
                {
                    stop.ThrowIfCancellationRequested();
                    if (!socket.Poll(LookMs * 1000, SelectMode.SelectWrite))
                    {
                        continue;
                    }

                    var error = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
                    if (error != 0)
                    {
                        throw new SocketException(error);
                    }

                    socket.Blocking = true;
                    return socket;
                }
            }
            catch (SocketException e)
            {
                refused = e;
            }
            catch (OperationCanceledException)
            {
                socket.Dispose();
                throw;
            }

            socket.Dispose();
        }

        throw refused ?? (Exception)new TimeoutException("no answer from the host");
    }

    private static void Begin(Socket socket, IPEndPoint end)
    {
        try
        {
            socket.Connect(end);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // It goes on by itself.
        }
    }
}
