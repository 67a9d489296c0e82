using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Testing;

/// <summary>A TCP port of this machine at which nobody listens, and which nobody else can take while this is held: a port that was free a moment
/// ago may be another test's by now, and one whose listener was closed goes on listening until the exec of a child that was being started. A
/// program that is told the number can listen there nevertheless, as often as it likes, when it sets SO_REUSEADDR as servers do (socket(7)).</summary>
public sealed class ClosedPort : IDisposable
{
    private readonly Socket _bound = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <summary>Takes one.</summary>
    public ClosedPort()
    {
        _bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _bound.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
    }

    /// <summary>Its number: a connection to it on 127.0.0.1 is refused.</summary>
    public int Number => ((IPEndPoint)_bound.LocalEndPoint!).Port;

    /// <inheritdoc/>
    public void Dispose() => _bound.Dispose();
}
