using System.Diagnostics;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>A real small file system; the test is skipped by name where it cannot be mounted.</summary>
public sealed class SmallDisk : IDisposable
{
    /// <summary>It gives each file whole pages of so many bytes.</summary>
    public const int PageBytes = 4096;

    private readonly TempFolder _folder = new();

    /// <summary>Mounts it.</summary>
    /// <param name="bytes">What it holds, as its kernel counts with every write: not one byte more, not for an instant.</param>
    public SmallDisk(long bytes)
    {
        Bytes = bytes;
        if (!Run("mount", "-t", "tmpfs", "-o", $"size={bytes}", "fieldagent-test", _folder.Path))
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
        Run("umount", "-l", Path);
        _folder.Dispose();
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
