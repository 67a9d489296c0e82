using System.CommandLine;
using System.Globalization;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Status;
using FieldAgent.Privacy;
using ConfigErrors = FieldAgent.Core.Configuration.ConfigErrors;
using Opt = FieldAgent.Core.Configuration.Opt;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent policy check|show|diff|stage|staged|changes|notice|table|promises|schema</c>: needs no running agent.</summary>
internal static class PolicyCommand
{
    public static Command Create() => new("policy", "Checks, shows and compares policies: what the agent may do with what data.")
    {
        Check(),
        Show(),
        PolicyDiffCommand.Create(),
        PolicyStageCommand.Stage(),
        PolicyStageCommand.Staged(),
        PolicyStageCommand.Changes(),
        PolicyNoticeCommand.Create(),
        PolicyTableCommand.Create(),
        PolicyPromisesCommand.Create(),
        Schema(),
    };

    private static Command Check()
    {
        var file = new Argument<string>("file") { Description = "The policy document." };
        var signature = new Option<string?>("--signature")
        {
            Description = "Its detached signature: base64 of ECDSA P-256 with SHA-256 in DER, as "
                + "'openssl dgst -sha256 -sign key.pem policy.json | base64 -w0' makes it.",
            HelpName = "FILE",
        };
        var key = new Option<string?>("--key") { Description = "The public key to trust, PEM.", HelpName = "FILE" };
        var command = new Command("check", "Prints everything that is wrong with a policy, with line and path.") { file, signature, key };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            if ((parsed.GetValue(signature) is null) != (parsed.GetValue(key) is null))
            {
                return CommandLine.Fail(ExitCode.Usage, "--signature and --key belong together: give both or neither");
            }

            var errors = new ConfigErrors();
            var policy = PolicyFiles.Load(path, parsed.GetValue(signature), parsed.GetValue(key), errors);
            if (policy is null)
            {
                return CommandLine.Report(path, errors);
            }

            Console.Out.WriteLine(
                $"{path}: good{(parsed.GetValue(key) is null ? "" : ", and signed with that key")}. "
                + $"Version {policy.Version}, {policy.Functions.Count} functions, {policy.Rules.Count} rules, {policy.Recipients.Count} recipients, "
                + $"SHA-256 {policy.Hash}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var which = new PolicyChoice();
        var json = CommonOptions.Json();
        var command = new Command("show", "Shows the policy: every function, field, term and recipient.") { json };
        which.AddTo(command);
        command.SetAction(parsed => which.With(parsed, policy =>
        {
            if (parsed.GetValue(json))
            {
                PolicyJson.Write(policy, Console.Out);
            }
            else
            {
                Write(policy, Console.Out);
            }
        }));
        return command;
    }

    private static Command Schema()
    {
        var command = new Command("schema", "Prints the JSON Schema of the policy document.");
        command.SetAction(_ =>
        {
            Console.Out.Write(SchemaCommand.Text(Policy.Shape, "FieldAgent policy"));
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Write(Policy policy, TextWriter output)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"policy {policy.Version}, in force from {policy.EffectiveFrom:yyyy-MM-dd}"));
        TextTable.Write(output,
        [
            ["SHA-256", policy.Hash],
            ["responsible", $"{policy.Controller} ({policy.ControllerId})"],
            ["law", policy.Jurisdiction],
            ["contact", string.Join(", ", policy.Contacts)],
            ["what is new", policy.Changes.En],
        ]);
        output.WriteLine("rules");
        TextTable.Write(output,
        [
            ["function", "field", "class", "on", "needed", "what for", "basis", "finest", "kept", "to", "in"],
            .. policy.Rules.Select(static rule => new[]
            {
                rule.Function.Name,
                rule.Field.Name,
                rule.Field.Class.ToString().ToLowerInvariant(),
                rule.Function.Tier == FunctionTier.Basic ? "by contract" : "if granted",
                rule.Necessary ? "Y" : "N",
                rule.Purpose,
                string.Join(' ', rule.Bases.Select(static basis => basis.Word())),
                rule.Precision.Word(),
                PolicyDiff.MayStore(rule) ? Opt.Write(rule.Term) : "not stored",
                rule.Recipients.Count == 0 ? "nobody" : string.Join(' ', rule.Recipients),
                string.Join(' ', rule.Regions),
            }),
        ]);
        output.WriteLine("recipients");
        TextTable.Write(output,
        [
            ["name", "who", "country", "gets", "what for"],
            .. policy.Recipients.Select(static recipient => new[]
            {
                recipient.Name,
                recipient.Subject.En,
                recipient.Region,
                recipient.Transform == RecipientTransform.Anonymise ? "anonymous aggregates" : "data under its own pseudonym",
                recipient.Purpose.En,
            }),
        ]);
    }
}
