namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Programs and nodes that photographs are taken with. Opens no camera.</summary>
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

        var wanted = sensor.Text("source") == "usb" ? Programs.Where(static name => name == UsbProgram) : Programs.Where(static name => name != UsbProgram);
        var program = wanted.FirstOrDefault(name => Folders.Any(folder => File.Exists(Path.Join(view.Root, folder, name))));
        return program is not null
            ? Finding.Ok("camera.program", place, $"photographs are taken with {program}")
            : Finding.Fail("camera.no-program", place, "there is no program to take photographs with",
                $"apt-get install {(sensor.Text("source") == "usb" ? UsbProgram : "rpicam-apps-lite")}");
    }
}
