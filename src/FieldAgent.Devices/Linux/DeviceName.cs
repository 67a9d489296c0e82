namespace FieldAgent.Devices;

/// <summary>What a device is called in messages.</summary>
public static class DeviceName
{
    private const string ById = "/by-id/";

    /// <summary>The path without what udev's names by id are made of: maker, model and serial number (R19).</summary>
    /// <param name="path">The device's path: <c>/dev/serial/by-id/usb-…</c>.</param>
    /// <returns><c>/dev/serial/by-id/…</c>; any other path as it is.</returns>
    public static string Of(string path)
    {
        var at = path.IndexOf(ById, StringComparison.Ordinal);
        return at < 0 ? path : path[..(at + ById.Length)] + "…";
    }
}
