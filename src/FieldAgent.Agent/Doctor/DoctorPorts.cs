using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor;

/// <summary>What the doctor looks through, besides files; replaced in tests.</summary>
internal sealed record DoctorPorts
{
    /// <summary>Time and its quality.</summary>
    public required IClock Clock { get; init; }

    /// <summary>Transactions on I2C buses.</summary>
    public I2cTransaction I2c { get; init; } = I2cSurvey.Kernel;

    /// <summary>GPIO chips, by the folder of device nodes.</summary>
    public Func<string, IReadOnlyList<GpioChipFound>> Gpio { get; init; } = GpioSurvey.Look;

    /// <summary>Ribbon-cable cameras, by the path of the program that operates them.</summary>
    public Func<string, IReadOnlyList<CameraFound>?> Cameras { get; init; } = CameraSurvey.Look;

    /// <summary>Connections to brokers.</summary>
    public ILinkFactory Links { get; init; } = LinkLibrary.CreateFactory();

    /// <summary>The file system that a folder is on; null when the kernel does not say.</summary>
    public Func<string, DiskFound?> Disk { get; init; } = DiskOf;

    /// <summary>Asks the running agent, by the path of its socket.</summary>
    public Func<string, ControlRequest, ControlReply> Ask { get; init; } = ControlClient.Call;

    private static DiskFound? DiskOf(string folder)
    {
        try
        {
            var drive = new DriveInfo(folder);
            return new DiskFound(drive.AvailableFreeSpace, drive.TotalSize, IsReadOnly(folder, File.ReadLines("/proc/self/mountinfo")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    // proc_pid_mountinfo(5): the fifth field says where, the sixth begins with ro or rw, as the last does, which are the file system's own
    // options. The mount that is deepest, and the last of those, is the one.
    internal static bool IsReadOnly(string folder, IEnumerable<string> mounts)
    {
        var (depth, isReadOnly) = (-1, false);
        foreach (var mount in mounts)
        {
            var fields = mount.Split(' ');
            if (fields.Length < 10)
            {
                continue;
            }

            var at = fields[4].TrimEnd('/');
            if (at.Length >= depth && (folder == at || folder.StartsWith(at + "/", StringComparison.Ordinal)))
            {
                depth = at.Length;
                isReadOnly = fields[5].Split(',')[0] == "ro" || fields[^1].Split(',')[0] == "ro";
            }
        }

        return isReadOnly;
    }
}

/// <summary>A file system.</summary>
/// <param name="Free">Bytes that the agent may use.</param>
/// <param name="Total">All bytes.</param>
/// <param name="IsReadOnly">True when the kernel lets nobody write.</param>
internal readonly record struct DiskFound(long Free, long Total, bool IsReadOnly = false);
