using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Privacy;
using ConfigErrors = FieldAgent.Core.Configuration.ConfigErrors;
using ConfigNode = FieldAgent.Core.Configuration.ConfigNode;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent policy stage|staged|changes</c>: through the running agent, or in the store itself when none runs.</summary>
internal static class PolicyStageCommand
{
    public static Command Stage()
    {
        var place = new ControlPlace();
        var file = new Argument<string>("file") { Description = "The policy document." };
        var signature = new Option<string?>("--signature")
        {
            Description = "Its detached signature; checked with the configured policyKey.", HelpName = "FILE",
        };
        var json = CommonOptions.Json();
        var command = new Command("stage", "Hands in a policy: it waits for its day, and then takes effect.") { file, signature, json };
        place.AddTo(command);
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var errors = new ConfigErrors();
            var document = PolicyFiles.Read(path, ConfigNode.BytesMax, errors);
            var signed = parsed.GetValue(signature) is { } beside ? PolicyFiles.Read(beside, PolicySignature.BytesMax, errors) : [];

            // What is wrong with it is said here, with lines, before anybody is asked.
            if (document is null || signed is null || Policy.Load(document, errors) is null)
            {
                return CommandLine.Report(path, errors);
            }

            try
            {
                return ControlCalls.Ask(
                    parsed, place,
                    ControlRequest.Of(
                        "policy-stage", ("document", PolicyParcel.Pack(document)),
                        ("signature", signed.Length == 0 ? null : System.Text.Encoding.UTF8.GetString(signed))),
                    parsed.GetValue(json));
            }
            catch (ArgumentException e)
            {
                return CommandLine.Fail(ExitCode.BadConfiguration, $"{path}: {e.Message}");
            }
        });
        return command;
    }

    public static Command Staged() => ConsentCommand.Ask(
        "staged", "Shows the policy that waits for its day, and what it will change.", "policy-staged");

    public static Command Changes() => ConsentCommand.Ask(
        "changes", "Shows what the policy in force changed against the one before, and what waits to be granted again.", "policy-changes");
}
