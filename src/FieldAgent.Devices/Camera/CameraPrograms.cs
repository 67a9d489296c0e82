using System.Globalization;
using System.Runtime.InteropServices;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>A ribbon-cable camera through <c>rpicam-still</c>, or <c>libcamera-still</c>, as the same program was called before.</summary>
internal sealed class CsiCamera(SensorSetup setup) : ICameraProgram
{
    private readonly long _index = setup.Options.Get(CameraKind.Index);

    /// <inheritdoc/>
    public string Place => string.Create(CultureInfo.InvariantCulture, $"CSI camera {_index}");

    /// <inheritdoc/>
    public ChildPlan Plan()
    {
        var options = setup.Options;
        var program = SystemPrograms.Find(setup, "rpicam-apps-lite (libcamera-apps-lite on older systems)", "rpicam-still", "libcamera-still");
        List<string> arguments =
        [
            "--nopreview", "--encoding", "jpg", "--output", "-", "--camera", Text(_index),
            "--timeout", Text((long)options.Get(CameraKind.WarmUp).TotalMilliseconds),
        ];
        if (options.Get(CameraKind.Width) > 0)
        {
            arguments.AddRange(["--width", Text(options.Get(CameraKind.Width)), "--height", Text(options.Get(CameraKind.Height))]);
        }

        return new ChildPlan(program, arguments);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A USB camera through <c>ffmpeg</c> on Video4Linux.</summary>
internal sealed class UsbCamera(SensorSetup setup) : ICameraProgram
{
    private readonly string _device = setup.Options.Get(CameraKind.Device);

    /// <inheritdoc/>
    public string Place => DeviceName.Of(_device);

    /// <inheritdoc/>
    public ChildPlan Plan()
    {
        var options = setup.Options;
        var program = SystemPrograms.Find(setup, "ffmpeg", "ffmpeg");
        var device = setup.DevicePath(_device);
        if (Libc.Access(device, Libc.R_OK | Libc.W_OK) != 0)
        {
            throw Marshal.GetLastPInvokeError() is Libc.EACCES or Libc.EPERM
                ? new SensorFault(SensorFaultKind.Refused, Place, "Access is denied: add the agent's user to group video.")
                : new SensorFault(SensorFaultKind.Absent, Place, "The camera is not there: plug it in, or correct 'device'.");
        }

        List<string> arguments = ["-nostdin", "-hide_banner", "-loglevel", "error", "-f", "video4linux2"];
        if (options.Get(CameraKind.Width) > 0)
        {
            arguments.AddRange(["-video_size", string.Create(CultureInfo.InvariantCulture, $"{options.Get(CameraKind.Width)}x{options.Get(CameraKind.Height)}")]);
        }

        // The frames before -ss are taken and thrown away; the one after it is compressed with little loss, without metadata.
        arguments.AddRange(
        [
            "-i", device, "-ss", options.Get(CameraKind.WarmUp).TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "-frames:v", "1", "-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", "2", "-f", "image2pipe", "pipe:1",
        ]);
        return new ChildPlan(program, arguments);
    }
}
