using System.CommandLine;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent geofence show</c>.</summary>
internal static class GeofenceCommand
{
    public static Command Create()
    {
        var place = new ControlPlace();
        var show = new Command("show", "Lists the geofences and whether the board is inside.");
        place.AddTo(show);
        show.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of("geofence-show")));
        return new Command("geofence", "Shows the geofences, which are watched on the board.") { show };
    }
}
