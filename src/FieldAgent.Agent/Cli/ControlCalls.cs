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

    /// <summary>Opens the store of a board on which no agent runs, for one piece of work.</summary>
    /// <exception cref="StoreFault">It cannot be opened.</exception>
    public static T WithStore<T>(AgentConfig config, Func<PrivacyParts, T> work)
    {
        var counters = new Counters();
        var clock = new LinuxClock(config.DevicesRoot);
        using var store = StateStore.Open(AgentParts.StoreOptionsOf(config), clock, counters, NullLogger.Instance);
        using var parts = new PrivacyParts(config, store, clock, counters);
        return work(parts);
    }

    private static ControlReply Offline(AgentConfig config, ControlRequest request)
    {
        try
        {
            return WithStore(config, parts => parts.Operations.FirstOrDefault(operation => operation.Name == request.Op) is { } operation
                ? operation.Handle(request)
                : ControlReply.No($"'{request.Op}' needs a running agent; start it with 'fieldagent run'"));
        }
        catch (StoreFault fault)
        {
            return ControlReply.No(fault.Message);
        }
    }

    /// <summary>Asks for a document; prints what it states, or with <paramref name="json"/> the document, or writes it to a file.</summary>
    /// <returns>The exit code.</returns>
    public static int AskForDocument(ParseResult parsed, ControlPlace place, ControlRequest request, string? file, bool json)
    {
        var config = place.Load(parsed);
        if (config is null)
        {
            return ExitCode.BadConfiguration;
        }

        var reply = Call(config, request);
        if (file is null || !reply.Ok || reply.Json is not [var document, ..])
        {
            return Print(reply, json);
        }

        try
        {
            File.WriteAllText(file, document);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return CommandLine.Fail(ExitCode.Fault, $"{file} cannot be written: {e.Message}");
        }

        return Print(new ControlReply(true, $"written to {file}; 'fieldagent verify {file}' checks it, on any machine", Lines: reply.Lines), json: false);
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
