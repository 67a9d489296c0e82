using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Model and operating system, for compatibility: exactly the fields of R28 and R29. Nothing else of the files is kept: the serial
/// number that lies beside the model is not opened.</summary>
/// <param name="root">Prefix of every path: <c>/</c> on a board, a folder in a test.</param>
/// <param name="stateDirectory">A folder on the disk whose size is told.</param>
/// <param name="language">The value of LANG, or null.</param>
public sealed class BoardFacts(string root, string stateDirectory, string? language) : IFactSource
{
    // What /proc/device-tree points at; the service sees nothing of /proc but processes.
    private const string DeviceTree = "/sys/firmware/devicetree/base";
    private const string Dmi = "/sys/class/dmi/id";
    private const long Gigabyte = 1_000_000_000;

    /// <inheritdoc/>
    public IReadOnlyList<string> Fields { get; } =
    [
        "device.model", "device.manufacturer", "device.product", "device.display-resolution", "device.storage-size",
        "os.name", "os.version", "os.language",
    ];

    /// <inheritdoc/>
    public string? Read(string field) => field switch
    {
        "device.model" => Line(DeviceTree + "/model") ?? Line(Dmi + "/product_name"),
        "device.manufacturer" => Manufacturer(),
        "device.product" => Line(DeviceTree + "/compatible", part: 0) ?? Line(Dmi + "/product_family"),
        "device.display-resolution" => Resolution(),
        "device.storage-size" => StorageSize(),
        "os.name" => OsRelease("ID"),
        "os.version" => OsRelease("VERSION_ID"),
        "os.language" => Language(),
        _ => null,
    };

    // The device tree's root compatible is a list of "vendor,board", the most exact first.
    private string? Manufacturer()
    {
        var compatible = Line(DeviceTree + "/compatible", part: 0);
        var comma = compatible?.IndexOf(',', StringComparison.Ordinal) ?? -1;
        return comma > 0 ? compatible![..comma] : Line(Dmi + "/sys_vendor");
    }

    // The first mode of a connected connector is the preferred one; a board without a display has none.
    private string? Resolution()
    {
        foreach (var connector in Folders("/sys/class/drm"))
        {
            if (Line($"/sys/class/drm/{connector}/status") == "connected" && Line($"/sys/class/drm/{connector}/modes") is { } mode)
            {
                return mode;
            }
        }

        var size = Line("/sys/class/graphics/fb0/virtual_size")?.Split(',');
        return size is [var width, var height] ? $"{width}x{height}" : null;
    }

    // In whole gigabytes, as it stands on the card.
    private string? StorageSize()
    {
        try
        {
            var bytes = new DriveInfo(stateDirectory).TotalSize;
            return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, (bytes + (Gigabyte / 2)) / Gigabyte)} GB");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    // os-release(5): NAME=value or NAME="value".
    private string? OsRelease(string name)
    {
        foreach (var line in Lines("/etc/os-release"))
        {
            if (line.StartsWith(name + "=", StringComparison.Ordinal))
            {
                return Clean(line[(name.Length + 1)..].Trim('"', '\''));
            }
        }

        return null;
    }

    // locale.conf(5); what the service was started with goes first.
    private string? Language()
    {
        var value = language;
        foreach (var file in new[] { "/etc/locale.conf", "/etc/default/locale" })
        {
            value ??= Lines(file).FirstOrDefault(static line => line.StartsWith("LANG=", StringComparison.Ordinal))?[5..].Trim('"');
        }

        return value is null ? null : Clean(value.Split('.')[0]);
    }

    private string? Line(string path, int part = 0)
    {
        var text = Text(path);
        return text is null ? null : Clean(text.Split('\0', '\n')[part]);
    }

    private string[] Lines(string path) => Text(path)?.Split('\n') ?? [];

    private string? Text(string path)
    {
        try
        {
            using var file = File.OpenRead(Path.Join(root, path));
            var buffer = new byte[DeviceLimits.FactBytesMax];
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return System.Text.Encoding.UTF8.GetString(buffer, 0, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private List<string> Folders(string path)
    {
        try
        {
            return Directory.EnumerateDirectories(Path.Join(root, path)).Take(DeviceLimits.SysfsEntriesMax)
                .Select(static folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal).ToList();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Clean(string text)
    {
        var clean = new string([.. text.Where(static c => !char.IsControl(c) && c != '\uFFFD').Take(DeviceLimits.FactLengthMax)]).Trim();
        return clean.Length == 0 ? null : clean;
    }
}
