using System.Globalization;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the lines that the configuration names are there and free.</summary>
internal sealed class GpioCheck : ICheck
{
    // What the agent itself is called as a holder.
    private const string Own = "fieldagent";

    /// <inheritdoc/>
    public string Group => "gpio";

    private sealed record Wanted(string Place, string Chip, string Line);

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        var wanted = Lines(view).ToList();
        if (wanted.Count == 0)
        {
            yield break;
        }

        var chips = view.Ports.Gpio(view.Dev);
        if (chips.Count == 0)
        {
            yield return Finding.Warn("gpio.unseen", "GPIO lines", "no GPIO chip could be opened", "run the doctor as root, or see the findings of 'kernel'");
            yield break;
        }

        foreach (var line in wanted)
        {
            yield return Judge(view, chips, line);
        }
    }

    private static Finding Judge(DoctorView view, IReadOnlyList<GpioChipFound> chips, Wanted wanted)
    {
        foreach (var chip in chips.Where(chip => wanted.Chip.Length == 0 || wanted.Chip == chip.Label || wanted.Chip == chip.Name || wanted.Chip == view.Plain(chip.Path)))
        {
            var offset = int.TryParse(wanted.Line, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? number < chip.LineNames.Count ? number : -1
                : chip.LineNames.ToList().IndexOf(wanted.Line);
            if (offset < 0)
            {
                continue;
            }

            var holder = chip.InUse.FirstOrDefault(line => line.Offset == offset);
            return holder is null || (holder.Holder == Own && view.Status is not null)
                ? Finding.Ok("gpio.line", wanted.Place, $"{wanted.Line} is line {offset} of {chip.Label}, {(holder is null ? "free" : "held by the agent")}")
                : Finding.Fail("gpio.busy", wanted.Place, $"{wanted.Line} is held by '{(holder.Holder.Length > 0 ? holder.Holder : "a driver")}'",
                    "stop that program, take out the overlay or dtparam line that claims it, or use another line");
        }

        return Finding.Fail("gpio.no-line", wanted.Place, $"no chip has the line '{wanted.Line}'{(wanted.Chip.Length > 0 ? $" ('{wanted.Chip}')" : "")}",
            view.Board is { } board ? $"correct 'chip' or 'line': 'fieldagent boards show {board.Name}' lists them" : "correct 'chip' or 'line': gpioinfo lists them");
    }

    private static IEnumerable<Wanted> Lines(DoctorView view)
    {
        foreach (var sensor in view.Sensors)
        {
            if (sensor.Node.Members.TryGetValue("trigger", out var trigger) && trigger.Kind == ConfigNodeKind.Section)
            {
                yield return new Wanted($"sensor {sensor.Name}", TextOf(trigger, "chip"), TextOf(trigger, "line"));
            }

            if (!DeviceNodes.UsesGpio(sensor))
            {
                continue;
            }

            if (sensor.Text("line") is { Length: > 0 } line)
            {
                yield return new Wanted($"sensor {sensor.Name}", sensor.Text("chip"), line);
            }

            foreach (var one in sensor.Node.Members.TryGetValue("lines", out var lines) ? lines.Items : [])
            {
                yield return new Wanted($"sensor {sensor.Name}", sensor.Text("chip"), TextOf(one, "line"));
            }
        }

        foreach (var (role, node) in view.Roles.Members)
        {
            if (node.Kind == ConfigNodeKind.Section && TextOf(node, "line") is { Length: > 0 } line)
            {
                yield return new Wanted($"roles.{role}", TextOf(node, "chip"), line);
            }
        }
    }

    private static string TextOf(ConfigNode node, string option) => node.Members.TryGetValue(option, out var text) ? text.Text : "";
}
