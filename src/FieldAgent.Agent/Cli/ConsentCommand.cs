using System.CommandLine;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent consent …</c>: through the running agent, or in the store itself when none runs. What changes nothing stands
/// here; what changes something in <see cref="ConsentChanges"/>.</summary>
internal static class ConsentCommand
{
    public static Command Create() => new("consent", "Shows and changes what the board may do with data about people.")
    {
        Ask("show", "Lists every function and what is granted.", "consent-show"),
        Preview(),
        ConsentChanges.Grant(),
        ConsentChanges.Withdraw(),
        ConsentChanges.Exempt(),
        ConsentChanges.Refuse(),
        ConsentChanges.Resume(),
        ConsentChanges.Minor(),
        Receipt(),
        Ask("history", "Lists everything that was ever granted and withdrawn.", "consent-history"),
    };

    /// <summary>A sub-command without arguments of its own.</summary>
    public static Command Ask(string name, string description, string op)
    {
        var place = new ControlPlace();
        var json = CommonOptions.Json();
        var command = new Command(name, description) { json };
        place.AddTo(command);
        command.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of(op), parsed.GetValue(json)));
        return command;
    }

    /// <summary>A sub-command that gives a signed document by its number.</summary>
    public static Command Document(string description, string op, string what)
    {
        var place = new ControlPlace();
        var number = new Argument<string?>("number") { Description = $"Number of the {what}; the newest when not given.", Arity = ArgumentArity.ZeroOrOne };
        var file = new Option<string?>("--out") { Description = "Write the signed document to this file.", HelpName = "FILE" };
        var json = CommonOptions.Json();
        var command = new Command("receipt", description) { number, file, json };
        place.AddTo(command);
        command.SetAction(parsed => ControlCalls.AskForDocument(
            parsed, place, ControlRequest.Of(op, ("number", parsed.GetValue(number))), parsed.GetValue(file), parsed.GetValue(json)));
        return command;
    }

    private static Command Receipt() => Document(
        "Shows the signed receipt of what was granted or withdrawn (ISO/IEC TS 27560).", "consent-receipt", "act or event, as 'consent history' lists it");

    private static Command Preview()
    {
        var place = new ControlPlace();
        var function = ConsentChanges.Function();
        var field = ConsentChanges.Field();
        var precision = ConsentChanges.Precision();
        var json = CommonOptions.Json();
        var command = new Command("preview", "Shows what granting a function would change, and changes nothing.") { function, field, precision, json };
        place.AddTo(command);
        command.SetAction(parsed => ControlCalls.Ask(
            parsed, place,
            ControlRequest.Of(
                "consent-preview", ("function", parsed.GetRequiredValue(function)), ("field", parsed.GetValue(field)),
                ("precision", parsed.GetValue(precision))),
            parsed.GetValue(json)));
        return command;
    }
}
