using FieldAgent.Core;
using FieldAgent.Devices.DotNetIot;
using FieldAgent.Devices.I2c;
using FieldAgent.Devices.Tests.I2c;

namespace FieldAgent.Devices.Tests.DotNetIot;

/// <summary>Sensors of Iot.Device.Bindings on the agent's buses, with the same chips as the ready maps.</summary>
public sealed class BindingTests : IDisposable
{
    private readonly FakeI2c _bus = new();

    private BindingKind Kind => new(_bus.Buses);

    public void Dispose() => _bus.Dispose();

    [Fact]
    public void At_least_ten_models_are_offered_and_the_kind_is_in_the_catalogue()
    {
        Assert.True(BindingModel.All.Length >= 10);
        Assert.Contains(DeviceCatalogue.Kinds, static kind => kind.Kind == "binding");
        Assert.All(BindingModel.All, static model => Assert.NotEmpty(model.Streams));
    }

    /// <summary>BST-BMP280-DS001, 3.12, as for the ready map and the kernel's driver.</summary>
    [Fact]
    public void A_bme280_gives_the_datasheets_example()
    {
        _bus.Chips[0x76] = new ByteChip()
            .With(0xd0, 0x60)
            .With(0x88, Convert.FromHexString("706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017"))
            .With(0xf7, Convert.FromHexString("655ac07eed00"));
        var row = _bus.FirstRow("""{ "model": "Bme280" }""", Kind);
        Assert.Equal(["temperature", "pressure", "humidity"], row.Set.Streams.Select(static stream => stream.Name));
        Assert.Equal(25.08, row["temperature"]!.Value, 2);
        Assert.Equal(100_653, row["pressure"]!.Value, 0);
    }

    [Fact]
    public void Chips_of_two_bytes_give_what_their_ready_maps_give()
    {
        _bus.Chips[0x48] = new WordChip().With(0, 0x1980);
        Assert.Equal(25.5, _bus.FirstRow("""{ "model": "Lm75" }""", Kind)["temperature"]!.Value, 9);
        _bus.Chips[0x40] = new WordChip().With(0x01, 0x07d0).With(0x02, 0x5d98);
        var row = _bus.FirstRow("""{ "model": "Ina219" }""", Kind);
        Assert.Equal((11.98, 0.02), (Math.Round(row["bus-voltage"]!.Value, 9), Math.Round(row["shunt-voltage"]!.Value, 9)));
        _bus.Chips[0x19] = new WordChip().With(0x05, 0xc194).With(0x06, 0x0054).With(0x07, 0x0400);
        Assert.Equal(25.25, _bus.FirstRow("""{ "model": "Mcp9808", "address": "0x19" }""", Kind)["temperature"]!.Value, 9);
    }

    [Fact]
    public void Nobody_there_and_another_chip_are_told_apart()
    {
        Assert.Equal(SensorFaultKind.Absent, _bus.Fails("""{ "model": "Bme280", "retries": 0 }""", Kind).Kind);
        _bus.Chips[0x76] = new ByteChip().With(0xd0, 0x58);
        var fault = _bus.Fails("""{ "model": "Bme280" }""", Kind);
        Assert.Equal(SensorFaultKind.Malformed, fault.Kind);
        Assert.Contains("Bme280", fault.Message, StringComparison.Ordinal);
        _bus.Always = I2cOutcome.TimedOut;
        Assert.Equal(SensorFaultKind.Timeout, _bus.Fails("""{ "model": "Lm75" }""", Kind).Kind);
        Assert.Equal(_bus.Opened, _bus.Closed);
    }

    [Fact]
    public void Every_model_takes_a_silent_bus_for_an_absent_chip()
    {
        foreach (var model in BindingModel.All)
        {
            var fault = _bus.Fails($$"""{ "model": "{{model.Name}}", "retries": 0 }""", Kind);
            Assert.True(fault.Kind is SensorFaultKind.Absent or SensorFaultKind.Malformed, $"{model.Name}: {fault}");
        }
    }

    [Fact]
    public void A_path_that_is_no_bus_or_not_there_is_said()
    {
        using var folder = new TempFolder();
        using var absent = new IotI2cBus("/dev/i2c-99");
        Assert.Equal(I2cOutcome.BusAbsent, absent.Transfer(0x48, [0], new byte[2]));
        folder.Write("i2c-1", "");
        using var other = new IotI2cBus(folder.File("i2c-1"));
        Assert.Equal(I2cOutcome.NotABus, other.Transfer(0x48, [0], new byte[2]));
    }
}
