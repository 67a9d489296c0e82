using FieldAgent.Devices.I2c;
using FieldAgent.Devices.I2c.Maps;

namespace FieldAgent.Devices;

/// <summary>One I2C transaction: writes, then reads after a repeated start (nothing is read where <paramref name="read"/> is empty).</summary>
/// <param name="bus">Device node of the bus.</param>
/// <param name="address">Address, 7 bits.</param>
/// <param name="write">What to write.</param>
/// <param name="read">Where the answer goes.</param>
/// <returns>False when nobody answered, or the bus is not there or refused. Blocks as long as the bus does.</returns>
public delegate bool I2cTransaction(string bus, byte address, ReadOnlySpan<byte> write, Span<byte> read);

/// <summary>What answers at an address of a bus.</summary>
/// <param name="Bus">Device node of the bus.</param>
/// <param name="Address">Address, 7 bits.</param>
/// <param name="Chips">The chips that it may be, as their drivers are called; empty: something that no id register tells.</param>
public sealed record I2cAnswer(string Bus, byte Address, IReadOnlyList<string> Chips);

/// <summary>Looks for chips on I2C buses and recognises them by their id registers. Only addresses at which known chips live, or that are
/// named, are asked; a chip is written nothing but the number of a register.</summary>
public static class I2cSurvey
{
    /// <summary>Transactions through the kernel (<c>I2C_RDWR</c>). Thread-safe.</summary>
    public static bool Kernel(string bus, byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        using var port = new LinuxI2cBus(bus);
        return port.Transfer(address, write, read) == I2cOutcome.Done;
    }

    /// <summary>The address that a ready map takes where none is given; −1 for an unknown one.</summary>
    public static int UsualAddress(string map) => ReadyMaps.All.FirstOrDefault(ready => ready.Word == map)?.Address ?? -1;

    /// <summary>The buses there are, in the order of their numbers.</summary>
    /// <param name="dev">The folder of device nodes.</param>
    public static IReadOnlyList<string> Buses(string dev) => Directory.Exists(dev)
        ? [.. Directory.EnumerateFileSystemEntries(dev, "i2c-*").OrderBy(static p => p.Length).ThenBy(static p => p, StringComparer.Ordinal)]
        : [];

    /// <summary>Asks a bus. Blocks for one or two transactions an address, some 10 ms in all.</summary>
    /// <param name="bus">Device node of the bus.</param>
    /// <param name="transaction">How to ask.</param>
    /// <param name="also">Addresses to ask although no known chip lives there.</param>
    /// <param name="leaveAlone">Addresses not to ask: a driver or the running agent has them.</param>
    public static IReadOnlyList<I2cAnswer> Scan(
        string bus, I2cTransaction transaction, IReadOnlyCollection<byte> also, IReadOnlyCollection<byte> leaveAlone)
    {
        var found = new List<I2cAnswer>();
        foreach (var address in I2cChips.All.SelectMany(static chip => chip.Addresses).Concat(also).Except(leaveAlone).Distinct().Order())
        {
            var answers = false;
            var chips = new List<string>();
            foreach (var chip in I2cChips.All.Where(chip => chip.Addresses.Contains(address)))
            {
                var (replied, name) = chip.Recognise(new I2cProbe(bus, address, transaction));
                answers |= replied;
                if (name.Length > 0 && !chips.Contains(name))
                {
                    chips.Add(name);
                }
            }

            if (answers || chips.Count > 0 || transaction(bus, address, [0], new byte[1]))
            {
                found.Add(new I2cAnswer(bus, address, chips));
            }
        }

        return found;
    }

    /// <summary>The names under which a chip goes, the given one first: drivers and people call one chip differently.</summary>
    public static IReadOnlyList<string> NamesOf(string chip)
    {
        var plain = Plain(chip);
        return [plain, .. Same.Where(group => group.Contains(plain)).SelectMany(static group => group).Where(name => name != plain)];
    }

    /// <summary>True when both names stand for the same chip.</summary>
    public static bool IsSame(string one, string other) => NamesOf(one).Contains(Plain(other));

    /// <summary>True when a known chip goes by this name.</summary>
    public static bool IsKnown(string chip) => NamesOf(chip).Any(static name => I2cChips.All.Any(known => known.Names.Contains(name)));

    /// <summary>The addresses at which a chip of this name can live; empty for an unknown one.</summary>
    public static IReadOnlyList<byte> AddressesOf(string chip) =>
        [.. I2cChips.All.Where(known => NamesOf(chip).Any(known.Names.Contains)).SelectMany(static known => known.Addresses).Distinct()];

    private static readonly string[][] Same =
    [
        ["ads1115", "ads1015", "ads1114", "ads1113"], ["mcp9808", "jc42"], ["sht3x", "sht30", "sht31", "sht35"], ["ds3231", "ds3232"],
        ["mb85rc", "mb85rc256v", "mb85rc256"],
    ];

    private static string Plain(string chip)
    {
        var name = chip[(chip.LastIndexOf(',') + 1)..].Trim();
        return string.Create(name.Length, name, static (to, from) => from.AsSpan().ToLowerInvariant(to)).Replace("-", "", StringComparison.Ordinal);
    }
}
