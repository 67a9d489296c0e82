using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices;

/// <summary>One address of one bus, to be asked for a chip's id.</summary>
internal readonly struct I2cProbe(string bus, byte address, I2cTransaction transaction)
{
    /// <summary>The address.</summary>
    public byte Address => address;

    /// <summary>The bytes that follow a register's number; null when nobody answers.</summary>
    public byte[]? Read(int count, params ReadOnlySpan<byte> register) => ReadAt(address, count, register);

    /// <summary>The same at another address: some chips answer for their id at a reserved one.</summary>
    public byte[]? ReadAt(byte at, int count, params ReadOnlySpan<byte> register)
    {
        var answer = new byte[count];
        return transaction(bus, at, register, answer) ? answer : null;
    }

    /// <summary>A 16-bit register, high byte first; −1 when nobody answers.</summary>
    public int Word(byte register) => Read(2, register) is [var high, var low] ? (high << 8) | low : -1;
}

/// <summary>A family of chips and how it is recognised.</summary>
/// <param name="Names">The names that <paramref name="Recognise"/> can give.</param>
/// <param name="Addresses">Where it can live.</param>
/// <param name="Recognise">Whether anybody answered, and the chip's name or an empty text.</param>
internal sealed record I2cFamily(string[] Names, byte[] Addresses, Func<I2cProbe, (bool Replied, string Name)> Recognise);

/// <summary>The chips that are recognised, with the place in the datasheet.</summary>
internal static class I2cChips
{
    private static readonly Crc8 StatusCrc = new(0x31, 0xFF, 2);

    /// <summary>All families.</summary>
    public static IReadOnlyList<I2cFamily> All { get; } =
    [
        // Bosch BST-BME280-DS002 5.4.1, BST-BMP280-DS001 4.3.1, BST-BME680-DS001: register 0xD0.
        new(["bme280", "bmp280", "bme680", "bmp180"], [0x76, 0x77], static chip => chip.Read(1, 0xD0) is not [var id] ? (false, "") : (true, id switch
        {
            0x60 => "bme280",
            0x56 or 0x57 or 0x58 => "bmp280",
            0x61 => "bme680",
            0x55 => "bmp180",
            _ => "",
        })),

        // Microchip DS25095A 5.6, 5.7: manufacturer 0x0054, device 0x04.
        new(["mcp9808"], Range(0x18, 8), static chip => chip.Word(6) is var maker && maker < 0
            ? (false, "") : (true, maker == 0x0054 && chip.Word(7) >> 8 == 0x04 ? "mcp9808" : "")),

        // TI SBOS740 7.6.11: device id 0x117 in the low twelve bits of register 0x0F.
        new(["tmp117"], Range(0x48, 4), static chip => chip.Word(0x0F) is var id && id < 0 ? (false, "") : (true, (id & 0xFFF) == 0x117 ? "tmp117" : "")),

        // TI SBAS444 9.6: no id; configuration 0x8583 and thresholds 0x8000, 0x7FFF after reset. The thresholds stay so in use.
        new(["ads1115"], Range(0x48, 4), static chip => chip.Word(1) is var config && config < 0
            ? (false, "") : (true, config == 0x8583 || (chip.Word(2) == 0x8000 && chip.Word(3) == 0x7FFF) ? "ads1115" : "")),

        // TI SBOS448 8.6.2.1: no id; configuration 0x399F after reset. TI SBOS547 7.6: 0x5449 "TI", die 0x2260.
        new(["ina219", "ina226"], Range(0x40, 16), static chip => chip.Word(0) is var config && config < 0
            ? (false, "") : (true, config == 0x399F ? "ina219" : chip.Word(0xFE) == 0x5449 && chip.Word(0xFF) >> 4 == 0x226 ? "ina226" : "")),

        // Sensirion SHT3x-DIS 4.11, 4.12: status word with its CRC-8 (polynomial 0x31, start 0xFF).
        new(["sht3x"], [0x44, 0x45], static chip => chip.Read(3, 0xF3, 0x2D) is not { } status
            ? (false, "") : (true, StatusCrc.Of(status.AsSpan(0, 2)) == status[2] && (status[0] | status[1] | status[2]) != 0 ? "sht3x" : "")),

        // Maxim 19-5170 (DS3231) figure 1: no id; the clock is BCD, and bits that are always zero are.
        new(["ds3231"], [0x68], static chip => chip.Read(0x13, 0) is not { } all
            ? (false, "") : (true, IsDs3231(all) ? "ds3231" : "")),

        // Fujitsu DS501-00017 (MB85RC256V) "device ID": reserved address 0xF8, manufacturer 0x00A, then density and product.
        new(["mb85rc"], Range(0x50, 8), static chip => chip.ReadAt(0x7C, 3, (byte)(chip.Address << 1)) is [0x00, var low, _] && low >> 4 == 0xA
            ? (true, "mb85rc") : (false, "")),
    ];

    private static byte[] Range(byte first, int count) => [.. Enumerable.Range(first, count).Select(static a => (byte)a)];

    private static bool IsDs3231(ReadOnlySpan<byte> r) =>
        IsBcd(r[0], 0x59) && IsBcd(r[1], 0x59) && (r[2] & 0x80) == 0 && r[3] is >= 1 and <= 7 && IsBcd(r[4], 0x31) && IsBcd((byte)(r[5] & 0x7F), 0x12)
        && IsBcd(r[6], 0x99) && (r[0x0F] & 0x70) == 0 && (r[0x12] & 0x3F) == 0;

    private static bool IsBcd(byte value, byte max) => value <= max && (value & 0x0F) <= 9;
}
