namespace FieldAgent.Devices.I2c.Maps;

/// <summary>What a ready map can be told about its surroundings.</summary>
/// <param name="RangeVolts">Full scale of an ADS1015 or ADS1115, V.</param>
/// <param name="ShuntOhms">Shunt of an INA219, Ω.</param>
internal readonly record struct MapParameters(double RangeVolts, double ShuntOhms);

/// <summary>A chip that needs no description in the configuration.</summary>
/// <param name="Word">The word for <c>map</c>.</param>
/// <param name="Address">The address it has unless its pins say otherwise.</param>
/// <param name="Create">Makes it.</param>
internal sealed record ReadyMap(string Word, int Address, Func<MapParameters, II2cInstrument> Create);

/// <summary>The ready maps, each from the chip's datasheet.</summary>
internal static class ReadyMaps
{
    /// <summary>Full scales of the ADS1015 and ADS1115, by their code in the configuration register.</summary>
    public static readonly string[] Ranges = ["6.144", "4.096", "2.048", "1.024", "0.512", "0.256"];

    private const int TwoBytes = 16;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ReadyMap> All { get; } =
    [
        new("ads1015", 0x48, static p => Ads("ads1015", p.RangeVolts, bits: 12)),
        new("ads1115", 0x48, static p => Ads("ads1115", p.RangeVolts, bits: 16)),
        new("bme280", 0x76, static _ => new Bme280()),
        new("ds3231", 0x68, static _ => Ds3231()),
        new("ina219", 0x40, static p => Ina219(p.ShuntOhms)),
        new("lm75", 0x48, static _ => Lm75()),
        new("mb85rc", 0x50, static _ => new Mb85rcPresence()),
        new("mcp9808", 0x18, static _ => Mcp9808()),
        new("sht3x", 0x44, static _ => Sht3x()),
        new("tmp117", 0x48, static _ => Tmp117()),
    ];

    /// <summary>Texas Instruments SBAS444 (ADS1115) and SBAS473 (ADS1015): configuration register 0x01 with OS (15), MUX (14:12), PGA (11:9),
    /// MODE (8, 1: single shot), DR (7:5), COMP_QUE (1:0, 11: off); conversion register 0x00, two's complement, left-aligned, full scale
    /// 2¹⁵. At code 100 the ADS1115 converts in 7.8 ms (128/s), the ADS1015 in 0.6 ms (1600/s), both ± 10 %.</summary>
    private static RegisterMap Ads(string word, double rangeVolts, int bits)
    {
        var range = Array.FindIndex(Ranges, r => double.Parse(r, System.Globalization.CultureInfo.InvariantCulture) == rangeVolts);
        var field = new BitField(0, TwoBytes, NumberFormat.Signed, Shift: TwoBytes - bits);
        var wait = TimeSpan.FromMilliseconds(bits == TwoBytes ? 9 : 1);
        RegisterStream Input(string name, int mux, bool onDemand)
        {
            var config = 0x8000 | (mux << 12) | (range << 9) | 0x0100 | (4 << 5) | 0x0003;
            var read = new RegisterRead([0x00], 2) { Command = [0x01, (byte)(config >> 8), (byte)config], Wait = wait };
            return new RegisterStream(name, "V", read, field, rangeVolts / (1 << (bits - 1))) { OnDemand = onDemand };
        }

        return new RegisterMap(word, null, [],
        [
            Input("voltage0", 4, false), Input("voltage1", 5, false), Input("voltage2", 6, false), Input("voltage3", 7, false),
            Input("voltage0-voltage1", 0, true), Input("voltage0-voltage3", 1, true),
            Input("voltage1-voltage3", 2, true), Input("voltage2-voltage3", 3, true),
        ]);
    }

