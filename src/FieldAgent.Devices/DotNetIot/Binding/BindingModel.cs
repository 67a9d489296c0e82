using System.Collections.Immutable;
using System.Device.I2c;
using FieldAgent.Core;
using Iot.Device.Adc;
using Iot.Device.Ahtxx;
using Iot.Device.Bh1750fvi;
using Iot.Device.Bmp180;
using Iot.Device.Bmxx80;
using Iot.Device.Hts221;
using Iot.Device.Lm75;
using Iot.Device.Lps25h;
using Iot.Device.Max44009;
using Iot.Device.Mcp9808;
using Iot.Device.Mlx90614;
using Iot.Device.Sht3x;
using Iot.Device.Sht4x;
using Iot.Device.Shtc3;
using Iot.Device.Si7021;
using UnitsNet;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>A binding at work.</summary>
/// <param name="Device">To be disposed; the I2C device goes with it.</param>
/// <param name="Read">Samples once; a value that is not there is NaN.</param>
internal sealed record OpenBinding(IDisposable Device, Action<double[]> Read);

/// <summary>A sensor of Iot.Device.Bindings: one entry of <see cref="All"/> each.</summary>
/// <param name="Name">Name of its class: the word for <c>model</c>.</param>
/// <param name="Address">Usual address.</param>
/// <param name="Streams">What it measures.</param>
/// <param name="Open">Sets the chip up.</param>
internal sealed record BindingModel(string Name, byte Address, ImmutableArray<StreamInfo> Streams, Func<I2cDevice, OpenBinding> Open)
{
    private static readonly StreamInfo Celsius = new("temperature", "Cel");
    private static readonly StreamInfo Pascals = new("pressure", "Pa");
    private static readonly StreamInfo Percent = new("humidity", "%");
    private static readonly StreamInfo Lux = new("illuminance", "lx");

    /// <summary>All models.</summary>
    public static ImmutableArray<BindingModel> All { get; } =
    [
        Of("Aht20", 0x38, [Celsius, Percent], static bus => new Aht20(bus), static (chip, to) =>
        {
            to[0] = chip.GetTemperature().DegreesCelsius;
            to[1] = chip.GetHumidity().Percent;
        }),
        Of("Bh1750fvi", 0x23, [Lux], static bus => new Bh1750fvi(bus), static (chip, to) => to[0] = chip.Illuminance.Lux),
        Of("Bme280", 0x76, [Celsius, Pascals, Percent], static bus => new Bme280(bus), static (chip, to) =>
        {
            var seen = chip.Read();
            (to[0], to[1], to[2]) = (Of(seen.Temperature), Of(seen.Pressure), Of(seen.Humidity));
        }),
        Of("Bme680", 0x76, [Celsius, Pascals, Percent, new("gas-resistance", "Ohm")], static bus => new Bme680(bus), static (chip, to) =>
        {
            var seen = chip.Read();
            (to[0], to[1], to[2], to[3]) = (Of(seen.Temperature), Of(seen.Pressure), Of(seen.Humidity), seen.GasResistance?.Ohms ?? double.NaN);
        }),
        Of("Bmp180", 0x77, [Celsius, Pascals], static bus => new Bmp180(bus), static (chip, to) =>
        {
            to[0] = chip.ReadTemperature().DegreesCelsius;
            to[1] = chip.ReadPressure().Pascals;
        }),
        Of("Bmp280", 0x76, [Celsius, Pascals], static bus => new Bmp280(bus), static (chip, to) =>
        {
            var seen = chip.Read();
            (to[0], to[1]) = (Of(seen.Temperature), Of(seen.Pressure));
        }),
        Of("Hts221", 0x5f, [Celsius, Percent], static bus => new Hts221(bus), static (chip, to) =>
        {
            to[0] = chip.Temperature.DegreesCelsius;
            to[1] = chip.Humidity.Percent;
        }),
        Of("Ina219", 0x40, [new("bus-voltage", "V"), new("shunt-voltage", "V")], static bus => new Ina219(bus), static (chip, to) =>
        {
            to[0] = chip.ReadBusVoltage().Volts;
            to[1] = chip.ReadShuntVoltage().Volts;
        }),
        Of("Lm75", 0x48, [Celsius], static bus => new Lm75(bus), static (chip, to) => to[0] = chip.Temperature.DegreesCelsius),
        Of("Lps25h", 0x5c, [Celsius, Pascals], static bus => new Lps25h(bus), static (chip, to) =>
        {
            to[0] = chip.Temperature.DegreesCelsius;
            to[1] = chip.Pressure.Pascals;
        }),
        Of("Max44009", 0x4a, [Lux], static bus => new Max44009(bus), static (chip, to) => to[0] = chip.Illuminance),
        Of("Mcp9808", 0x18, [Celsius], static bus => new Mcp9808(bus), static (chip, to) => to[0] = chip.Temperature.DegreesCelsius),
        Of("Mlx90614", 0x5a, [new("ambient", "Cel"), new("object", "Cel")], static bus => new Mlx90614(bus), static (chip, to) =>
        {
            to[0] = chip.ReadAmbientTemperature().DegreesCelsius;
            to[1] = chip.ReadObjectTemperature().DegreesCelsius;
        }),
        Of("Sht3x", 0x44, [Celsius, Percent], static bus => new Sht3x(bus), static (chip, to) =>
        {
            to[0] = chip.Temperature.DegreesCelsius;
            to[1] = chip.Humidity.Percent;
        }),
        Of("Sht4x", 0x44, [Celsius, Percent], static bus => new Sht4x(bus), static (chip, to) =>
        {
            var (humidity, temperature) = chip.ReadHumidityAndTemperature();
            (to[0], to[1]) = (Of(temperature), Of(humidity));
        }),
        Of("Shtc3", 0x70, [Celsius, Percent], static bus => new Shtc3(bus), static (chip, to) =>
        {
            var isGood = chip.TryGetTemperatureAndHumidity(out var temperature, out var humidity);
            (to[0], to[1]) = isGood ? (temperature.DegreesCelsius, humidity.Percent) : (double.NaN, double.NaN);
        }),
        Of("Si7021", 0x40, [Celsius, Percent], static bus => new Si7021(bus), static (chip, to) =>
        {
            to[0] = chip.Temperature.DegreesCelsius;
            to[1] = chip.Humidity.Percent;
        }),
    ];

    private static BindingModel Of<T>(
        string name, byte address, ImmutableArray<StreamInfo> streams, Func<I2cDevice, T> make, Action<T, double[]> read)
        where T : IDisposable => new(name, address, streams, bus =>
        {
            var chip = make(bus);
            return new OpenBinding(chip, to => read(chip, to));
        });

    private static double Of(Temperature? value) => value?.DegreesCelsius ?? double.NaN;

    private static double Of(Pressure? value) => value?.Pascals ?? double.NaN;

    private static double Of(RelativeHumidity? value) => value?.Percent ?? double.NaN;
}
