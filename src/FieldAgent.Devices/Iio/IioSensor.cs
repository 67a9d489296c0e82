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
        var input = In + channel + Input;
        if (files.Contains(input))
        {
            var quantity = IioQuantities.Of(channel);
            return new SysfsChannelPlan(
                IioChannels.NameOf(channel), quantity.Unit, Path.Join(folder, input), null, new LinearConversion(0, quantity.Factor, 0), 0);
        }

        var raw = In + channel + Raw;
        return files.Contains(raw) ? IioChannels.RawPlan(folder, files, channel, Path.Join(folder, raw)) : null;
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
}
