using FieldAgent.Agent.Status;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the kernel offers what the sensors are read through.</summary>
internal sealed class InterfaceCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "kernel";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        yield return Finding.Ok("kernel.interfaces", "kernel", string.Join(", ",
            Plural.Of(I2cSurvey.Buses(view.Dev).Count, "I2C bus", "I2C buses"), Plural.Of(Nodes(view, "gpiochip*"), "GPIO chip", "GPIO chips"),
            Plural.Of(view.Chips.Count(static c => c.Interface == "iio"), "IIO chip", "IIO chips"),
            Plural.Of(view.Chips.Count(static c => c.Interface == "hwmon"), "hwmon chip", "hwmon chips"), Plural.Of(Nodes(view, "video*"), "video node", "video nodes")));
        foreach (var sensor in view.Sensors.Where(static s => s.Kind is "iio" or "hwmon"))
        {
            var device = sensor.Text("device");
            if (!view.Chips.Any(chip => chip.Interface == sensor.Kind && chip.Name == device))
            {
                yield return Finding.Fail("kernel.no-chip", $"sensor {sensor.Name}", $"there is no {sensor.Kind} chip called '{device}'",
                    $"{view.Enable(device)}; then check the wiring");
            }
        }

        foreach (var node in DeviceNodes.Of(view).Where(node => !Exists(view.At(node.Path))).DistinctBy(static node => node.Path))
        {
            yield return Finding.Fail("kernel.no-node", node.Place, $"there is no {DeviceName.Of(node.Path)}", node.What switch
            {
                "i2c" => $"{view.Enable("i2c")}, and load i2c-dev (echo i2c-dev > /etc/modules-load.d/i2c.conf)",
                "serial" => $"plug the device in, or {view.Enable("serial")}",
                _ => "plug the device in, or correct the path",
            });
        }

        var gpio = view.Sensors.FirstOrDefault(DeviceNodes.UsesGpio);
        if ((gpio is not null || view.Roles.Members.Count > 0) && Nodes(view, "gpiochip*") == 0)
        {
            yield return Finding.Fail("kernel.no-gpio", gpio is null ? "roles" : $"sensor {gpio.Name}", "there is no /dev/gpiochip*",
                "use a kernel with CONFIG_GPIO_CDEV (Linux 5.10 or newer) and the board's pin controller driver");
        }
    }

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    private static int Nodes(DoctorView view, string pattern) =>
        Directory.Exists(view.Dev) ? Directory.EnumerateFileSystemEntries(view.Dev, pattern).Count() : 0;
}
