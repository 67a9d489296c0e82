using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent consume</c>: the reference consumer of the cloud side.</summary>
internal static class ConsumeCommand
{
    public static Command Create()
    {
        var broker = new Option<string>("--broker") { Description = "mqtts://host[:8883], or mqtt://localhost[:1883].", HelpName = "URL", Required = true };
        var ca = new Option<string?>("--ca") { Description = "PEM file of the authorities to trust.", HelpName = "FILE" };
        var certificate = new Option<string?>("--certificate") { Description = "PEM file of the client certificate.", HelpName = "FILE" };
        var key = new Option<string?>("--key") { Description = "PEM file of its key.", HelpName = "FILE" };
        var client = new Option<string>("--client-id") { Description = "Name of the consumer's session.", DefaultValueFactory = static _ => "fieldagent-consume" };
        var length = CommonOptions.For("Stop after this time; without it Ctrl-C ends it.");
        var json = CommonOptions.Json();
        var command = new Command("consume", "Subscribes to every device, checks what arrives, and reports what is missing or came twice.")
        {
            broker, ca, certificate, key, client, length, json,
        };
        command.SetAction(parsed =>
        {
            if (!BrokerUrl.TryParse(parsed.GetRequiredValue(broker), out var url, out var why))
            {
                return CommandLine.Fail(ExitCode.Usage, $"--broker: {why}");
            }

            var options = new ConsumerOptions
            {
                Link = new LinkOptions
                {
                    Host = url.Host,
                    Port = url.Port,
                    ClientId = parsed.GetRequiredValue(client),
                    Tls = url.IsTls ? new LinkTls(parsed.GetValue(ca), parsed.GetValue(certificate), parsed.GetValue(key), null) : null,
                },
                Duration = parsed.GetValue(length),
            };
            return Run(options, parsed.GetValue(json));
        });
        return command;
    }

    private static int Run(ConsumerOptions options, bool json)
    {
        using var stop = new StopOnSignal();
        using var logs = LoggerFactory.Create(static logging => AgentLogging.Add(logging, quiet: true));
        var consumer = new Consumer(options, LinkLibrary.CreateFactory(), new LinuxClock(), logs.CreateLogger<Consumer>());
        var shown = json || Console.IsOutputRedirected ? null : new ArrivalPrinter(Console.Out);
        var report = consumer.Run(stop.Token, shown is null ? null : shown.Print);
        if (json)
        {
            Console.Out.WriteLine(report.ToJson());
        }
        else
        {
            report.WriteTable(Console.Out);
        }

        if (report.Connects == 0)
        {
            return CommandLine.Fail(ExitCode.BrokerUnreachable, report.Fault);
        }

        return report.IsComplete ? ExitCode.Ok : ExitCode.Fault;
    }
}
