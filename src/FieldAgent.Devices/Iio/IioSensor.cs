using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>An IIO chip: (raw + offset) × scale, or what the kernel has processed already (<c>_input</c>).</summary>
internal sealed class IioSensor(SensorSetup setup) : SysfsSensor(setup, "/sys/bus/iio/devices", "iio:device")
{
    private const string In = "in_";
    private const string Raw = "_raw";
    private const string Input = "_input";

    // Derived values of other channels, not channels of their own.
    private static readonly string[] Derived = ["_peak", "_trough", "_mean"];

    /// <inheritdoc/>
    protected override IEnumerable<string> ChannelsOf(HashSet<string> files) =>
        Natural(files.Select(ChannelOf).OfType<string>().Distinct(StringComparer.Ordinal));

    /// <inheritdoc/>
    protected override SysfsChannelPlan? PlanOf(string folder, HashSet<string> files, string channel)
    {
        var quantity = IioQuantities.Of(channel);
        var type = IioQuantities.TypeOf(channel);
        var name = NameFrom(quantity.Word + channel[type.Length..]) ?? channel;
        var input = In + channel + Input;
        if (files.Contains(input))
        {
            return new SysfsChannelPlan(
                name, quantity.Unit, Path.Join(folder, input), null, new LinearConversion(0, quantity.Factor, 0), 0);
        }

        var raw = In + channel + Raw;
        if (!files.Contains(raw))
        {
            return null;
        }

        var scale = Shared(folder, files, channel, "scale") ?? 1;
        var offset = Shared(folder, files, channel, "offset") ?? 0;
        return new SysfsChannelPlan(
            name, quantity.Unit, Path.Join(folder, raw), null, new LinearConversion(offset, scale * quantity.Factor, 0), 0);
    }

    private static string? ChannelOf(string file)
    {
        if (!file.StartsWith(In, StringComparison.Ordinal))
        {
            return null;
        }

        var channel = file.EndsWith(Raw, StringComparison.Ordinal) ? file[In.Length..^Raw.Length]
            : file.EndsWith(Input, StringComparison.Ordinal) ? file[In.Length..^Input.Length]
            : null;
        return channel is null || Derived.Any(d => channel.EndsWith(d, StringComparison.Ordinal)) ? null : channel;
    }

    /// <summary>The number that applies to <paramref name="channel"/>: its own, or the one it shares with its kind, from the
    /// closest to the widest: <c>in_voltage0_scale</c>, <c>in_voltage_scale</c>, <c>in_accel_scale</c>, <c>in_scale</c>.</summary>
    private static double? Shared(string folder, HashSet<string> files, string channel, string what)
    {
        foreach (var file in (string[])
        [
            $"in_{channel}_{what}",
            $"in_{WithoutDigits(channel)}_{what}",
            $"in_{IioQuantities.TypeOf(channel)}_{what}",
            $"in_{what}",
            what,
        ])
        {
            if (files.Contains(file) && SysfsFile.ReadNumber(Path.Join(folder, file)) is { } number)
            {
                return number;
            }
        }

        return null;
    }

    private static string WithoutDigits(string channel) => string.Concat(channel.Where(static c => !char.IsAsciiDigit(c)));
}
