using System.CommandLine;
using System.Text.Json;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Devices;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent status</c>: asks the running agent.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var runtime = CommonOptions.Runtime();
        var json = CommonOptions.Json();
        var wait = new Option<int?>("--wait") { Description = "Wait so long for an agent that has started, can store and has tried its links, then show its state.", HelpName = "SECONDS" };
        var follow = new Option<bool>("--follow", "-f")
        {
            Description = "Go on until Ctrl-C: anew each second on a terminal, a line for each change elsewhere; with --json one object a second.",
        };
        var command = new Command("status", "Shows what the running agent does, and what is wrong.") { config, runtime, json, wait, follow };
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

            var reply = Ask(socket, TimeSpan.FromSeconds(parsed.GetValue(wait) ?? 0));
            if (reply.Status is null)
            {
                return CommandLine.Fail(ExitCode.Fault, reply.Message);
            }

            if (parsed.GetValue(follow))
            {
                using var stop = new StopOnSignal();
                using var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
                var followed = new StatusFollow(
                    () => ControlClient.Call(socket, new ControlRequest("status")), output,
                    parsed.GetValue(json) ? FollowForm.Json : Console.IsOutputRedirected ? FollowForm.Changes : FollowForm.Screen, Console.Error);
                reply = followed.Run(reply, new LinuxClock(), stop.Token);
                return reply.Status is { } last && !(parsed.GetValue(wait) is not null && last.Store.Trouble.Length > 0) ? ExitCode.Ok : ExitCode.Fault;
            }

            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(reply.Status, AgentJson.Default.StatusReport));
            }
            else
            {
                StatusText.Write(reply.Status, Console.Out);
            }

            // Who waits wants to know whether it can store by now.
            return parsed.GetValue(wait) is not null && reply.Status.Store.Trouble.Length > 0 ? ExitCode.Fault : ExitCode.Ok;
        });
        return command;
    }

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private static ControlReply Ask(string socket, TimeSpan patience)
    {
        var clock = new LinuxClock();
        var limit = clock.BootNs + patience.ToNs();
        while (true)
        {
            var reply = ControlClient.Call(socket, new ControlRequest("status"));
            if (clock.BootNs >= limit || reply.Status is { } status && IsSettled(status))
            {
                return reply;
            }

            clock.Wait(Look, default);
        }
    }

    // A link that tries for the second time says what went wrong the first time.
    private static bool IsSettled(StatusReport status) => status.Store.Trouble.Length == 0
        && !status.Sensors.Any(static s => s.State == SensorState.Opening)
        && !status.Links.Any(static l => l is { Phase: "connecting", Detail.Length: 0 });
}
