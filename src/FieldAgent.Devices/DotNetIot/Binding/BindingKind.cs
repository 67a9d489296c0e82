using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>Sensors of <c>Iot.Device.Bindings</c> on an I2C bus.</summary>
public sealed class BindingKind : ISensorKind
{
    private static readonly Option<string> Model = Opt.Choice(
        "model", "The binding, by the name of its class.", null, true, [.. BindingModel.All.Select(static model => model.Name)]);

    private static readonly Option<long> Address = Opt.Code("address", "Address of the chip, 7 bits; each model knows the usual one.", 0x03, 0x77);

    private readonly I2cBuses _buses;

    /// <summary>Over the board's buses.</summary>
    public BindingKind()
        : this(I2cBuses.Linux)
    {
    }

    internal BindingKind(I2cBuses buses) => _buses = buses;

    /// <inheritdoc/>
    public string Kind => "binding";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "A sensor of the package Iot.Device.Bindings, for chips that neither the kernel nor kind i2c has.",
        Model, I2cOptions.Bus, Address, SensorOptions.Interval, I2cOptions.Retries, SensorOptions.Field, SensorOptions.ImportanceOf,
        SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var model = BindingModel.All.FirstOrDefault(model => model.Name == setup.Options.Get(Model));
        var address = setup.Options.Has(Address) ? (byte)setup.Options.Get(Address) : model?.Address ?? 0;
        return new BindingSensor(setup, _buses, model, address);
    }
}
