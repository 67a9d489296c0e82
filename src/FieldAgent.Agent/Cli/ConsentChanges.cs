using System.CommandLine;
using FieldAgent.Agent.Control;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary>The sub-commands of <c>fieldagent consent</c> that change something. Each says what it did and gives a receipt.</summary>
internal static class ConsentChanges
{
    public static Argument<string> Function() => new("function") { Description = "The function, as 'consent show' lists it." };

    public static Option<string?> Field() =>
        new("--field") { Description = "Only this field; the function's necessary ones when not given.", HelpName = "FIELD" };

    public static Option<string?> Precision() =>
        new("--precision") { Description = "How exact a position may be.", HelpName = "exact|100m|1km|10km" };

    public static Command Grant()
    {
        var function = Function();
        var field = Field();
        var precision = Precision();
        return Change(
            "grant", "Shows the notice of a function and allows the function from now on.", "consent-grant", withAttestation: true,
            [function, field, precision],
            parsed => [("function", parsed.GetRequiredValue(function)), ("field", parsed.GetValue(field)), ("precision", parsed.GetValue(precision))]);
    }

    public static Command Withdraw()
    {
        var function = new Argument<string?>("function")
        {
            Description = "The function, as 'consent show' lists it.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var field = Field();
        field.Description = "Only this field; all of the function's when not given.";
        var all = new Option<bool>("--all") { Description = "Everything that was ever granted." };
        var command = Change(
            "withdraw", "Ends what was granted: closes its sensors, erases what was not sent, asks recipients to erase the rest.", "consent-withdraw",
            withAttestation: false, [function, field, all],
            parsed => [("function", parsed.GetValue(all) ? ConsentDesk.Everything : parsed.GetValue(function)), ("field", parsed.GetValue(field))]);
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) == (result.GetValue(function) is not null))
            {
                result.AddError("name a function, or give --all: one of the two");
            }
        });
        return command;
    }

    public static Command Exempt()
    {
        var function = Function();
        var field = Field();
        field.Description = "The field; each is exempted by its name.";
        field.Required = true;
        var precision = Precision();
        var ground = Choice("--ground", "A listed ground; there is no other.", null, ClosedLists.Exemptions.Words);
        var until = new Option<string>("--until")
        {
            Description = $"When it ends by itself (UTC), at most {ConsentDesk.ExemptMax.TotalDays:0} days away.", HelpName = "TIME", Required = true,
        };
        return Change(
            "exempt", "Lets a function use a field without consent, on a listed ground, until a time; 'consent withdraw' ends it sooner.", "consent-exempt",
            withAttestation: true, [function, field, precision, ground, until],
            parsed =>
            [
                ("function", parsed.GetRequiredValue(function)), ("field", parsed.GetValue(field)), ("precision", parsed.GetValue(precision)),
                ("ground", parsed.GetRequiredValue(ground)), ("until", parsed.GetRequiredValue(until)),
            ]);
    }

    public static Command Refuse() => Change(
        "refuse", "Refuses everything: the board idles, collects nothing and publishes no data, until 'consent resume'.", "consent-refuse",
        withAttestation: false, [], static _ => []);

    public static Command Resume() => Change(
        "resume", "Ends a refusal of everything; what was granted before stays withdrawn.", "consent-resume", withAttestation: true, [], static _ => []);

    public static Command Minor() => Change(
        "minor", "Marks the person concerned as being under 14: only a guardian can grant from then on.", "consent-minor",
        withAttestation: true, [], static _ => []);

    private static Command Change(
        string name, string description, string op, bool withAttestation, IReadOnlyList<Symbol> more,
        Func<ParseResult, (string Name, string? Value)[]> arguments)
    {
        var place = new ControlPlace();
        var role = Choice("--role", "Who decides.", ConsentBy.Operator, ConsentBy.Roles);
        var method = Choice("--method", "How the decision was given.", ConsentBy.Methods[0], ConsentBy.Methods);
        var language = Choice("--lang", "Language of the notice.", ConsentNotice.DefaultLanguage, ConsentNotice.Languages);
        var attest = new Option<string?>("--attest")
        {
            Description = "What you declare about the person's own will, or the reference of the paper that says so; kept as it is given.",
            HelpName = "TEXT",
        };
        var json = CommonOptions.Json();
        var command = new Command(name, description);
        foreach (var symbol in more)
        {
            if (symbol is Argument argument)
            {
                command.Add(argument);
            }
            else
            {
                command.Add((Option)symbol);
            }
        }

        command.Add(role);
        command.Add(method);
        command.Add(language);
        if (withAttestation)
        {
            command.Add(attest);
        }

        command.Add(json);
        place.AddTo(command);
        command.SetAction(parsed => ControlCalls.Ask(
            parsed, place,
            ControlRequest.Of(op,
            [
                .. arguments(parsed), ("role", parsed.GetRequiredValue(role)), ("method", parsed.GetRequiredValue(method)),
                ("lang", parsed.GetRequiredValue(language)), ("attest", withAttestation ? parsed.GetValue(attest) : null),
            ]),
            parsed.GetValue(json)));
        return command;
    }

    private static Option<string> Choice(string name, string description, string? otherwise, IReadOnlyList<string> words)
    {
        var option = new Option<string>(name) { Description = description, HelpName = string.Join('|', words), Required = otherwise is null };
        if (otherwise is not null)
        {
            option.DefaultValueFactory = _ => otherwise;
        }

        option.AcceptOnlyFromAmong([.. words]);
        return option;
    }
}
