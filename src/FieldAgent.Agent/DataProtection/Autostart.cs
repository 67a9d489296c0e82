using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Whether the agent starts with the board (R52): only where somebody granted it. What asks is a unit of its own
/// (systemd/fieldagent-autostart.service), so that a start which somebody wants is never refused. Any thread.</summary>
internal static class Autostart
{
    /// <summary>The function that is granted.</summary>
    public const string Function = "autostart";

    /// <summary>The unit that asks at boot.</summary>
    public const string Unit = "fieldagent-autostart.service";

    /// <summary>True when a start that nobody asked for is granted.</summary>
    public static bool IsGranted(Gate gate) => gate.Decide(Stage.Collect, Function, Vocabulary.AgentAutostart).Permit is not null;

    /// <summary>What happens after a reboot, in one sentence.</summary>
    public static string Say(bool isGranted) => isGranted
        ? "the agent starts with the board; 'fieldagent consent withdraw autostart' ends that"
        : "the agent stays off after a reboot until somebody starts it ('systemctl start fieldagent'); 'fieldagent consent grant autostart' lets it start with the board";

    /// <summary>What is asked at boot: refused when nobody granted it.</summary>
    public static IControlOperation Operation(Gate gate) => new ControlOperation("autostart", ControlRole.Viewer, _ =>
        IsGranted(gate) ? new ControlReply(true, Say(true)) : ControlReply.No(Say(false)));
}
