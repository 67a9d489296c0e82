using System.CommandLine;
using System.Text;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Privacy;
using ConfigErrors = FieldAgent.Core.Configuration.ConfigErrors;

namespace FieldAgent.Agent.Cli;

/// <summary>Which policy a command speaks of: a file that is named, else the one that is in force on the board, else the one that its
/// configuration names, else the one that comes with the agent.</summary>
internal sealed class PolicyChoice
{
    private readonly Option<string?> _file = new("--policy") { Description = "This document, instead of the policy in force.", HelpName = "FILE" };
    private readonly Option<string?> _config = new("--config", "-c") { Description = "The policy in force on the board with this configuration.", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        command.Add(_file);
        command.Add(_config);
    }

    /// <summary>Does <paramref name="act"/> with the policy, or prints what is wrong with it.</summary>
    public int With(ParseResult parsed, Action<Policy> act)
    {
        var file = parsed.GetValue(_file);
        if (file is null && (parsed.GetValue(_config) ?? Installed()) is { } config)
        {
            if (CommonOptions.Load(config, new ConfigOverrides()) is not { } loaded)
            {
                return ExitCode.BadConfiguration;
            }

            if (InForce(loaded) is { } inForce)
            {
                act(inForce);
                return ExitCode.Ok;
            }

            file = loaded.PolicyFile;
        }

        if (file is null)
        {
            act(Policy.Shipped());
            return ExitCode.Ok;
        }

        var errors = new ConfigErrors();
        if (PolicyFiles.Load(file, null, null, errors) is not { } policy)
        {
            return CommandLine.Report(file, errors);
        }

        act(policy);
        return ExitCode.Ok;
    }

    private static string? Installed()
    {
        const string Default = "/etc/fieldagent/config.json";
        return File.Exists(Default) ? Default : null;
    }

    // Null where no agent runs and none ever ran, or the caller may not ask it.
    private static Policy? InForce(AgentConfig config)
    {
        var request = ControlRequest.Of("policy-show");
        var reply = Directory.Exists(config.StateDirectory) ? ControlCalls.Call(config, request) : ControlClient.Call(config.ControlSocket, request);
        return reply is { Ok: true, Json: [var document] } ? Policy.Load(Encoding.UTF8.GetBytes(document), new ConfigErrors()) : null;
    }
}
