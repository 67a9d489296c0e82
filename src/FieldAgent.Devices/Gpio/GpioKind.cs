using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Gpio;

/// <summary>States and edges of GPIO lines.</summary>
public sealed class GpioKind : ISensorKind
{
    /// <summary>More different debounce times and resistors than this do not fit into one request of the kernel.</summary>
    private const int LinesMax = 8;

    internal static readonly Option<IReadOnlyList<ConfigSection>> Lines = Opt.Sections(
        "lines", "The lines; all on one chip.",
        new ConfigShape(
            "One line.", GpioOptions.LineName, GpioOptions.Line, GpioOptions.ActiveLow, GpioOptions.Bias, GpioOptions.Debounce),
        LinesMax, required: true);

    internal static readonly Option<string> Report = Opt.Choice(
        "report", "changes: a row at the start and with every edge, at the moment the kernel saw it; samples: a row every interval.",
        "changes", false, "changes", "samples");

    /// <inheritdoc/>
    public string Kind => "gpio";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Contacts, alarms, limit switches: GPIO lines that are read, 1 for active and 0 for not.",
        GpioOptions.Chip, Lines, Report, SensorOptions.Interval, SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in setup.Options.Get(Lines))
        {
            if (!names.Add(line.Get(GpioOptions.LineName)))
            {
                setup.Options.Errors.Add(line.Node, $"a second line called '{line.Get(GpioOptions.LineName)}'");
            }
        }

        if (setup.Options.Has(Lines) && names.Count == 0)
        {
            setup.Options.Errors.Add(setup.Options.NodeOf(Lines), "must name at least one line");
        }

        return new GpioSensor(setup, DeviceStack.OpenGpio(setup.DevicePath("/dev")));
    }
}
