using System.Buffers.Binary;
using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Devices.I2c.Maps;

/// <summary>The calibration that Bosch wrote into a BME280, and its compensation in integers.</summary>
/// <remarks>Bosch BST-BME280-DS002, section 4.2.2 (registers 0x88 to 0xA1 and 0xE1 to 0xE7) and 4.2.3 (formulas).</remarks>
internal readonly struct Bme280Calibration
{
    /// <summary>Length of the first part, from 0x88.</summary>
    public const int FirstBytes = 26;

    /// <summary>Length of the second part, from 0xE1.</summary>
    public const int SecondBytes = 7;

    private readonly ushort _t1;
    private readonly short _t2;
    private readonly short _t3;
    private readonly ushort _p1;
    private readonly long _p2, _p3, _p4, _p5, _p6, _p7, _p8, _p9;
    private readonly byte _h1, _h3;
    private readonly short _h2, _h4, _h5;
    private readonly sbyte _h6;

    /// <summary>Takes the numbers from the registers.</summary>
    public Bme280Calibration(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        _t1 = BinaryPrimitives.ReadUInt16LittleEndian(first);
        _t2 = Signed(first, 1);
        _t3 = Signed(first, 2);
        _p1 = BinaryPrimitives.ReadUInt16LittleEndian(first[6..]);
        _p2 = Signed(first, 4);
        _p3 = Signed(first, 5);
        _p4 = Signed(first, 6);
        _p5 = Signed(first, 7);
        _p6 = Signed(first, 8);
        _p7 = Signed(first, 9);
        _p8 = Signed(first, 10);
        _p9 = Signed(first, 11);
        _h1 = first[25];
        _h2 = Signed(second, 0);
        _h3 = second[2];
        _h4 = (short)(((sbyte)second[3] << 4) | (second[4] & 0x0f));
        _h5 = (short)(((sbyte)second[5] << 4) | (second[4] >> 4));
        _h6 = (sbyte)second[6];
    }

    /// <summary>False for a chip without calibration: a copy, or one that is not awake yet.</summary>
    public bool IsThere => _t1 is not (0 or 0xffff) && _p1 is not (0 or 0xffff);

    /// <summary>Temperature in 0.01 °C.</summary>
    /// <param name="raw">20 bits.</param>
    /// <param name="fine">Temperature for the other formulas.</param>
    public int Temperature(int raw, out int fine)
    {
        var var1 = (((raw >> 3) - (_t1 << 1)) * _t2) >> 11;
        var var2 = (((((raw >> 4) - _t1) * ((raw >> 4) - _t1)) >> 12) * _t3) >> 14;
        fine = var1 + var2;
        return ((fine * 5) + 128) >> 8;
    }

    /// <summary>Pressure in Pa/256.</summary>
    public uint Pressure(int raw, int fine)
    {
        var var1 = (long)fine - 128000;
        var var2 = var1 * var1 * _p6;
        var2 += (var1 * _p5) << 17;
        var2 += _p4 << 35;
        var1 = ((var1 * var1 * _p3) >> 8) + ((var1 * _p2) << 12);
        var1 = (((1L << 47) + var1) * _p1) >> 33;
        if (var1 == 0)
        {
            return 0;
        }

        long p = 1048576 - raw;
        p = ((p << 31) - var2) * 3125 / var1;
        var1 = (_p9 * (p >> 13) * (p >> 13)) >> 25;
        var2 = (_p8 * p) >> 19;
        return (uint)(((p + var1 + var2) >> 8) + (_p7 << 4));
    }

    /// <summary>Relative humidity in %/1024.</summary>
    public uint Humidity(int raw, int fine)
    {
        var v = fine - 76800;
        v = ((((raw << 14) - (_h4 << 20) - (_h5 * v)) + 16384) >> 15)
            * ((((((((v * _h6) >> 10) * (((v * _h3) >> 11) + 32768)) >> 10) + 2097152) * _h2) + 8192) >> 14);
        v -= ((((v >> 15) * (v >> 15)) >> 7) * _h1) >> 4;
        return (uint)(Math.Clamp(v, 0, 419430400) >> 12);
    }

    private static short Signed(ReadOnlySpan<byte> bytes, int word) => BinaryPrimitives.ReadInt16LittleEndian(bytes[(word * 2)..]);
}

/// <summary>A Bosch BME280: measured once a poll (forced mode, oversampling 1), so that it does not warm itself.</summary>
/// <remarks>BST-BME280-DS002: id 0xD0 = 0x60; ctrl_hum 0xF2, effective with the next write of ctrl_meas 0xF4; data 0xF7 to 0xFE in one read;
/// longest measurement 9.3 ms (9.1); 0x80000 and 0x8000 for what was not measured.</remarks>
internal sealed class Bme280 : II2cInstrument
{
    private const int DataBytes = 8;

    private static readonly TimeSpan Measurement = TimeSpan.FromMilliseconds(10);
    private static readonly I2cIdentity Identity = new([0xd0], 1, 0x60, 0xff);

    private readonly byte[] _data = new byte[DataBytes];
    private Bme280Calibration _calibration;

    /// <inheritdoc/>
    public ImmutableArray<StreamInfo> Streams { get; } =
        [new("temperature", "Cel", 0.01), new("pressure", "Pa", 1.0 / 256), new("humidity", "%", 1.0 / 1024)];

    /// <inheritdoc/>
    public ulong Default => 7;

    /// <inheritdoc/>
    public void Start(I2cChip chip)
    {
        Identity.Check(chip, "bme280");
        Span<byte> first = stackalloc byte[Bme280Calibration.FirstBytes];
        Span<byte> second = stackalloc byte[Bme280Calibration.SecondBytes];
        chip.MustTransfer([0x88], first);
        chip.MustTransfer([0xe1], second);
        _calibration = new Bme280Calibration(first, second);
        if (!_calibration.IsThere)
        {
            throw new SensorFault(SensorFaultKind.Malformed, chip.Place,
                "The BME280 gives no calibration: switch it off and on; if that does not help, replace it.");
        }

        chip.MustTransfer([0xf2, 0x01], []);
    }

    /// <inheritdoc/>
    public ulong Poll(I2cChip chip, ulong wanted, Span<double> values)
    {
        var outcome = chip.Transfer([0xf4, 0x25], []);
        if (outcome == I2cOutcome.Done)
        {
            if (!chip.Wait(Measurement))
            {
                return 0;
            }

            outcome = chip.Transfer([0xf7], _data);
        }

        return outcome == I2cOutcome.Done ? Compensate(_data, values) : throw chip.Fault(outcome);
    }

    private ulong Compensate(ReadOnlySpan<byte> data, Span<double> values)
    {
        var pressure = (data[0] << 12) | (data[1] << 4) | (data[2] >> 4);
        var temperature = (data[3] << 12) | (data[4] << 4) | (data[5] >> 4);
        var humidity = (data[6] << 8) | data[7];
        if (temperature == 0x80000)
        {
            return 0;
        }

        ulong present = 1;
        values[0] = _calibration.Temperature(temperature, out var fine) * 0.01;
        if (pressure != 0x80000)
        {
            values[1] = _calibration.Pressure(pressure, fine) / 256.0;
            present |= 2;
        }

        if (humidity != 0x8000)
        {
            values[2] = _calibration.Humidity(humidity, fine) / 1024.0;
            present |= 4;
        }

        return present;
    }
}
