using System.Buffers.Text;
using System.Globalization;
using FieldAgent.Core;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Devices;

/// <summary>Samples the board's own files. Sources: Documentation/driver-api/thermal/sysfs-api (millidegrees), the Raspberry Pi firmware's
/// <c>get_throttled</c> (a bit mask in hexadecimal), proc_meminfo(5) (kibibytes), statvfs(3), and /proc/net/wireless (level in dBm). A service that
/// sees nothing of /proc but processes gets meminfo from systemd as its standard input (StandardInput=file:); without either that stream is absent.</summary>
internal sealed class HealthSensor(SensorSetup setup) : PolledSensor(setup.Name, HealthKind.Field, setup.Options.Get(HealthKind.Every))
{
    /// <inheritdoc/>
    protected override IPolledDevice Open(ISensorHost host, CancellationToken stop) => new HealthDevice(setup, Name, IntervalNs);
}

/// <summary>The open files.</summary>
internal sealed class HealthDevice : IPolledDevice
{
    private const int Temperature = 0;
    private const int UnderVoltage = 1;
    private const int Throttled = 2;
    private const int MemoryFree = 3;
    private const int DiskFree = 4;
    private const int Signal = 5;

    // Bits of get_throttled: now, and at any time since the board started.
    private const uint UnderVoltageBits = 1u | (1u << 16);
    private const uint ThrottledBits = 0b1110u | (0b1110u << 16);

    private static ReadOnlySpan<byte> MemInfoStart => "MemTotal:"u8;

    private readonly SafeFileHandle? _temperature;
    private readonly SafeFileHandle? _throttled;
    private readonly SafeFileHandle? _memory;
    private readonly SafeFileHandle? _wireless;
    private readonly byte[] _interface;
    private readonly byte[] _text = new byte[DeviceLimits.ProcBytesMax];
    private readonly DriveInfo? _disk;

    public HealthDevice(SensorSetup setup, string name, long intervalNs)
    {
        Set = new StreamSet(
            name, HealthKind.Field,
            [
                new StreamInfo("cpu-temperature", "Cel", 0.001), new StreamInfo("under-voltage", "1", 1), new StreamInfo("throttled", "1", 1),
                new StreamInfo("memory-free", "By", 1024), new StreamInfo("disk-free", "By", 4096), new StreamInfo("wifi-signal", "dB[mW]", 1),
            ],
            intervalNs, importance: Importance.Low);
        _temperature = Open(setup, "/sys/class/thermal/thermal_zone0/temp");
        _throttled = Open(setup, "/sys/devices/platform/soc/soc:firmware/get_throttled");
        _memory = Open(setup, "/proc/meminfo") ?? OpenHanded(setup);
        _wireless = Open(setup, "/proc/self/net/wireless");
        _interface = System.Text.Encoding.ASCII.GetBytes(setup.Options.Get(HealthKind.WiFi));
        try
        {
            _disk = new DriveInfo(setup.DevicePath(setup.Options.Get(HealthKind.Disk)));
        }
        catch (ArgumentException)
        {
            // No such folder: no stream of it.
        }
    }

    /// <inheritdoc/>
    public StreamSet Set { get; }

    /// <inheritdoc/>
    public ulong Poll(Span<double> values)
    {
        var present = 0ul;
        if (Read(_temperature) is var text && Utf8Parser.TryParse(text, out long milli, out var used) && used > 0)
        {
            Put(values, ref present, Temperature, milli / 1000.0);
        }

        if (TryHex(Read(_throttled), out var flags))
        {
            Put(values, ref present, UnderVoltage, Level(flags, UnderVoltageBits));
            Put(values, ref present, Throttled, Level(flags, ThrottledBits));
        }

        if (TryMemory(Read(_memory), out var kibibytes))
        {
            Put(values, ref present, MemoryFree, kibibytes * 1024.0);
        }

        if (TryFree(out var bytes))
        {
            Put(values, ref present, DiskFree, bytes);
        }

        if (TrySignal(Read(_wireless), _interface, out var level))
        {
            Put(values, ref present, Signal, level);
        }

        return present;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _temperature?.Dispose();
        _throttled?.Dispose();
        _memory?.Dispose();
        _wireless?.Dispose();
    }

    // 0 never since the start, 1 before, 2 now.
    private static double Level(uint flags, uint bits) => (flags & bits & 0xFFFF) != 0 ? 2 : (flags & bits) != 0 ? 1 : 0;

    private static bool TryHex(ReadOnlySpan<byte> text, out uint flags)
    {
        text = text.TrimEnd("\n\0 "u8);
        text = text.StartsWith("0x"u8) ? text[2..] : text;
        return uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out flags);
    }

    private static bool TryMemory(ReadOnlySpan<byte> text, out long kibibytes)
    {
        kibibytes = 0;
        var at = text.IndexOf("MemAvailable:"u8);
        return at >= 0 && Utf8Parser.TryParse(text[(at + 13)..].TrimStart((byte)' '), out kibibytes, out var used) && used > 0;
    }

    // Two lines of headings, then: " wlan0: 0000   70.  -40.  -256        0 …": status, link, level, noise.
    private static bool TrySignal(ReadOnlySpan<byte> text, ReadOnlySpan<byte> wanted, out double level)
    {
        level = 0;
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range].TrimStart((byte)' ');
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || (wanted.Length > 0 && !line[..colon].SequenceEqual(wanted)))
            {
                continue;
            }

            var column = 0;
            foreach (var part in line[(colon + 1)..].Split((byte)' '))
            {
                var word = line[(colon + 1)..][part];
                if (word.IsEmpty || ++column < 3)
                {
                    continue;
                }

                // An access point that is not associated says 0 or −256.
                return Utf8Parser.TryParse(word.TrimEnd((byte)'.'), out level, out var used) && used > 0 && level is > -256 and < 0;
            }
        }

        return false;
    }

    private static void Put(Span<double> values, ref ulong present, int column, double value)
    {
        values[column] = value;
        present |= 1ul << column;
    }

    private static SafeFileHandle? Open(SensorSetup setup, string path)
    {
        if (SysfsNative.Open(setup.DevicePath(path), out var handle) == 0)
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    // A file that is handed down was opened before the service was shut in: only its own descriptor still leads there.
    private static SafeFileHandle? OpenHanded(SensorSetup setup)
    {
        var handle = setup.Root is "/" or "" ? new SafeFileHandle(0, ownsHandle: false) : null;
        Span<byte> start = stackalloc byte[MemInfoStart.Length];
        return handle is not null && SysfsNative.Read(handle, start) == start.Length && start.SequenceEqual(MemInfoStart) ? handle : null;
    }

    private ReadOnlySpan<byte> Read(SafeFileHandle? file) =>
        file is null ? default : _text.AsSpan(0, Math.Max(0, SysfsNative.Read(file, _text)));

    private bool TryFree(out double bytes)
    {
        bytes = 0;
        try
        {
            bytes = _disk?.AvailableFreeSpace ?? 0;
            return _disk is not null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
