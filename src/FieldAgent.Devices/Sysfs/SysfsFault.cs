using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Says what an errno of a kernel attribute means to a technician.</summary>
internal static class SysfsFault
{
    /// <summary>The fault for <paramref name="errno"/> at <paramref name="path"/>.</summary>
    public static SensorFault Of(int errno, string path) => KindOf(errno) switch
    {
        SensorFaultKind.Absent => new(SensorFaultKind.Absent, path,
            "The chip does not answer or its driver is gone. Check wiring, power and the overlay line; it is looked for again by itself."),
        SensorFaultKind.Refused => new(SensorFaultKind.Refused, path,
            "The file may not be read by this user. Make it readable with a udev rule (MODE=\"0444\"), or add the user to its group."),
        SensorFaultKind.Busy => new(SensorFaultKind.Busy, path,
            "Another program samples this chip (a buffer is enabled). Stop it, or take that channel out of the configuration."),
        SensorFaultKind.Timeout => new(SensorFaultKind.Timeout, path,
            "The chip did not answer in time. Check the bus: pull-ups, cable length, clock rate."),
        _ => new(SensorFaultKind.Io, path,
            string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"Reading failed with error {errno}. Check wiring and power; the kernel's log (dmesg) may say more.")),
    };

    /// <summary>The fault for a managed exception at <paramref name="path"/>: listing a folder.</summary>
    public static SensorFault Of(Exception e, string path) => e switch
    {
        UnauthorizedAccessException => Of(SysfsNative.EACCES, path),
        DirectoryNotFoundException or FileNotFoundException => Of(SysfsNative.ENOENT, path),
        _ => new(SensorFaultKind.Io, path, "The folder cannot be listed.", e),
    };

    /// <summary>The kind of <paramref name="errno"/>. A chip that does not acknowledge is EREMOTEIO from the Pi's I2C controller
    /// and ENXIO from others; both mean that it is not there.</summary>
    public static SensorFaultKind KindOf(int errno) => errno switch
    {
        SysfsNative.ENOENT or SysfsNative.ENODEV or SysfsNative.ENXIO or SysfsNative.EREMOTEIO or SysfsNative.ENOTDIR
            => SensorFaultKind.Absent,
        SysfsNative.EACCES or SysfsNative.EPERM => SensorFaultKind.Refused,
        SysfsNative.EBUSY or SysfsNative.EAGAIN => SensorFaultKind.Busy,
        SysfsNative.ETIMEDOUT => SensorFaultKind.Timeout,
        _ => SensorFaultKind.Io,
    };
}
