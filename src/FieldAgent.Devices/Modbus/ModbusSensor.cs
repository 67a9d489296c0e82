using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Modbus;

/// <summary>Polls an instrument over Modbus.</summary>
internal sealed class ModbusSensor(SensorSetup setup)
    : PolledSensor(setup.Name, setup.Options.Get(SensorOptions.Field), setup.Options.Get(SensorOptions.Interval))
{
    /// <inheritdoc/>
    /// <remarks>A row is asked for in as many requests as there are gaps between its registers; each may take the whole time-out.</remarks>
    public override TimeSpan CallLimit { get; } = setup.Options.Get(ModbusKind.Timeout) * Math.Max(1, setup.Options.Get(ModbusKind.Registers).Count);

    /// <inheritdoc/>
    protected override IPolledDevice Open(ISensorHost host, CancellationToken stop)
    {
        var options = setup.Options;
        if (LibModbus.Problem is { } problem)
        {
            throw new SensorFault(SensorFaultKind.Refused, "modbus", problem);
        }

        var registers = options.Get(ModbusKind.Registers).Select(ModbusKind.Read).ToList();
        var set = new StreamSet(
            Name, Field, [.. ModbusBlock.Streams(registers)], IntervalNs, options.Get(SensorOptions.Urgent), options.ReadImportance());
        var isTcp = options.Has(ModbusKind.Host);
        var line = isTcp
            ? string.Create(CultureInfo.InvariantCulture, $"{options.Get(ModbusKind.Host)}:{options.Get(ModbusKind.Port)}")
            : DeviceName.Of(options.Get(ModbusKind.Device));
        var place = string.Create(CultureInfo.InvariantCulture, $"{line}, unit {options.Get(ModbusKind.Unit)}");
        var blocks = ModbusBlock.Plan(registers);
        return isTcp ? OpenTcp() : Connect(LibModbus.NewRtu(
            setup.DevicePath(options.Get(ModbusKind.Device)), (int)options.Get(ModbusKind.Baud),
            (byte)char.ToUpperInvariant(options.Get(ModbusKind.Parity)[0]), 8, (int)options.Get(ModbusKind.StopBits)));

        // The library gets addresses, never a name: its own look-up could not be interrupted.
        ModbusLine OpenTcp()
        {
            var port = options.Get(ModbusKind.Port).ToString(CultureInfo.InvariantCulture);
            SensorFault? fault = null;
            foreach (var address in Resolve(options.Get(ModbusKind.Host), place, stop))
            {
                stop.ThrowIfCancellationRequested();
                try
                {
                    return Connect(LibModbus.NewTcp(address, port));
                }
                catch (SensorFault refused)
                {
                    fault = refused;
                }
            }

            throw fault!;
        }

        ModbusLine Connect(nint context) =>
            new(host, set, blocks, context, place, options.Get(ModbusKind.Timeout), (int)options.Get(ModbusKind.Unit));
    }

    private static IEnumerable<string> Resolve(string name, string place, CancellationToken stop)
    {
        try
        {
            return NetworkHost.Resolve(name, DeviceLimits.NameLookUpMax, stop).Select(static address => address.ToString());
        }
        catch (SocketException e)
        {
            throw new SensorFault(SensorFaultKind.Absent, place, "The name of the instrument is not known: correct 'host'.", e);
        }
        catch (TimeoutException e)
        {
            throw new SensorFault(SensorFaultKind.Timeout, place, "The name server does not answer: check the network, or give the instrument's address.", e);
        }
    }
}

/// <summary>An open line to an instrument.</summary>
internal sealed unsafe class ModbusLine : IPolledDevice
{
    /// <summary>Bad answers in a row after which the line is closed and opened anew: fewer are noise on a long cable.</summary>
    private const int FaultsInRowMax = 3;

    private const int ECONNREFUSED = 111;
    private const int ECONNRESET = 104;
    private const int EPIPE = 32;
    private const int EHOSTUNREACH = 113;
    private const int ENETUNREACH = 101;
    private const int EINPROGRESS = 115;
    private const int ETIMEDOUT = 110;

    private readonly ISensorHost _host;
    private readonly IReadOnlyList<ModbusBlock> _blocks;
    private readonly nint _context;
    private readonly string _place;
    private readonly ushort[] _registers = new ushort[ModbusBlock.RegistersMax];
    private readonly byte[] _bits = new byte[ModbusBlock.BitsMax];
    private int _faultsInRow;

    /// <summary>Connects.</summary>
    /// <exception cref="SensorFault">Nobody answers, or the line cannot be opened.</exception>
    public ModbusLine(ISensorHost host, StreamSet set, IReadOnlyList<ModbusBlock> blocks, nint context, string place, TimeSpan timeout, int unit)
    {
        (_host, Set, _blocks, _context, _place) = (host, set, blocks, context, place);
        if (context == 0)
        {
            throw new SensorFault(SensorFaultKind.Malformed, place, "libmodbus does not take these settings: check 'host', 'device' and 'baud'.");
        }

        var microseconds = (long)timeout.TotalMicroseconds;
        _ = LibModbus.SetResponseTimeout(context, (uint)(microseconds / 1_000_000), (uint)(microseconds % 1_000_000));
        _ = LibModbus.SetUnit(context, unit);
        if (LibModbus.Connect(context) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            LibModbus.Free(context);
            throw Fault(place, error);
        }
    }

