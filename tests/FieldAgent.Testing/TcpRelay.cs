using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Testing;

/// <summary>Stands between the agent and a broker on loopback, passes everything on, and shows it to the one who made it: whole
/// MQTT packets, as they would go over the air (without TLS, TCP and IP).</summary>
public sealed class TcpRelay : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _open = [];
    private readonly int _brokerPort;
    private readonly Seen _onPassed;

    /// <summary>Listens at once.</summary>
    /// <param name="brokerPort">Where the broker listens.</param>
    /// <param name="onPassed">Called before bytes are passed on, with true when they go toward the broker; on a thread of each direction of
    /// each connection.</param>
    public TcpRelay(int brokerPort, Seen onPassed)
    {
        _brokerPort = brokerPort;
        _onPassed = onPassed;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Start("relay", Accept);
    }

    /// <summary>Sees bytes that pass.</summary>
    public delegate void Seen(ReadOnlySpan<byte> bytes, bool toBroker);

    /// <summary>Where the relay listens, on loopback.</summary>
    public int Port { get; }

    public void Dispose()
    {
        _listener.Dispose();
        lock (_open)
        {
            _open.ForEach(static socket => socket.Dispose());
        }
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var agent = _listener.Accept();
                var broker = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                lock (_open)
                {
                    _open.Add(agent);
                    _open.Add(broker);
                }

                broker.Connect(IPAddress.Loopback, _brokerPort);
                agent.NoDelay = broker.NoDelay = true;
                Start("relay-up", () => Pass(agent, broker, toBroker: true));
                Start("relay-down", () => Pass(broker, agent, toBroker: false));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed: nobody looks any more.
        }
    }

    private void Pass(Socket from, Socket to, bool toBroker)
    {
        var bytes = new byte[64 * 1024];
        try
        {
            for (int count; (count = from.Receive(bytes)) > 0;)
            {
                _onPassed(bytes.AsSpan(0, count), toBroker);

                for (var sent = 0; sent < count;)
                {
                    sent += to.Send(bytes.AsSpan(sent, count - sent));
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            to.Dispose();
        }
    }

    private static void Start(string name, ThreadStart loop) => new Thread(loop) { IsBackground = true, Name = name }.Start();
}
