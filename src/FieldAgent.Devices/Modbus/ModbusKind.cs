using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Modbus;

/// <summary>An instrument that speaks Modbus, over TCP or a serial line (RTU), through libmodbus.</summary>
public sealed class ModbusKind : ISensorKind
{
    internal static readonly Option<string> Host = Opt.Text("host", "TCP: name or address of the instrument.", lengthMax: 253);

    internal static readonly Option<long> Port = Opt.Integer("port", "TCP: its port.", 502, 1, 65_535);

    internal static readonly Option<string> Device = Opt.Text("device", "RTU: the serial device, best as /dev/serial/by-id/….", lengthMax: 255);

    internal static readonly Option<long> Baud = Opt.Integer("baud", $"RTU: speed; {SerialLine.KnownSpeeds}.", 9600, 1200, 921_600);

    internal static readonly Option<string> Parity = Opt.Choice("parity", "RTU: parity; the standard's own is even.", "even", false, "none", "even", "odd");

    internal static readonly Option<long> StopBits = Opt.Integer("stopBits", "RTU: stop bits; the standard wants 2 without parity.", 1, 1, 2);

    internal static readonly Option<long> Unit = Opt.Integer("unitId", "The instrument's address on its line, or behind a gateway.", 1, 0, 247);

    internal static readonly Option<TimeSpan> Timeout = Opt.Duration(
        "timeout", "Longest wait for an answer.", TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10));

    internal static readonly Option<string> Name = Opt.Name("name", "Name of the stream.", required: true);

    internal static readonly Option<string> Table = Opt.Choice(
        "table", "coil: function code 1; discrete: 2; holding: 3; input: 4.", "holding", false, "coil", "discrete", "holding", "input");

    internal static readonly Option<long> Address = Opt.Integer(
        "address", "Address as it travels, from 0: register 40001 of a manual is address 0 of table holding.", 0, 0, 65_535, required: true);

    internal static readonly Option<string> Type = Opt.Choice(
        "type", "What the registers hold, from 1 (int16) to 4 (float64) of them; coil and discrete are always bit.",
        "uint16", false, "bit", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64");

    internal static readonly Option<string> WordOrder = Opt.Choice(
        "wordOrder", "Which register of several comes first: big: the most significant one; little: the least.", "big", false, "big", "little");

    internal static readonly Option<double> Multiply = Opt.Number("multiply", "Factor on the value.", 1, -1e12, 1e12);

    internal static readonly Option<double> Add = Opt.Number("add", "Added to the value after 'multiply'.", 0, -1e12, 1e12);

    internal static readonly Option<string> UnitOfValue = Opt.Text("unit", "UCUM code of the unit after 'multiply' and 'add'.", "1", lengthMax: 32);

    internal static readonly Option<IReadOnlyList<ConfigSection>> Registers = Opt.Sections(
        "registers", "What is read; neighbours are read together.",
        new ConfigShape("One value.", Name, Table, Address, Type, WordOrder, Multiply, Add, UnitOfValue), StreamSet.StreamsMax, required: true);

    /// <inheritdoc/>
    public string Kind => "modbus";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "An instrument that speaks Modbus: TCP with 'host', RTU with 'device'. It is only read (function codes 1 to 4).",
        Host, Port, Device, Baud, Parity, StopBits, Unit, Timeout, Registers,
        SensorOptions.Interval, SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var options = setup.Options;
        if (options.Has(Host) == options.Has(Device))
        {
            options.Errors.Add(options.Node, "give either 'host' (TCP) or 'device' (RTU)");
        }

        if (!SerialLine.IsSpeed(options.Get(Baud)))
        {
            options.Errors.Add(options.NodeOf(Baud), $"must be one of {SerialLine.KnownSpeeds}");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in options.Get(Registers))
        {
            var register = Read(section);
            if (!names.Add(register.Name))
            {
                options.Errors.Add(section.Node, $"a second register called '{register.Name}'");
            }

            if (register.IsBit != (register.Type == ModbusType.Bit))
            {
                options.Errors.Add(section.NodeOf(Type), "'bit' is the type of the tables coil and discrete, and theirs only");
            }

            if (register.Address + register.Count > 65_536)
            {
                options.Errors.Add(section.NodeOf(Address), "reaches beyond address 65535");
            }
        }

        if (options.Has(Registers) && names.Count == 0)
        {
            options.Errors.Add(options.NodeOf(Registers), "must name at least one register");
        }

        return new ModbusSensor(setup);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> PackagesFor(ConfigSection options) => ["libmodbus5"];

    /// <summary>One value of the configuration.</summary>
    internal static ModbusRegister Read(ConfigSection section)
    {
        var table = section.Get(Table) switch
        {
            "coil" => ModbusTable.Coil,
            "discrete" => ModbusTable.Discrete,
            "input" => ModbusTable.Input,
            _ => ModbusTable.Holding,
        };
        var type = section.Has(Type) || table is ModbusTable.Holding or ModbusTable.Input
            ? Enum.Parse<ModbusType>(section.Get(Type), ignoreCase: true)
            : ModbusType.Bit;
        return new ModbusRegister(
            section.Get(Name), table, (int)section.Get(Address), type, section.Get(WordOrder) == "little",
            section.Get(Multiply), section.Get(Add), section.Get(UnitOfValue));
    }
}
