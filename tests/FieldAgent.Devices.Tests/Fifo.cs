using System.Runtime.InteropServices;

namespace FieldAgent.Devices.Tests;

/// <summary>Pipes with a name.</summary>
internal static partial class Fifo
{
    /// <summary>Makes one, with a writer who says nothing yet.</summary>
    public static FileStream Make(string path)
    {
        Assert.Equal(0, MakeFifo(path, 0x180));
        return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);
}
