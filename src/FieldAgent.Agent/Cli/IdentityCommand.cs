using System.CommandLine;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.DataProtection;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent identity show|rotate</c>: through the running agent, or in the store itself when none runs.</summary>
internal static class IdentityCommand
{
    public static Command Create()
    {
        var command = new Command("identity", "Shows and changes the names under which the board is known.");
        command.Add(Show());
        command.Add(Rotate());
        return command;
    }

    private static Command Show()
    {
        var place = new ControlPlace();
        var show = new Command("show", "Lists the board's pseudonym at each recipient, and what it is made from.");
        place.AddTo(show);
        show.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of("identity-show")));
        return show;
    }

    private static Command Rotate()
    {
        var place = new ControlPlace();
        var reason = new Option<string>("--reason")
        {
            Description = "Why; with 'closed' and 'owner-changed' what was not sent yet is erased.",
            HelpName = string.Join('|', IdentityOperations.Reasons),
            DefaultValueFactory = static _ => "requested",
        };
        reason.AcceptOnlyFromAmong([.. IdentityOperations.Reasons]);
        var erase = new Option<bool>("--erase") { Description = "Erase what was not sent yet, instead of waiting until it is delivered." };
        var rotate = new Command("rotate", "Gives the board new names that cannot be linked to the old ones.") { reason, erase };
        place.AddTo(rotate);
        rotate.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of(
            "identity-rotate", ("reason", parsed.GetRequiredValue(reason)), ("erase", parsed.GetValue(erase) ? "true" : null))));
        return rotate;
    }
}
