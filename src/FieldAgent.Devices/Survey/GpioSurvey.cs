using FieldAgent.Core;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices;

/// <summary>A GPIO line that somebody holds.</summary>
/// <param name="Chip">The chip's label.</param>
/// <param name="Offset">Its number on the chip.</param>
/// <param name="Name">Its name, or empty.</param>
/// <param name="Holder">The program or driver that holds it, or empty when it does not say.</param>
public sealed record GpioLineInUse(string Chip, int Offset, string Name, string Holder);

/// <summary>A GPIO chip as it is found.</summary>
/// <param name="Path">Device node.</param>
/// <param name="Name">The kernel's name for it: <c>gpiochip0</c>.</param>
/// <param name="Label">The driver's name for it.</param>
/// <param name="LineNames">The names of its lines in order; empty for a line without one.</param>
/// <param name="InUse">The lines that somebody holds.</param>
public sealed record GpioChipFound(string Path, string Name, string Label, IReadOnlyList<string> LineNames, IReadOnlyList<GpioLineInUse> InUse);

/// <summary>Looks at GPIO chips without asking for a line.</summary>
public static class GpioSurvey
{
    /// <summary>The chips that can be opened; those that cannot be are left out. One system call a line.</summary>
    /// <param name="dev">The folder of device nodes.</param>
    public static IReadOnlyList<GpioChipFound> Look(string dev)
    {
        var found = new List<GpioChipFound>();
        foreach (var path in GpioChip.Nodes(dev))
        {
            try
            {
                using var chip = GpioChip.Open(path);
                var names = new List<string>();
                var used = new List<GpioLineInUse>();
                for (var offset = 0; offset < chip.Lines; offset++)
                {
                    var (name, consumer, isUsed) = chip.InfoOf(offset);
                    names.Add(name);
                    if (isUsed)
                    {
                        used.Add(new GpioLineInUse(chip.Label, offset, name, consumer));
                    }
                }

                found.Add(new GpioChipFound(path, chip.Name, chip.Label, names, used));
            }
            catch (SensorFault)
            {
                // Refused or no chip: whoever looks at permissions says so.
            }
        }

        return found;
    }
}
