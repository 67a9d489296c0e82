using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices;

/// <summary>A GPIO line for people at the board: a switch, a button, a contact, a lamp. Nothing is opened.</summary>
public sealed class RoleLine
{
    private RoleLine(string role, string chip, GpioLine gpio)
    {
        Role = role;
        Chip = chip;
        Gpio = gpio;
    }

    /// <summary>Options of a line that is read.</summary>
    public static IReadOnlyList<Option> InputOptions { get; } =
        [GpioOptions.Chip, GpioOptions.Line, GpioOptions.ActiveLow, GpioOptions.Bias, GpioOptions.ContactDebounce];

    /// <summary>Options of a line that is driven.</summary>
    public static IReadOnlyList<Option> OutputOptions { get; } = [GpioOptions.Chip, GpioOptions.Line, GpioOptions.ActiveLow, GpioOptions.Drive];

    /// <summary>What it is for: <c>consentSwitch</c>.</summary>
    public string Role { get; }

    /// <summary>Label, name or path of its chip; empty where the line's name says enough.</summary>
    public string Chip { get; }

    /// <summary>Its name, or its number on the chip.</summary>
    public string Line => Gpio.Line;

    /// <summary>The line that it takes.</summary>
    public BoardLine Taken => new(Chip, Line);

    internal GpioLine Gpio { get; }

    /// <summary>The line that a section with <see cref="InputOptions"/> or <see cref="OutputOptions"/> names.</summary>
    public static RoleLine Read(string role, ConfigSection section) =>
        new(role, section.Get(GpioOptions.Chip), section.ReadLine(GpioOptions.ContactDebounce));

    /// <summary>The same fault, with the role in its place.</summary>
    internal SensorFault Named(SensorFault fault, string remedy = "") =>
        new(fault.Kind, $"roles.{Role} ({fault.Place})", remedy.Length > 0 ? $"{remedy} {fault.Remedy}" : fault.Remedy, fault);
}

/// <summary>A role's line as <c>status</c> shows it.</summary>
/// <param name="Role">What it is for.</param>
/// <param name="Line">Its name in the configuration.</param>
/// <param name="State">Running: it is read or driven. Anything else is a fault that is tried again, or the agent does not hold it yet.</param>
/// <param name="IsActive">Whether it is active; null when that is not known.</param>
/// <param name="Detail">Place and remedy of a fault; empty without one.</param>
public sealed record RoleStatus(string Role, string Line, SensorState State, bool? IsActive, string Detail);