    /// <summary>Texas Instruments SBOS448 (INA219): configuration 0x00 (reset value 0x399F: 32 V, 320 mV, 12 bits, continuous); shunt voltage
    /// 0x01, 10 µV; bus voltage 0x02, bits 15:3, 4 mV; power 0x03, 20 current steps; current 0x04; calibration 0x05 = 0.04096 / (current step ×
    /// shunt). With the calibration 4096 the current register counts 10 µV of the shunt's voltage.</summary>
    private static RegisterMap Ina219(double shuntOhms)
    {
        var currentStep = 10e-6 / shuntOhms;
        RegisterStream Register(string name, string unit, byte register, double scale, bool signed, int shift = 0) => new(
            name, unit, new RegisterRead([register], 2),
            new BitField(0, TwoBytes, signed ? NumberFormat.Signed : NumberFormat.Unsigned, Shift: shift), scale);

        return new RegisterMap("ina219", null, [[0x00, 0x39, 0x9f], [0x05, 0x10, 0x00]],
        [
            Register("shunt-voltage", "V", 0x01, 10e-6, signed: true),
            Register("voltage", "V", 0x02, 4e-3, signed: false, shift: 3),
            Register("current", "A", 0x04, currentStep, signed: true),
            Register("power", "W", 0x03, 20 * currentStep, signed: false),
        ]);
    }

    /// <summary>Microchip DS25095 (MCP9808): ambient temperature 0x05, bits 12:0 two's complement of 1/16 °C below three alarm flags;
    /// manufacturer 0x06 = 0x0054.</summary>
    private static RegisterMap Mcp9808() => new("mcp9808", new I2cIdentity([0x06], 2, 0x0054, 0xffff), [],
        [new RegisterStream("temperature", "Cel", new RegisterRead([0x05], 2), new BitField(0, TwoBytes, NumberFormat.Signed, Mask: 0x1fff), 0.0625)]);

    /// <summary>Texas Instruments SNOSD82 (TMP117): temperature 0x00, two's complement of 7.8125 m°C; device id 0x0F, bits 11:0 = 0x117.</summary>
    private static RegisterMap Tmp117() => new("tmp117", new I2cIdentity([0x0f], 2, 0x0117, 0x0fff), [],
        [new RegisterStream("temperature", "Cel", new RegisterRead([0x00], 2), new BitField(0, TwoBytes, NumberFormat.Signed), 0.0078125)]);

    /// <summary>NXP LM75B and its like: temperature 0x00, the upper 11 bits, two's complement of 0.125 °C. The first LM75 has nine bits, and
    /// zeros below.</summary>
    private static RegisterMap Lm75() => new("lm75", null, [],
        [new RegisterStream("temperature", "Cel", new RegisterRead([0x00], 2), new BitField(0, TwoBytes, NumberFormat.Signed, Shift: 5), 0.125)]);

    /// <summary>Sensirion SHT3x-DIS: single shot, high repeatability, no clock stretching: 0x2400, at most 15.5 ms; temperature and humidity of
    /// 16 bits, each with CRC-8 (0x31, 0xFF); T = −45 + 175 S/(2¹⁶−1) °C, RH = 100 S/(2¹⁶−1) %.</summary>
    private static RegisterMap Sht3x()
    {
        var read = new RegisterRead([], 6)
        {
            Command = [0x24, 0x00], Wait = TimeSpan.FromMilliseconds(16), Crc = new Crc8(0x31, 0xff, 2),
        };
        return new RegisterMap("sht3x", null, [],
        [
            new RegisterStream("temperature", "Cel", read, new BitField(0, TwoBytes), 175.0 / 65535) { Offset = -45 },
            new RegisterStream("humidity", "%", read, new BitField(3, TwoBytes), 100.0 / 65535) { Step = 0.001 },
        ]);
    }

    /// <summary>Maxim 19-5170 (DS3231): status 0x0F with OSF (bit 7: the oscillator stopped, the time is not to be trusted); temperature 0x11
    /// and 0x12, the upper ten bits, two's complement of 0.25 °C.</summary>
    private static RegisterMap Ds3231()
    {
        var read = new RegisterRead([0x0f], 4);
        return new RegisterMap("ds3231", null, [],
        [
            new RegisterStream("temperature", "Cel", read, new BitField(2, TwoBytes, NumberFormat.Signed, Shift: 6), 0.25),
            new RegisterStream("oscillator-stopped", "1", read, new BitField(0, 8, Shift: 7)),
        ]);
    }
}
