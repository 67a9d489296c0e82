using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FieldAgent.Benchmarks;

/// <summary>A local mosquitto without persistence, limits or log: it should not be what is measured.</summary>
internal sealed class BenchBroker : IDisposable
{
    private readonly Process _process;
    private readonly string _file;

    private BenchBroker(Process process, string file, int port)
    {
        _process = process;
        _file = file;
        Port = port;
    }

    public int Port { get; }

    /// <summary>Process id, for its share of the processor.</summary>
    public int Id => _process.Id;

    public static BenchBroker Start()
    {
        int port;
        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        }

        var file = Path.GetTempFileName();
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture,
            $"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nmax_inflight_messages 1000\nset_tcp_nodelay true\n"));
        var program = File.Exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
        var process = Process.Start(new ProcessStartInfo(program, ["-c", file]))!;
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < 10)
        {
            try
            {
                using var probe = new TcpClient("127.0.0.1", port);
                return new BenchBroker(process, file, port);
            }
            catch (SocketException)
            {
                Thread.Yield();
            }
        }

        throw new InvalidOperationException("mosquitto did not start");
    }

    public void Dispose()
    {
        Shell.Terminate(_process);
        _process.Dispose();
        File.Delete(_file);
    }
}
