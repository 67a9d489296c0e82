using System.CommandLine;
using System.Globalization;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent incidents list|clear</c>: through the running agent, or in the store itself when none runs.</summary>
internal static class IncidentsCommand
{
    public static Command Create()
    {
        var command = new Command("incidents", "Shows what happened that somebody must be told of, and what to do.");
        command.Add(List());
        command.Add(Clear());
        return command;
    }

    private static Command List()
    {
        var place = new ControlPlace();
        var json = CommonOptions.Json();
        var list = new Command("list", "Lists the incidents, newest first.") { json };
        place.AddTo(list);
        list.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of("incidents-list"), parsed.GetValue(json)));
        return list;
    }

    private static Command Clear()
    {
        var place = new ControlPlace();
        var id = new Argument<long>("id") { Description = "The incident's number." };
        var clear = new Command("clear", "Says that an incident is dealt with.") { id };
        place.AddTo(clear);
        clear.SetAction(parsed => ControlCalls.Ask(
            parsed, place, ControlRequest.Of("incidents-clear", ("id", parsed.GetRequiredValue(id).ToString(CultureInfo.InvariantCulture)))));
        return clear;
    }
}
