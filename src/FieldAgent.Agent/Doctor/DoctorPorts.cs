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

    /// <summary>Free and all bytes of the file system that a folder is on; null when the kernel does not say.</summary>
    public Func<string, (long Free, long Total)?> Disk { get; init; } = DiskOf;

    /// <summary>Asks the running agent, by the path of its socket.</summary>
    public Func<string, ControlRequest, ControlReply> Ask { get; init; } = ControlClient.Call;

    private static (long Free, long Total)? DiskOf(string folder)
    {
        try
        {
            var drive = new DriveInfo(folder);
            return (drive.AvailableFreeSpace, drive.TotalSize);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
