namespace FieldAgent.Devices.Tests;

/// <summary>Chips recognised by what their datasheets say is in their registers.</summary>
public sealed class I2cSurveyTests
{
    private readonly Dictionary<(byte Address, string Written), byte[]> _answers = [];

    [Fact]
    public void The_bosch_family_is_told_apart_by_its_id()
    {
        Assert.Equal("bme280", Chip(0x76, ([0xD0], [0x60])));
        Assert.Equal("bmp280", Chip(0x76, ([0xD0], [0x58])));
        Assert.Equal("bme680", Chip(0x77, ([0xD0], [0x61])));
        Assert.Equal("bmp180", Chip(0x77, ([0xD0], [0x55])));
    }

    [Fact]
    public void Thermometers_and_converters_are_recognised()
    {
        Assert.Equal("mcp9808", Chip(0x18, ([6], [0x00, 0x54]), ([7], [0x04, 0x00])));
        Assert.Equal("tmp117", Chip(0x48, ([0x0F], [0x01, 0x17])));
        Assert.Equal("ads1115", Chip(0x49, ([1], [0x85, 0x83])));
        // in use: the configuration has changed, the thresholds have not
        Assert.Equal("ads1115", Chip(0x48, ([1], [0x42, 0x83]), ([2], [0x80, 0x00]), ([3], [0x7F, 0xFF])));
        Assert.Equal("ina219", Chip(0x40, ([0], [0x39, 0x9F])));
        Assert.Equal("ina226", Chip(0x41, ([0], [0x41, 0x27]), ([0xFE], [0x54, 0x49]), ([0xFF], [0x22, 0x60])));
    }

    [Fact]
    public void A_humidity_sensor_is_recognised_by_the_checksum_of_its_status()
    {
        // datasheet example: CRC of 0xBEEF is 0x92
        Assert.Equal("sht3x", Chip(0x44, ([0xF3, 0x2D], [0xBE, 0xEF, 0x92])));
        Assert.Equal("", Chip(0x45, ([0xF3, 0x2D], [0xBE, 0xEF, 0x93])));
        Assert.Equal("", Chip(0x45, ([0xF3, 0x2D], [0, 0, 0])));
    }

    [Fact]
    public void A_clock_is_recognised_by_sound_fields_and_a_memory_by_its_device_id()
    {
        var clock = new byte[0x13];
        (clock[0], clock[1], clock[2], clock[3], clock[4], clock[5], clock[6], clock[0x12]) = (0x59, 0x30, 0x12, 4, 0x28, 0x02, 0x26, 0xC0);
        Assert.Equal("ds3231", Chip(0x68, ([0], clock)));
        clock[0] = 0x7F;
        Assert.Equal("", Chip(0x68, ([0], clock)));
        _answers[(0x7C, "A0")] = [0x00, 0xA5, 0x10];
        Assert.Equal("mb85rc", Chip(0x50));
    }

    [Fact]
    public void Silence_is_silence_and_addresses_in_use_are_left_alone()
    {
        Assert.Empty(I2cSurvey.Scan("bus", Ask, [], []));
        _answers[(0x76, "D0")] = [0x60];
        Assert.Empty(I2cSurvey.Scan("bus", (_, address, _, _) => address != 0x76 ? false : throw new InvalidOperationException("was asked"), [], [0x76]));
        // something that no id register tells
        _answers[(0x23, "00")] = [1];
        Assert.Empty(Assert.Single(I2cSurvey.Scan("bus", Ask, [0x23], [0x76])).Chips);
    }

    [Fact]
    public void One_chip_goes_by_several_names()
    {
        Assert.True(I2cSurvey.IsSame("bosch,bme280", "BME280"));
        Assert.True(I2cSurvey.IsSame("jc42", "mcp9808"));
        Assert.False(I2cSurvey.IsSame("bmp280", "bme280"));
        Assert.Contains((byte)0x77, I2cSurvey.AddressesOf("bmp280"));
    }

    private string Chip(byte address, params (byte[] Written, byte[] Answer)[] registers)
    {
        foreach (var (written, answer) in registers)
        {
            _answers[(address, Convert.ToHexString(written))] = answer;
        }

        var found = I2cSurvey.Scan("bus", Ask, [], []).FirstOrDefault(one => one.Address == address);
        _answers.Clear();
        return found is null ? "silent" : string.Join(' ', found.Chips);
    }

    // A chip answers every register, with zeros where the test says nothing.
    private bool Ask(string bus, byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        if (_answers.TryGetValue((address, Convert.ToHexString(write)), out var answer))
        {
            answer.AsSpan(0, Math.Min(answer.Length, read.Length)).CopyTo(read);
            return true;
        }

        return _answers.Keys.Any(key => key.Address == address);
    }
}
