using System.Text.Json;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Hosting;

/// <summary>How to run.</summary>
/// <param name="For">Stop by itself after this time, or null.</param>
/// <param name="SummaryFile">Where the summary goes at the end, or null.</param>
/// <param name="Quiet">Log warnings and errors only.</param>
internal sealed record RunOptions(TimeSpan? For = null, string? SummaryFile = null, bool Quiet = false);

/// <summary><c>fieldagent run</c> as a hosted process: each stage a service; they start from the store outwards and stop from the
/// sensors inwards, so that the last reading still finds its way.</summary>
internal static partial class AgentHost
{
    /// <summary>SIGTERM to exit: 5 s in all; half of it may go into delivering what was just flushed.</summary>
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainWithin = TimeSpan.FromSeconds(2);

    /// <summary>By the first moment the sensors are open, something is stored, and a connection has been tried; by the second, at the usual
    /// flush, the first batches have been sealed, sent and acknowledged. Each of these runs a good deal of code for the first time, and
    /// loading code takes more memory than running it.</summary>
    private static readonly TimeSpan[] StartOver = [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20)];

    /// <summary>What arrived although it was withdrawn, having been under way, is asked back within that time.</summary>
    private static readonly TimeSpan ConsentsAgain = TimeSpan.FromMinutes(1);

    /// <summary>Puts the host together; nothing is opened or started.</summary>
    /// <param name="options">How to run.</param>
    /// <param name="config">The configuration, asked for when the first part of the agent is.</param>
    public static IHost Build(RunOptions options, Func<AgentConfig> config)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        AgentLogging.Add(builder.Logging, options.Quiet);
        builder.Services.Configure<HostOptions>(static o => o.ShutdownTimeout = StopWithin);
        builder.Services.Configure<ConsoleLifetimeOptions>(static o => o.SuppressStatusMessages = true);
        builder.Services.AddSingleton<IClock>(static s => new LinuxClock(s.GetRequiredService<AgentConfig>().DevicesRoot));
        builder.Services.AddSingleton<ILinkFactory>(static _ => LinkLibrary.CreateFactory());
        builder.Services.AddSingleton(static s => new AgentParts(
            s.GetRequiredService<AgentConfig>(), s.GetRequiredService<IClock>(), s.GetRequiredService<ILinkFactory>(),
            s.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddSingleton(_ => config());
        builder.Services.AddSingleton(options);
        AddStages(builder.Services);
        return builder.Build();
    }

    /// <summary>Runs until SIGTERM, SIGINT or the end of <see cref="RunOptions.For"/>; returns the exit code.</summary>
    public static int Run(PreparedHost prepared, AgentConfig config)
    {
        using var host = prepared.Take(config);
        var options = host.Services.GetRequiredService<RunOptions>();
        var log = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("fieldagent");
        try
        {
            var parts = host.Services.GetRequiredService<AgentParts>();
            LogStarting(log, CommandLine.Version, config.Sensors.Count, config.Recipients.Count, config.StateDirectory);
            host.Run();
            var lost = WriteSummary(options.SummaryFile, parts, log);
            return lost > 0 ? ExitCode.Fault : Environment.ExitCode;
        }
        catch (StoreFault fault)
        {
            return CommandLine.Fail(ExitCode.Fault, fault.Message);
        }
    }

    private static void AddStages(IServiceCollection services)
    {
        services.AddSingleton<IHostedService>(static s => s.GetRequiredService<AgentParts>().Roles);
        services.AddSingleton<IHostedService>(static s =>
        {
            var parts = s.GetRequiredService<AgentParts>();
            return new WorkerGroup([.. parts.Couriers.Select((courier, i) => Worker(s, $"courier.{parts.Config.Recipients[i].Name}", courier.Run))]);
        });
        services.AddSingleton<IHostedService>(static s => Worker(s, "consents", stop => FinishConsents(s, stop)));
        services.AddSingleton<IHostedService>(static s => Worker(s, "requests", s.GetRequiredService<AgentParts>().Privacy.RequestErrands.Run));
        services.AddSingleton<IHostedService>(static s => Worker(s, "sweeper", s.GetRequiredService<AgentParts>().Store.Sweeper.Run));
        services.AddSingleton<IHostedService>(static s => Worker(s, "errands", s.GetRequiredService<AgentParts>().Errands.Run));
        services.AddSingleton<IHostedService>(static s => new Drain(s.GetRequiredService<AgentParts>(), DrainWithin));
        services.AddSingleton<IHostedService>(static s => Worker(s, "pipeline", s.GetRequiredService<AgentParts>().Pipeline.Run));
        services.AddSingleton<IHostedService>(static s => new Collecting(s.GetRequiredService<AgentParts>()));
        services.AddSingleton<IHostedService>(static s =>
        {
            var parts = s.GetRequiredService<AgentParts>();
            var log = s.GetRequiredService<ILogger<ControlServer>>();
            return new ControlServer(
                parts.Config.ControlSocket, new ControlHandler(parts).Handle, ControlAccess.Of(parts.Config, log), parts.Counters, log);
        });
        services.AddSingleton<IHostedService>(static s => Worker(s, "facts", s.GetRequiredService<AgentParts>().Facts.Run));
        services.AddSingleton<IHostedService>(static s => Worker(s, "audit", s.GetRequiredService<AgentParts>().Privacy.Audit.Run));
        services.AddSingleton<IHostedService>(static s => Notifier(s));
        services.AddSingleton<IHostedService>(static s => Worker(s, "startup-memory", stop =>
        {
            foreach (var span in StartOver)
            {
                if (s.GetRequiredService<IClock>().Wait(span, stop))
                {
                    StartupMemory.Release();
                }
            }
        }));
        services.AddSingleton<IHostedService>(static s => Worker(s, "timer", stop => StopAfter(s, stop)));
    }

    private static ServiceNotifier Notifier(IServiceProvider services)
    {
        var parts = services.GetRequiredService<AgentParts>();
        return new ServiceNotifier(
            parts.Clock, () => parts.Pipeline.Cycles, parts.Config.FlushInterval, () => StatusText.Line(parts.Status()),
            services.GetRequiredService<IHostApplicationLifetime>(), services.GetRequiredService<ILoggerFactory>().CreateLogger("fieldagent"));
    }

    private static WorkerThread Worker(IServiceProvider services, string name, Action<CancellationToken> loop) => new(
        name, loop, services.GetRequiredService<IHostApplicationLifetime>(),
        services.GetRequiredService<ILoggerFactory>().CreateLogger("fieldagent"), services.GetRequiredService<AgentParts>().Crashes.Note);

    private static void StopAfter(IServiceProvider services, CancellationToken stop)
    {
        if (services.GetRequiredService<RunOptions>().For is { } span && services.GetRequiredService<IClock>().Wait(span, stop))
        {
            services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        }
    }

    // What a power cut interrupted is finished at once; what a fault of the store leaves open, as soon as it can be.
    private static void FinishConsents(IServiceProvider services, CancellationToken stop)
    {
        var parts = services.GetRequiredService<AgentParts>();
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger("consents");
        var said = "";
        do
        {
            try
            {
                parts.Privacy.Policies.Watch();
                parts.Privacy.Identity.PutRight();
                parts.Privacy.ErasureEntries.TellMissing();
                parts.Privacy.Consents.FinishInterrupted();
                said = "";
            }
            catch (StoreFault fault)
            {
                if (said != fault.Message)
                {
                    LogConsentsUnfinished(log, fault.Message);
                }

                said = fault.Message;
            }
        }
        while (parts.Clock.Wait(ConsentsAgain, stop));
    }

    // Returns what is lost with this process.
    private static long WriteSummary(string? file, AgentParts parts, ILogger log)
    {
        var summary = parts.Summary();
        LogStopped(log, summary.ReadingsStored, summary.BlocksStored, summary.ReadingsWaiting);
        if (file is not null)
        {
            File.WriteAllText(file, JsonSerializer.Serialize(summary, AgentJson.Default.RunSummary) + "\n");
        }

        if (summary.Lost > 0)
        {
            LogLost(log, summary.Lost, parts.Pipeline.Progress.Trouble);
        }

        return summary.Lost;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "FieldAgent {Version}: {Sensors} sensors, {Recipients} recipients, state in {State}")]
    private static partial void LogStarting(ILogger log, string version, int sensors, int recipients, string state);

    [LoggerMessage(Level = LogLevel.Error, Message = "A withdrawal is not finished: {Why}. It holds, nothing of it is sent; it is finished as soon as that is possible.")]
    private static partial void LogConsentsUnfinished(ILogger log, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopped. Stored {Readings} readings in {Blocks} blocks; {Waiting} readings wait for the next start.")]
    private static partial void LogStopped(ILogger log, long readings, long blocks, long waiting);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Lost} readings and pictures were in memory alone and are lost: {Why}")]
    private static partial void LogLost(ILogger log, long lost, string why);

    /// <summary>Opens and closes the sensors.</summary>
    private sealed class Collecting(AgentParts parts) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            parts.Collector.Start();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            parts.Collector.Stop();
            return Task.CompletedTask;
        }
    }

    /// <summary>Between the last flush and the couriers' goodbye: gives what was just stored a moment to go out.</summary>
    private sealed class Drain(AgentParts parts, TimeSpan within) : IHostedService
    {
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.Run(
            () =>
            {
                var limit = parts.Clock.BootNs + within.ToNs();
                while (parts.Clock.BootNs < limit && parts.Couriers.Any(static c => c.State.Phase == "connected")
                    && HasWork() && parts.Clock.Wait(Look, cancellationToken))
                {
                }
            },
            CancellationToken.None);

        private bool HasWork()
        {
            var spool = parts.Store.Spool.State;
            return spool.Blocks + spool.Images > 0;
        }
    }
}
