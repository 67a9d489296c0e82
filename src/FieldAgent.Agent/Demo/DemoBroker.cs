using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FieldAgent.Core;

namespace FieldAgent.Agent.Demo;

/// <summary>A mosquitto of the demo's own, on a free port of the loopback interface.</summary>
internal sealed class DemoBroker : IDisposable
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(30);

    // Bound and never listening: nobody else gets the port before the broker listens there or while it is away.
    private readonly Socket _port = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly string _configuration;
    private readonly IClock _clock;
    private Process? _process;

    public DemoBroker(string folder, IClock clock)
    {
        _clock = clock;
        _port.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _port.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _configuration = Path.Join(folder, "mosquitto.conf");
        // Persistence: what the broker has acknowledged to the agent must outlive its own stop, as at any vendor's.
        File.WriteAllText(_configuration, string.Create(CultureInfo.InvariantCulture, $"""
            listener {Port} 127.0.0.1
            allow_anonymous true
            user {Environment.UserName}
            persistence true
            persistence_location {folder}/
            max_queued_messages 0
            log_dest none

            """));
    }

    /// <summary>TCP port.</summary>
    public int Port => ((IPEndPoint)_port.LocalEndPoint!).Port;

    /// <summary>Starts it and waits until it answers.</summary>
    public void Start(CancellationToken stop)
    {
        _process = ChildProcess.Start("mosquitto", ["-c", _configuration], "/usr/sbin/mosquitto");
        var limit = _clock.BootNs + ReadyWithin.ToNs();
        while (_clock.BootNs < limit && !_process.HasExited)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Connect(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException)
            {
                _clock.Wait(TimeSpan.FromMilliseconds(20), stop);
            }
        }

        throw new InvalidOperationException("mosquitto did not start; is it installed (apt-get install mosquitto)?");
    }

    /// <summary>Ends it as an administrator would (SIGTERM).</summary>
    public void Stop()
    {
        if (_process is { } process)
        {
            ChildProcess.Terminate(process, TimeSpan.FromSeconds(5));
            process.Dispose();
            _process = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _port.Dispose();
    }
}
