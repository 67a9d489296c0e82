using System.Runtime.InteropServices;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.EffaceableMemory;

/// <summary>A bus through its character device and <c>I2C_RDWR</c>. Opened for each transaction: there are a few an erasure.</summary>
/// <remarks>Source: linux/i2c.h, linux/i2c-dev.h, Documentation/i2c/dev-interface.rst. The structures have pointers in them, and so another
/// layout on 32 bit: the natural alignment of C# and C is the same.</remarks>
internal sealed unsafe class LinuxI2cBus(string path) : II2cBus
{
    private const uint Transfer = 0x0707;
    private const ushort ReadFlag = 0x0001;

    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public ushort Address;
        public ushort Flags;
        public ushort Length;
        public byte* Buffer;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Messages
    {
        public Message* First;
        public uint Count;
    }

    /// <inheritdoc/>
    public string Name => path;

    /// <inheritdoc/>
    public void Write(byte address, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* content = bytes)
        {
            var message = new Message { Address = address, Length = checked((ushort)bytes.Length), Buffer = content };
            Run(address, &message, 1);
        }
    }

    /// <inheritdoc/>
    public void WriteThenRead(byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        fixed (byte* content = write)
        fixed (byte* answer = read)
        {
            var messages = stackalloc Message[2];
            messages[0] = new Message { Address = address, Length = checked((ushort)write.Length), Buffer = content };
            messages[1] = new Message { Address = address, Flags = ReadFlag, Length = checked((ushort)read.Length), Buffer = answer };
            Run(address, messages, 2);
        }
    }

    private void Run(byte address, Message* messages, uint count)
    {
        var fd = Libc.Open(path, Libc.O_RDWR | Libc.O_CLOEXEC);
        if (fd < 0)
        {
            throw Fault(address, Marshal.GetLastPInvokeError());
        }

        try
        {
            var all = new Messages { First = messages, Count = count };
            if (Libc.Ioctl(fd, Transfer, (nint)(&all)) < 0)
            {
                throw Fault(address, Marshal.GetLastPInvokeError());
            }
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }

    private StoreFault Fault(byte address, int error) => new(StoreFaultKind.Io, error switch
    {
        Libc.ENOENT => $"key root memory: {path} is not there: switch I2C on (dtparam=i2c_arm=on) or correct state.keyRoot.bus",
        Libc.EACCES or Libc.EPERM => $"key root memory: {path} may not be opened: add the agent's user to group i2c",
        Libc.EREMOTEIO or Libc.ENXIO =>
            $"key root memory: no chip answers at address 0x{address:x2} on {path}: check its wiring and state.keyRoot.address",
        Libc.ENOTTY => $"key root memory: {path} is not an I2C bus: correct state.keyRoot.bus",
        _ => $"key root memory: {path}, address 0x{address:x2}: {Marshal.GetPInvokeErrorMessage(error)}",
    }, retry: true);
}
