using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Devices;

/// <summary>The system calls for reading kernel attributes without exceptions and allocation. Constants are those of the generic
/// Linux ABI and the same on x86-64, arm64 and arm (include/uapi/asm-generic/errno*.h, fcntl.h, linux/stat.h).</summary>
internal static partial class SysfsNative
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ENXIO = 6;
    public const int EAGAIN = 11;
    public const int EACCES = 13;
    public const int EBUSY = 16;
    public const int ENODEV = 19;
    public const int ENOTDIR = 20;
    public const int ENODATA = 61;
    public const int ETIMEDOUT = 110;
    public const int EREMOTEIO = 121;
    public const int EINTR = 4;

    private const int O_RDONLY = 0;
    private const int O_CLOEXEC = 0x80000;
    private const int AT_EMPTY_PATH = 0x1000;
    private const uint STATX_NLINK = 0x4;
    private const int StatxBytes = 256;
    private const int StatxNlinkOffset = 16;

    /// <summary>Opens for reading.</summary>
    /// <returns>0, or the errno.</returns>
    public static int Open(string path, out SafeFileHandle handle)
    {
        handle = OpenFile(path, O_RDONLY | O_CLOEXEC);
        return handle.IsInvalid ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Reads from the beginning: sysfs makes the value anew at each read at offset 0.</summary>
    /// <returns>Bytes read, or minus the errno.</returns>
    public static unsafe int Read(SafeFileHandle handle, Span<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                var n = PRead(handle, p, (nuint)buffer.Length, 0);
                if (n >= 0)
                {
                    return (int)n;
                }

                var errno = Marshal.GetLastPInvokeError();
                if (errno != EINTR)
                {
                    return -errno;
                }
            }
        }
    }

    /// <summary>True when the open file has no name any more: it was deleted, or replaced by another. A handle to such a file in a
    /// plain folder goes on giving its last content. Uses statx, whose layout is the same on every architecture.</summary>
    public static unsafe bool IsUnlinked(SafeFileHandle handle)
    {
        Span<byte> buffer = stackalloc byte[StatxBytes];
        fixed (byte* p = buffer)
        {
            byte empty = 0;
            return Statx(handle, &empty, AT_EMPTY_PATH, STATX_NLINK, p) == 0
                && MemoryMarshal.Read<uint>(buffer[StatxNlinkOffset..]) == 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "pread64", SetLastError = true)]
    private static unsafe partial nint PRead(SafeFileHandle handle, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int Statx(SafeFileHandle handle, byte* path, int flags, uint mask, byte* buffer);
}
