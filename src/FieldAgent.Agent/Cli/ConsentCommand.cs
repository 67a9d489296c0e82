using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent consent show|grant|withdraw</c>: through the running agent, or in the store itself when none runs.</summary>
internal static class ConsentCommand
{
    public static Command Create()
    {
        var command = new Command("consent", "Shows and changes what the board may do with data about people.");
        command.Add(Show());
        command.Add(Change("grant", "consent-grant", "Allows a function from now on."));
        command.Add(Change("withdraw", "consent-withdraw", "Ends that; what was not sent yet is erased."));
        return command;
    }

    private static Command Show()
    {
        var place = new ControlPlace();
        var show = new Command("show", "Lists every function and what is granted.");
        place.AddTo(show);
        show.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of("consent-show")));
        return show;
    }

    private static Command Change(string name, string op, string description)
    {
        var place = new ControlPlace();
        var function = new Argument<string>("function") { Description = "The function, as 'consent show' lists it." };
        var field = new Option<string?>("--field") { Description = "Only this field; the function's necessary ones when not given.", HelpName = "FIELD" };
        var precision = new Option<string?>("--precision") { Description = "How exact a position may be.", HelpName = "exact|100m|1km|10km" };
        var role = new Option<string>("--role") { Description = "Who decides.", HelpName = "subject|operator|guardian", DefaultValueFactory = static _ => "operator" };
        role.AcceptOnlyFromAmong("subject", "operator", "guardian");
        var command = new Command(name, description) { function, field, role };
        place.AddTo(command);
        if (op == "consent-grant")
        {
            command.Add(precision);
        }

        command.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of(
            op,
            ("function", parsed.GetRequiredValue(function)),
            ("field", parsed.GetValue(field)),
            ("precision", op == "consent-grant" ? parsed.GetValue(precision) : null),
            ("role", parsed.GetRequiredValue(role)))));
        return command;
    }
}
