using FieldAgent.Agent.Boards;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor;

/// <summary>A sensor as its section of the file says it, for what the built sensor does not tell.</summary>
/// <param name="Name">Name.</param>
/// <param name="Kind">Kind.</param>
/// <param name="OpensFor">Fields of which one must be permitted.</param>
/// <param name="Node">Its section.</param>
internal sealed record SensorSection(string Name, string Kind, IReadOnlyList<string> OpensFor, ConfigNode Node)
{
    /// <summary>A text or number of the section as it is written; empty when it is not there.</summary>
    public string Text(string option) => Node.Members.TryGetValue(option, out var node) ? node.Text : "";
}

/// <summary>What all checks look at.</summary>
internal sealed class DoctorView
{
    private readonly Lazy<StoreLook> _store;

    /// <summary>Of a configuration, or of the board alone where there is no sound one.</summary>
    public DoctorView(AgentConfig? config, ConfigNode? file, DoctorPorts ports, string? user = null)
    {
        Config = config;
        Ports = ports;
        Root = config?.DevicesRoot ?? "/";
        Model = BoardProfiles.ModelOf(Root);
        Board = BoardProfiles.Of(Model);
        User = BoardUser.Of(Root, user);
        Sensors = config is null || file is null ? [] : [.. Sections(config, file)];
        Roles = file is not null && file.Members.TryGetValue("roles", out var roles) ? roles : ConfigNode.EmptySection("roles");
        Agent = config is null ? ControlReply.No("there is no sound configuration") : ports.Ask(config.ControlSocket, new ControlRequest("status"));
        Chips = SysfsSurvey.Look(Root);
        _store = new Lazy<StoreLook>(() => new StoreLook(config!, ports.Clock));
    }

    /// <summary>The configuration; null when there is no sound one.</summary>
    public AgentConfig? Config { get; }

    /// <summary>Ports.</summary>
    public DoctorPorts Ports { get; }

    /// <summary>Prefix of every device path.</summary>
    public string Root { get; }

    /// <summary>What the device tree calls the board; empty without one.</summary>
    public string Model { get; }

    /// <summary>The board; null when it is unknown.</summary>
    public BoardProfile? Board { get; }

    /// <summary>The user that the agent runs as.</summary>
    public BoardUser User { get; }

    /// <summary>The sensors.</summary>
    public IReadOnlyList<SensorSection> Sensors { get; }

    /// <summary>The section of the roles of GPIO lines.</summary>
    public ConfigNode Roles { get; }

    /// <summary>The running agent's answer.</summary>
    public ControlReply Agent { get; }

    /// <summary>The running agent's state; null when none answers.</summary>
    public StatusReport? Status => Agent.Status;

    /// <summary>True when no agent runs.</summary>
    public bool IsAgentStopped => Agent is { NobodyThere: true, IsRefused: false };

    /// <summary>The chips that kernel drivers offer.</summary>
    public IReadOnlyList<KernelChip> Chips { get; }

    /// <summary>The store of a board on which no agent runs. Only with a configuration.</summary>
    public StoreLook Store => _store.Value;

    /// <summary>The folder of device nodes.</summary>
    public string Dev => Path.Join(Root, "dev");

    /// <summary>A device path under the prefix.</summary>
    public string At(string absolute) => Root is "/" or "" || absolute.StartsWith(Root.TrimEnd('/') + "/", StringComparison.Ordinal) ? absolute : Path.Join(Root, absolute);

    /// <summary>A path as it is on the board.</summary>
    public string Plain(string path)
    {
        var full = Path.GetFullPath(path);
        var root = Root.TrimEnd('/') + "/";
        return root.Length > 1 && full.StartsWith(root, StringComparison.Ordinal) ? full[(root.Length - 1)..] : full;
    }

    /// <summary>Whether somebody has granted what the sensor needs; null when that cannot be told.</summary>
    public bool? IsGranted(SensorSection sensor) =>
        Status is { } status ? status.Sensors.FirstOrDefault(s => s.Name == sensor.Name) is { } seen ? seen.State != SensorState.Closed : null
        : IsAgentStopped && Store.Gate is { } gate ? sensor.OpensFor.Any(gate.MayCollect)
        : null;

    /// <summary>Why the running agent keeps a sensor closed although its use was granted; empty when that is not so, or not known.</summary>
    public string WhyClosedForNow(SensorSection sensor) =>
        Status?.Sensors.FirstOrDefault(s => s.Name == sensor.Name) is { State: SensorState.Closed } closed ? closed.Detail : "";

    /// <summary>How a chip or an interface is switched on, on this board.</summary>
    public string Enable(string what) => Board is { } board && I2cSurvey.NamesOf(what).Select(name => board.Overlays.GetValueOrDefault(name)).FirstOrDefault(static l => l is not null) is { } line
        ? $"add '{line}' to {board.BootFile} and reboot"
        : $"switch on its kernel driver for '{what}' (device-tree overlay) and reboot";

    private static IEnumerable<SensorSection> Sections(AgentConfig config, ConfigNode file) =>
        (file.Members.TryGetValue("sensors", out var list) ? list.Items : [])
        .Select(node => (Node: node, Sensor: config.Sensors.FirstOrDefault(s => node.Members.TryGetValue("name", out var name) && s.Name == name.Text)))
        .Where(static pair => pair.Sensor is not null)
        .Select(static pair => new SensorSection(pair.Sensor!.Name, pair.Sensor.Kind, pair.Sensor.Sensor.OpensFor, pair.Node));
}
