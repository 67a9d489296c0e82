using FieldAgent.Core;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.EffaceableMemory;

/// <summary>The memories that a configuration can name.</summary>
public static class EffaceableMemories
{
    /// <summary>Their names.</summary>
    public static string[] Kinds { get; } = ["mb85rc", "ds1307"];

    /// <summary>The address a kind has unless its pins say otherwise, 7 bits.</summary>
    public static int DefaultAddress(string kind) => kind == "ds1307" ? Ds1307.DefaultAddress : Mb85rc.DefaultAddress;

    /// <summary>A memory; the bus is opened when it is used.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="bus">Character device of the bus: <c>/dev/i2c-1</c>.</param>
    /// <param name="address">Address, 7 bits.</param>
    public static IEffaceableMemory Create(string kind, string bus, int address)
    {
        var chip = new MemoryChip(I2cBuses.Linux, bus, checked((byte)address));
        return kind == "ds1307" ? new Ds1307(chip) : new Mb85rc(chip);
    }
}
