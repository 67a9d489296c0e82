using System.CommandLine;
using FieldAgent.Agent.Configuration;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent check-config FILE</c>: all errors at once, with line and path.</summary>
internal static class CheckConfigCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "The configuration file." };
        var packages = new Option<bool>("--packages") { Description = "Print the Debian packages that its sensors need, one a line, and nothing else." };
        var command = new Command("check-config", "Checks a configuration and prints everything that is wrong with it.") { file, packages };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var config = CommonOptions.Load(path, new ConfigOverrides());
            if (config is null)
            {
                return ExitCode.BadConfiguration;
            }

            if (parsed.GetValue(packages))
            {
                foreach (var package in config.Sensors.SelectMany(static sensor => sensor.Packages).Distinct().Order(StringComparer.Ordinal))
                {
                    Console.Out.WriteLine(package);
                }

                return ExitCode.Ok;
            }

            Console.Out.WriteLine($"{path}: good. {config.Sensors.Count} sensors, {config.Recipients.Count} recipients, state in {config.StateDirectory}");
            return ExitCode.Ok;
        });
        return command;
    }
}
