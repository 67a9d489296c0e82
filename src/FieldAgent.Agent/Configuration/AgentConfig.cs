using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Configuration;

/// <summary>A sensor of the configuration, built but not opened.</summary>
/// <param name="Name">Name.</param>
/// <param name="Kind">Kind.</param>
/// <param name="Sensor">The sensor.</param>
internal sealed record ConfiguredSensor(string Name, string Kind, ISensor Sensor)
{
    /// <summary>Configured time between two samplings; zero when it has none.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>Debian packages that it needs.</summary>
    public IReadOnlyList<string> Packages { get; init; } = [];
}

/// <summary>An effaceable memory, not opened.</summary>
/// <param name="Kind">Which chip.</param>
/// <param name="Bus">Full path of its bus.</param>
/// <param name="Address">Its address, 7 bits.</param>
internal sealed record KeyRootConfig(string Kind, string Bus, int Address);

/// <summary>A whole, checked configuration.</summary>
internal sealed record AgentConfig
{
    /// <summary>Full path of the file.</summary>
    public required string File { get; init; }

    /// <summary>The board's name, for people at the board.</summary>
    public required string Board { get; init; }

    /// <summary>Folder of the control socket.</summary>
    public required string RuntimeDirectory { get; init; }

    /// <summary>Users and groups that may run the board.</summary>
    public IReadOnlyList<string> ControlOperators { get; init; } = [];

    /// <summary>Users and groups that may see its state.</summary>
    public IReadOnlyList<string> ControlViewers { get; init; } = [];

    /// <summary>Prefix of /sys, /dev, /proc and /etc/machine-id.</summary>
    public required string DevicesRoot { get; init; }

    /// <summary>Hardware identifiers that go into the pseudonym's input; empty: none.</summary>
    public required IReadOnlyList<string> Supplements { get; init; }

    /// <summary>Places watched on the board.</summary>
    public required IReadOnlyList<Fence> Fences { get; init; }

    /// <summary>Length of an anonymous window.</summary>
    public required TimeSpan AnalyticsWindow { get; init; }

    /// <summary>Policy document, or null for the one that comes with the agent.</summary>
    public required string? PolicyFile { get; init; }

    /// <summary>PEM file of the public key that signs policies, or null.</summary>
    public string? PolicyKeyFile { get; init; }

    /// <summary>The policy as it was read with the configuration; null where nobody has read it yet.</summary>
    public Policy? Policy { get; init; }

    /// <summary>Folder of all that is stored.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Cap of that folder, bytes.</summary>
    public required long StateBytesMax { get; init; }

    /// <summary>Free-space floor of its disk, bytes.</summary>
    public required long FreeBytesMin { get; init; }

    /// <summary>Root key file, or null.</summary>
    public required string? RootKeyFile { get; init; }

    /// <summary>The effaceable memory, or null.</summary>
    public KeyRootConfig? KeyRoot { get; init; }

    /// <summary>Longest time between flushes.</summary>
    public required TimeSpan FlushInterval { get; init; }

    /// <summary>Readings that bring the next flush forward.</summary>
    public required int FlushReadings { get; init; }

    /// <summary>Readings in one block at most.</summary>
    public required int BlockReadings { get; init; }

    /// <summary>Lines for people at the board.</summary>
    public RolesConfig Roles { get; init; } = new();

    /// <summary>Brokers.</summary>
    public required IReadOnlyList<Recipient> Recipients { get; init; }

    /// <summary>Groups whose commands the board listens to.</summary>
    public Delivery.GroupSettings Groups { get; init; } = new();

    /// <summary>Sensors.</summary>
    public required IReadOnlyList<ConfiguredSensor> Sensors { get; init; }

    /// <summary>Path of the control socket.</summary>
    public string ControlSocket => Path.Join(RuntimeDirectory, "control.sock");
}

/// <summary>What a command line may put in place of the file's own words, for trying things out.</summary>
/// <param name="StateDirectory">State folder, or null.</param>
/// <param name="RuntimeDirectory">Folder of the control socket, or null.</param>
/// <param name="BrokerUrl">Broker of the first recipient, or null.</param>
internal sealed record ConfigOverrides(string? StateDirectory = null, string? RuntimeDirectory = null, string? BrokerUrl = null);
