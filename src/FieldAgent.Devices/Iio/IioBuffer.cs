using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>A chip's buffer, set up and running. Disposing switches it off.</summary>
/// <remarks>Source: Documentation/ABI/testing/sysfs-bus-iio, Documentation/driver-api/iio/buffers.rst, triggered-buffers.rst.</remarks>
internal sealed class IioBuffer : IDisposable
{
    private const string ClassFolder = "/sys/bus/iio/devices";
    private const string Timestamp = "timestamp";
    private const int LengthMin = 1024;
    private const int LengthMax = 1 << 17;

    private readonly string _enable;

    private IioBuffer(FileDescriptor descriptor, string device, string enable)
    {
        Descriptor = descriptor;
        Device = device;
        _enable = enable;
    }

    /// <summary>The device node, open.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Its path.</summary>
    public string Device { get; }

    /// <summary>The channels of a scan.</summary>
    public IReadOnlyList<(SysfsChannelPlan Plan, BitField Field)> Channels { get; private set; } = [];

    /// <summary>Where the time stamp is; null without one.</summary>
    public BitField? TimeStamp { get; private set; }

    /// <summary>Which clock stamps.</summary>
    public int KernelClock { get; private set; } = ClockNative.ClockRealtime;

    /// <summary>Bytes of a scan.</summary>
    public int ScanBytes { get; private set; }

    /// <summary>Samples a second; 0 when nobody says.</summary>
    public double Rate { get; private set; }

    /// <summary>Sets the buffer up and starts it.</summary>
    /// <exception cref="SensorFault">Chip, channel or trigger is not there; another program captures; access is refused.</exception>
    public static IioBuffer Start(SensorSetup setup)
    {
        var options = setup.Options;
        var devices = setup.DevicePath(ClassFolder);
        var folder = SysfsFolder.Find(
            devices, "iio:device", options.Get(SysfsOptions.Device), options.Get(SysfsOptions.Label), (int)options.Get(SysfsOptions.Index));
        var node = setup.DevicePath($"/dev/{Path.GetFileName(folder)}");
        var descriptor = Open(node);
        var buffer = new IioBuffer(descriptor, node, Path.Join(folder, "buffer", "enable"));
        try
        {
            // Nobody else holds the node: what is switched on was left so by a program that ended early.
            Set(buffer._enable, "0");
            buffer.ChooseChannels(folder, options.Get(SysfsOptions.Channels));
            buffer.ChooseClock(folder);
            var section = options.Get(IioBufferOptions.Buffer)!;
            buffer.ChooseTrigger(devices, folder, section);
            buffer.ChooseLength(folder, section);
            Set(buffer._enable, "1", "The chip cannot capture like this: name a 'trigger', or fewer channels.");
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = SysfsFile.Write(_enable, "0");
        Descriptor.Dispose();
    }

    private static FileDescriptor Open(string node)
    {
        try
        {
            return FileDescriptor.OpenRead(node);
        }
        catch (SensorFault fault) when (fault.Kind == SensorFaultKind.Busy)
        {
            throw new SensorFault(SensorFaultKind.Busy, node, "Another program captures from this chip: stop it (iiod, iio_readdev).", fault);
        }
        catch (SensorFault fault) when (fault.Kind == SensorFaultKind.Refused)
        {
            throw new SensorFault(SensorFaultKind.Refused, node, "Access is denied: add the agent's user to the group of the node, or a udev rule.", fault);
        }
    }

    private void ChooseChannels(string folder, IReadOnlyList<ConfigSection> configured)
    {
        var scan = Path.Join(folder, "scan_elements");
        var files = SysfsFolder.Entries(folder).ToHashSet(StringComparer.Ordinal);
        var elements = SysfsFolder.Entries(scan)
            .Where(static e => e.StartsWith("in_", StringComparison.Ordinal) && e.EndsWith("_en", StringComparison.Ordinal))
            .Select(static e => e[3..^3]).OrderBy(channel => IndexOf(scan, channel)).ToList();
        foreach (var channel in configured.Select(static c => c.Get(SysfsOptions.Channel)).Where(c => !elements.Contains(c, StringComparer.Ordinal)))
        {
            throw new SensorFault(SensorFaultKind.Malformed, scan,
                $"The buffer has no channel '{channel}'; it has: {string.Join(", ", elements.Where(static e => e != Timestamp).Take(16))}. Correct 'channels'.");
        }

        var formats = new List<ScanFormat>();
        var enabled = new List<(string Channel, ConfigSection? Section)>();
        foreach (var channel in elements)
        {
            var section = configured.FirstOrDefault(c => c.Get(SysfsOptions.Channel) == channel);
            var wanted = channel == Timestamp || configured.Count == 0 || section is not null;
            Set(Path.Join(scan, $"in_{channel}_en"), wanted ? "1" : "0");
            if (wanted)
            {
                formats.Add(FormatOf(scan, channel));
                enabled.Add((channel, section));
            }
        }

        var layout = new ScanLayout(formats);
        var channels = new List<(SysfsChannelPlan, BitField)>();
        for (var i = 0; i < enabled.Count; i++)
        {
            var (channel, section) = enabled[i];
            var format = formats[i];
            if (channel == Timestamp)
            {
                TimeStamp = format.Field(layout.Offsets[i], 0);
                continue;
            }

            var plan = IioChannels.RawPlan(folder, files, channel, Path.Join(scan, $"in_{channel}_type"));
            plan = section is null ? plan : SysfsOptions.Apply(section, plan);
            for (var nth = 0; nth < format.Repeat; nth++)
            {
                var name = format.Repeat == 1 ? plan.Name : string.Create(CultureInfo.InvariantCulture, $"{plan.Name}-{nth}");
                channels.Add((plan with { Name = name }, format.Field(layout.Offsets[i], nth)));
            }
        }

        if (channels.Count is 0 or > StreamSet.StreamsMax)
        {
            throw new SensorFault(SensorFaultKind.Malformed, scan, $"A scan has {channels.Count} values; 1 to {StreamSet.StreamsMax} are possible. Correct 'channels'.");
        }

        Channels = channels;
        ScanBytes = layout.ScanBytes;
    }

    private void ChooseClock(string folder)
    {
        var file = Path.Join(folder, "current_timestamp_clock");
        KernelClock = SysfsFile.Write(file, "boottime") == 0 ? ClockNative.ClockBoottime : SysfsFile.ReadText(file) switch
        {
            "boottime" => ClockNative.ClockBoottime,
            "monotonic" => ClockNative.ClockMonotonic,
            _ => ClockNative.ClockRealtime,
        };
    }

    private void ChooseTrigger(string devices, string folder, ConfigSection section)
    {
        var frequency = Path.Join(folder, "sampling_frequency");
        if (section.Has(IioBufferOptions.Trigger))
        {
            var name = section.Get(IioBufferOptions.Trigger);
            var triggers = SysfsFolder.Entries(devices).Where(static e => e.StartsWith("trigger", StringComparison.Ordinal))
                .Select(e => (Folder: Path.Join(devices, e), Name: SysfsFile.ReadText(Path.Join(devices, e, "name")))).ToList();
            var trigger = triggers.Find(t => t.Name == name).Folder;
            if (trigger is null)
            {
                var have = triggers.Count == 0 ? "there is none" : "there are: " + string.Join(", ", triggers.Select(static t => t.Name).Take(12));
                throw new SensorFault(SensorFaultKind.Absent, devices,
                    $"No trigger named '{name}' ({have}). A timer's is made with mkdir /sys/kernel/config/iio/triggers/hrtimer/{name}.");
            }

            Set(Path.Join(folder, "trigger", "current_trigger"), name, $"The chip does not take the trigger '{name}': correct 'trigger'.");
            if (File.Exists(Path.Join(trigger, "sampling_frequency")))
            {
                frequency = Path.Join(trigger, "sampling_frequency");
            }
        }

        if (section.Has(IioBufferOptions.Rate))
        {
            var rate = section.Get(IioBufferOptions.Rate);
            Set(frequency, rate.ToString("0.######", CultureInfo.InvariantCulture), "The rate cannot be set to that: see sampling_frequency_available beside it.");
        }

        Rate = SysfsFile.ReadNumber(frequency) ?? section.Get(IioBufferOptions.Rate);
    }

    private void ChooseLength(string folder, ConfigSection section)
    {
        var length = section.Has(IioBufferOptions.Length)
            ? section.Get(IioBufferOptions.Length)
            : (long)Math.Clamp(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(2 * Rate, LengthMax)), LengthMin, LengthMax);
        var watermark = section.Has(IioBufferOptions.Watermark) ? section.Get(IioBufferOptions.Watermark) : (long)Math.Max(1, Rate / 20);
        SetWhereThere(Path.Join(folder, "buffer", "length"), length, "The kernel's buffer cannot be that long: correct 'length'.");
        SetWhereThere(Path.Join(folder, "buffer", "watermark"), Math.Min(watermark, length), "Correct 'watermark': it must not exceed 'length'.");
    }

