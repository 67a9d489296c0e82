using System.CommandLine;
using System.Reflection;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Cli;

/// <summary>The command line: which words there are. Each command has a file of its own.</summary>
internal static class CommandLine
{
    /// <summary>The version, from the build.</summary>
    public static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    // In the order of the help text.
    private static readonly (string Name, Func<Command> Create)[] s_commands =
    [
        ("run", RunCommand.Create),
        ("simulate", SimulateCommand.Create),
        ("sample", SampleCommand.Create),
        ("check-config", CheckConfigCommand.Create),
        ("status", StatusCommand.Create),
        ("doctor", DoctorCommand.Create),
        ("boards", BoardsCommand.Create),
        ("consent", ConsentCommand.Create),
        ("erasure", ErasureCommand.Create),
        ("verify", VerifyCommand.Create),
        ("privacy", PrivacyCommand.Create),
        ("deliveries", PrivacyCommand.Deliveries),
        ("hold", HoldCommand.Create),
        ("audit", AuditCommand.Create),
        ("incidents", IncidentsCommand.Create),
        ("identity", IdentityCommand.Create),
        ("geofence", GeofenceCommand.Create),
        ("policy", PolicyCommand.Create),
        ("autostart", AutostartCommand.Create),
        ("consume", ConsumeCommand.Create),
        ("demo", DemoCommand.Create),
        ("schema", SchemaCommand.Create),
        ("version", VersionCommand.Create),
    ];

    /// <summary>Runs the command that <paramref name="args"/> name; returns the exit code.</summary>
    public static int Run(string[] args)
    {
        var root = new RootCommand("FieldAgent reads sensors, keeps what policy and consent allow, and delivers it over MQTT.");
        foreach (var create in Named(args))
        {
            root.Add(create());
        }

        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                Console.Error.WriteLine($"fieldagent: {error.Message}");
            }

            Console.Error.WriteLine("fieldagent: see 'fieldagent --help' or 'fieldagent COMMAND --help'");
            return ExitCode.Usage;
        }

        return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    // Only the command that is named is put together; all of them for help and where the word is none.
    private static IEnumerable<Func<Command>> Named(string[] args)
    {
        var named = args.Length == 0 ? null : Array.Find(s_commands, command => command.Name == args[0]).Create;
        return named is null ? s_commands.Select(static command => command.Create) : [named];
    }

    /// <summary>Prints all that is wrong with <paramref name="file"/>, one line each, and what to do.</summary>
    public static int Report(string file, ConfigErrors errors)
    {
        foreach (var error in errors.All)
        {
            Console.Error.WriteLine($"{file}:{error}");
        }

        var n = errors.Count;
        var shown = n > ConfigErrors.ErrorsMax ? $" (the first {ConfigErrors.ErrorsMax} are shown)" : "";
        Console.Error.WriteLine($"fieldagent: {n} error{(n == 1 ? "" : "s")} in {file}{shown}; nothing was started");
        return ExitCode.BadConfiguration;
    }

    /// <summary>Prints one line on standard error and returns <paramref name="code"/>.</summary>
    public static int Fail(int code, string message)
    {
        Console.Error.WriteLine($"fieldagent: {message}");
        return code;
    }
}
