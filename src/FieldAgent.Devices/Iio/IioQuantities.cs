namespace FieldAgent.Devices;

/// <summary>The kernel's IIO channel types with their units after scale and offset (Documentation/ABI/testing/sysfs-bus-iio),
/// and the UCUM base unit that this program gives them in.</summary>
internal static class IioQuantities
{
    private static readonly Dictionary<string, SysfsQuantity> ByType = new(StringComparer.Ordinal)
    {
        ["temp"] = new("temperature", "Cel", 1e-3),
        ["humidityrelative"] = new("humidity", "%", 1e-3),
        ["pressure"] = new("pressure", "Pa", 1e3),
        ["voltage"] = new("voltage", "V", 1e-3),
        ["altvoltage"] = new("altvoltage", "V", 1e-3),
        ["current"] = new("current", "A", 1e-3),
        ["power"] = new("power", "W", 1e-3),
        ["energy"] = new("energy", "J", 1),
        ["capacitance"] = new("capacitance", "F", 1e-9),
        ["resistance"] = new("resistance", "Ohm", 1),
        ["electricalconductivity"] = new("conductivity", "S/m", 1),
        ["accel"] = new("accel", "m/s2", 1),
        ["gravity"] = new("gravity", "m/s2", 1),
        ["anglvel"] = new("anglvel", "rad/s", 1),
        ["angl"] = new("angle", "rad", 1),
        ["deltaangl"] = new("deltaangle", "rad", 1),
        ["deltavelocity"] = new("deltavelocity", "m/s", 1),
        ["velocity"] = new("velocity", "m/s", 1),
        ["incli"] = new("inclination", "deg", 1),
        ["rot"] = new("rotation", "deg", 1),
        ["magn"] = new("magnetic", "T", 1e-4),
        ["distance"] = new("distance", "m", 1),
        ["illuminance"] = new("illuminance", "lx", 1),
        ["concentration"] = new("concentration", "%", 1),
        ["positionrelative"] = new("position", "%", 1e-3),
        ["ph"] = new("ph", "[pH]", 1),
    };

    /// <summary>The quantity of a channel such as <c>voltage0</c>; without unit when the type is not known or has none.</summary>
    public static SysfsQuantity Of(string channel)
    {
        var type = TypeOf(channel);
        return ByType.TryGetValue(type, out var quantity) ? quantity : new SysfsQuantity(type, "1", 1);
    }

    /// <summary>The type part of a channel: <c>voltage</c> of <c>voltage0-voltage1</c>.</summary>
    public static string TypeOf(string channel)
    {
        var end = 0;
        while (end < channel.Length && char.IsAsciiLetterLower(channel[end]))
        {
            end++;
        }

        return channel[..end];
    }
}
