using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FieldAgent.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Hosting;

/// <summary>Tells systemd how the agent is (sd_notify(3)): ready once the store is open and the sensors are planned, alive as long as the
/// pipeline makes progress, stopping at the first sign of it. Does nothing where nobody asks to be told.</summary>
internal sealed partial class ServiceNotifier : IHostedService, IDisposable
{
    /// <summary>How much longer than its interval a flush may take before the pipeline counts as stuck: a slow card's worst sync, and a
    /// picture that waits for the gate.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(60);

    private readonly Socket? _socket;
    private readonly TimeSpan _watchdog;
    private readonly IClock _clock;
    private readonly Func<long> _progress;
    private readonly TimeSpan _interval;
    private readonly Func<string> _describe;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private CancellationTokenRegistration _stopping;
    private Thread[] _threads = [];
    private volatile string _line = "";
    private bool _saidStuck;

    /// <summary>A notifier for the socket and the watchdog interval of the environment, which are taken out of it: no child inherits
    /// them.</summary>
    /// <param name="clock">Time.</param>
    /// <param name="progress">Changes with every cycle of the pipeline.</param>
    /// <param name="interval">How often it is expected to change.</param>
    /// <param name="describe">One line for <c>systemctl status</c>; no name, no position. May wait for the store.</param>
    /// <param name="lifetime">Says when the agent begins to stop.</param>
    /// <param name="log">For a stuck pipeline.</param>
    public ServiceNotifier(
        IClock clock, Func<long> progress, TimeSpan interval, Func<string> describe, IHostApplicationLifetime lifetime, ILogger log)
    {
        _clock = clock;
        _progress = progress;
        _interval = interval;
        _describe = describe;
        _log = log;
        _socket = Connect(Take("NOTIFY_SOCKET"));
        _watchdog = WatchdogOf(Take("WATCHDOG_USEC"), Take("WATCHDOG_PID"));
        _stopping = lifetime.ApplicationStopping.Register(() => Send("STOPPING=1\nSTATUS=flushing and saying goodbye"));
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _line = _describe();
        Send("READY=1\nSTATUS=" + _line);
        if (_socket is not null && _watchdog > TimeSpan.Zero)
        {
            _threads = [new Thread(Watch) { Name = "watchdog", IsBackground = true }, new Thread(Describe) { Name = "status-line", IsBackground = true }];
            foreach (var thread in _threads)
            {
                thread.Start();
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => _stop.CancelAsync();

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Dispose();
        _stop.Cancel();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _socket?.Dispose();
        _stop.Dispose();
    }

    // A third of the time that systemd allows, so that one late ping is no restart.
    private TimeSpan Tick => _watchdog / 3;

    // On a thread of its own: what is asked waits for the store as long as a stuck card does, and the watchdog has to notice just that.
    private void Describe()
    {
        while (_clock.Wait(Tick, _stop.Token))
        {
            _line = _describe();
        }
    }

    private void Watch()
    {
        var (seen, seenAt) = (_progress(), _clock.BootNs);
        do
        {
            var now = _clock.BootNs;
            if (_progress() is var current && current != seen)
            {
                (seen, seenAt) = (current, now);
                _saidStuck = false;
            }

            if (now - seenAt <= (_interval + Slack).ToNs())
            {
                Send("WATCHDOG=1\nSTATUS=" + _line);
            }
            else if (!_saidStuck)
            {
                _saidStuck = true;
                LogStuck();
            }
        }
        while (_clock.Wait(Tick, _stop.Token));
    }

    private void Send(string state)
    {
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes(state));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // systemd is gone or restarting; the next ping tells it again.
        }
    }

    private static string? Take(string name)
    {
        var value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }

    // The address may be abstract, written with '@' for the leading zero (sd_notify(3)).
    private static Socket? Connect(string? address)
    {
        if (address is not { Length: > 1 } || address[0] is not ('/' or '@'))
        {
            return null;
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
            return socket;
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            return null;
        }
    }

    private static TimeSpan WatchdogOf(string? microseconds, string? pid) =>
        (pid is null || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
        && long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var us) && us is > 0 and < long.MaxValue / 10
            ? TimeSpan.FromTicks(us * 10)
            : TimeSpan.Zero;

    [LoggerMessage(Level = LogLevel.Critical, Message = "The pipeline makes no progress; systemd is not told that the agent is alive, and will start it anew.")]
    private partial void LogStuck();
}
