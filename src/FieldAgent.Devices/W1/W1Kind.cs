using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.W1;

/// <summary>1-Wire thermometers (DS18B20 and its kin) through the kernel's <c>w1_therm</c>.</summary>
public sealed class W1Kind : ISensorKind
{
    /// <summary>Each takes the bus for up to three quarters of a second: more than these do not fit into the default interval.</summary>
    private const int DevicesMax = 12;

    /// <summary>Longest time that a thermometer measures, at its finest resolution. Source: DS18B20 data sheet, table 3.</summary>
    internal static readonly TimeSpan ConversionMax = TimeSpan.FromMilliseconds(750);

    internal static readonly Option<TimeSpan> Interval = Opt.Duration(
        "interval", "Time between two samplings; each thermometer takes up to 750 ms.", TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1), SensorOptions.IntervalMax);

    internal static readonly Option<string> Name = Opt.Name("name", "Name of its stream; the only name under which it appears anywhere.", required: true);

    internal static readonly Option<string> Id = Opt.Text(
        "id", "Which one, as 'ls /sys/bus/w1/devices' names it: 28-0316a2795bff. Not needed where the bus has a single thermometer. It stays on the board.",
        lengthMax: 15);

    internal static readonly Option<double> Add = Opt.Number("add", "Added to its value, degrees Celsius: from its calibration.", 0, -20, 20);

    internal static readonly Option<IReadOnlyList<ConfigSection>> Thermometers = Opt.Sections(
        "thermometers", "The thermometers.", new ConfigShape("One thermometer.", Name, Id, Add), DevicesMax, required: true);

    /// <inheritdoc/>
    public string Kind => "w1";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "1-Wire thermometers (DS18B20, DS18S20, DS1822, DS1825, DS28EA00) through the kernel's w1_therm. Unit: degrees Celsius.",
        Thermometers, Interval, SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var options = setup.Options;
        var thermometers = options.Get(Thermometers);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var one in thermometers)
        {
            if (!names.Add(one.Get(Name)))
            {
                options.Errors.Add(one.NodeOf(Name), $"a second thermometer called '{one.Get(Name)}'");
            }

            // The message never holds an id: it is the thermometer's serial number.
            if (one.Has(Id) && !W1Bus.IsThermometer(one.Get(Id)))
            {
                options.Errors.Add(one.NodeOf(Id), "must be a thermometer's family and twelve hexadecimal digits, such as 28-0316a2795bff");
            }
            else if (one.Has(Id) ? !ids.Add(one.Get(Id)) : thermometers.Count > 1)
            {
                options.Errors.Add(one.NodeOf(Id), one.Has(Id) ? "a second thermometer with this 'id'" : "'id' is missing: it tells several thermometers apart");
            }
        }

        if (options.Has(Thermometers) && thermometers.Count == 0)
        {
            options.Errors.Add(options.NodeOf(Thermometers), "must name at least one thermometer");
        }

        return new W1Sensor(setup);
    }
}
