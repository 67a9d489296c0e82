using System.Runtime.InteropServices;

namespace FieldAgent.Devices.Modbus;

/// <summary>The part of libmodbus's C interface (<c>modbus.h</c> 3.1) that is used. A context belongs to one thread at a time.</summary>
internal static unsafe partial class LibModbus
{
    private const string File = "libmodbus.so.5";

    /// <summary>libmodbus's own error numbers begin here: + 1 to 11 are the exception codes of the protocol.</summary>
    public const int ErrorBase = 112_345_678;

    public const int IllegalFunction = ErrorBase + 1;
    public const int IllegalAddress = ErrorBase + 2;
    public const int IllegalValue = ErrorBase + 3;
    public const int DeviceFailure = ErrorBase + 4;
    public const int DeviceBusy = ErrorBase + 6;
    public const int GatewayPath = ErrorBase + 10;
    public const int GatewayTarget = ErrorBase + 11;
    public const int BadChecksum = ErrorBase + 12;
    public const int BadData = ErrorBase + 13;
    public const int BadException = ErrorBase + 14;
    public const int UnknownException = ErrorBase + 15;
    public const int TooMuchData = ErrorBase + 16;
    public const int BadSlave = ErrorBase + 17;

    private static readonly Lazy<string?> FoundProblem = new(static () =>
        NativeLibrary.TryLoad(File, typeof(LibModbus).Assembly, null, out _) ? null : "libmodbus is not installed: apt-get install libmodbus5");

    /// <summary>Why the library cannot be used, with the remedy; null when it can.</summary>
    public static string? Problem => FoundProblem.Value;

    [LibraryImport(File, EntryPoint = "modbus_new_tcp_pi", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint NewTcp(string node, string service);

    [LibraryImport(File, EntryPoint = "modbus_new_rtu", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint NewRtu(string device, int baud, byte parity, int dataBits, int stopBits);

    [LibraryImport(File, EntryPoint = "modbus_set_slave", SetLastError = true)]
    public static partial int SetUnit(nint context, int unit);

    [LibraryImport(File, EntryPoint = "modbus_set_response_timeout", SetLastError = true)]
    public static partial int SetResponseTimeout(nint context, uint seconds, uint microseconds);

    [LibraryImport(File, EntryPoint = "modbus_connect", SetLastError = true)]
    public static partial int Connect(nint context);

    [LibraryImport(File, EntryPoint = "modbus_flush", SetLastError = true)]
    public static partial int Flush(nint context);

    [LibraryImport(File, EntryPoint = "modbus_close", SetLastError = true)]
    public static partial void Close(nint context);

    [LibraryImport(File, EntryPoint = "modbus_free", SetLastError = true)]
    public static partial void Free(nint context);

    /// <summary>Function code 1.</summary>
    [LibraryImport(File, EntryPoint = "modbus_read_bits", SetLastError = true)]
    public static partial int ReadCoils(nint context, int address, int count, byte* values);

    /// <summary>Function code 2.</summary>
    [LibraryImport(File, EntryPoint = "modbus_read_input_bits", SetLastError = true)]
    public static partial int ReadDiscreteInputs(nint context, int address, int count, byte* values);

    /// <summary>Function code 3.</summary>
    [LibraryImport(File, EntryPoint = "modbus_read_registers", SetLastError = true)]
    public static partial int ReadHoldingRegisters(nint context, int address, int count, ushort* values);

    /// <summary>Function code 4.</summary>
    [LibraryImport(File, EntryPoint = "modbus_read_input_registers", SetLastError = true)]
    public static partial int ReadInputRegisters(nint context, int address, int count, ushort* values);
}
