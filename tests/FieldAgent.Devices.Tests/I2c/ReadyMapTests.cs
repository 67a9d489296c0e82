using FieldAgent.Devices.I2c.Maps;

namespace FieldAgent.Devices.Tests.I2c;

/// <summary>Each ready map against the values that the chip's datasheet gives.</summary>
public sealed class ReadyMapTests : IDisposable
{
    private readonly FakeI2c _bus = new();

    public void Dispose() => _bus.Dispose();

    /// <summary>SBAS444, table "Input Signal Versus Ideal Output Code", and the full scales of the PGA field.</summary>
    [Theory]
    [InlineData("4.096", 0x7fff, 4.096 * 32767 / 32768, 0xc383)]
    [InlineData("4.096", 0x0001, 0.000125, 0xc383)]
    [InlineData("2.048", 0x0001, 0.0000625, 0xc583)]
    [InlineData("6.144", 0xffff, -0.0001875, 0xc183)]
    [InlineData("0.256", 0x8000, -0.256, 0xcb83)]
    public void An_ads1115_is_asked_for_each_input_in_single_shots(string range, int code, double volts, int config)
    {
        var chip = new WordChip();
        chip.Written = (register, value) => chip.Registers[0] = register == 1 && value == config ? (ushort)code : (ushort)0x0100;
        _bus.Chips[0x48] = chip;
        var row = _bus.FirstRow($$"""{ "map": "ads1115", "range": "{{range}}" }""");
        Assert.Equal(["voltage0", "voltage1", "voltage2", "voltage3"], row.Set.Streams.Select(s => s.Name));
        Assert.Equal(volts, row["voltage0"]!.Value, 12);
        Assert.NotEqual(row["voltage0"], row["voltage3"]);
        Assert.Equal("V", row.Set.Streams[0].Unit);
        Assert.Equal(8, _bus.Log.Take(8).Count());
        Assert.Equal($"W 01 {config >> 8:x2} {config & 0xff:x2}", _bus.Log[0]);
        Assert.Equal("W 00 R 2", _bus.Log[1]);
    }

    [Fact]
    public void An_ads1115_input_can_be_a_pressure_and_the_others_are_not_asked()
    {
        // 4–20 mA over 100 Ω: 0.4 V to 2 V for 0 to 10 bar
        _bus.Chips[0x49] = new WordChip().With(0, 9600);
        var row = _bus.FirstRow("""
            { "map": "ads1115", "address": "0x49", "channels": [
                { "channel": "voltage0-voltage1", "name": "pressure", "unit": "bar", "multiply": 6.25, "add": -2.5, "step": 0.001 } ] }
            """);
        Assert.Equal(5.0, row["pressure"]!.Value, 9);
        Assert.Equal(0.001, row.Set.Streams.Single().Scale);
        Assert.Equal("W 01 83 83", _bus.Log[0]);
        Assert.Equal(2, _bus.Log.Distinct().Count());
    }

    /// <summary>SBAS473: the result of 12 bits stands in bits 15:4; 0x7FF0 is full scale less one step of 2 mV at ±4.096 V.</summary>
    [Fact]
    public void An_ads1015_has_twelve_bits()
    {
        _bus.Chips[0x48] = new WordChip().With(0, 0x7ff0);
        Assert.Equal(4.094, _bus.FirstRow("""{ "map": "ads1015" }""")["voltage1"]!.Value, 12);
        _bus.Chips[0x48] = new WordChip().With(0, 0xfff0);
        Assert.Equal(-0.002, _bus.FirstRow("""{ "map": "ads1015" }""")["voltage1"]!.Value, 12);
    }

    /// <summary>SBOS448, table "Calculate Current and Power": shunt register 0x07D0 = 20 mV over 2 mΩ = 10 A, bus register 0x5D98 = 11.98 V,
    /// 119.8 W. With calibration 4096 the current register repeats the shunt's, and a power step is 20 current steps of 5 mA.</summary>
    [Fact]
    public void An_ina219_gives_the_datasheets_example()
    {
        var chip = new WordChip().With(0x01, 0x07d0).With(0x02, 0x5d98).With(0x04, 0x07d0).With(0x03, 1198);
        _bus.Chips[0x40] = chip;
        var row = _bus.FirstRow("""{ "map": "ina219", "shunt": 0.002 }""");
        Assert.Equal(0.02, row["shunt-voltage"]!.Value, 12);
        Assert.Equal(11.98, row["voltage"]!.Value, 12);
        Assert.Equal(10, row["current"]!.Value, 12);
        Assert.Equal(119.8, row["power"]!.Value, 9);
        Assert.Equal((0x399f, 4096), (chip.Registers[0], chip.Registers[5]));
    }

