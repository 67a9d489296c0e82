using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Gpio;

/// <summary>Options of the kinds that use GPIO lines.</summary>
internal static class GpioOptions
{
    public static readonly Option<string> Chip = Opt.Text(
        "chip", "Label (pinctrl-rp1, pinctrl-bcm2711), name or path of the chip; not needed where the line has a name that only one chip knows.",
        lengthMax: 128);

    public static readonly Option<string> Line = Opt.Text(
        "line", "The line's name, such as GPIO17, or its number on the chip.", required: true, lengthMax: 32);

    public static readonly Option<bool> ActiveLow = Opt.Flag("activeLow", "A low level means active.");

    public static readonly Option<string> Bias = Opt.Choice("bias", "The input's resistor.", "as-is", false, "as-is", "none", "pull-up", "pull-down");

    public static readonly Option<TimeSpan> Debounce = Opt.Duration(
        "debounce", "Changes that do not last so long are no edges.", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(1));

    public static readonly Option<TimeSpan> ContactDebounce = Opt.Duration(
        "debounce", "Changes that do not last so long count for nothing: contacts bounce for some milliseconds.",
        TimeSpan.FromMilliseconds(50), TimeSpan.Zero, TimeSpan.FromSeconds(1));

    public static readonly Option<string> Edge = Opt.Choice("edge", "Which edges count.", "rising", false, "rising", "falling", "both");

    public static readonly Option<string> Drive = Opt.Choice(
        "drive", "How the output is driven: open-drain to ground only, open-source to the supply only.", "push-pull", false,
        "push-pull", "open-drain", "open-source");

    public static readonly Option<string> LineName = Opt.Name("name", "Name of its stream.", required: true);

    /// <summary>The edges that a section chooses.</summary>
    public static GpioEdges ReadEdges(this ConfigSection section) => section.Get(Edge) switch
    {
        "falling" => GpioEdges.Falling,
        "both" => GpioEdges.Both,
        _ => GpioEdges.Rising,
    };

    /// <summary>What a section says of its line.</summary>
    /// <param name="section">A section with these options.</param>
    /// <param name="debounce">The option of the debounce time, where it has another default.</param>
    public static GpioLine ReadLine(this ConfigSection section, Option<TimeSpan>? debounce = null) => new(
        section.Get(Line),
        section.Get(ActiveLow),
        section.Get(Bias) switch
        {
            "none" => GpioBias.None,
            "pull-up" => GpioBias.PullUp,
            "pull-down" => GpioBias.PullDown,
            _ => GpioBias.AsIs,
        },
        section.Get(debounce ?? Debounce),
        section.Get(Drive) switch
        {
            "open-drain" => GpioDrive.OpenDrain,
            "open-source" => GpioDrive.OpenSource,
            _ => GpioDrive.PushPull,
        });
}
