using System.CommandLine;
using FieldAgent.Agent.Control;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent privacy …</c>: what people may ask for. Through the running agent, or in the store itself when none runs; offline;
/// free of charge.</summary>
internal static class PrivacyCommand
{
    public static Command Create()
    {
        var command = new Command("privacy", "Shows, exports, corrects, freezes and deletes what this board holds about people.")
        {
            ConsentCommand.Ask("show", "Lists all that is held, by category, and who was given what.", "privacy-show"),
            PrivacyExportCommand.Export(),
            PrivacyExportCommand.Open(),
            Correct(),
            Restrict("restrict", "Freezes: kept, not sent, nothing derived from it, nothing new collected."),
            Restrict("unrestrict", "Ends a freeze."),
            Delete(),
            Close(),
            Why(),
            ConsentCommand.Ask("requests", "Lists requests of persons with their deadlines, overdue ones first.", "privacy-requests"),
            PrivacyRequestCommand.Request(),
            PrivacyRequestCommand.Key(),
        };
        return command;
    }

    /// <summary><c>fieldagent deliveries</c>.</summary>
    public static Command Deliveries() => ConsentCommand.Ask("deliveries", "Lists what was delivered to whom, and on which ground.", "deliveries");

    /// <summary>Who asks.</summary>
    public static Option<string> Role()
    {
        var role = new Option<string>("--role") { Description = "Who asks.", HelpName = "subject|operator|guardian", DefaultValueFactory = static _ => ConsentBy.Operator };
        role.AcceptOnlyFromAmong([.. ConsentBy.Roles]);
        return role;
    }

    /// <summary>Finishes a command that asks one operation.</summary>
    public static Command Asking(Command command, Func<ParseResult, ControlRequest> request)
    {
        var place = new ControlPlace();
        var json = CommonOptions.Json();
        command.Add(json);
        place.AddTo(command);
        command.SetAction(parsed => ControlCalls.Ask(parsed, place, request(parsed), parsed.GetValue(json)));
        return command;
    }

    private static Command Correct()
    {
        var function = new Argument<string>("function") { Description = "The function, as 'privacy show' lists it." };
        var field = new Argument<string>("field") { Description = "The field." };
        var statement = new Option<string>("--statement") { Description = "What is wrong, in the person's words.", HelpName = "TEXT", Required = true };
        var from = Time("--from", "Only data from this time on (UTC).");
        var to = Time("--to", "Only data up to this time (UTC).");
        return Asking(
            new Command("correct", "Attaches a statement to data that is wrong; it goes with every export and to whoever has the data.") { function, field, statement, from, to },
            parsed => ControlRequest.Of("privacy-correct", ("function", parsed.GetValue(function)), ("field", parsed.GetValue(field)),
                ("statement", parsed.GetValue(statement)), ("from", parsed.GetValue(from)), ("to", parsed.GetValue(to))));
    }

    private static Command Restrict(string name, string description)
    {
        var function = new Argument<string?>("function") { Description = "Only this function; all when not given.", Arity = ArgumentArity.ZeroOrOne };
        var field = new Argument<string?>("field") { Description = "Only this field.", Arity = ArgumentArity.ZeroOrOne };
        var role = Role();
        return Asking(
            new Command(name, description) { function, field, role },
            parsed => ControlRequest.Of("privacy-" + name, ("function", parsed.GetValue(function)), ("field", parsed.GetValue(field)), ("role", parsed.GetValue(role))));
    }

    private static Command Delete()
    {
        var category = new Option<string?>("--category") { Description = "A class, a group of fields such as location, a field, or a function.", HelpName = "CATEGORY" };
        var images = new Option<bool>("--images") { Description = "All pictures; needs no reason." };
        var all = new Option<bool>("--all") { Description = "Everything." };
        var before = Time("--before", "Only what was collected before this time (UTC).");
        var reason = new Option<string?>("--reason") { Description = "Why; pictures need none.", HelpName = string.Join('|', RightsLists.DeletionReasons.Words) };
        var role = Role();
        var command = new Command("delete", "Erases what this board holds, and asks whoever was given it to erase it.") { category, images, all, before, reason, role };
        command.Validators.Add(result =>
        {
            var named = (result.GetValue(category) is not null ? 1 : 0) + (result.GetValue(images) ? 1 : 0) + (result.GetValue(all) ? 1 : 0);
            if (named > 1 || (named == 0 && result.GetValue(before) is null))
            {
                result.AddError("say what is to be deleted: one of --images, --category CATEGORY, --all; or --before TIME");
            }
            else if (!result.GetValue(images) && result.GetValue(reason) is null)
            {
                result.AddError($"--reason is missing; it is one of: {string.Join(", ", RightsLists.DeletionReasons.Words)}");
            }
        });
        return Asking(command, parsed => ControlRequest.Of("privacy-delete", ("category", parsed.GetValue(category)),
            ("images", parsed.GetValue(images) ? "yes" : null), ("before", parsed.GetValue(before)), ("reason", parsed.GetValue(reason)), ("role", parsed.GetValue(role))));
    }

    private static Command Close()
    {
        var role = Role();
        var sure = new Option<bool>("--yes") { Description = "Really: it cannot be undone.", Required = true };
        return Asking(
            new Command("close", "Ends everything: all consents, all data, the board's name outside.") { role, sure },
            parsed => ControlRequest.Of("privacy-close", ("role", parsed.GetValue(role))));
    }

    private static Command Why()
    {
        var what = new Argument<string>("what") { Description = "A message's id, FUNCTION:NUMBER, or the time of a reading (UTC)." };
        var function = new Option<string?>("--function") { Description = "Only this function.", HelpName = "FUNCTION" };
        var recipient = new Option<string?>("--recipient") { Description = "Only this recipient.", HelpName = "NAME" };
        return Asking(
            new Command("why", "Leads from something delivered back to the rule, the policy, the consent and the audit entry.") { what, function, recipient },
            parsed => ControlRequest.Of("privacy-why", ("what", parsed.GetValue(what)), ("function", parsed.GetValue(function)), ("recipient", parsed.GetValue(recipient))));
    }

    private static Option<string?> Time(string name, string description) => new(name) { Description = description, HelpName = "TIME" };
}
