using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Delivery.Tests;

/// <summary>A TCP server on loopback that does what the test says with each connection. Ends with the test.</summary>
public sealed class ScriptedServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _open = [];
    private readonly Action<Socket> _script;
    private volatile bool _isDisposed;

    public ScriptedServer(Action<Socket> script)
    {
        _script = script;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        new Thread(Accept) { IsBackground = true, Name = "scripted-server" }.Start();
    }

    public int Port { get; }

    public int Connections { get; private set; }

    /// <summary>Reads one MQTT packet (its body below 128 bytes); null when the other side closed.</summary>
    public static byte[]? ReadPacket(Socket socket)
    {
        var head = new byte[2];
        if (!ReadAll(socket, head))
        {
            return null;
        }

        var length = head[1] & 0x7f;
        if ((head[1] & 0x80) != 0)
        {
            var more = new byte[1];
            if (!ReadAll(socket, more))
            {
                return null;
            }

            length += more[0] << 7;
        }

        var body = new byte[length];
        return ReadAll(socket, body) ? [head[0], .. body] : null;
    }

    /// <summary>Waits until the other side closes.</summary>
    public static void AwaitClose(Socket socket)
    {
        var rest = new byte[4096];
        while (socket.Receive(rest) > 0)
        {
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _listener.Dispose();
        lock (_open)
        {
            _open.ForEach(static socket => socket.Dispose());
        }
    }

    private static bool ReadAll(Socket socket, byte[] bytes)
    {
        for (var have = 0; have < bytes.Length;)
        {
            var got = socket.Receive(bytes.AsSpan(have));
            if (got == 0)
            {
                return false;
            }

            have += got;
        }

        return true;
    }

    private void Accept()
    {
        while (!_isDisposed)
        {
            try
            {
                var socket = _listener.Accept();
                lock (_open)
                {
                    _open.Add(socket);
                    Connections++;
                }

                new Thread(() => Serve(socket)) { IsBackground = true, Name = "scripted-connection" }.Start();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            _script(socket);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other side, or the test, has gone.
        }
        finally
        {
            socket.Dispose();
        }
    }
}

/// <summary>Stands between a link and a broker, keeps every byte, and can stop passing on (as a dead network does).</summary>
public sealed class RecordingProxy : IDisposable
{
    private readonly ScriptedServer _server;
    private readonly MemoryStream _up = new();
    private readonly MemoryStream _down = new();
    private readonly int _brokerPort;

    public RecordingProxy(int brokerPort)
    {
        _brokerPort = brokerPort;
        _server = new ScriptedServer(Serve);
    }

    public int Port => _server.Port;

    /// <summary>Swallows what comes from now on, in both directions, and also that one side has gone: a dead network tells nobody.</summary>
    public volatile bool IsFrozen;

    /// <summary>What the link sent.</summary>
    public byte[] Up => Copy(_up);

    /// <summary>What the broker sent.</summary>
    public byte[] Down => Copy(_down);

    public void Dispose() => _server.Dispose();

    private static byte[] Copy(MemoryStream stream)
    {
        lock (stream)
        {
            return stream.ToArray();
        }
    }

    private void Serve(Socket link)
    {
        using var broker = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        broker.Connect(IPAddress.Loopback, _brokerPort);
        var back = new Thread(() => Pass(broker, link, _down)) { IsBackground = true, Name = "proxy-down" };
        back.Start();
        Pass(link, broker, _up);
        back.Join();
    }

    private void Pass(Socket from, Socket to, MemoryStream record)
    {
        var bytes = new byte[16_384];
        try
        {
            for (int count; (count = from.Receive(bytes)) > 0;)
            {
                if (IsFrozen)
                {
                    continue;
                }

                lock (record)
                {
                    record.Write(bytes, 0, count);
                }

                to.Send(bytes.AsSpan(0, count));
            }

            if (!IsFrozen)
            {
                to.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            if (!IsFrozen)
            {
                to.Dispose();
            }
        }
    }
}
