using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using FieldAgent.Devices.Modbus;
using FieldAgent.Devices.Tests.Gnss;

namespace FieldAgent.Devices.Tests.Modbus;

/// <summary>A real instrument: libmodbus's own server, over TCP or behind a serial line, on a thread of its own. Counts the requests.</summary>
internal sealed unsafe partial class Slave : IDisposable
{
    private const string File = "libmodbus.so.5";
    private const int Size = 256;

    private readonly nint _context;
    private readonly Mapping* _mapping;
    private readonly Thread _thread;
    private readonly SerialCable? _cable;
    private int _listener = -1;
    private int _requests;
    private volatile bool _stopping;
    private volatile bool _silent;

    private Slave(nint context, SerialCable? cable)
    {
        _context = context;
        _cable = cable;
        _mapping = (Mapping*)NewMapping(0, Size, 0, Size, 0, Size, 0, Size);
        Assert.NotEqual(0, context);
        LibModbus.SetResponseTimeout(context, 0, 200_000);
        _ = SetIndicationTimeout(context, 0, 50_000);
        _thread = new Thread(Serve) { IsBackground = true, Name = "slave" };
    }

    public int Port { get; private set; }

    public string Device => _cable!.Far;

    public int Requests => Volatile.Read(ref _requests);

    public Span<ushort> Holding => new(_mapping->Registers, Size);

    public Span<ushort> Input => new(_mapping->InputRegisters, Size);

    public Span<byte> Coils => new(_mapping->Bits, Size);

    public Span<byte> Discrete => new(_mapping->InputBits, Size);

    /// <summary>It hears and does not answer.</summary>
    public bool IsSilent
    {
        get => _silent;
        set => _silent = value;
    }

    public static Slave OverTcp()
    {
        Need();
        var slave = new Slave(NewTcp("127.0.0.1", 0), null);
        slave._listener = TcpListen(slave._context, 4);
        Assert.True(slave._listener >= 0);

        // The kernel chose the port: one that was looked for beforehand may be another test's by now.
        using var listener = new Socket(new SafeSocketHandle(slave._listener, ownsHandle: false));
        slave.Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        slave._thread.Start();
        return slave;
    }

    public static Slave OverSerial(int unit)
    {
        Need();
        var cable = new SerialCable();
        var slave = new Slave(LibModbus.NewRtu(cable.Near, 19200, (byte)'N', 8, 1), cable);
        LibModbus.SetUnit(slave._context, unit);
        Assert.Equal(0, LibModbus.Connect(slave._context));
        slave._thread.Start();
        return slave;
    }

    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
        LibModbus.Close(_context);
        if (_listener >= 0)
        {
            _ = CloseFd(_listener);
        }

        FreeMapping(_mapping);
        LibModbus.Free(_context);
        _cable?.Dispose();
    }

    private static void Need()
    {
        if (LibModbus.Problem is not null)
        {
            Assert.Skip("skipped: libmodbus5");
        }
    }

    private void Serve()
    {
        var query = stackalloc byte[260];
        var connected = _listener < 0;
        while (!_stopping)
        {
            if (!connected)
            {
                var fd = new PollFd { Fd = _listener, Events = 1 };
                if (Poll(&fd, 1, 20) > 0)
                {
                    connected = TcpAccept(_context, ref _listener) >= 0;
                }

                continue;
            }

            var length = Receive(_context, query);
            if (length > 0)
            {
                Interlocked.Increment(ref _requests);
                if (!_silent)
                {
                    _ = Reply(_context, query, length, _mapping);
                }
            }
            else if (length < 0 && _listener >= 0 && Marshal.GetLastPInvokeError() != 110)
            {
                LibModbus.Close(_context);
                connected = false;
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Mapping
    {
        public int BitCount;
        public int BitStart;
        public int InputBitCount;
        public int InputBitStart;
        public int InputRegisterCount;
        public int InputRegisterStart;
        public int RegisterCount;
        public int RegisterStart;
        public byte* Bits;
        public byte* InputBits;
        public ushort* InputRegisters;
        public ushort* Registers;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Revents;
    }

    [LibraryImport(File, EntryPoint = "modbus_new_tcp", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint NewTcp(string address, int port);

    [LibraryImport(File, EntryPoint = "modbus_tcp_listen", SetLastError = true)]
    private static partial int TcpListen(nint context, int connections);

    [LibraryImport(File, EntryPoint = "modbus_tcp_accept", SetLastError = true)]
    private static partial int TcpAccept(nint context, ref int listener);

    [LibraryImport(File, EntryPoint = "modbus_set_indication_timeout", SetLastError = true)]
    private static partial int SetIndicationTimeout(nint context, uint seconds, uint microseconds);

    [LibraryImport(File, EntryPoint = "modbus_receive", SetLastError = true)]
    private static partial int Receive(nint context, byte* query);

    [LibraryImport(File, EntryPoint = "modbus_reply", SetLastError = true)]
    private static partial int Reply(nint context, byte* query, int length, Mapping* mapping);

    [LibraryImport(File, EntryPoint = "modbus_mapping_new_start_address", SetLastError = true)]
    private static partial void* NewMapping(
        uint startBits, uint bits, uint startInputBits, uint inputBits, uint startRegisters, uint registers, uint startInputRegisters, uint inputRegisters);

    [LibraryImport(File, EntryPoint = "modbus_mapping_free", SetLastError = true)]
    private static partial void FreeMapping(Mapping* mapping);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseFd(int fd);
}

/// <summary>Two pseudo-terminals whose masters are joined: what is written to one device comes out of the other.</summary>
internal sealed unsafe partial class SerialCable : IDisposable
{
    private readonly Pty _near = new();
    private readonly Pty _far = new();
    private readonly Thread _thread;
    private volatile bool _stopping;

    public SerialCable()
    {
        _thread = new Thread(Carry) { IsBackground = true, Name = "cable" };
        _thread.Start();
    }

    public string Near => _near.Path;

    public string Far => _far.Path;

    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
        _near.Dispose();
        _far.Dispose();
    }

    private void Carry()
    {
        var buffer = stackalloc byte[512];
        while (!_stopping)
        {
            var any = Move(_near.Master, _far.Master, buffer) | Move(_far.Master, _near.Master, buffer);
            if (!any)
            {
                // A master whose device nobody has open is always "hung up": poll would not wait.
                using var pause = new ManualResetEventSlim(false);
                pause.Wait(1);
            }
        }
    }

    private static bool Move(int from, int to, byte* buffer)
    {
        var fd = new PollFd { Fd = from, Events = 1 };
        if (Poll(&fd, 1, 0) <= 0 || (fd.Revents & 1) == 0)
        {
            return false;
        }

        var read = Read(from, buffer, 512);
        return read > 0 && Write(to, buffer, (nuint)read) == read;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Revents;
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int fd, byte* buffer, nuint count);
}