    private static double IndexOf(string scan, string channel) => SysfsFile.ReadNumber(Path.Join(scan, $"in_{channel}_index")) ?? double.MaxValue;

    private static ScanFormat FormatOf(string scan, string channel)
    {
        var path = Path.Join(scan, $"in_{channel}_type");
        var text = SysfsFile.ReadText(path) ?? "";
        return ScanFormat.TryParse(text, out var format) && (channel != Timestamp || format is { StorageBits: 64, Repeat: 1 })
            ? format
            : throw new SensorFault(SensorFaultKind.Malformed, path, $"Its format '{text}' is not known: leave the channel out of 'channels'.");
    }

    private static void SetWhereThere(string path, long value, string remedy)
    {
        if (File.Exists(path))
        {
            Set(path, value.ToString(CultureInfo.InvariantCulture), remedy);
        }
    }

    private static void Set(string path, string text, string? remedy = null)
    {
        var errno = SysfsFile.Write(path, text);
        switch (errno)
        {
            case 0:
                return;
            case Libc.EINVAL when remedy is not null:
                throw new SensorFault(SensorFaultKind.Malformed, path, remedy);
            case Libc.EACCES or Libc.EPERM:
                throw new SensorFault(SensorFaultKind.Refused, path, "The agent's user may not write it: give it to the user's group with a udev rule.");
            case Libc.EBUSY:
                throw new SensorFault(SensorFaultKind.Busy, path, "Another program captures from this chip, or another sensor here: stop it.");
            default:
                throw SysfsFault.Of(errno, path);
        }
    }
}
