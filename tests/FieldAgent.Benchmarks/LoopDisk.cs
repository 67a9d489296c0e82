using System.Globalization;

namespace FieldAgent.Benchmarks;

/// <summary>A journaled ext4 in a file, mounted on a loop device: the device's own counter says what a card would have to swallow.</summary>
internal sealed class LoopDisk : IDisposable
{
    private readonly string _image;
    private readonly string _device;

    private LoopDisk(string image, string device, string folder)
    {
        _image = image;
        _device = device;
        Folder = folder;
    }

    /// <summary>Where it is mounted.</summary>
    public string Folder { get; }

    /// <summary>Bytes written to the device so far (Documentation/block/stat.rst: field 7 of stat, 512-byte sectors).</summary>
    public long BytesWritten
    {
        get
        {
            Shell.Run("sync", "-f", Folder);
            var fields = File.ReadAllText($"/sys/block/{Path.GetFileName(_device)}/stat").Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return long.Parse(fields[6], CultureInfo.InvariantCulture) * 512;
        }
    }

    /// <summary>Makes and mounts one of <paramref name="megabytes"/>; null with the reason where that is not possible.</summary>
    public static LoopDisk? TryMake(int megabytes, out string why)
    {
        var image = Path.GetTempFileName();
        using (var file = File.OpenWrite(image))
        {
            file.SetLength((long)megabytes << 20);
        }

        var folder = Directory.CreateTempSubdirectory("fieldagent-loop-").FullName;
        var made = Shell.Run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
        var device = made.Code == 0 ? Shell.Run("losetup", "--find", "--show", image) : made;
        var mounted = device.Code == 0 ? Shell.Run("mount", "-o", "noatime", device.Out.Trim(), folder) : device;
        why = mounted.Out.Trim();
        if (mounted.Code == 0)
        {
            return new LoopDisk(image, device.Out.Trim(), folder);
        }

        if (made.Code == 0 && device.Code == 0)
        {
            Shell.Run("losetup", "-d", device.Out.Trim());
        }

        File.Delete(image);
        Directory.Delete(folder);
        return null;
    }

    public void Dispose()
    {
        // The file system may still be busy for a moment after its last user has gone.
        if (Shell.Run("umount", Folder).Code != 0)
        {
            Shell.Run("umount", "-l", Folder);
        }

        Shell.Run("losetup", "-d", _device);
        File.Delete(_image);
        Directory.Delete(Folder);
    }
}
