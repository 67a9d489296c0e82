using System.Runtime.InteropServices;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.I2c;

/// <summary>A bus through its character device and <c>I2C_RDWR</c>.</summary>
/// <remarks>Source: linux/i2c.h, linux/i2c-dev.h, Documentation/i2c/dev-interface.rst and fault-codes.rst. The structures have pointers in
/// them, and so another layout on 32 bit: the natural alignment of C# and C is the same.</remarks>
internal sealed unsafe class LinuxI2cBus(string path) : II2cBus
{
    internal const uint TransferRequest = 0x0707;
    private const ushort ReadFlag = 0x0001;

    private int _fd = -1;

    /// <summary>struct i2c_msg: 16 bytes, 12 on 32 bit.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Message
    {
        public ushort Address;
        public ushort Flags;
        public ushort Length;
        public byte* Buffer;
    }

    /// <summary>struct i2c_rdwr_ioctl_data: 16 bytes, 8 on 32 bit.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Messages
    {
        public Message* First;
        public uint Count;
    }

    /// <inheritdoc/>
    public string Name => path;

    /// <inheritdoc/>
    public I2cOutcome Transfer(byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        if (_fd < 0 && (_fd = Libc.Open(path, Libc.O_RDWR | Libc.O_CLOEXEC)) < 0)
        {
            // A bus without driver behind its node gives ENXIO too; here that is not a chip that stays silent.
            var error = Marshal.GetLastPInvokeError();
            return error is Libc.ENXIO ? I2cOutcome.BusAbsent : OutcomeOf(error);
        }

        fixed (byte* content = write)
        fixed (byte* answer = read)
        {
            var messages = stackalloc Message[2];
            var all = new Messages { First = messages };
            if (write.Length > 0 || read.Length == 0)
            {
                messages[all.Count++] = new Message { Address = address, Length = checked((ushort)write.Length), Buffer = content };
            }

            if (read.Length > 0)
            {
                messages[all.Count++] = new Message { Address = address, Flags = ReadFlag, Length = checked((ushort)read.Length), Buffer = answer };
            }

            while (Libc.Ioctl(_fd, TransferRequest, (nint)(&all)) < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == Libc.EINTR)
                {
                    continue;
                }

                var outcome = OutcomeOf(error);
                if (outcome is not (I2cOutcome.NoAnswer or I2cOutcome.ArbitrationLost or I2cOutcome.TimedOut or I2cOutcome.Busy))
                {
                    // Held open, an adapter that was unplugged could not be taken down by the kernel.
                    Dispose();
                }

                return outcome;
            }

            return I2cOutcome.Done;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = Libc.Close(_fd);
            _fd = -1;
        }
    }

    /// <summary>What an errno means (Documentation/i2c/fault-codes.rst).</summary>
    internal static I2cOutcome OutcomeOf(int error) => error switch
    {
        Libc.EREMOTEIO or Libc.ENXIO => I2cOutcome.NoAnswer,
        Libc.EAGAIN => I2cOutcome.ArbitrationLost,
        Libc.ETIMEDOUT => I2cOutcome.TimedOut,
        Libc.EBUSY => I2cOutcome.Busy,
        Libc.ENOENT or Libc.ENODEV or Libc.ENOTDIR => I2cOutcome.BusAbsent,
        Libc.EACCES or Libc.EPERM => I2cOutcome.Refused,
        Libc.ENOTTY or Libc.EISDIR => I2cOutcome.NotABus,
        _ => I2cOutcome.Failed,
    };
}
