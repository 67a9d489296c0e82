using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Finds chips and channels in the kernel's folders. Numbers of devices depend on the order in which drivers start, so
/// a chip is found by the <c>name</c> that its driver gives it.</summary>
internal static class SysfsFolder
{
    /// <summary>The folder of the chip called <paramref name="name"/>.</summary>
    /// <param name="classFolder">Where the devices are: <c>/sys/bus/iio/devices</c>.</param>
    /// <param name="prefix">What device folders begin with: <c>iio:device</c>.</param>
    /// <param name="name">Content of the chip's <c>name</c> file.</param>
    /// <param name="label">Content of its <c>label</c> file, or empty for any.</param>
    /// <param name="index">Which of several that fit, by device number, from 0.</param>
    /// <exception cref="SensorFault">There is none.</exception>
    public static string Find(string classFolder, string prefix, string name, string label, int index)
    {
        var seen = new List<string>();
        var fitting = 0;
        foreach (var entry in Entries(classFolder)
            .Where(e => e.StartsWith(prefix, StringComparison.Ordinal))
            .OrderBy(e => e.Length).ThenBy(static e => e, StringComparer.Ordinal))
        {
            var folder = Path.Join(classFolder, entry);
            var found = SysfsFile.ReadText(Path.Join(folder, "name"));
            if (found is null)
            {
                // Old drivers keep their attributes in the physical device's folder (hwmon/sysfs-interface).
                folder = Path.Join(folder, "device");
                found = SysfsFile.ReadText(Path.Join(folder, "name"));
            }

            if (found is null)
            {
                continue;
            }

            seen.Add(found);
            if (found == name
                && (label.Length == 0 || SysfsFile.ReadText(Path.Join(folder, "label")) == label)
                && fitting++ == index)
            {
                return folder;
            }
        }

        var which = label.Length == 0 ? $"'{name}'" : $"'{name}' with label '{label}'";
        var have = seen.Count == 0 ? "there is none" : "there are: " + string.Join(", ", seen.Distinct().Take(12));
        throw new SensorFault(SensorFaultKind.Absent, classFolder,
            fitting > 0
                ? $"Only {fitting} named {which}; correct 'index'."
                : $"No chip named {which} ({have}). Check wiring and the overlay line in config.txt; it is looked for again by itself.");
    }

    /// <summary>The names in <paramref name="folder"/>, unsorted.</summary>
    /// <exception cref="SensorFault">It is absent or refused.</exception>
    public static List<string> Entries(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Take(DeviceLimits.SysfsEntriesMax).Select(static e => Path.GetFileName(e))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw SysfsFault.Of(e, folder);
        }
    }
}
