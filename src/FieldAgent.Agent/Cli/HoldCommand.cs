using System.CommandLine;
using FieldAgent.Agent.Control;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent hold add|list|release</c>: legal holds keep data from being erased, and permit nothing else.</summary>
internal static class HoldCommand
{
    public static Command Create() => new("hold", "Keeps data from being erased for a legal reason, until a date.")
    {
        Add(), ConsentCommand.Ask("list", "Lists the holds.", "hold-list"), Release(),
    };

    private static Command Add()
    {
        var name = new Argument<string>("name") { Description = "A name for it, such as claim-17." };
        var function = new Option<string?>("--function") { Description = "Only this function's data; all when not given.", HelpName = "FUNCTION" };
        var field = new Option<string?>("--field") { Description = "Only this field.", HelpName = "FIELD" };
        var reason = new Option<string>("--reason") { Description = "A listed reason; there is no other.", HelpName = string.Join('|', RightsLists.HoldReasons.Words), Required = true };
        var until = new Option<string>("--until") { Description = "When it ends by itself (UTC).", HelpName = "DATE", Required = true };
        return PrivacyCommand.Asking(new Command("add", "Begins a hold.") { name, function, field, reason, until }, parsed => ControlRequest.Of(
            "hold-add", ("name", parsed.GetValue(name)), ("function", parsed.GetValue(function)), ("field", parsed.GetValue(field)),
            ("reason", parsed.GetValue(reason)), ("until", parsed.GetValue(until))));
    }

    private static Command Release()
    {
        var name = new Argument<string>("name") { Description = "The hold, as 'hold list' lists it." };
        return PrivacyCommand.Asking(new Command("release", "Ends a hold.") { name }, parsed => ControlRequest.Of("hold-release", ("name", parsed.GetValue(name))));
    }
}
