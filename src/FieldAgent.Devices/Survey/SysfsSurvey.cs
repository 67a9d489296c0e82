using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>A chip that a kernel driver offers.</summary>
/// <param name="Interface"><c>iio</c> or <c>hwmon</c>: also the word in the configuration.</param>
/// <param name="Name">Content of its <c>name</c> file.</param>
/// <param name="Folder">Its folder.</param>
public sealed record KernelChip(string Interface, string Name, string Folder);

/// <summary>Looks at what the kernel's sensor interfaces offer.</summary>
public static class SysfsSurvey
{
    /// <summary>The chips of IIO and hwmon; what cannot be read is left out.</summary>
    /// <param name="root">Prefix of /sys.</param>
    public static IReadOnlyList<KernelChip> Look(string root) =>
    [
        .. Chips("iio", Path.Join(root, "sys/bus/iio/devices"), "iio:device"),
        .. Chips("hwmon", Path.Join(root, "sys/class/hwmon"), "hwmon"),
    ];

    /// <summary>The trimmed text of an attribute; null when it is not there or cannot be read.</summary>
    public static string? Text(string path)
    {
        try
        {
            return SysfsFile.ReadText(path);
        }
        catch (SensorFault)
        {
            return null;
        }
    }

    private static List<KernelChip> Chips(string word, string folder, string prefix)
    {
        var chips = new List<KernelChip>();
        if (!Directory.Exists(folder))
        {
            return chips;
        }

        foreach (var one in Directory.EnumerateFileSystemEntries(folder, prefix + "*").Order(StringComparer.Ordinal).Take(DeviceLimits.SysfsEntriesMax))
        {
            if ((Text(Path.Join(one, "name")) ?? Text(Path.Join(one, "device/name"))) is { Length: > 0 } name)
            {
                chips.Add(new KernelChip(word, name, one));
            }
        }

        return chips;
    }
}
