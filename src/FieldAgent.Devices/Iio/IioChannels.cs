namespace FieldAgent.Devices;

/// <summary>What the kernel says of an IIO channel's raw numbers.</summary>
internal static class IioChannels
{
    /// <summary>The stream's name for a channel: <c>accel_x</c> becomes <c>accel-x</c>, <c>temp</c> becomes <c>temperature</c>.</summary>
    public static string NameOf(string channel) =>
        SysfsSensor.NameFrom(IioQuantities.Of(channel).Word + channel[IioQuantities.TypeOf(channel).Length..]) ?? channel;

    /// <summary>(raw + offset) × scale, in the base unit.</summary>
    /// <param name="folder">The device's folder.</param>
    /// <param name="files">Its entries.</param>
    /// <param name="channel">The kernel's name.</param>
    /// <param name="path">Where the raw numbers come from.</param>
    public static SysfsChannelPlan RawPlan(string folder, HashSet<string> files, string channel, string path)
    {
        var quantity = IioQuantities.Of(channel);
        var scale = Shared(folder, files, channel, "scale") ?? 1;
        var offset = Shared(folder, files, channel, "offset") ?? 0;
        return new SysfsChannelPlan(NameOf(channel), quantity.Unit, path, null, new LinearConversion(offset, scale * quantity.Factor, 0), 0);
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
