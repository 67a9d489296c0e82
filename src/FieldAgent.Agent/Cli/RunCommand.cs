using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Hosting;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent run</c>: the agent itself, in the foreground.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var state = CommonOptions.State();
        var runtime = CommonOptions.Runtime();
        var broker = CommonOptions.Broker();
        var length = CommonOptions.For("Stop by itself after this time.");
        var summary = new Option<string?>("--summary") { Description = "Write what was stored and what still waits to this file at the end.", HelpName = "FILE" };
        var quiet = new Option<bool>("--quiet") { Description = "Log warnings and errors only." };
        var command = new Command("run", "Runs the agent in the foreground; logs to stderr. SIGTERM or Ctrl-C flushes and ends it.")
        {
            config, state, runtime, broker, length, summary, quiet,
        };
        command.SetAction(parsed =>
        {
            var host = PreparedHost.Begin(new RunOptions(parsed.GetValue(length), parsed.GetValue(summary), parsed.GetValue(quiet)));
            var loaded = CommonOptions.Load(
                parsed.GetRequiredValue(config),
                new ConfigOverrides(parsed.GetValue(state), parsed.GetValue(runtime), parsed.GetValue(broker)));
            return loaded is null
                ? ExitCode.BadConfiguration
                : AgentHost.Run(host, loaded);
        });
        return command;
    }
}
