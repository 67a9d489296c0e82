using System.Globalization;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Supply voltage and throttling, as the firmware of a Raspberry Pi tells them.</summary>
/// <remarks>Bits of get_throttled: Raspberry Pi documentation, "vcgencmd get_throttled"; the alarm: kernel driver raspberrypi-hwmon.</remarks>
internal sealed class PowerCheck : ICheck
{
    private const string Supply = "use the supply and cable that the board's maker names, and feed USB devices from elsewhere";
    private const string Cooling = "fit a heat sink or fan, or let air into the enclosure";

    private static readonly string[] Attributes =
        ["sys/devices/platform/soc/soc:firmware/get_throttled", "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"];

    /// <inheritdoc/>
    public string Group => "power";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        var alarm = view.Chips.Where(static chip => chip is { Interface: "hwmon", Name: "rpi_volt" })
            .Any(static chip => SysfsSurvey.Text(Path.Join(chip.Folder, "in0_lcrit_alarm")) == "1");
        var bits = Attributes.Select(attribute => Bits(Path.Join(view.Root, attribute))).FirstOrDefault(static b => b is not null);
        if (alarm || bits is { } now && (now & 0x1) != 0)
        {
            yield return Finding.Fail("power.under-voltage", "supply", "the supply voltage is too low at this moment", Supply);
        }
        else if (bits is { } was && (was & 0x10000) != 0)
        {
            yield return Finding.Warn("power.under-voltage-was", "supply", "the supply voltage was too low since the last boot", Supply);
        }

        if (bits is { } throttled && (throttled & 0xE) != 0)
        {
            yield return Finding.Warn("power.throttled", "processor", "the processor is slowed down at this moment", Cooling);
        }
        else if (bits is { } earlier && (earlier & 0xE0000) != 0)
        {
            yield return Finding.Warn("power.throttled-was", "processor", "the processor was slowed down since the last boot", Cooling);
        }

        if (bits == 0 && !alarm)
        {
            yield return Finding.Ok("power.supply", "supply", "never too low, never too hot since the last boot");
        }
    }

    private static long? Bits(string path) => SysfsSurvey.Text(path) is { } text
        && long.TryParse(text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits)
            ? bits : null;
}