    /// <inheritdoc/>
    public StreamSet Set { get; }

    /// <inheritdoc/>
    public ulong Poll(Span<double> values)
    {
        var present = 0UL;
        foreach (var block in _blocks)
        {
            var error = Read(block);
            if (error == 0)
            {
                _faultsInRow = 0;
                present |= Decode(block, values);
                continue;
            }

            var reason = Passing(error);
            if (reason is null || ++_faultsInRow >= FaultsInRowMax)
            {
                throw Fault($"{_place}, {block.Place}", error);
            }

            // The instrument's late answer must not be taken for the next one's; and after a silence the rest would be silence too.
            _host.Skipped(reason);
            _ = LibModbus.Flush(_context);
            if (error == ETIMEDOUT)
            {
                break;
            }
        }

        return present;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        LibModbus.Close(_context);
        LibModbus.Free(_context);
    }

    private int Read(ModbusBlock block)
    {
        fixed (ushort* registers = _registers)
        fixed (byte* bits = _bits)
        {
            var read = block.Table switch
            {
                ModbusTable.Coil => LibModbus.ReadCoils(_context, block.Address, block.Count, bits),
                ModbusTable.Discrete => LibModbus.ReadDiscreteInputs(_context, block.Address, block.Count, bits),
                ModbusTable.Holding => LibModbus.ReadHoldingRegisters(_context, block.Address, block.Count, registers),
                _ => LibModbus.ReadInputRegisters(_context, block.Address, block.Count, registers),
            };
            return read == block.Count ? 0 : read < 0 ? Marshal.GetLastPInvokeError() : LibModbus.BadData;
        }
    }

    private ulong Decode(ModbusBlock block, Span<double> values)
    {
        var present = 0UL;
        for (var i = 0; i < block.Members.Count; i++)
        {
            var (column, register) = block.Members[i];
            var at = register.Address - block.Address;
            var value = register.IsBit ? (_bits[at] * register.Multiply) + register.Add : register.Decode(_registers.AsSpan(at, register.Count));
            if (double.IsFinite(value))
            {
                values[column] = value;
                present |= 1UL << column;
            }
        }

        return present;
    }

    /// <summary>The reason under which a fault that passes by itself is counted; null for one that does not.</summary>
    private static string? Passing(int error) => error switch
    {
        ETIMEDOUT => "timeout",
        LibModbus.BadChecksum => "checksum",
        LibModbus.DeviceBusy => "device-busy",
        LibModbus.BadData or LibModbus.BadException or LibModbus.BadSlave or LibModbus.TooMuchData => "malformed",
        _ => null,
    };

    private static SensorFault Fault(string place, int error) => error switch
    {
        ETIMEDOUT or EINPROGRESS => new SensorFault(
            SensorFaultKind.Timeout, place, "No answer: check power, wiring (A and B), 'unitId', 'baud' and 'parity', or raise 'timeout'."),
        ECONNREFUSED => new SensorFault(SensorFaultKind.Absent, place, "Nothing listens there: check 'host' and 'port', and whether the instrument allows Modbus."),
        EHOSTUNREACH or ENETUNREACH => new SensorFault(SensorFaultKind.Absent, place, "The instrument cannot be reached: check the network cable and 'host'."),
        ECONNRESET or EPIPE => new SensorFault(SensorFaultKind.Io, place, "The instrument closed the connection; many take one at a time only."),
        LibModbus.IllegalFunction => new SensorFault(SensorFaultKind.Malformed, place, "The instrument does not have this table (exception 1): correct 'table'."),
        LibModbus.IllegalAddress => new SensorFault(
            SensorFaultKind.Malformed, place, "The instrument does not have this address (exception 2): manuals often count from 1, 'address' counts from 0."),
        LibModbus.IllegalValue => new SensorFault(SensorFaultKind.Malformed, place, "The instrument does not take this request (exception 3): correct 'address' and 'type'."),
        LibModbus.DeviceFailure => new SensorFault(SensorFaultKind.Io, place, "The instrument says that it has failed (exception 4): look at it."),
        LibModbus.DeviceBusy => new SensorFault(SensorFaultKind.Busy, place, "The instrument is busy (exception 6): lengthen 'interval'."),
        LibModbus.GatewayPath or LibModbus.GatewayTarget => new SensorFault(
            SensorFaultKind.Absent, place, "The gateway does not reach the instrument (exception 10 or 11): check 'unitId' and the line behind it."),
        LibModbus.BadChecksum => new SensorFault(SensorFaultKind.Malformed, place, "Answers are garbled: check termination, shielding, 'baud' and 'parity'."),
        LibModbus.BadData or LibModbus.BadException or LibModbus.UnknownException or LibModbus.TooMuchData or LibModbus.BadSlave =>
            new SensorFault(SensorFaultKind.Malformed, place, "The answers make no sense: is it Modbus, and nobody else master on the line?"),
        _ when error > LibModbus.ErrorBase => new SensorFault(
            SensorFaultKind.Io, place, string.Create(CultureInfo.InvariantCulture, $"The instrument answers with exception {error - LibModbus.ErrorBase}.")),
        _ => FileDescriptor.Fault(place, error),
    };
}
