using System.CommandLine;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent policy notice</c>: the privacy notice, written from the rules.</summary>
internal static class PolicyNoticeCommand
{
    public static Command Create()
    {
        var which = new PolicyChoice();
        var language = new Option<string>("--lang")
        {
            Description = "Language of the notice.", HelpName = "en|zh", DefaultValueFactory = static _ => LocalText.Languages[0],
        };
        language.AcceptOnlyFromAmong([.. LocalText.Languages]);
        var command = new Command("notice", "Prints the privacy notice; its SHA-256 is what a consent records.") { language };
        which.AddTo(command);
        command.SetAction(parsed => which.With(parsed, policy =>
        {
            var lang = parsed.GetRequiredValue(language);
            Console.Out.Write(PolicyNotice.Text(policy, lang));

            // Not part of the notice: standard output alone has that very hash.
            Console.Error.WriteLine($"fieldagent: SHA-256 of this notice: {PolicyNotice.Hash(policy, lang)}");
        }));
        return command;
    }
}
