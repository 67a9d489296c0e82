using System.Runtime.InteropServices;

namespace FieldAgent.Devices.Tests.Gnss;

/// <summary>A pseudo-terminal: the test is the receiver at its master side, the sensor opens <see cref="Path"/>.</summary>
internal sealed unsafe partial class Pty : IDisposable
{
    private const int O_RDWR = 2;
    private const int O_NOCTTY = 0x100;

    private int _master;

    public Pty()
    {
        _master = PosixOpenPt(O_RDWR | O_NOCTTY);
        if (_master < 0)
        {
            Assert.Skip("skipped: a pseudo-terminal");
        }

        var name = stackalloc byte[128];
        Assert.Equal(0, GrantPt(_master));
        Assert.Equal(0, UnlockPt(_master));
        Assert.Equal(0, PtsName(_master, name, 128));
        Path = Marshal.PtrToStringUTF8((nint)name)!;
    }

    public string Path { get; }

    /// <summary>Descriptor of the master side.</summary>
    public int Master => _master;

    public void Send(string text)
    {
        var bytes = Nmea.Bytes(text);
        fixed (byte* start = bytes)
        {
            Assert.Equal(bytes.Length, (int)Write(_master, start, (nuint)bytes.Length));
        }
    }

    /// <summary>The receiver is unplugged.</summary>
    public void Dispose()
    {
        if (_master >= 0)
        {
            _ = Close(_master);
            _master = -1;
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_openpt", SetLastError = true)]
    private static partial int PosixOpenPt(int flags);

    [LibraryImport("libc", EntryPoint = "grantpt", SetLastError = true)]
    private static partial int GrantPt(int fd);

    [LibraryImport("libc", EntryPoint = "unlockpt", SetLastError = true)]
    private static partial int UnlockPt(int fd);

    [LibraryImport("libc", EntryPoint = "ptsname_r", SetLastError = true)]
    private static partial int PtsName(int fd, byte* name, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int fd, byte* data, nuint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
