using System.CommandLine;
using System.Text.Json;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent status</c>: asks the running agent.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var runtime = CommonOptions.Runtime();
        var json = CommonOptions.Json();
        var command = new Command("status", "Shows what the running agent does, and what is wrong.") { config, runtime, json };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetValue(runtime);
            string socket;
            if (folder is not null)
            {
                socket = Path.Join(Path.GetFullPath(folder), "control.sock");
            }
            else
            {
                var loaded = CommonOptions.Load(parsed.GetRequiredValue(config), new ConfigOverrides());
                if (loaded is null)
                {
                    return ExitCode.BadConfiguration;
                }

                socket = loaded.ControlSocket;
            }

            var reply = ControlClient.Call(socket, new ControlRequest("status"));
            if (reply.Status is null)
            {
                return CommandLine.Fail(ExitCode.Fault, reply.Message);
            }

            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(reply.Status, AgentJson.Default.StatusReport));
            }
            else
            {
                StatusText.Write(reply.Status, Console.Out);
            }

            return ExitCode.Ok;
        });
        return command;
    }
}
