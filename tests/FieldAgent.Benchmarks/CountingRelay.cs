using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Benchmarks;

/// <summary>Stands between the agent and a broker on loopback, passes everything on, and counts the bytes toward the broker: whole
/// MQTT packets, as they would go over the air (without TLS, TCP and IP).</summary>
internal sealed class CountingRelay : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _open = [];
    private readonly int _brokerPort;
    private long _bytes;

    public CountingRelay(int brokerPort)
    {
        _brokerPort = brokerPort;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Start("relay", Accept);
    }

    public int Port { get; }

    /// <summary>Bytes from the agent to the broker so far. Any thread.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

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
                Start("relay-up", () => Pass(agent, broker, isCounted: true));
                Start("relay-down", () => Pass(broker, agent, isCounted: false));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The measurement is over.
        }
    }

    private void Pass(Socket from, Socket to, bool isCounted)
    {
        var bytes = new byte[64 * 1024];
        try
        {
            for (int count; (count = from.Receive(bytes)) > 0;)
            {
                if (isCounted)
                {
                    Interlocked.Add(ref _bytes, count);
                }

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
