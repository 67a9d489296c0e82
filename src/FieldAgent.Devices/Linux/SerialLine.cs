using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>A serial device or pty, opened for reading: raw, 8 data bits, no parity, one stop bit, no flow control, modem lines ignored,
/// held exclusively. Source: termios(3).</summary>
internal sealed unsafe class SerialLine : IDisposable
{
    private static readonly (int Baud, uint Code)[] Speeds =
    [
        (1200, 0x9), (2400, 0xB), (4800, 0xC), (9600, 0xD), (19200, 0xE), (38400, 0xF),
        (57600, 0x1001), (115200, 0x1002), (230400, 0x1003), (460800, 0x1004), (921600, 0x1007),
    ];

    private SerialLine(FileDescriptor descriptor) => Descriptor = descriptor;

    /// <summary>The open descriptor.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>The speeds that can be set.</summary>
    public static string KnownSpeeds => string.Join(", ", Speeds.Select(static s => s.Baud.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>True for a speed that can be set.</summary>
    public static bool IsSpeed(long baud) => Array.Exists(Speeds, s => s.Baud == baud);

    /// <summary>Opens and sets up a line.</summary>
    /// <param name="path">The device: <c>/dev/serial/by-id/…</c> stays the same over reboots, <c>/dev/ttyUSB0</c> need not.</param>
    /// <param name="baud">A speed for which <see cref="IsSpeed"/> holds.</param>
    /// <exception cref="SensorFault">It is absent, refused, busy, no serial device, or cannot do this speed.</exception>
    public static SerialLine Open(string path, int baud)
    {
        var descriptor = FileDescriptor.OpenRead(path);
        try
        {
            Configure(path, descriptor.Number, baud);
            return new SerialLine(descriptor);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Sets another speed; what has come at the old one and was not read is thrown away.</summary>
    /// <returns>False when the device cannot do it, or is no longer there: a read tells.</returns>
    public bool TryChange(string path, int baud)
    {
        try
        {
            Configure(path, Descriptor.Number, baud);
            _ = Libc.Ioctl(Descriptor.Number, Libc.TCFLSH, 0);
            return true;
        }
        catch (SensorFault)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Libc.Ioctl(Descriptor.Number, Libc.TIOCNXCL, 0);
        Descriptor.Dispose();
    }

    private static void Configure(string path, int fd, int baud)
    {
        var code = Array.Find(Speeds, s => s.Baud == baud).Code;
        var termios = default(Libc.Termios);
        if (Libc.TcGetAttr(fd, &termios) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            throw error == Libc.ENOTTY
                ? new SensorFault(SensorFaultKind.Malformed, DeviceName.Of(path), "It is no serial device: for a recording use the option 'file'.")
                : FileDescriptor.Fault(path, error);
        }

        Libc.CfMakeRaw(&termios);
        termios.Control = (termios.Control | Libc.CLOCAL | Libc.CREAD) & ~(Libc.HUPCL | Libc.CSTOPB | Libc.CRTSCTS);

        // At least one byte, so that a read of 0 means "hung up" and never "nothing there yet".
        termios.Characters[Libc.VMIN] = 1;
        termios.Characters[Libc.VTIME] = 0;
        _ = Libc.CfSetSpeed(&termios, code);
        if (Libc.TcSetAttr(fd, Libc.TCSANOW, &termios) < 0)
        {
            throw FileDescriptor.Fault(path, Marshal.GetLastPInvokeError());
        }

        // tcsetattr succeeds when it could set anything at all; the speed is what matters.
        var set = default(Libc.Termios);
        if (Libc.TcGetAttr(fd, &set) < 0 || Libc.CfGetOSpeed(&set) != code)
        {
            throw new SensorFault(SensorFaultKind.Io, DeviceName.Of(path), $"It cannot do {baud} baud: choose another of {KnownSpeeds}.");
        }

        _ = Libc.Ioctl(fd, Libc.TIOCEXCL, 0);
    }
}
