using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Store.Files;

/// <summary>The few system calls .NET has no name for. Constants are the same on every Linux architecture used here.</summary>
internal static partial class Posix
{
    private const int ReadOnly = 0;
    private const int ReadWrite = 2;
    private const int Create = 0x40;
    private const int OwnerReadWrite = 0x180;
    private const int CloseOnExec = 0x80000;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;
    private const int LockRelease = 8;
    private const int AtCurrentFolder = -100;
    private const uint StatxInode = 0x100;
    private const int Enoent = 2;

    /// <summary>errno EWOULDBLOCK: somebody else holds the lock.</summary>
    public const int WouldBlock = 11;

    /// <summary>Makes renames, creations and deletions in <paramref name="folder"/> durable (pitfall: O_DIRECTORY differs on ARM,
    /// so it is left out).</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void SyncFolder(string folder)
    {
        var descriptor = Open(folder, ReadOnly | CloseOnExec);
        if (descriptor < 0)
        {
            throw Failed("open", folder);
        }

        var result = FileSync(descriptor);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);

        // EINVAL: the file system cannot sync folders (some overlays); there is nothing to be had then
        if (result != 0 && error != 22)
        {
            throw new IOException($"fsync {folder}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    /// <summary>Opens a file to lock, made with mode 0600 when it is not there. FileStream would take a lock of its own.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static SafeFileHandle OpenForLock(string path)
    {
        var descriptor = Open(path, ReadWrite | Create | CloseOnExec, OwnerReadWrite);
        return descriptor < 0 ? throw Failed("open", path) : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Takes the exclusive advisory lock of an open file without waiting.</summary>
    /// <returns>0, or errno.</returns>
    public static int TryLock(SafeHandle file) =>
        Lock(file, LockExclusive | LockNonBlocking) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Gives the lock of an open file back, also where a child that was started a moment ago still shares the file: closing it here
    /// would leave the lock to that child until its exec.</summary>
    public static void Unlock(SafeHandle file) => _ = Lock(file, LockRelease);

    /// <summary>Device and inode of the file that <paramref name="path"/> names now; null when there is none.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static unsafe (ulong Device, ulong Inode)? Identify(string path)
    {
        // struct statx has one layout everywhere: inode at 32, device numbers at 136 and 140
        var buffer = stackalloc byte[256];
        if (Statx(AtCurrentFolder, path, 0, StatxInode, buffer) != 0)
        {
            return Marshal.GetLastPInvokeError() == Enoent ? null : throw Failed("statx", path);
        }

        return (*(ulong*)(buffer + 136), *(ulong*)(buffer + 32));
    }

    private static IOException Failed(string call, string path) =>
        new($"{call} {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode = 0);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FileSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(SafeHandle descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);
}
