using FieldAgent.Agent.Control;
using FieldAgent.Agent.Doctor;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Tests;

/// <summary>Each fault by itself on an otherwise healthy board: it is named, with its remedy, and nothing else fails.</summary>
public sealed class DoctorTests
{
    private const string OwnBme280 = """{ "name": "climate", "kind": "i2c", "map": "bme280" }""";

    [Fact]
    public void A_healthy_board_is_found_healthy()
    {
        using var board = new BoardTree();
        var report = board.Look(BoardTree.Climate + """, { "name": "flow", "kind": "pulse-counter", "line": "GPIO17" }""");
        Assert.True(report.Healthy, Print(report));
        Assert.Equal("Raspberry Pi 4 Model B Rev 1.4", report.Model);
        foreach (var id in new[] { "board.model", "power.supply", "kernel.interfaces", "access.user", "clock.source", "disk.free", "store.whole", "broker.reached" })
        {
            Assert.Contains(report.Findings, f => f.Id == id && f.Result == Verdict.Ok);
        }

        // A chip that a kernel driver has is left alone.
        Assert.DoesNotContain((byte)0x76, board.Chips.Asked);
        Assert.All(report.Findings, static f => Assert.True(f.Result == Verdict.Ok || f.Remedy.Length > 0, f.Id));
    }

