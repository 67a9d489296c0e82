using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>The board's health: <c>diagnostics.health</c>, off until granted.</summary>
public sealed class HealthKind : ISensorKind
{
    /// <summary>The field of the readings.</summary>
    public const string Field = "diagnostics.health";

    internal static readonly Option<TimeSpan> Every = Opt.Duration(
        "interval", "Time between two samplings.", TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1), SensorOptions.IntervalMax);

    internal static readonly Option<string> Disk = Opt.Text("disk", "A folder on the disk whose free space is watched.", "/");

    internal static readonly Option<string> WiFi = Opt.Text("wifi", "Network interface whose signal is watched; the first one when not given.", "");

    /// <inheritdoc/>
    public string Kind => "health";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "The board's health: processor temperature, throttling and under-voltage (Raspberry Pi), free memory and disk, Wi-Fi signal. "
        + "What the board does not have is absent.",
        Every, Disk, WiFi);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup) => new HealthSensor(setup);
}
