using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Gpio;

/// <summary>A line that pulses: turbine flow meters, energy meters, anemometers, rain gauges.</summary>
public sealed class PulseCounterKind : ISensorKind
{
    internal static readonly Option<double> PulsesPerUnit = Opt.Number(
        "pulsesPerUnit", "K-factor: counted edges for one unit, from the meter's calibration sheet.", 1, 1e-9, 1e12);

    internal static readonly Option<string> Unit = Opt.Text("unit", "UCUM code of what is counted: L, kW.h, 1.", "1", lengthMax: 32);

    /// <inheritdoc/>
    public string Kind => "pulse-counter";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "A line that pulses (turbine flow meter, energy meter, rain gauge). Streams: frequency in Hz, rate in units a minute, total in units; "
        + "the total goes on after a restart.",
        GpioOptions.Chip, GpioOptions.Line, GpioOptions.ActiveLow, GpioOptions.Bias, GpioOptions.Debounce, GpioOptions.Edge, PulsesPerUnit, Unit,
        SensorOptions.Interval, SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup) => new PulseCounter(setup, DeviceStack.OpenGpio(setup.DevicePath("/dev")));
}
