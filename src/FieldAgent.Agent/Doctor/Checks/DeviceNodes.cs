namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>A device node that the configuration needs.</summary>
/// <param name="Place">Who needs it, as a technician names it.</param>
/// <param name="Path">Its path on the board.</param>
/// <param name="What">What kind of interface it is.</param>
internal sealed record DeviceNode(string Place, string Path, string What);

/// <summary>Which device nodes a configuration needs.</summary>
internal static class DeviceNodes
{
    /// <summary>The bus where a configuration names none.</summary>
    public const string DefaultI2cBus = "/dev/i2c-1";

    /// <summary>All nodes that are named.</summary>
    public static IEnumerable<DeviceNode> Of(DoctorView view)
    {
        foreach (var sensor in view.Sensors)
        {
            if (BusOf(sensor) is { } bus)
            {
                yield return new DeviceNode($"sensor {sensor.Name}", bus, "i2c");
            }

            if (sensor.Text("device") is { } device && device.StartsWith("/dev/", StringComparison.Ordinal))
            {
                yield return new DeviceNode($"sensor {sensor.Name}", device, sensor.Kind is "gnss" or "modbus" ? "serial" : sensor.Kind);
            }
        }

        if (view.Config?.KeyRoot is { } memory)
        {
            yield return new DeviceNode("state.keyRoot", view.Plain(memory.Bus), "i2c");
        }
    }

    /// <summary>The I2C bus that a sensor reads itself; null when it reads none.</summary>
    public static string? BusOf(SensorSection sensor) => sensor.Kind != "i2c" ? null : sensor.Text("bus") is { Length: > 0 } bus ? bus : DefaultI2cBus;

    /// <summary>True when a sensor uses lines of a GPIO chip itself.</summary>
    public static bool UsesGpio(SensorSection sensor) => sensor.Kind is "gpio" or "pulse-counter";
}
