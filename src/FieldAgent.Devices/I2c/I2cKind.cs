using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.I2c.Maps;

namespace FieldAgent.Devices.I2c;

/// <summary>Chips on an I2C bus that are read without a kernel driver.</summary>
public sealed class I2cKind : ISensorKind
{
    private readonly I2cBuses _buses;

    /// <summary>Over the kernel's buses.</summary>
    public I2cKind()
        : this(I2cBuses.Linux)
    {
    }

    internal I2cKind(I2cBuses buses) => _buses = buses;

    /// <inheritdoc/>
    public string Kind => "i2c";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "A chip on an I2C bus, read by its registers: one with a ready map, or one that the configuration describes. "
        + "Not for a chip that a kernel driver reads (kind iio or hwmon).",
        I2cOptions.Map, I2cOptions.Bus, I2cOptions.Address, SensorOptions.Interval, I2cOptions.Channels, I2cOptions.Range, I2cOptions.Shunt,
        I2cOptions.Retries, I2cOptions.RegisterBits, I2cOptions.Id, I2cOptions.Init, I2cOptions.Streams,
        SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var options = setup.Options;
        var instrument = I2cOptions.ReadInstrument(options);
        var selection = instrument is null ? null : StreamSelection.Of(options, instrument);
        var address = options.Has(I2cOptions.Address)
            ? options.Get(I2cOptions.Address)
            : ReadyMaps.All.FirstOrDefault(m => m.Word == options.Get(I2cOptions.Map))?.Address ?? 0;
        return new I2cSensor(setup, _buses, (byte)address, instrument, selection);
    }
}
