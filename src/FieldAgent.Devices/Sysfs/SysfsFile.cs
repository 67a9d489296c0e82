using System.Runtime.InteropServices;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Devices;

/// <summary>One attribute file, kept open and read from the beginning each time. One thread.</summary>
internal sealed class SysfsFile : IDisposable
{
    private SafeFileHandle _handle;

    private SysfsFile(string path, SafeFileHandle handle)
    {
        FullPath = path;
        _handle = handle;
    }

    /// <summary>Where it is.</summary>
    public string FullPath { get; }

    /// <summary>Opens <paramref name="path"/>.</summary>
    /// <exception cref="SensorFault">It is absent or refused.</exception>
    public static SysfsFile Open(string path)
    {
        var errno = SysfsNative.Open(path, out var handle);
        return errno == 0 ? new SysfsFile(path, handle) : throw SysfsFault.Of(errno, path);
    }

    /// <summary>The trimmed text of the file, or null when there is none.</summary>
    /// <exception cref="SensorFault">It is refused or broken.</exception>
    public static string? ReadText(string path)
    {
        var errno = SysfsNative.Open(path, out var handle);
        using (handle)
        {
            if (errno != 0)
            {
                return SysfsFault.KindOf(errno) == SensorFaultKind.Absent ? null : throw SysfsFault.Of(errno, path);
            }

            Span<byte> buffer = stackalloc byte[DeviceLimits.SysfsValueBytesMax];
            var n = SysfsNative.Read(handle, buffer);
            return n < 0 ? null : Encoding.UTF8.GetString(buffer[..n]).Trim('\n', ' ', '\0');
        }
    }

    /// <summary>The number in the file, or null when there is no such file or no number in it.</summary>
    /// <exception cref="SensorFault">It is refused or broken.</exception>
    public static double? ReadNumber(string path) =>
        ReadText(path) is { } text && SysfsNumber.TryParse(Encoding.UTF8.GetBytes(text), out var value, out _) ? value : null;

    /// <summary>Writes a text to the attribute <paramref name="path"/>.</summary>
    /// <returns>0, or the errno.</returns>
    public static unsafe int Write(string path, string text)
    {
        var fd = Libc.Open(path, Libc.O_WRONLY | Libc.O_TRUNC | Libc.O_CLOEXEC);
        if (fd < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            var errno = Libc.Write(fd, start, (nuint)bytes.Length) < 0 ? Marshal.GetLastPInvokeError() : 0;
            _ = Libc.Close(fd);
            return errno;
        }
    }

    /// <summary>Reads the number; no allocation.</summary>
    /// <param name="value">The number.</param>
    /// <param name="decimals">Digits behind the point.</param>
    /// <returns>0; or an errno; ENODATA also for an empty file; EIO for what is no number.</returns>
    /// <exception cref="SensorFault">The file was replaced and the new one cannot be opened.</exception>
    public int Read(out double value, out int decimals)
    {
        const int EIO = 5;
        value = 0;
        decimals = 0;
        Span<byte> buffer = stackalloc byte[DeviceLimits.SysfsValueBytesMax];
        if (SysfsNative.IsUnlinked(_handle))
        {
            Reopen();
        }

        var n = SysfsNative.Read(_handle, buffer);
        if (n < 0)
        {
            return -n;
        }

        if (n == 0)
        {
            return SysfsNative.ENODATA;
        }

        return SysfsNumber.TryParse(buffer[..n], out value, out decimals) ? 0 : EIO;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void Reopen()
    {
        var errno = SysfsNative.Open(FullPath, out var handle);
        if (errno != 0)
        {
            handle.Dispose();
            throw SysfsFault.Of(errno, FullPath);
        }

        _handle.Dispose();
        _handle = handle;
    }
}
