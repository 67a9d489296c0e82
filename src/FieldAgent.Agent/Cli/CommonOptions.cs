using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FieldAgent.Agent.Configuration;
using ConfigErrors = FieldAgent.Core.Configuration.ConfigErrors;
using Opt = FieldAgent.Core.Configuration.Opt;

namespace FieldAgent.Agent.Cli;

/// <summary>Options that several commands share.</summary>
internal static class CommonOptions
{
    public static Option<string> Config() => new("--config", "-c")
    {
        Description = "The configuration file.",
        HelpName = "FILE",
        DefaultValueFactory = static _ => "/etc/fieldagent/config.json",
    };

    public static Option<bool> Json() => new("--json") { Description = "One JSON object a line, for programs." };

    public static Option<string?> State() => new("--state") { Description = "Use this state folder instead of the configuration's.", HelpName = "DIR" };

    public static Option<string?> Runtime() => new("--runtime") { Description = "Use this runtime folder instead of the configuration's.", HelpName = "DIR" };

    public static Option<string?> Broker() => new("--broker") { Description = "Use this broker for the first recipient.", HelpName = "URL" };

    /// <summary>A duration: <c>20s</c>, <c>5m</c>, or a bare number of seconds.</summary>
    public static Option<TimeSpan?> For(string description) => new("--for")
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = static result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (Opt.TryParseDuration(text, out var span)
                || (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                    && seconds < 1e9 && Opt.TryParseDuration(text + "s", out span)))
            {
                return span;
            }

            result.AddError($"--for: '{text}' is no duration; write 20s, 5m or 1h");
            return null;
        },
    };

    /// <summary>Loads the configuration that the command line names, or prints all errors.</summary>
    public static AgentConfig? Load(string file, ConfigOverrides overrides)
    {
        var errors = new ConfigErrors();
        var config = ConfigLoader.Load(file, overrides, errors);
        if (config is null)
        {
            CommandLine.Report(file, errors);
        }

        return config;
    }
}
