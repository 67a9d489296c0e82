using System.Buffers.Binary;
using FieldAgent.Core;

namespace FieldAgent.Devices.Modbus;

/// <summary>The four tables of an instrument, by the function code that reads them.</summary>
internal enum ModbusTable : byte
{
    /// <summary>Bits that can be written.</summary>
    Coil = 1,

    /// <summary>Bits.</summary>
    Discrete = 2,

    /// <summary>Registers that can be written.</summary>
    Holding = 3,

    /// <summary>Registers.</summary>
    Input = 4,
}

/// <summary>What registers hold.</summary>
internal enum ModbusType : byte
{
    /// <summary>One bit.</summary>
    Bit,

    /// <summary>Signed, one register.</summary>
    Int16,

    /// <summary>Unsigned, one register.</summary>
    UInt16,

    /// <summary>Signed, two registers.</summary>
    Int32,

    /// <summary>Unsigned, two registers.</summary>
    UInt32,

    /// <summary>Signed, four registers.</summary>
    Int64,

    /// <summary>Unsigned, four registers.</summary>
    UInt64,

    /// <summary>IEEE 754, two registers.</summary>
    Float32,

    /// <summary>IEEE 754, four registers.</summary>
    Float64,
}

/// <summary>One value of an instrument.</summary>
/// <param name="Name">Name of its stream.</param>
/// <param name="Table">Where it stands.</param>
/// <param name="Address">Its first register or bit.</param>
/// <param name="Type">What it holds.</param>
/// <param name="IsLittle">True when the least significant register comes first. The bytes of a register are always most significant first.</param>
/// <param name="Multiply">Factor.</param>
/// <param name="Add">Added after that.</param>
/// <param name="Unit">UCUM code.</param>
internal sealed record ModbusRegister(
    string Name, ModbusTable Table, int Address, ModbusType Type, bool IsLittle, double Multiply, double Add, string Unit)
{
    /// <summary>True for a table of bits.</summary>
    public bool IsBit => Table is ModbusTable.Coil or ModbusTable.Discrete;

    /// <summary>Registers or bits that it takes.</summary>
    public int Count => Type switch
    {
        ModbusType.Int32 or ModbusType.UInt32 or ModbusType.Float32 => 2,
        ModbusType.Int64 or ModbusType.UInt64 or ModbusType.Float64 => 4,
        _ => 1,
    };

    /// <summary>The step of its values, when they are whole steps.</summary>
    public double Step => Type is ModbusType.Float32 or ModbusType.Float64 || Add != 0 ? 0 : Math.Abs(Multiply);

    /// <summary>The value in its registers; NaN when they hold none.</summary>
    /// <param name="registers">Its registers, in the order they travel.</param>
    public double Decode(ReadOnlySpan<ushort> registers)
    {
        Span<byte> bytes = stackalloc byte[8];
        var count = Count;
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes[(2 * i)..], registers[IsLittle ? count - 1 - i : i]);
        }

        var raw = Type switch
        {
            ModbusType.Int16 => BinaryPrimitives.ReadInt16BigEndian(bytes),
            ModbusType.Int32 => BinaryPrimitives.ReadInt32BigEndian(bytes),
            ModbusType.UInt32 => BinaryPrimitives.ReadUInt32BigEndian(bytes),
            ModbusType.Int64 => BinaryPrimitives.ReadInt64BigEndian(bytes),
            ModbusType.UInt64 => BinaryPrimitives.ReadUInt64BigEndian(bytes),
            ModbusType.Float32 => BinaryPrimitives.ReadSingleBigEndian(bytes),
            ModbusType.Float64 => BinaryPrimitives.ReadDoubleBigEndian(bytes),
            _ => BinaryPrimitives.ReadUInt16BigEndian(bytes),
        };
        return (raw * Multiply) + Add;
    }
}

/// <summary>Neighbours that one request reads.</summary>
/// <param name="Table">Their table.</param>
/// <param name="Address">The first.</param>
/// <param name="Count">How many registers or bits.</param>
/// <param name="Members">The values in it, by column.</param>
internal sealed record ModbusBlock(ModbusTable Table, int Address, int Count, IReadOnlyList<(int Column, ModbusRegister Register)> Members)
{
    /// <summary>Most registers of one request. Source: MODBUS Application Protocol V1.1b3, 6.3.</summary>
    public const int RegistersMax = 125;

    /// <summary>Most bits of one request. Source: the same, 6.1.</summary>
    public const int BitsMax = 2000;

    /// <summary>The place as a manual names it.</summary>
    public string Place => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{Table.ToString().ToLowerInvariant()} {Address} to {Address + Count - 1}");

    /// <summary>Plans the requests. Only what stands side by side or overlaps is joined: an instrument may refuse addresses between.</summary>
    public static IReadOnlyList<ModbusBlock> Plan(IReadOnlyList<ModbusRegister> registers)
    {
        var blocks = new List<ModbusBlock>();
        foreach (var table in registers.Select(static (register, column) => (column, register)).GroupBy(static pair => pair.register.Table).OrderBy(static g => g.Key))
        {
            var members = new List<(int Column, ModbusRegister Register)>();
            var start = 0;
            var end = -1;
            foreach (var (column, register) in table.OrderBy(static pair => pair.register.Address))
            {
                var newEnd = Math.Max(end, register.Address + register.Count);
                if (members.Count > 0 && (register.Address > end || newEnd - start > (register.IsBit ? BitsMax : RegistersMax)))
                {
                    blocks.Add(new ModbusBlock(table.Key, start, end - start, [.. members]));
                    members.Clear();
                    newEnd = register.Address + register.Count;
                }

                start = members.Count == 0 ? register.Address : start;
                end = newEnd;
                members.Add((column, register));
            }

            blocks.Add(new ModbusBlock(table.Key, start, end - start, [.. members]));
        }

        return blocks;
    }

    /// <summary>The streams of all values.</summary>
    public static IEnumerable<StreamInfo> Streams(IEnumerable<ModbusRegister> registers) =>
        registers.Select(static r => new StreamInfo(r.Name, r.Unit, r.Step));
}