    [Fact]
    [Promise("R52")]
    public void What_happens_after_a_reboot_is_told_where_the_service_is_installed()
    {
        using var board = new BoardTree();
        Assert.DoesNotContain(board.Look().Findings, static f => f.Id == "privacy.autostart");
        board.Write("etc/systemd/system/fieldagent-autostart.service", "[Unit]\n");
        var finding = Assert.Single(board.Look().Findings, static f => f.Id == "privacy.autostart");
        Assert.Equal((Verdict.Warn, "after a reboot"), (finding.Result, finding.Place));
        Assert.Contains("consent grant autostart", finding.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_chip_at_an_address_is_named()
    {
        using var board = new BoardTree();
        board.Gone("sys/bus/i2c/devices/1-0076");
        board.Chips.Add(0x76, [0xD0], 0x58);
        var finding = Only(board.Look(OwnBme280), "i2c.wrong-chip");
        Assert.Equal("/dev/i2c-1 0x76", finding.Place);
        Assert.StartsWith("0x76 answers as a BMP280; the configuration says BME280", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chip_of_another_name_than_the_kernel_was_told_is_named_with_its_overlay_line()
    {
        using var board = new BoardTree();
        board.Gone("sys/bus/i2c/devices/1-0076/driver");
        board.Write("sys/bus/i2c/devices/1-0076/name", "bmp280\n");
        board.Gone("sys/bus/iio/devices/iio:device0");
        board.Chips.Add(0x76, [0xD0], 0x60);
        var report = board.Look();
        Assert.Contains("dtoverlay=i2c-sensor,bme280,addr=0x76", Has(report, "kernel.no-chip").Remedy, StringComparison.Ordinal);
        var finding = Has(report, "i2c.wrong-driver");
        Assert.Equal("0x76 answers as a BME280; the kernel was told BMP280", finding.Text);
        Assert.Contains("/boot/firmware/config.txt", finding.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sensor_for_a_chip_of_the_same_family_is_told_what_is_there()
    {
        using var board = new BoardTree();
        board.Gone("sys/bus/i2c/devices/1-0076");
        board.Gone("sys/bus/iio/devices/iio:device0");
        board.Chips.Add(0x76, [0xD0], 0x60);
        var finding = Has(board.Look("""{ "name": "air", "kind": "iio", "device": "bmp280" }"""), "i2c.wrong-chip");
        Assert.StartsWith("0x76 answers as a BME280; the configuration says BMP280", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silent_address_is_named()
    {
        using var board = new BoardTree();
        board.Gone("sys/bus/i2c/devices/1-0076");
        Assert.Contains("nobody answers at 0x76", Only(board.Look(OwnBme280), "i2c.silent").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chip_that_nothing_is_configured_for_is_a_warning()
    {
        using var board = new BoardTree();
        board.Chips.Add(0x18, [6], 0x00, 0x54).Add(0x18, [7], 0x04, 0x00);
        var report = board.Look();
        Assert.True(report.Healthy, Print(report));
        Assert.Contains("MCP9808", Has(report, "i2c.unused").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_group_is_named_with_the_command()
    {
        using var board = new BoardTree();
        board.Gone("sys/bus/i2c/devices/1-0076");
        board.Chips.Add(0x76, [0xD0], 0x60);
        board.Groups("i2c", withAgent: false);
        var finding = Only(board.Look(OwnBme280), "access.group");
        Assert.Contains("not in the group i2c", finding.Text, StringComparison.Ordinal);
        Assert.StartsWith("usermod -aG i2c fieldagent", finding.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_for_root_alone_needs_the_rules()
    {
        using var board = new BoardTree();
        board.Gone("sys/bus/i2c/devices/1-0076");
        board.Chips.Add(0x76, [0xD0], 0x60);
        File.SetUnixFileMode(board.At("dev/i2c-1"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Contains("fieldagent.rules", Only(board.Look(OwnBme280), "access.mode").Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_somebody_else_holds_is_named_with_its_holder()
    {
        using var board = new BoardTree();
        board.InUse.Add(new("pinctrl-bcm2711", 17, "GPIO17", "spi0 CS0"));
        var finding = Only(board.Look("""{ "name": "flow", "kind": "pulse-counter", "line": "GPIO17" }"""), "gpio.busy");
        Assert.Equal("sensor flow", finding.Place);
        Assert.Contains("'spi0 CS0'", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_is_not_there_points_to_the_boards_pins()
    {
        using var board = new BoardTree();
        var report = board.Look(more: """ "roles": { "presenceButton": { "line": "GPIO99" } }""");
        Assert.Contains("fieldagent boards show raspberry-pi-4", Only(report, "gpio.no-line").Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_bus_is_named_with_the_line_that_switches_it_on()
    {
        using var board = new BoardTree();
        board.Gone("dev/i2c-1");
        Assert.Contains("dtparam=i2c_arm=on", Only(board.Look(OwnBme280), "kernel.no-node").Remedy, StringComparison.Ordinal);
        var unplugged = Only(board.Look("""{ "name": "gnss", "kind": "gnss", "device": "/dev/serial/by-id/usb-u-blox_CANARY123-if00" }"""), "kernel.no-node");
        Assert.Equal(("sensor gnss", "there is no /dev/serial/by-id/…"), (unplugged.Place, unplugged.Text));
    }

    [Fact]
    public void A_full_disk_is_named()
    {
        using var board = new BoardTree();
        board.Disk = new DiskFound(10L << 20, 29L << 30);
        Assert.Contains("10.0 MiB free", Only(board.Look(), "disk.full").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_only_disk_is_named()
    {
        using var board = new BoardTree();
        board.Disk = new DiskFound(1L << 30, 29L << 30, IsReadOnly: true);
        Assert.Contains("dmesg", Only(board.Look(), "disk.read-only").Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/var/lib/fieldagent", true)]
    [InlineData("/var/libertine", false)]
    [InlineData("/mnt/usb/state", true)]
    [InlineData("/data", false)]
    public void The_deepest_mount_says_whether_a_folder_is_read_only(string folder, bool isReadOnly)
    {
        string[] mounts =
        [
            "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=remount-ro",
            "40 22 179:3 / /var/lib rw,noatime shared:2 - ext4 /dev/mmcblk0p3 ro",
            "41 22 8:1 / /mnt/usb ro,relatime shared:3 - vfat /dev/sda1 rw",
            "42 22 8:2 / /data ro - ext4 /dev/sdb ro", "43 22 8:3 / /data rw - ext4 /dev/sdc rw", "nonsense",
        ];
        Assert.Equal(isReadOnly, DoctorPorts.IsReadOnly(folder, mounts));
    }

    [Fact]
    public void A_clock_that_nobody_set_is_named()
    {
        using var board = new BoardTree();
        board.Clock = ClockQuality.Unsynced;
        Only(board.Look(), "clock.unsynced");
    }

    [Theory]
    [InlineData("0x1", "power.under-voltage", true)]
    [InlineData("10000", "power.under-voltage-was", false)]
    [InlineData("0x4", "power.throttled", false)]
    [InlineData("80000", "power.throttled-was", false)]
    public void The_firmwares_bits_are_read(string bits, string id, bool fails)
    {
        using var board = new BoardTree();
        board.Write("sys/devices/platform/soc/soc:firmware/get_throttled", bits + "\n");
        Assert.Equal(fails ? Verdict.Fail : Verdict.Warn, Has(board.Look(), id).Result);
    }

    [Fact]
    public void A_supply_alarm_of_the_kernel_is_named()
    {
        using var board = new BoardTree();
        board.Write("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n");
        Only(board.Look(), "power.under-voltage");
    }

    [Fact]
    public void A_sensor_that_nobody_granted_is_a_warning_that_names_the_function()
    {
        using var board = new BoardTree();
        board.Write("dev/serial0", "");
        board.Node("dev/serial0");
        var report = board.Look("""{ "name": "gnss", "kind": "gnss", "device": "/dev/serial0" }""");
        Assert.True(report.Healthy, Print(report));
        Assert.Contains("fieldagent consent grant fleet-location", Has(report, "privacy.not-granted").Remedy, StringComparison.Ordinal);
    }

    [Fact]
    [Promise("R13")]
    public void A_sensor_that_waits_for_a_switch_that_cannot_be_read_is_not_called_ungranted()
    {
        using var board = new BoardTree();
        board.Write("dev/serial0", "");
        board.Node("dev/serial0");
        var counts = new SortedDictionary<string, long>();
        board.Agent = new ControlReply(true, Status: new StatusReport(
            "1", "bench", 5, new ClockReport(DateTimeOffset.UnixEpoch, ClockQuality.Ntp), "2.0.0",
            [new SensorStatus("gnss", "gnss", SensorState.Closed, "paused: the consent switch at the board cannot be read", 0, 0, null, 0, 0, 0, counts)],
            new SpoolReport(0, 0, 0, null, 0, 1, 0, 0), new StoreReport(0, 0, 0, "", "", ""), [], counts, counts, counts)
        {
            Roles = [new RoleReport("consentSwitch", "GPIO22", SensorState.Absent, "", "The chip is gone: plug it in. Meanwhile what it governs is paused.")],
        });
        var report = board.Look("""{ "name": "gnss", "kind": "gnss", "device": "/dev/serial0" }""");
        Assert.Contains("paused", Has(report, "privacy.for-now").Text, StringComparison.Ordinal);
        Assert.DoesNotContain(report.Findings, static finding => finding.Id == "privacy.not-granted");
        Assert.Contains("plug it in", Has(report, "agent.role").Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gpsd_that_does_not_answer_is_named()
    {
        using var nobody = new ClosedPort();
        using var board = new BoardTree();
        var sensor = FormattableString.Invariant($$"""{ "name": "gnss", "kind": "gnss", "gpsd": "127.0.0.1:{{nobody.Number}}" }""");
        Only(board.Look(sensor), "gnss.gpsd");
    }

    [Fact]
    public void A_damaged_store_is_named()
    {
        using var board = new BoardTree();
        Directory.CreateDirectory(board.State);
        File.WriteAllText(Path.Join(board.State, "state.db"), new string('x', 8192));
        Assert.Contains(board.Look().Findings, static f => f.Result == Verdict.Fail && f.Id is "store.damaged" or "store.closed");
    }

    [Fact]
    public void Chips_that_no_sensor_reads_are_told()
    {
        using var board = new BoardTree();
        board.Write("sys/class/hwmon/hwmon1/name", "lm75\n");
        Assert.Contains("\"device\": \"lm75\"", Has(board.Look(), "unused.hwmon").Remedy, StringComparison.Ordinal);
    }

    internal static Finding Has(DoctorReport report, string id)
    {
        var found = report.Findings.FirstOrDefault(f => f.Id == id);
        Assert.True(found is not null, $"no {id} in\n{Print(report)}");
        return found!;
    }

    internal static Finding Only(DoctorReport report, string id)
    {
        Assert.False(report.Healthy);
        var finding = Has(report, id);
        Assert.Equal(Verdict.Fail, finding.Result);
        Assert.True(finding.Remedy.Length > 0);
        Assert.True(report.Findings.All(f => f.Result != Verdict.Fail || f.Id == id), Print(report));
        return finding;
    }

    internal static string Print(DoctorReport report)
    {
        using var text = new StringWriter(System.Globalization.CultureInfo.InvariantCulture);
        DoctorText.Write(report, text);
        return text.ToString();
    }
}
