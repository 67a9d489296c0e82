using System.Globalization;
using System.Runtime.InteropServices;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>A real small file system; the test is skipped by name where it cannot be mounted.</summary>
public sealed partial class SmallDisk : IDisposable
{
    /// <summary>It gives each file whole pages of so many bytes.</summary>
    public const int PageBytes = 4096;

    // MNT_DETACH of umount(2).
    private const int Detach = 2;

    private readonly TempFolder _folder = new();

    /// <summary>Mounts it.</summary>
    /// <param name="bytes">What it holds, as its kernel counts with every write: not one byte more, not for an instant.</param>
    public SmallDisk(long bytes)
    {
        Bytes = bytes;
        if (Mount("fieldagent-test", _folder.Path, "tmpfs", 0, string.Create(CultureInfo.InvariantCulture, $"size={bytes}")) != 0)
        {
            _folder.Dispose();
            Assert.Skip("skipped: mounting a tmpfs");
        }
    }

    public long Bytes { get; }

    public long UsedBytes
    {
        get
        {
            var drive = new DriveInfo(Path);
            return drive.TotalSize - drive.TotalFreeSpace;
        }
    }

    public string Path => _folder.Path;

    public string File(string name) => _folder.File(name);

    public void FillUp()
    {
        using var file = new FileStream(_folder.File("other-" + Guid.NewGuid()), FileMode.CreateNew);
        try
        {
            var zeros = new byte[4096];
            while (true)
            {
                file.Write(zeros);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // full, as wanted
        }
    }

    public void MakeRoom()
    {
        foreach (var file in Directory.GetFiles(Path, "other-*"))
        {
            System.IO.File.Delete(file);
        }
    }

    public void Dispose()
    {
        _ = Unmount(Path, Detach);
        _folder.Dispose();
    }

    // By the kernel's own calls: a program that is being started holds every lock of this process for a moment, those of other tests among them.
    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, nuint flags, string options);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
