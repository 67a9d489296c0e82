using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace FieldAgent.Agent.Hosting;

/// <summary>Logs to standard error: with priorities under systemd (sd-daemon(3)), one plain line each elsewhere.</summary>
internal static class AgentLogging
{
    /// <summary>Adds the console log.</summary>
    public static void Add(ILoggingBuilder logging, bool quiet)
    {
        logging.SetMinimumLevel(quiet ? LogLevel.Warning : LogLevel.Information);
        if (Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 })
        {
            logging.AddSystemdConsole();
        }
        else
        {
            logging.AddSimpleConsole(static o =>
            {
                o.SingleLine = true;
                o.TimestampFormat = "HH:mm:ss.fff ";
                o.UseUtcTimestamp = true;
                o.ColorBehavior = LoggerColorBehavior.Disabled;
            });
        }

        logging.Services.Configure();
    }

    private static void Configure(this Microsoft.Extensions.DependencyInjection.IServiceCollection services) =>
        Microsoft.Extensions.DependencyInjection.OptionsServiceCollectionExtensions.Configure<ConsoleLoggerOptions>(
            services, static o => o.LogToStandardErrorThreshold = LogLevel.Trace);
}
