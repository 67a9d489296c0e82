using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>The options that the kernel's two sensor interfaces have in common.</summary>
internal static class SysfsOptions
{
    public static readonly Option<string> Device = Opt.Text(
        "device", "The chip's name as its driver gives it: the content of its 'name' file, such as bme280 or ads1015.",
        required: true, lengthMax: 64);

    public static readonly Option<string> Label = Opt.Text(
        "label", "Content of the chip's 'label' file, where several chips have the same name.", lengthMax: 128);

    public static readonly Option<long> Index = Opt.Integer(
        "index", "Which of several chips with the same name, by device number, from 0.", 0, 0, 63);

    public static readonly Option<string> Channel = Opt.Text(
        "channel", "The channel as the kernel names it.", required: true, lengthMax: 64);

    public static readonly Option<string> Name = Opt.Name("name", "Name of the stream; made from the channel when not given.");

    public static readonly Option<string> Unit = Opt.Text(
        "unit", "UCUM code of the unit after 'multiply' and 'add'; the kernel's quantity in its base unit when not given.", lengthMax: 32);

    public static readonly Option<double> Multiply = Opt.Number(
        "multiply", "Factor on the value: a voltage divider, a shunt.", 1, -1e12, 1e12);

    public static readonly Option<double> Add = Opt.Number("add", "Added to the value after 'multiply', in the stream's unit.", 0, -1e12, 1e12);

    public static readonly Option<double> Step = Opt.Number(
        "step", "Values are rounded to whole numbers of this; 0 takes the converter's own step. A coarser step needs less storage.", 0, 0, 1e12);

    public static readonly Option<IReadOnlyList<ConfigSection>> Channels = Opt.Sections(
        "channels", "The channels to read; all that the chip has when not given.",
        new ConfigShape("One channel of the chip.", Channel, Name, Unit, Multiply, Add, Step), StreamSet.StreamsMax);

    /// <summary>The plan as the configuration wants it.</summary>
    public static SysfsChannelPlan Apply(ConfigSection channel, SysfsChannelPlan plan)
    {
        var multiply = channel.Get(Multiply);
        return plan with
        {
            Name = channel.Has(Name) ? channel.Get(Name) : plan.Name,
            Unit = channel.Has(Unit) ? channel.Get(Unit) : plan.Unit,
            Conversion = plan.Conversion with { Gain = plan.Conversion.Gain * multiply, Add = channel.Get(Add) },
            Step = channel.Get(Step),
        };
    }

    /// <summary>Reports channels that would get the same stream name.</summary>
    public static void CheckNames(SensorSetup setup)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var channel in setup.Options.Get(Channels))
        {
            var name = channel.Has(Name) ? channel.Get(Name) : channel.Get(Channel);
            if (!seen.Add(name))
            {
                setup.Options.Errors.Add(channel.Node, $"a second channel called '{name}'; give it another 'name'");
            }
        }
    }
}

/// <summary>A quantity as the kernel gives it.</summary>
/// <param name="Word">The stream's name is made from it.</param>
/// <param name="Unit">UCUM code of the base unit.</param>
/// <param name="Factor">From the kernel's unit to that.</param>
internal readonly record struct SysfsQuantity(string Word, string Unit, double Factor);
