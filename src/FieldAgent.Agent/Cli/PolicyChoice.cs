using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Privacy;
using ConfigErrors = FieldAgent.Core.Configuration.ConfigErrors;

namespace FieldAgent.Agent.Cli;

/// <summary>Which policy a command speaks of: a file that is named, else the one of a configuration that is named, else the one that comes with
/// the agent.</summary>
internal sealed class PolicyChoice
{
    private readonly Option<string?> _file = new("--policy") { Description = "This document; the one that comes with the agent when not given.", HelpName = "FILE" };
    private readonly Option<string?> _config = new("--config", "-c") { Description = "The policy of this configuration.", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        command.Add(_file);
        command.Add(_config);
    }

    /// <summary>Does <paramref name="act"/> with the policy, or prints what is wrong with it.</summary>
    public int With(ParseResult parsed, Action<Policy> act)
    {
        var file = parsed.GetValue(_file);
        if (file is null && parsed.GetValue(_config) is { } config)
        {
            if (CommonOptions.Load(config, new ConfigOverrides()) is not { } loaded)
            {
                return ExitCode.BadConfiguration;
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
}