    /// <summary>DS25095A, figure 5-4 (reading +25.25 °C: 0xC194 with the alarm flags) and register 5-4 (bit 12 is the sign).</summary>
    [Theory]
    [InlineData(0xc194, 25.25)]
    [InlineData(0x1ff0, -1)]
    [InlineData(0xe000, 0)]
    public void An_mcp9808_leaves_its_alarm_flags_out(int code, double celsius)
    {
        _bus.Chips[0x18] = new WordChip().With(5, (ushort)code).With(6, 0x0054).With(7, 0x0400);
        Assert.Equal(celsius, _bus.FirstRow("""{ "map": "mcp9808" }""")["temperature"]);
    }

    /// <summary>SNOSD82, table "16-Bit Temperature Data Format".</summary>
    [Theory]
    [InlineData(0x8000, -256)]
    [InlineData(0xf380, -25)]
    [InlineData(0xffff, -0.0078125)]
    [InlineData(0x0000, 0)]
    [InlineData(0x0001, 0.0078125)]
    [InlineData(0x0080, 1)]
    [InlineData(0x0c80, 25)]
    [InlineData(0x3200, 100)]
    [InlineData(0x7fff, 255.9921875)]
    public void A_tmp117_gives_the_datasheets_table(int code, double celsius)
    {
        _bus.Chips[0x48] = new WordChip().With(0, (ushort)code).With(0x0f, 0x1117);
        Assert.Equal(celsius, _bus.FirstRow("""{ "map": "tmp117" }""")["temperature"]);
    }

    /// <summary>LM75 datasheet, table "Temperature Data Format": 0x0FA0 of nine bits … −0.5 °C = 0xFF80, −25 °C = 0xE700.</summary>
    [Theory]
    [InlineData(0x7d00, 125)]
    [InlineData(0x1900, 25)]
    [InlineData(0x0080, 0.5)]
    [InlineData(0xff80, -0.5)]
    [InlineData(0xe700, -25)]
    public void An_lm75_gives_the_datasheets_table(int code, double celsius)
    {
        _bus.Chips[0x48] = new WordChip().With(0, (ushort)code);
        Assert.Equal(celsius, _bus.FirstRow("""{ "map": "lm75" }""")["temperature"]);
    }

    /// <summary>SHT3x-DIS, section 4.12 (CRC of 0xBEEF is 0x92) and 4.13 (conversion of the signal).</summary>
    [Fact]
    public void An_sht3x_converts_and_checks_each_half()
    {
        var chip = new CommandChip();
        chip.Answers["2400"] = [0xbe, 0xef, 0x92, 0xbe, 0xef, 0x92];
        _bus.Chips[0x44] = chip;
        var row = _bus.FirstRow("""{ "map": "sht3x" }""");
        Assert.Equal(-45 + (175 * 48879 / 65535.0), row["temperature"]!.Value, 3);
        Assert.Equal(100 * 48879 / 65535.0, row["humidity"]!.Value, 3);
        Assert.Equal(["W 24 00", "R 6"], _bus.Log.Take(2));

        chip.Answers["2400"] = [0xbe, 0xef, 0x92, 0xbe, 0xee, 0x92];
        using var host = _bus.Run("""{ "map": "sht3x" }""");
        Assert.NotNull(host.Rows[0]["temperature"]);
        Assert.Null(host.Rows[0]["humidity"]);
        Assert.Equal(host.Rows.Count, host.Skips["crc"]);
    }

    /// <summary>DS3231, "Temperature Registers (11h–12h)": 00011001 01b is +25.25 °C; status bit 7 is OSF.</summary>
    [Theory]
    [InlineData(0x88, 0x19, 0x40, 25.25, 1)]
    [InlineData(0x08, 0xff, 0xc0, -0.25, 0)]
    public void A_ds3231_gives_its_temperature_and_whether_its_time_is_good(byte status, byte high, byte low, double celsius, double stopped)
    {
        _bus.Chips[0x68] = new ByteChip().With(0x0f, status, 0, high, low);
        var row = _bus.FirstRow("""{ "map": "ds3231" }""");
        Assert.Equal(celsius, row["temperature"]);
        Assert.Equal(stopped, row["oscillator-stopped"]);
    }

    [Fact]
    public void An_fram_is_present_or_not()
    {
        Assert.Equal(0, _bus.FirstRow("""{ "map": "mb85rc" }""")["present"]);
        _bus.Chips[0x50] = new ByteChip();
        Assert.Equal(1, _bus.FirstRow("""{ "map": "mb85rc" }""")["present"]);
        Assert.Equal("W 00 00 R 1", _bus.Log[0]);
    }

