using System.Globalization;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Which chips answer on the I2C buses, and whether they are the ones that the configuration and the kernel expect.</summary>
internal sealed class I2cCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "i2c";

    private sealed record Expected(string Place, string Bus, byte Address, string Chip);

    private sealed record Known(string Chip, bool HasDriver);

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        var expected = ExpectedAt(view).ToList();
        foreach (var bus in I2cSurvey.Buses(view.Dev))
        {
            var name = view.Plain(bus);
            if (!MayOpen(bus))
            {
                yield return Finding.Warn("i2c.unseen", name, "it cannot be looked at", "run the doctor as root");
                continue;
            }

            var known = KnownTo(view, bus);
            var here = expected.Where(one => one.Bus == name).ToList();
            var leave = known.Where(static k => k.Value.HasDriver).Select(static k => k.Key).ToList();
            if (view.Status is not null)
            {
                // The agent may be between its command and its answer.
                leave.AddRange(here.Where(static one => I2cSurvey.IsSame(one.Chip, "sht3x")).Select(static one => one.Address));
            }

            var answers = I2cSurvey.Scan(bus, view.Ports.I2c, [.. here.Select(static one => one.Address), .. known.Keys], leave);
            foreach (var finding in answers.Select(answer => Judge(view, answer, name, here, known)).Concat(Silent(view, name, here, known, answers, leave)))
            {
                if (finding is not null)
                {
                    yield return finding;
                }
            }
        }
    }

    private static Finding? Judge(DoctorView view, I2cAnswer answer, string bus, List<Expected> expected, Dictionary<byte, Known> known)
    {
        var place = $"{bus} {Hex(answer.Address)}";
        var found = string.Join(" or ", answer.Chips.Select(An));
        if (expected.Find(one => one.Address == answer.Address) is { } wanted)
        {
            return answer.Chips.Count == 0
                ? I2cSurvey.IsKnown(wanted.Chip) && !HidesItsId(wanted.Chip)
                    ? Finding.Fail("i2c.wrong-chip", place, $"{Hex(answer.Address)} answers, and not as the {Title(wanted.Chip)} that the configuration says",
                        "fit the chip that the configuration names, or correct it")
                    : Finding.Ok("i2c.chip", place, $"answers; the configuration says {Title(wanted.Chip)}")
                : answer.Chips.Any(chip => I2cSurvey.IsSame(chip, wanted.Chip))
                    ? Finding.Ok("i2c.chip", place, $"{An(wanted.Chip)}, as the configuration says ({wanted.Place})")
                    : WrongChip(place, answer, found, wanted.Chip, wanted.Place);
        }

        if (answer.Chips.Count == 0)
        {
            return null;
        }

        if (known.TryGetValue(answer.Address, out var told) && !answer.Chips.Any(chip => I2cSurvey.IsSame(chip, told.Chip)))
        {
            return Finding.Fail("i2c.wrong-driver", place, $"{Hex(answer.Address)} answers as {found}; the kernel was told {Title(told.Chip)}", view.Enable(answer.Chips[0]));
        }

        foreach (var sensor in view.Sensors.Where(sensor => sensor.Kind is "iio" or "hwmon"
            && !view.Chips.Any(chip => chip.Interface == sensor.Kind && chip.Name == sensor.Text("device"))))
        {
            var chip = sensor.Text("device");
            if (answer.Chips.Any(one => I2cSurvey.IsSame(one, chip)))
            {
                return Finding.Fail("i2c.no-driver", place, $"{Hex(answer.Address)} answers as {found}, and no driver reads it (sensor {sensor.Name})", view.Enable(chip));
            }

            if (I2cSurvey.AddressesOf(chip).Contains(answer.Address))
            {
                return WrongChip(place, answer, found, chip, $"sensor {sensor.Name}");
            }
        }

        return Finding.Warn("i2c.unused", place, $"{Hex(answer.Address)} answers as {found}, and nothing is configured for it",
            "add a sensor for it to the configuration, or leave it");
    }

    private static Finding WrongChip(string place, I2cAnswer answer, string found, string chip, string who) => Finding.Fail(
        "i2c.wrong-chip", place, $"{Hex(answer.Address)} answers as {found}; the configuration says {Title(chip)} ({who})",
        "correct the configuration, or fit the chip that it names");

    private static IEnumerable<Finding> Silent(
        DoctorView view, string bus, List<Expected> expected, Dictionary<byte, Known> known, IReadOnlyList<I2cAnswer> answers, List<byte> left)
    {
        foreach (var one in expected)
        {
            if (known.TryGetValue(one.Address, out var driver) && driver.HasDriver)
            {
                yield return Finding.Warn("i2c.taken", $"{bus} {Hex(one.Address)}", $"a kernel driver ({driver.Chip}) has the chip that {one.Place} reads as well",
                    $"use kind iio or hwmon for it, or take its overlay line out of {view.Board?.BootFile ?? "the device tree"}");
            }
            else if (!left.Contains(one.Address) && answers.All(answer => answer.Address != one.Address))
            {
                yield return Finding.Fail("i2c.silent", $"{bus} {Hex(one.Address)}", $"nobody answers at {Hex(one.Address)}; the configuration says {Title(one.Chip)} ({one.Place})",
                    "check power, SDA, SCL, ground, and the address straps");
            }
        }
    }

    private static IEnumerable<Expected> ExpectedAt(DoctorView view)
    {
        foreach (var sensor in view.Sensors)
        {
            if (DeviceNodes.BusOf(sensor) is { } bus && AddressOf(sensor) is { } address)
            {
                yield return new Expected($"sensor {sensor.Name}", bus, address, sensor.Text("map"));
            }
        }

        if (view.Config?.KeyRoot is { } memory)
        {
            yield return new Expected("state.keyRoot", view.Plain(memory.Bus), (byte)memory.Address, memory.Kind);
        }
    }

    // /sys/bus/i2c/devices/1-0076: what the device tree says is there, and whether a driver took it.
    private static Dictionary<byte, Known> KnownTo(DoctorView view, string bus)
    {
        var known = new Dictionary<byte, Known>();
        var folder = Path.Join(view.Root, "sys/bus/i2c/devices");
        var prefix = Path.GetFileName(bus)["i2c-".Length..] + "-";
        if (Directory.Exists(folder))
        {
            foreach (var device in Directory.EnumerateFileSystemEntries(folder, prefix + "*"))
            {
                if (byte.TryParse(Path.GetFileName(device).AsSpan(prefix.Length).TrimStart('0'), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var address)
                    && SysfsSurvey.Text(Path.Join(device, "name")) is { } name)
                {
                    known[address] = new Known(name, Directory.Exists(Path.Join(device, "driver")));
                }
            }
        }

        return known;
    }

    // Set up, they cannot be told from something else.
    private static bool HidesItsId(string chip) => I2cSurvey.IsSame(chip, "ina219") || I2cSurvey.IsSame(chip, "ds3231") || chip == "ds1307";

    private static byte? AddressOf(SensorSection sensor)
    {
        var text = sensor.Text("address");
        if (text.Length == 0)
        {
            return I2cSurvey.UsualAddress(sensor.Text("map")) is >= 0 and var usual ? (byte)usual : null;
        }

        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? byte.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) ? code : null
            : byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static bool MayOpen(string path)
    {
        try
        {
            File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Title(string chip) => chip is "custom" or "" ? "chip of its own" : chip.ToUpperInvariant();

    // An MCP9808, a BME280: by the sound of the first letter's name.
    private static string An(string chip) => $"{("AEFHILMNORSX".Contains(Title(chip)[0], StringComparison.Ordinal) ? "an" : "a")} {Title(chip)}";

    private static string Hex(byte address) => FormattableString.Invariant($"0x{address:x2}");
}
