using FieldAgent.Core;
using FieldAgent.Devices.Linux;

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
        SensorFaultKind.Busy when errno == SysfsNative.EAGAIN => new(SensorFaultKind.Busy, path,
            "The chip was not ready, or another master takes its bus each time. Disconnect that, or give the chip a bus of its own."),
        SensorFaultKind.Busy => new(SensorFaultKind.Busy, path,
            "Another program samples this chip (a buffer is enabled). Stop it, or take that channel out of the configuration."),
        SensorFaultKind.Timeout => new(SensorFaultKind.Timeout, path,
            "The chip did not answer in time. Check the bus: pull-ups, cable length, clock rate."),
        _ when errno == Libc.EINVAL && IsGivenUp(path) => new(SensorFaultKind.Io, path,
            "The driver gave the chip up: it could not wake it after a fault of the bus, and the kernel lets it try no more. "
            + "Bind it anew (its folder in /sys/bus/i2c/drivers: unbind, bind) or restart the board; power/control set to 'on' prevents it."),
        _ => new(SensorFaultKind.Io, path,
            string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"Reading failed with error {errno}. Check wiring and power; the kernel's log (dmesg) may say more.")),
    };

    /// <summary>True when a wake-up of the chip failed once: from then on the kernel's power management answers EINVAL to each try of the driver
    /// (Documentation/power/runtime_pm.rst, power.runtime_error).</summary>
    private static bool IsGivenUp(string path)
    {
        // From an IIO device the chip is the folder above; the kernel follows the link before it goes up. From a hwmon it is a link.
        var folder = Path.GetDirectoryName(path);
        return SysfsFile.ReadText(folder + "/../power/runtime_status") == "error" || SysfsFile.ReadText(folder + "/device/power/runtime_status") == "error";
    }

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