    /// <summary>Bosch BST-BMP280-DS001, section 3.12, "Calculating pressure and temperature": the same formulas and registers; the figures there
    /// are of the double precision variant.</summary>
    [Fact]
    public void A_bme280_gives_boschs_example()
    {
        _bus.Chips[0x76] = Bme280Chip(0x7000);
        var row = _bus.FirstRow("""{ "map": "bme280" }""");
        Assert.Equal(25.08, row["temperature"]!.Value, 9);
        Assert.Equal(100653.27, row["pressure"]!.Value, 0.02);
        Assert.InRange(row["humidity"]!.Value, 0, 100);
        Assert.Equal(["W d0 R 1", "W 88 R 26", "W e1 R 7", "W f2 01", "W f4 25", "W f7 R 8"], _bus.Log.Take(6));
    }

    /// <summary>BST-BME280-DS002, section 8.1: the same compensation in double precision.</summary>
    [Fact]
    public void The_humidity_of_a_bme280_agrees_with_the_formula_in_double_precision()
    {
        var chip = Bme280Chip(0);
        var calibration = new Bme280Calibration(chip.Registers.AsSpan(0x88, 26), chip.Registers.AsSpan(0xe1, 7));
        _ = calibration.Temperature(519888, out var fine);
        Assert.Equal(128422, fine);
        for (var raw = 0; raw <= 0xffff; raw += 7)
        {
            double h = fine - 76800.0;
            h = (raw - ((H4 * 64.0) + (H5 / 16384.0 * h)))
                * (H2 / 65536.0 * (1.0 + (H6 / 67108864.0 * h * (1.0 + (H3 / 67108864.0 * h)))));
            h = Math.Clamp(h * (1.0 - (H1 * h / 524288.0)), 0, 100);
            Assert.Equal(h, calibration.Humidity(raw, fine) / 1024.0, 0.02);
        }
    }

    [Fact]
    public void What_a_bme280_did_not_measure_is_absent()
    {
        var chip = Bme280Chip(0x8000);
        chip.With(0xf7, 0x80, 0, 0);
        _bus.Chips[0x76] = chip;
        var row = _bus.FirstRow("""{ "map": "bme280" }""");
        Assert.Equal(25.08, row["temperature"]!.Value, 9);
        Assert.Null(row["pressure"]);
        Assert.Null(row["humidity"]);
    }

    [Fact]
    [Promise("R13")]
    public void Another_chip_at_the_address_is_named()
    {
        _bus.Chips[0x76] = new ByteChip().With(0xd0, 0x58);
        var fault = _bus.Fails("""{ "map": "bme280" }""");
        Assert.Equal(Core.SensorFaultKind.Malformed, fault.Kind);
        Assert.Contains("answers as bmp280, not as bme280: its id register 0xd0 says 0x58, not 0x60", fault.Remedy, StringComparison.Ordinal);
        Assert.Contains("0x76", fault.Place, StringComparison.Ordinal);
        _bus.Chips[0x76] = new ByteChip().With(0xd0, 0x33);
        Assert.Contains("not bme280: its id register 0xd0 says 0x33", _bus.Fails("""{ "map": "bme280" }""").Remedy, StringComparison.Ordinal);
        Assert.Contains("not the chip that 'id' describes", _bus.Fails(
            """{ "map": "custom", "address": "0x76", "id": { "register": "0xd0", "value": 1 }, "streams": [{ "name": "a", "register": 0 }] }""").Remedy, StringComparison.Ordinal);
        _bus.Chips[0x76] = new ByteChip().With(0xd0, 0x60);
        Assert.Contains("calibration", _bus.Fails("""{ "map": "bme280" }""").Remedy, StringComparison.Ordinal);
    }

    private const int H1 = 75, H2 = 362, H3 = 0, H4 = 313, H5 = 50, H6 = 30;

    private static ByteChip Bme280Chip(int humidity)
    {
        var chip = new ByteChip().With(0xd0, 0x60);
        short[] words = [27504, 26435, -1000, unchecked((short)36477), -10685, 3024, 2855, 140, -7, 15500, -14600, 6000];
        for (var i = 0; i < words.Length; i++)
        {
            chip.With(0x88 + (2 * i), (byte)words[i], (byte)(words[i] >> 8));
        }

        chip.With(0xa1, H1).With(0xe1, H2 & 0xff, H2 >> 8, H3, H4 >> 4, (H4 & 0x0f) | ((H5 & 0x0f) << 4), H5 >> 4, H6);
        const int Pressure = 415148, Temperature = 519888;
        return chip.With(0xf7,
            Pressure >> 12, (Pressure >> 4) & 0xff, (Pressure & 0x0f) << 4,
            Temperature >> 12, (Temperature >> 4) & 0xff, (Temperature & 0x0f) << 4, (byte)(humidity >> 8), (byte)humidity);
    }
}
