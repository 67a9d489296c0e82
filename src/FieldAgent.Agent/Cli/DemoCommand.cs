using System.CommandLine;
using FieldAgent.Agent.Demo;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent demo</c>: the main job, with a real broker that goes away in the middle.</summary>
internal static class DemoCommand
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(8);

    public static Command Create()
    {
        var config = CommonOptions.Config();
        var length = CommonOptions.For("How long to collect; 20 s when not given.");
        var command = new Command("demo", "Runs a simulated board against a real broker, and counts what a consumer gets.") { config, length };
        command.SetAction(parsed =>
        {
            var span = parsed.GetValue(length) ?? TimeSpan.FromSeconds(20);
            if (span < Shortest)
            {
                return CommandLine.Fail(ExitCode.Usage, "--for: the demo needs at least 8 s, as it stops and restarts the broker on the way");
            }

            using var stop = new StopOnSignal();
            return new DemoRun(parsed.GetRequiredValue(config), span).Run(stop.Token);
        });
        return command;
    }
}
