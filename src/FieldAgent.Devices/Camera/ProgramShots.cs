using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>A camera that a program of the system's operates.</summary>
internal interface ICameraProgram
{
    /// <summary>The camera as a technician names it; holds no serial number.</summary>
    string Place { get; }

    /// <summary>The program and its arguments for one shot to standard output.</summary>
    /// <exception cref="SensorFault">The program or the camera is not there, or may not be used.</exception>
    ChildPlan Plan();
}

/// <summary>Takes each shot with a program that is started for it and is gone after it: what it had open is closed then, whatever happens.</summary>
/// <param name="camera">The program.</param>
/// <param name="timeout">Longest time for one shot.</param>
/// <param name="indicator">The lamp that is lit from before the program starts until it is gone; null where there is none.</param>
internal sealed class ProgramShots(ICameraProgram camera, TimeSpan timeout, IIndicator? indicator = null) : IShotSource
{
    /// <summary>What camera programs say, in lower case, and what that means. Their words are never passed on: they hold paths and serial numbers.</summary>
    private static readonly (string Words, SensorFaultKind Kind, string Remedy)[] Known =
    [
        ("no cameras available", SensorFaultKind.Absent, "No camera is found: check the ribbon cable and its overlay (camera_auto_detect=1)."),
        ("busy", SensorFaultKind.Busy, "Another program holds the camera: stop that program."),
        ("in use", SensorFaultKind.Busy, "Another program holds the camera: stop that program."),
        ("permission denied", SensorFaultKind.Refused, "Access is denied: add the agent's user to group video."),
        ("operation not permitted", SensorFaultKind.Refused, "Access is denied: add the agent's user to group video."),
        ("no such device", SensorFaultKind.Absent, "The camera was unplugged: plug it in again."),
        ("no such file", SensorFaultKind.Absent, "The camera is not there: plug it in, or correct 'device'."),
        ("inappropriate ioctl", SensorFaultKind.Malformed, "It is no camera: correct 'device' (of a camera's nodes only video-index0 gives pictures)."),
        ("not a video capture device", SensorFaultKind.Malformed, "It is no camera: correct 'device' (of a camera's nodes only video-index0 gives pictures)."),
        ("unknown input format", SensorFaultKind.Malformed, "This ffmpeg has no Video4Linux: install Debian's."),
        ("error while loading shared libraries", SensorFaultKind.Io, "The camera's program lacks a library: reinstall its package."),
    ];

    private HangingCamera? _hanging;

    /// <inheritdoc/>
    public TimeSpan ShotLimit => timeout + OneShot.EndingMax;

    /// <inheritdoc/>
    public void Check() => camera.Plan();

    /// <inheritdoc/>
    public Shot? Take(ISensorHost host, CancellationToken stop)
    {
        var plan = camera.Plan();
        var program = Path.GetFileName(plan.Program);
        if (_hanging is { IsGone: false })
        {
            throw Hangs(program);
        }

        Stamp? captured = null;
        var result = Run(plan, host, () => captured = host.Clock.Now(), stop);
        switch (result.End)
        {
            case OneShotEnd.Stopped:
                return stop.IsCancellationRequested ? null : throw new SensorFault(
                    SensorFaultKind.Io, camera.Place, "The lamp that shows that the camera is open went out, and the picture was given up: see roles.cameraIndicator.");
            case OneShotEnd.TimedOut:
                throw result.Exit is null ? Hangs(program) : new SensorFault(
                    SensorFaultKind.Timeout, camera.Place,
                    FormattableString.Invariant($"{program} gave no picture within {timeout.TotalSeconds} s and was ended: check the camera's cable, or raise 'timeout'."));
            case OneShotEnd.TooMuch:
                throw new SensorFault(
                    SensorFaultKind.Malformed, camera.Place, $"{program} gave more than {DeviceLimits.PhotoBytesMax >> 20} MiB: lower 'width' and 'height'.");
            default:
                return Accept(program, result, captured);
        }
    }

    private SensorFault Hangs(string program) => new(
        SensorFaultKind.Timeout, camera.Place, $"{program} hangs inside the camera's driver and cannot be ended: unplug the camera or restart the board.");

    // The lamp goes on before the program that opens the camera, and out after it is gone, however long that takes.
    private OneShotResult Run(ChildPlan plan, ISensorHost host, Action begins, CancellationToken stop)
    {
        var lit = indicator?.Light();
        try
        {
            host.Describe("taking a picture");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, lit?.Lost ?? CancellationToken.None);
            var result = OneShot.Run(plan, DeviceLimits.PhotoBytesMax, timeout, either.Token, begins);
            if (result.Remains is { } remains)
            {
                _hanging = new HangingCamera(remains, lit);
                lit = null;
            }

            host.Describe("");
            return result;
        }
        finally
        {
            lit?.Dispose();
        }
    }

    private Shot Accept(string program, OneShotResult result, Stamp? captured)
    {
        var exit = result.Exit ?? default;
        if (exit != default)
        {
            foreach (var (words, kind, remedy) in Known)
            {
                if (result.Errors.Contains(words, StringComparison.OrdinalIgnoreCase))
                {
                    throw new SensorFault(kind, camera.Place, $"{remedy} ({program}: {exit})");
                }
            }

            throw new SensorFault(
                SensorFaultKind.Io, camera.Place, $"{program} failed with {exit} and gave no reason that is known here: run it by hand to see its words.");
        }

        var jpeg = result.Output;
        return captured is { } when && JpegFrame.Begins(jpeg.Span) && JpegFrame.Ends(jpeg.Span)
            ? new Shot(jpeg, when)
            : throw new SensorFault(
                SensorFaultKind.Malformed, camera.Place,
                jpeg.Length == 0 ? $"{program} ended without a picture." : $"{program} gave {jpeg.Length} bytes that are no whole JPEG: check the camera's cable and supply.");
    }
}

/// <summary>Finds the programs of the system.</summary>
internal static class SystemPrograms
{
    private static readonly string[] Folders = ["/usr/local/bin", "/usr/bin", "/bin"];

    /// <summary>Path of the first of <paramref name="names"/> that is installed.</summary>
    /// <param name="setup">For the root prefix.</param>
    /// <param name="package">Debian's package, for the remedy.</param>
    /// <param name="names">In order of preference.</param>
    /// <exception cref="SensorFault">None is.</exception>
    public static string Find(SensorSetup setup, string package, params string[] names)
    {
        foreach (var name in names)
        {
            foreach (var folder in Folders)
            {
                var path = setup.DevicePath(Path.Join(folder, name));
                if (File.Exists(path))
                {
                    return path;
                }
            }
        }

        throw new SensorFault(SensorFaultKind.Absent, string.Join(" or ", names), $"The program is not installed: apt-get install {package}");
    }
}
