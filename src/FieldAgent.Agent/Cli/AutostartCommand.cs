using System.CommandLine;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent autostart</c>: says whether the agent may start with the board, for the unit that asks at boot.</summary>
internal static class AutostartCommand
{
    public static Command Create()
    {
        var place = new ControlPlace();
        var command = new Command("autostart", "Says whether the agent may start with the board: exit code 0 when that is granted, 1 when not.");
        place.AddTo(command);
        command.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of("autostart")));
        return command;
    }
}
