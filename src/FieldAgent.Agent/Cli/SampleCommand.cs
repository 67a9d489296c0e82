using System.CommandLine;
using FieldAgent.Agent.Collect;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Hosting;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Devices.Gnss;
using FieldAgent.Privacy;
using FieldAgent.Store;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent sample</c>: prints readings, stores and sends nothing. The gate holds here too: a sensor that nobody has
/// allowed is not opened.</summary>
internal static class SampleCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Rows a sensor may hold between two looks.</summary>
    private const int RowsMax = 4096;

    public static Command Create()
    {
        var config = CommonOptions.Config();
        var sensor = new Option<string?>("--sensor") { Description = "Only this sensor.", HelpName = "NAME" };
        var count = new Option<long?>("--count") { Description = "Stop after this many readings.", HelpName = "N" };
        var nmea = new Option<string?>("--nmea") { Description = "Decode this NMEA 0183 recording instead: one line per fix.", HelpName = "FILE" };
        var json = CommonOptions.Json();
        var command = new Command("sample", "Prints readings; stores and sends nothing.") { config, sensor, count, nmea, json };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(nmea) is { } recording)
            {
                return Decode(recording);
            }

            var loaded = CommonOptions.Load(parsed.GetRequiredValue(config), new ConfigOverrides());
            return loaded is null
                ? ExitCode.BadConfiguration
                : Sample(loaded, parsed.GetValue(sensor), parsed.GetValue(count) ?? long.MaxValue, parsed.GetValue(json));
        });
        return command;
    }

    private static int Decode(string recording)
    {
        try
        {
            using var input = File.OpenRead(recording);
            using var output = Console.OpenStandardOutput();
            NmeaRecording.WriteFixes(input, output);
            return ExitCode.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return CommandLine.Fail(ExitCode.Fault, $"{recording}: {e.Message}");
        }
    }

    private static int Sample(AgentConfig config, string? only, long count, bool json)
    {
        var sensors = config.Sensors.Where(s => only is null || s.Name == only).ToList();
        if (sensors.Count == 0)
        {
            return CommandLine.Fail(ExitCode.Usage, only is null
                ? "the configuration has no sensors"
                : $"there is no sensor '{only}'; there are: {string.Join(", ", config.Sensors.Select(static s => s.Name))}");
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        using var logs = LoggerFactory.Create(static logging => AgentLogging.Add(logging, quiet: false));
        var counters = new Counters();
        var clock = new LinuxClock();
        try
        {
            var gate = new Gate(PrivacyParts.LoadPolicy(config), StateStore.ReadConsents(AgentParts.StoreOptionsOf(config)), counters, clock);
            using var due = new FlushSignal(RowsMax);
            using var collector = new Collector(sensors, gate, clock, due, RowsMax, counters, logs);
            var printer = new ReadingPrinter(Console.Out, json, clock, count);
            collector.Start();
            while (!printer.IsDone && collector.HasOpenSensors && clock.Wait(Look, stop.Token))
            {
                foreach (var writer in collector.Writers)
                {
                    var rows = writer.Take();
                    if (rows.Columns.Count > 0)
                    {
                        gate.Admit(rows, printer);
                    }
                }

                while (collector.TryTakeImage(out var raw))
                {
                    if (gate.Admit(raw, out var image).IsPermitted)
                    {
                        printer.Print(image!);
                    }
                }
            }

            collector.Stop();
            return collector.HasOpenSensors || printer.IsDone || stop.IsCancellationRequested
                ? ExitCode.Ok
                : CommandLine.Fail(ExitCode.Fault, "no sensor may be opened: allow a function that uses it with 'fieldagent consent grant FUNCTION'; 'fieldagent consent show' lists them");
        }
        catch (StoreFault fault)
        {
            return CommandLine.Fail(ExitCode.Fault, fault.Message);
        }
    }
}
