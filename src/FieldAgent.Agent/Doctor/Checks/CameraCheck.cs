using System.Globalization;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Programs, nodes and cameras that photographs are taken with. Takes no picture, and asks for cameras only while no agent uses
/// them.</summary>
internal sealed class CameraCheck : ICheck
{
    private const string UsbProgram = "ffmpeg";

    private static readonly string[] Programs = ["rpicam-still", "libcamera-still", UsbProgram];
    private static readonly string[] Folders = ["usr/local/bin", "usr/bin", "bin"];

    /// <inheritdoc/>
    public string Group => "camera";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        foreach (var sensor in view.Sensors.Where(static s => s.Kind == "camera"))
        {
            yield return sensor.Text("folder") is { Length: > 0 } folder ? OfFolder(view, sensor, folder) : OfDevice(view, sensor);
        }
    }

    private static Finding OfFolder(DoctorView view, SensorSection sensor, string folder)
    {
        var path = Path.GetFullPath(folder, Path.GetDirectoryName(view.Config!.File)!);
        return Directory.Exists(path) && Directory.EnumerateFiles(path, "*.jp*g").Any()
            ? Finding.Ok("camera.folder", $"sensor {sensor.Name}", "takes its pictures from a folder")
            : Finding.Fail("camera.folder", $"sensor {sensor.Name}", $"there are no JPEG files in {folder}", "put some there, or correct 'folder'");
    }

    private static Finding OfDevice(DoctorView view, SensorSection sensor)
    {
        var place = $"sensor {sensor.Name}";
        var enable = view.Board?.Camera is { Enable.Length: > 0 } camera ? $"add '{camera.Enable}' to {view.Board.BootFile}" : "plug the camera in";
        if (!Directory.Exists(view.Dev) || !Directory.EnumerateFileSystemEntries(view.Dev, "video*").Concat(Directory.EnumerateFileSystemEntries(view.Dev, "media*")).Any())
        {
            return Finding.Fail("camera.no-node", place, "there is no /dev/video* and no /dev/media*", $"{enable}, check the ribbon cable, and reboot");
        }

        var isUsb = sensor.Text("source") == "usb";
        var program = Programs.Where(name => name == UsbProgram == isUsb)
            .SelectMany(name => Folders.Select(folder => Path.Join(view.Root, folder, name))).FirstOrDefault(File.Exists);
        return program is null
                ? Finding.Fail("camera.no-program", place, "there is no program to take photographs with", $"apt-get install {(isUsb ? UsbProgram : "rpicam-apps-lite")}")
            : isUsb || !view.IsAgentStopped ? Taken(place, program)
            : OfRibbon(view, sensor, place, program, enable);
    }

    private static Finding OfRibbon(DoctorView view, SensorSection sensor, string place, string program, string enable)
    {
        var name = Path.GetFileName(program);
        var index = int.TryParse(sensor.Text("index"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        return view.Ports.Cameras(program) is not { } cameras ? Taken(place, program)
            : cameras.Count == 0
                ? Finding.Fail("camera.none", place, $"{name} finds no camera", $"switch off, check both ends of the ribbon cable, {enable}, and reboot")
            : cameras.FirstOrDefault(camera => camera.Index == index) is { } found ? Taken(place, program, $", camera {index}: {found.Model}")
            : Finding.Fail("camera.index", place,
                $"there is no camera {index}; {name} lists {string.Join(", ", cameras.Select(static camera => $"{camera.Index}: {camera.Model}"))}", "correct 'index', or check the cable of the one that is missing");
    }

    private static Finding Taken(string place, string program, string camera = "") =>
        Finding.Ok("camera.program", place, $"photographs are taken with {Path.GetFileName(program)}{camera}");
}
