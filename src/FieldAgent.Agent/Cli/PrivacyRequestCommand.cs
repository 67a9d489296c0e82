using System.CommandLine;
using FieldAgent.Agent.Control;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent privacy request …</c> and <c>privacy key …</c>: requests of persons from receipt to answer.</summary>
internal static class PrivacyRequestCommand
{
    public static Command Request() => new("request", "Notes, verifies, answers and refuses requests of persons.") { New(), Verify(), Refuse(), Complete() };

    public static Command Key()
    {
        var add = Add();
        var id = new Argument<string>("key") { Description = "The key, as 'privacy key list' lists it." };
        var remove = PrivacyCommand.Asking(new Command("remove", "Forgets a key.") { id }, parsed => ControlRequest.Of("privacy-key-remove", ("key", parsed.GetValue(id))));
        return new Command("key", "Keys with which persons sign requests that come over MQTT.")
        {
            add, remove, ConsentCommand.Ask("list", "Lists the keys.", "privacy-key-list"),
        };
    }

    private static Command New()
    {
        var kind = new Argument<string>("kind") { Description = $"What is asked for: {string.Join(", ", RightsLists.RequestKinds)}." };
        kind.AcceptOnlyFromAmong([.. RightsLists.RequestKinds]);
        var function = new Option<string?>("--function") { Description = "About this function only.", HelpName = "FUNCTION" };
        var field = new Option<string?>("--field") { Description = "About this field only.", HelpName = "FIELD" };
        var text = new Option<string?>("--text") { Description = "What the person says; kept encrypted.", HelpName = "TEXT" };
        return PrivacyCommand.Asking(new Command("new", "Notes a request.") { kind, function, field, text }, parsed => ControlRequest.Of(
            "privacy-request-new", ("kind", parsed.GetValue(kind)), ("function", parsed.GetValue(function)), ("field", parsed.GetValue(field)), ("text", parsed.GetValue(text))));
    }

    private static Command Verify()
    {
        var number = Number();
        var by = new Option<string>("--by") { Description = "How it was verified who asks.", HelpName = "operator|presence", DefaultValueFactory = static _ => RequestDesk.ByOperator };
        by.AcceptOnlyFromAmong(RequestDesk.ByOperator, RequestDesk.ByPresence);
        return PrivacyCommand.Asking(new Command("verify", $"Notes that it is verified who asks; {RightsLists.AnswerWithinDays} days run from then on.") { number, by },
            parsed => ControlRequest.Of("privacy-request-verify", ("number", parsed.GetValue(number)), ("by", parsed.GetValue(by))));
    }

    private static Command Refuse()
    {
        var number = Number();
        var ground = new Option<string>("--ground") { Description = "A listed ground; there is no other.", HelpName = string.Join('|', ClosedLists.RefusalGrounds.Words), Required = true };
        var answer = Answer();
        return PrivacyCommand.Asking(new Command("refuse", "Refuses a request on a listed ground; the refusal goes with every export.") { number, ground, answer },
            parsed => ControlRequest.Of("privacy-request-refuse", ("number", parsed.GetValue(number)), ("ground", parsed.GetValue(ground)), ("answer", parsed.GetValue(answer))));
    }

    private static Command Complete()
    {
        var number = Number();
        var answer = Answer();
        return PrivacyCommand.Asking(new Command("complete", "Notes that a request is done.") { number, answer },
            parsed => ControlRequest.Of("privacy-request-complete", ("number", parsed.GetValue(number)), ("answer", parsed.GetValue(answer))));
    }

    private static Command Add()
    {
        var file = new Argument<FileInfo>("file") { Description = "Public key, PEM: ECDSA on P-256." }.AcceptExistingOnly();
        var label = new Option<string?>("--label") { Description = "A word for it; no name of a person.", HelpName = "WORD" };
        return PrivacyCommand.Asking(new Command("add", "Registers a key.") { file, label }, parsed =>
        {
            // a key is a few hundred bytes; more is none
            using var reader = parsed.GetRequiredValue(file).OpenText();
            var pem = new char[2048];
            return ControlRequest.Of("privacy-key-add", ("pem", new string(pem, 0, reader.ReadBlock(pem))), ("label", parsed.GetValue(label)));
        });
    }

    private static Argument<string> Number() => new("number") { Description = "The request, as 'privacy requests' lists it." };

    private static Option<string?> Answer() => new("--answer") { Description = "What the person is told; kept encrypted.", HelpName = "TEXT" };
}
