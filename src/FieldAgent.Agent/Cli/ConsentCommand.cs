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
        var (config, state, runtime) = (CommonOptions.Config(), CommonOptions.State(), CommonOptions.Runtime());
        var show = new Command("show", "Lists every function and what is granted.") { config, state, runtime };
        show.SetAction(parsed => Ask(parsed, config, state, runtime, new ControlRequest("consent-show")));
        return show;
    }

    private static Command Change(string name, string op, string description)
    {
        var (config, state, runtime) = (CommonOptions.Config(), CommonOptions.State(), CommonOptions.Runtime());
        var function = new Argument<string>("function") { Description = "The function, as 'consent show' lists it." };
        var field = new Option<string?>("--field") { Description = "Only this field; the function's necessary ones when not given.", HelpName = "FIELD" };
        var precision = new Option<string?>("--precision") { Description = "How exact a position may be.", HelpName = "exact|100m|1km|10km" };
        var role = new Option<string>("--role") { Description = "Who decides.", HelpName = "subject|operator|guardian", DefaultValueFactory = static _ => "operator" };
        role.AcceptOnlyFromAmong("subject", "operator", "guardian");
        var command = new Command(name, description) { function, field, role, config, state, runtime };
        if (op == "consent-grant")
        {
            command.Add(precision);
        }

        command.SetAction(parsed => Ask(parsed, config, state, runtime, new ControlRequest(
            op, parsed.GetRequiredValue(function), parsed.GetValue(field), op == "consent-grant" ? parsed.GetValue(precision) : null,
            parsed.GetRequiredValue(role))));
        return command;
    }

    private static int Ask(
        ParseResult parsed, Option<string> config, Option<string?> state, Option<string?> runtime, ControlRequest request)
    {
        var loaded = CommonOptions.Load(
            parsed.GetRequiredValue(config), new ConfigOverrides(parsed.GetValue(state), parsed.GetValue(runtime)));
        if (loaded is null)
        {
            return ExitCode.BadConfiguration;
        }

        var reply = ControlClient.Call(loaded.ControlSocket, request);
        if (reply.NobodyThere)
        {
            reply = OfflineConsents.Handle(loaded, request);
        }

        foreach (var line in reply.Lines ?? [])
        {
            Console.Out.WriteLine(line);
        }

        if (!reply.Ok)
        {
            return CommandLine.Fail(ExitCode.Fault, reply.Message);
        }

        if (reply.Message.Length > 0)
        {
            Console.Out.WriteLine(reply.Message);
        }

        return ExitCode.Ok;
    }
}
