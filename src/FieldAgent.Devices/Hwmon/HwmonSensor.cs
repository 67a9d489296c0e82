using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>A hwmon chip. Values are fixed-point numbers (Documentation/hwmon/sysfs-interface); a disabled channel answers ENODATA,
/// and one whose <c>_fault</c> file says 1 is not to be trusted: both are absent, never zero.</summary>
internal sealed class HwmonSensor(SensorSetup setup) : SysfsSensor(setup, "/sys/class/hwmon", "hwmon")
{
    private static readonly Dictionary<string, SysfsQuantity> ByType = new(StringComparer.Ordinal)
    {
        ["in"] = new("voltage", "V", 1e-3),
        ["temp"] = new("temperature", "Cel", 1e-3),
        ["fan"] = new("fan", "{rev}/min", 1),
        ["curr"] = new("current", "A", 1e-3),
        ["power"] = new("power", "W", 1e-6),
        ["energy"] = new("energy", "J", 1e-6),
        ["humidity"] = new("humidity", "%", 1e-3),
        ["freq"] = new("frequency", "Hz", 1),
        ["intrusion"] = new("intrusion", "1", 1),
    };

    /// <inheritdoc/>
    protected override IEnumerable<string> ChannelsOf(HashSet<string> files)
    {
        var measured = files.Select(static file => ChannelOf(file, "_input") ?? ChannelOf(file, "_average"))
            .OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        // A chip that only watches (the Pi's supply voltage) has nothing but alarms.
        return Natural(measured.Count > 0 ? measured : files.Where(static file => ChannelOf(file, "_alarm") is not null));
    }

    /// <inheritdoc/>
    protected override SysfsChannelPlan? PlanOf(string folder, HashSet<string> files, string channel)
    {
        var type = IioQuantities.TypeOf(channel);
        if (channel.EndsWith("_alarm", StringComparison.Ordinal))
        {
            return files.Contains(channel)
                ? Plan(channel.Replace('_', '-'), "1", Path.Join(folder, channel), null, 1)
                : null;
        }

        if (!ByType.TryGetValue(type, out var quantity))
        {
            return null;
        }

        var file = files.Contains(channel + "_input") ? channel + "_input"
            : files.Contains(channel + "_average") ? channel + "_average"
            : files.Contains(channel) ? channel
            : null;
        if (file is null)
        {
            return null;
        }

        var fault = files.Contains(channel + "_fault") ? Path.Join(folder, channel + "_fault") : null;
        var name = files.Contains(channel + "_label") && NameFrom(SysfsFile.ReadText(Path.Join(folder, channel + "_label"))) is { } label
            ? label
            : quantity.Word + channel[type.Length..].Replace('_', '-');
        return Plan(name, quantity.Unit, Path.Join(folder, file), fault, quantity.Factor);
    }

    private static SysfsChannelPlan Plan(string name, string unit, string path, string? fault, double factor) =>
        new(name, unit, path, fault, new LinearConversion(0, factor, 0), 0);

    private static string? ChannelOf(string file, string suffix)
    {
        if (!file.EndsWith(suffix, StringComparison.Ordinal))
        {
            return null;
        }

        var channel = file[..^suffix.Length];
        var type = IioQuantities.TypeOf(channel);
        return ByType.ContainsKey(type) && channel.Length > type.Length && char.IsAsciiDigit(channel[type.Length])
            && (suffix == "_alarm" || channel.AsSpan(type.Length).IndexOfAnyExceptInRange('0', '9') < 0)
            ? channel
            : null;
    }
}
