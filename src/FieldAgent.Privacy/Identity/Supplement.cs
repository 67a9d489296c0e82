namespace FieldAgent.Privacy;

/// <summary>Something of the hardware that may go into the pseudonym's input (R20): off by default, named in the configuration, read only
/// then, never stored, never sent, never logged. A name of the board that others gave it (R24) would be one more of these, with
/// <see cref="IsOutside"/> set; the catalogue holds none.</summary>
public interface ISupplement
{
    /// <summary>Its word in the configuration.</summary>
    string Name { get; }

    /// <summary>True when a program or service outside the agent provides it (R24).</summary>
    bool IsOutside { get; }

    /// <summary>Reads it; null when the board has none that can be read now.</summary>
    /// <param name="devicesRoot">Prefix of /sys and /proc.</param>
    string? Read(string devicesRoot);
}

/// <summary>The supplements there are.</summary>
public static class Supplements
{
    /// <summary>All of them. Outside providers would be listed here, and there are none.</summary>
    public static IReadOnlyList<ISupplement> All { get; } = [new MacSupplement(), new SerialSupplement()];

    // Longer content is no identifier.
    private const int CharsMax = 128;

    /// <summary>The machine id (machine-id(5)), or an empty text.</summary>
    public static string MachineId(string devicesRoot) => ReadLine(Path.Join(devicesRoot, "etc/machine-id")) ?? "";

    private static string? ReadLine(string path)
    {
        try
        {
            using var file = new StreamReader(path);
            var buffer = new char[CharsMax];
            var text = new string(buffer, 0, file.ReadBlock(buffer)).Trim('\0', '\n', '\r', ' ', '\t');
            return text.Length == 0 ? null : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The hardware address of the first network interface by name that has one of its own: not loopback, not one that software
    /// made up (bit 1 of the first byte; IEEE 802, 8.2).</summary>
    private sealed class MacSupplement : ISupplement
    {
        public string Name => "mac";

        public bool IsOutside => false;

        public string? Read(string devicesRoot)
        {
            try
            {
                return Directory.EnumerateFileSystemEntries(Path.Join(devicesRoot, "sys/class/net")).Order(StringComparer.Ordinal)
                    .Select(static folder => ReadLine(Path.Join(folder, "address"))).FirstOrDefault(static address => IsOwn(address));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }

        private static bool IsOwn(string? address) =>
            address is { Length: 17 } && address != "00:00:00:00:00:00" && char.IsAsciiHexDigit(address[1])
            && (Convert.ToInt32(address[1].ToString(), 16) & 2) == 0;
    }

    /// <summary>The board's serial number, where the firmware gives it.</summary>
    private sealed class SerialSupplement : ISupplement
    {
        public string Name => "serial";

        public bool IsOutside => false;

        public string? Read(string devicesRoot) =>
            ReadLine(Path.Join(devicesRoot, "proc/device-tree/serial-number"))
            ?? ReadLine(Path.Join(devicesRoot, "sys/firmware/devicetree/base/serial-number"));
    }
}
