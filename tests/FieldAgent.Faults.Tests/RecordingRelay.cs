using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Faults.Tests;

/// <summary>Stands between the agent and a broker on loopback, passes everything on, and keeps every byte of both directions.</summary>
internal sealed class RecordingRelay : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _open = [];
    private readonly MemoryStream _seen = new();
    private readonly int _brokerPort;

    public RecordingRelay(int brokerPort)
    {
        _brokerPort = brokerPort;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        Start("relay", Accept);
    }

    public int Port { get; }

    /// <summary>All that went through so far.</summary>
    public byte[] Seen
    {
        get
        {
            lock (_seen)
            {
                return _seen.ToArray();
            }
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        lock (_open)
        {
            _open.ForEach(static socket => socket.Dispose());
        }

        _seen.Dispose();
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
                Start("relay-up", () => Pass(agent, broker));
                Start("relay-down", () => Pass(broker, agent));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void Pass(Socket from, Socket to)
    {
        var bytes = new byte[64 * 1024];
        try
        {
            for (int count; (count = from.Receive(bytes)) > 0;)
            {
                lock (_seen)
                {
                    if (_seen.CanWrite)
                    {
                        _seen.Write(bytes, 0, count);
                    }
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
