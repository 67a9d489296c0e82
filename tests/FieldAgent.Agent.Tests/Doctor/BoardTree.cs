using System.Globalization;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Doctor;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Tests;

/// <summary>A board as files: a healthy Raspberry Pi 4 with a BME280 on its bus, until the test breaks something.</summary>
internal sealed class BoardTree : IDisposable
{
    public const string Climate = """{ "name": "climate", "kind": "iio", "device": "bme280" }""";
    public const string Bus = "/dev/i2c-1";

    private readonly TempFolder _folder = new();
    private readonly uint _group;

    public BoardTree()
    {
        Write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
        Write("proc/sys/kernel/osrelease", "6.6.31+rpt-rpi-v8\n");
        Write("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n");
        Write("sys/class/rtc/rtc0/name", "rtc-ds1307 1-0068\n");
        Write("sys/class/hwmon/hwmon0/name", "rpi_volt\n");
        Write("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "0\n");
        Write("sys/bus/iio/devices/iio:device0/name", "bme280\n");
        Write("sys/bus/i2c/devices/1-0076/name", "bme280\n");
        Directory.CreateDirectory(At("sys/bus/i2c/devices/1-0076/driver"));
        _group = NodeAccess.Of(Node("dev/i2c-1"))!.Value.Group;
        Node("dev/gpiochip0");
        Groups("i2c");
        Chips = new I2cChips();
        Gpio = [Line(17), Line(27)];
    }

    public I2cChips Chips { get; }

    /// <summary>Answers of the broker.</summary>
    public FakeBroker Broker { get; } = new();

    public List<GpioLineInUse> InUse { get; } = [];

    public ClockQuality Clock { get; set; } = ClockQuality.Ntp;

    public DiskFound? Disk { get; set; } = new DiskFound(20L << 30, 29L << 30);

    public ControlReply Agent { get; set; } = ControlReply.No("nobody") with { NobodyThere = true };

    public ILinkFactory? Links { get; set; }

    public string Root => At("");

    public string State => _folder.File("state");

    public string ConfigFile => _folder.File("config.json");

    private List<string> Gpio { get; }

    public string At(string path) => _folder.File(Path.Join("root", path));

    public string Write(string path, string text) => _folder.Write(Path.Join("root", path), text);

    public string WriteProgram(string path, string text) => _folder.WriteProgram(Path.Join("root", path), text);

    /// <summary>A device node that its group may use.</summary>
    public string Node(string path)
    {
        var full = Write(path, "");
        File.SetUnixFileMode(full, (UnixFileMode)0b110_110_000);
        return full;
    }

    /// <summary>Makes the group of the nodes, with or without the agent's user in it.</summary>
    public void Groups(string name, bool withAgent = true)
    {
        Write("etc/passwd", "root:x:0:0::/root:/bin/sh\nfieldagent:x:4990:4990::/var/lib/fieldagent:/usr/sbin/nologin\n");
        Write("etc/group", string.Create(CultureInfo.InvariantCulture, $"{name}:x:{_group}:{(withAgent ? "fieldagent" : "")}\nfieldagent:x:4990:\n"));
    }

    public void Gone(string path)
    {
        if (File.Exists(At(path)))
        {
            File.Delete(At(path));
        }
        else
        {
            Directory.Delete(At(path), recursive: true);
        }
    }

    /// <summary>Looks.</summary>
    public DoctorReport Look(string sensors = Climate, string url = "mqtt://127.0.0.1:1883", string more = "", string recipient = "")
    {
        Configure(sensors, url, more, recipient);
        return Look(out _, out _);
    }

    public void Configure(string sensors = Climate, string url = "mqtt://127.0.0.1:1883", string more = "", string recipient = "") =>
        _folder.Write("config.json", $$"""
            {
              "board": "bench", "devicesRoot": "{{Root}}", "runtimeDirectory": "{{_folder.File("run")}}",
              "state": { "directory": "{{State}}", "freeBytesMin": "64MiB" {{(more.Contains("keyRoot", StringComparison.Ordinal) ? "," + more : "")}} },
              "recipients": [ { "name": "vendor", "url": "{{url}}" {{recipient}} } ],
              "sensors": [ {{sensors}} ] {{(more.Length > 0 && !more.Contains("keyRoot", StringComparison.Ordinal) ? "," + more : "")}}
            }
            """);

    public DoctorReport Look(out DoctorView view, out ConfigNode node, string? file = null, ConfigOverrides? overrides = null)
    {
        var errors = new ConfigErrors();
        var config = ConfigLoader.Load(file ?? ConfigFile, overrides ?? new ConfigOverrides(), errors);
        Assert.True(config is not null, string.Join('\n', errors.All));
        node = ConfigNode.Parse(File.ReadAllBytes(file ?? ConfigFile), errors)!;
        view = new DoctorView(config! with { DevicesRoot = Root }, node, new DoctorPorts
        {
            Clock = new TestClock(Clock), I2c = Chips.Transfer, Links = Links ?? Broker, Disk = _ => Disk, Ask = (_, _) => Agent,
            Gpio = dev => [new GpioChipFound(Path.Join(dev, "gpiochip0"), "gpiochip0", "pinctrl-bcm2711", [.. Enumerable.Range(0, 28).Select(Line)], InUse)],
        });
        return Examination.Run(view, []);
    }

    public void Dispose() => _folder.Dispose();

    private static string Line(int n) => string.Create(CultureInfo.InvariantCulture, $"GPIO{n}");

    private sealed class TestClock(ClockQuality quality) : IClock
    {
        private readonly LinuxClock _clock = new();

        public Guid BootId => _clock.BootId;

        public long BootNs => _clock.BootNs;

        public ClockQuality Quality => quality;

        public long WallOffsetNs => _clock.WallOffsetNs;

        public void Offer(ClockQuality source, long unixNs, long bootNs)
        {
        }

        public bool WaitUntil(long bootNs, CancellationToken stop) => _clock.WaitUntil(bootNs, stop);
    }
}

/// <summary>Chips on a bus, by address and by what is written before reading.</summary>
internal sealed class I2cChips
{
    private readonly Dictionary<byte, Dictionary<string, byte[]>> _chips = [];

    public List<byte> Asked { get; } = [];

    /// <summary>A chip that gives <paramref name="answer"/> after <paramref name="written"/>, and zeros after anything else.</summary>
    public I2cChips Add(byte address, byte[] written, params byte[] answer)
    {
        if (!_chips.TryGetValue(address, out var registers))
        {
            _chips[address] = registers = [];
        }

        registers[Convert.ToHexString(written)] = answer;
        return this;
    }

    public bool Transfer(string bus, byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        Asked.Add(address);
        if (!bus.EndsWith(BoardTree.Bus, StringComparison.Ordinal) || !_chips.TryGetValue(address, out var registers))
        {
            return false;
        }

        read.Clear();
        if (registers.TryGetValue(Convert.ToHexString(write), out var answer))
        {
            answer.AsSpan(0, Math.Min(answer.Length, read.Length)).CopyTo(read);
        }

        return true;
    }
}
