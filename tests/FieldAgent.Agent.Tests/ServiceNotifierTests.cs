using System.Net.Sockets;
using System.Text;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Simulation;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>Runs alone: the socket's name reaches the notifier by the environment, which is the whole process's.</summary>
[CollectionDefinition(nameof(ServiceNotifierTests), DisableParallelization = true)]
[Collection(nameof(ServiceNotifierTests))]
public sealed class ServiceNotifierTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Socket _systemd = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
    private readonly SimulatedClock _clock = new();
    private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);
    private long _cycles;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Systemd_hears_ready_alive_and_stopping(bool isAbstract)
    {
        using var notifier = Make(isAbstract, watchdogSeconds: 180);
        Assert.Null(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));
        await notifier.StartAsync(default);
        Assert.Equal("READY=1\nSTATUS=well", Receive());
        Assert.StartsWith("WATCHDOG=1", Receive(), StringComparison.Ordinal);
        _lifetime.StopApplication();
        Assert.StartsWith("STOPPING=1", Receive(), StringComparison.Ordinal);
        await notifier.StopAsync(default);
    }

    [Fact]
    public async Task A_pipeline_that_makes_no_progress_is_not_called_alive()
    {
        using var notifier = Make(isAbstract: false, watchdogSeconds: 180);
        await notifier.StartAsync(default);
        Receive();
        Assert.StartsWith("WATCHDOG=1", Receive(), StringComparison.Ordinal);

        // two pings while the last cycle is recent enough, then none
        for (var tick = 0; tick < 6; tick++)
        {
            _clock.Advance(TimeSpan.FromSeconds(60));
        }

        var pings = 0;
        while (TryReceive() is not null)
        {
            pings++;
        }

        Assert.InRange(pings, 0, 2);

        // and again as soon as it moves
        Volatile.Write(ref _cycles, 1);
        Eventually.True(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(60));
                return TryReceive() is { } text && text.StartsWith("WATCHDOG=1", StringComparison.Ordinal);
            },
            "a ping after progress");
        await notifier.StopAsync(default);
    }

    [Fact]
    public async Task A_card_that_holds_the_store_does_not_hold_the_watchdog()
    {
        using var card = new ManualResetEventSlim(true);
        using var asked = new ManualResetEventSlim(false);
        using var notifier = Make(isAbstract: false, watchdogSeconds: 180, () =>
        {
            asked.Set();
            card.Wait();
            return "well";
        });
        await notifier.StartAsync(default);
        Receive();
        Assert.StartsWith("WATCHDOG=1", Receive(), StringComparison.Ordinal);
        card.Reset();
        asked.Reset();
        try
        {
            Eventually.True(
                () =>
                {
                    _clock.Advance(TimeSpan.FromSeconds(60));
                    Interlocked.Increment(ref _cycles);
                    return asked.IsSet;
                },
                "the line is asked for");
            while (TryReceive() is not null)
            {
            }

            Interlocked.Increment(ref _cycles);
            Eventually.True(
                () =>
                {
                    _clock.Advance(TimeSpan.FromSeconds(60));
                    return TryReceive() is { } text && text.StartsWith("WATCHDOG=1", StringComparison.Ordinal);
                },
                "a ping meanwhile");
        }
        finally
        {
            card.Set();
        }

        await notifier.StopAsync(default);
    }

    [Fact]
    public async Task Without_systemd_nothing_is_sent_and_nothing_fails()
    {
        using var notifier = new ServiceNotifier(_clock, () => 0, TimeSpan.FromSeconds(10), static () => "well", _lifetime, NullLogger.Instance);
        await notifier.StartAsync(default);
        await notifier.StopAsync(default);
    }

    public void Dispose()
    {
        _systemd.Dispose();
        _folder.Dispose();
    }

    private ServiceNotifier Make(bool isAbstract, int watchdogSeconds, Func<string>? describe = null)
    {
        var name = isAbstract ? "@" + Path.GetFileName(_folder.Path) : _folder.File("notify");
        _systemd.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name[1..] : name));
        Environment.SetEnvironmentVariable("NOTIFY_SOCKET", name);
        Environment.SetEnvironmentVariable("WATCHDOG_USEC", $"{watchdogSeconds}000000");
        return new ServiceNotifier(
            _clock, () => Volatile.Read(ref _cycles), TimeSpan.FromSeconds(10), describe ?? (static () => "well"), _lifetime, NullLogger.Instance);
    }

    private string Receive()
    {
        var buffer = new byte[512];
        return Encoding.UTF8.GetString(buffer, 0, _systemd.Receive(buffer));
    }

    private string? TryReceive() => _systemd.Poll(50_000, SelectMode.SelectRead) ? Receive() : null;
}
