using System.CommandLine;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Hosting;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Cli;

/// <summary>Where a command asks: the options that name the agent's configuration, state and control socket.</summary>
internal sealed class ControlPlace
{
    private readonly Option<string> _config = CommonOptions.Config();
    private readonly Option<string?> _state = CommonOptions.State();
    private readonly Option<string?> _runtime = CommonOptions.Runtime();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_config);
        command.Add(_state);
        command.Add(_runtime);
    }

    /// <summary>Loads the configuration, or prints all that is wrong with it and returns null.</summary>
    public AgentConfig? Load(ParseResult parsed) => CommonOptions.Load(
        parsed.GetRequiredValue(_config), new ConfigOverrides(parsed.GetValue(_state), parsed.GetValue(_runtime)));
}

/// <summary>Requests to the running agent, or to the store itself when none runs.</summary>
internal static class ControlCalls
{
    /// <summary>Asks, and prints the answer: what people read, or with <paramref name="json"/> what programs read.</summary>
    /// <returns>The exit code.</returns>
    public static int Ask(ParseResult parsed, ControlPlace place, ControlRequest request, bool json = false)
    {
        var config = place.Load(parsed);
        return config is null ? ExitCode.BadConfiguration : Print(Call(config, request), json);
    }

    /// <summary>Asks the running agent; where none runs, opens the store, carries the request out, and closes it.</summary>
    public static ControlReply Call(AgentConfig config, ControlRequest request)
    {
        var reply = ControlClient.Call(config.ControlSocket, request);
        return reply.NobodyThere ? Offline(config, request) : reply;
    }

    private static ControlReply Offline(AgentConfig config, ControlRequest request)
    {
        try
        {
            var counters = new Counters();
            var clock = new LinuxClock();
            using var store = StateStore.Open(AgentParts.StoreOptionsOf(config), clock, counters, NullLogger.Instance);
            using var parts = new PrivacyParts(config, store, clock, counters);
            return parts.Operations.FirstOrDefault(operation => operation.Name == request.Op) is { } operation
                ? operation.Handle(request)
                : ControlReply.No($"'{request.Op}' needs a running agent; start it with 'fieldagent run'");
        }
        catch (StoreFault fault)
        {
            return ControlReply.No(fault.Message);
        }
    }

    private static int Print(ControlReply reply, bool json)
    {
        foreach (var line in (json ? reply.Json : reply.Lines) ?? [])
        {
            Console.Out.WriteLine(line);
        }

        if (!reply.Ok)
        {
            return CommandLine.Fail(ExitCode.Fault, reply.Message);
        }

        if (reply.Message.Length > 0 && !(json && reply.Json is not null))
        {
            Console.Out.WriteLine(reply.Message);
        }

        return ExitCode.Ok;
    }
}
