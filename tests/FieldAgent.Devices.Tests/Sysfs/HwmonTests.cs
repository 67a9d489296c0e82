using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

public sealed partial class HwmonTests : IDisposable
{
    private readonly TempFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void An_lm75_gives_its_temperature_in_degrees()
    {
        _root.Lm75();
        var row = FirstRow("""{ "device": "lm75" }""");
        Assert.Equal(new StreamInfo("temperature1", "Cel", 0.001), row.Set.Streams.Single());
        Assert.Equal(23.5, row["temperature1"]);
    }

    [Fact]
    public void Channels_take_their_labels_as_names_in_natural_order()
    {
        _root.Lm75();
        _root.Coretemp();
        var row = FirstRow("""{ "device": "coretemp" }""");
        Assert.Equal(["package-id-0", .. Enumerable.Range(0, 9).Select(i => $"core-{i}")], row.Set.Streams.Select(s => s.Name));
        Assert.Equal(40.010, row["core-8"]!.Value, 9);
    }

    [Fact]
    public void Every_quantity_comes_in_its_base_unit()
    {
        var folder = "sys/class/hwmon/hwmon7/";
        _root.Write(folder + "name", "many");
        _root.Write(folder + "in0_input", "3300");
        _root.Write(folder + "curr1_input", "-250");
        _root.Write(folder + "power1_average", "1500000");
        _root.Write(folder + "energy1_input", "2000000");
        _root.Write(folder + "fan1_input", "1200");
        _root.Write(folder + "humidity1_input", "46875");
        var row = FirstRow("""{ "device": "many" }""");
        var got = row.Set.Streams.ToDictionary(s => s.Name, s => (Math.Round(row[s.Name]!.Value, 9), s.Unit));
        Assert.Equal((3.3, "V"), got["voltage0"]);
        Assert.Equal((-0.25, "A"), got["current1"]);
        Assert.Equal((1.5, "W"), got["power1"]);
        Assert.Equal((2.0, "J"), got["energy1"]);
        Assert.Equal((1200.0, "{rev}/min"), got["fan1"]);
        Assert.Equal((46.875, "%"), got["humidity1"]);
    }

    [Fact]
    public void A_chip_with_nothing_but_alarms_gives_those()
    {
        // The firmware's under-voltage flag of a Raspberry Pi (drivers/hwmon/raspberrypi-hwmon.c).
        _root.Write("sys/class/hwmon/hwmon0/name", "rpi_volt\n");
        _root.Write("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "1\n");
        var row = FirstRow("""{ "device": "rpi_volt" }""");
        Assert.Equal(1, row["in0-lcrit-alarm"]);
    }

    [Fact]
    public void An_alarm_of_any_chip_can_be_asked_for_by_name()
    {
        _root.Coretemp();
        var row = FirstRow("""{ "device": "coretemp", "channels": [ { "channel": "temp3" }, { "channel": "temp3_crit_alarm", "name": "hot" } ] }""");
        Assert.Equal(0, row["hot"]);
        Assert.Equal(40.003, row["core-1"]!.Value, 9);
    }

    [Fact]
    public void A_value_that_its_fault_file_denies_is_absent()
    {
        var folder = _root.Lm75();
        File.WriteAllText(Path.Join(folder, "temp1_fault"), "0\n");
        using var host = new RecordingHost();
        using var run = host.Start(RecordingHost.Create(new HwmonKind(), """{ "device": "lm75" }""", _root.Path));
        Eventually.True(() => host.Rows.Count == 1, "a row");
        File.WriteAllText(Path.Join(folder, "temp1_fault"), "1\n");
        host.Time.Advance(TimeSpan.FromSeconds(1));
        Eventually.True(() => host.Skips.GetValueOrDefault("no-data") == 1, "the value is skipped");
        File.WriteAllText(Path.Join(folder, "temp1_fault"), "0\n");
        host.Time.Advance(TimeSpan.FromSeconds(1));
        Eventually.True(() => host.Rows.Count == 2, "the next row");
    }

    [Fact]
    public void An_old_driver_keeps_its_files_one_folder_further_down()
    {
        _root.Write("sys/class/hwmon/hwmon0/device/name", "lm75\n");
        _root.Write("sys/class/hwmon/hwmon0/device/temp1_input", "21000\n");
        Assert.Equal(21, FirstRow("""{ "device": "lm75" }""")["temperature1"]!.Value, 9);
    }

    [Fact]
    [Promise("R13")]
    public void Files_that_may_not_be_read_are_refused_and_not_absent()
    {
        _root.Lm75();
        var options = """{ "device": "lm75" }""";
        Exception? failure = null;
        var isUnprivileged = false;
        var thread = new Thread(() =>
        {
            // File-system identity belongs to the thread: this one alone becomes nobody.
            SetFileSystemUser(65534);
            isUnprivileged = SetFileSystemUser(-1) == 65534;
            try
            {
                using var host = new RecordingHost();
                RecordingHost.Create(new HwmonKind(), options, _root.Path).Run(host, new CancellationToken(true));
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (!isUnprivileged)
        {
            Assert.Skip("skipped: setfsuid needs root");
        }

        var fault = Assert.IsType<SensorFault>(failure);
        Assert.Equal(SensorFaultKind.Refused, fault.Kind);
        Assert.Contains("udev", fault.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, SensorFaultKind.Absent)]
    [InlineData(6, SensorFaultKind.Absent)]
    [InlineData(19, SensorFaultKind.Absent)]
    [InlineData(121, SensorFaultKind.Absent)]
    [InlineData(13, SensorFaultKind.Refused)]
    [InlineData(1, SensorFaultKind.Refused)]
    [InlineData(16, SensorFaultKind.Busy)]
    [InlineData(110, SensorFaultKind.Timeout)]
    [InlineData(5, SensorFaultKind.Io)]
    public void Each_error_of_the_kernel_has_a_meaning(int errno, SensorFaultKind kind)
    {
        var fault = SysfsFault.Of(errno, "/sys/x");
        Assert.Equal(kind, fault.Kind);
        Assert.Equal("/sys/x", fault.Place);
        Assert.NotEmpty(fault.Remedy);
    }

    [Theory]
    [InlineData("iio:device0/../power")]
    [InlineData("iio:device0/device/power")]
    public void A_driver_that_gave_its_chip_up_after_a_fault_of_the_bus_is_named(string power)
    {
        Directory.CreateDirectory(_root.File("iio:device0"));
        var file = _root.File("iio:device0/in_voltage0_raw");
        Assert.Contains("error 22", SysfsFault.Of(Linux.Libc.EINVAL, file).Remedy, StringComparison.Ordinal);
        _root.Write(power + "/runtime_status", "suspended\n");
        Assert.Contains("error 22", SysfsFault.Of(Linux.Libc.EINVAL, file).Remedy, StringComparison.Ordinal);
        _root.Write(power + "/runtime_status", "error\n");
        Assert.Contains("gave the chip up", SysfsFault.Of(Linux.Libc.EINVAL, file).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_arbitration_is_told_from_a_chip_that_another_program_samples()
    {
        Assert.Contains("another master", SysfsFault.Of(SysfsNative.EAGAIN, "/sys/x").Remedy, StringComparison.Ordinal);
        Assert.Contains("Another program", SysfsFault.Of(SysfsNative.EBUSY, "/sys/x").Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("25080\n", 25080, 0)]
    [InlineData("-12", -12, 0)]
    [InlineData(" 0.125000000\n", 0.125, 9)]
    [InlineData("1e-3\n", 0.001, 0)]
    [InlineData("7\0\0", 7, 0)]
    public void Numbers_of_the_kernel_are_read(string text, double value, int decimals)
    {
        Assert.True(SysfsNumber.TryParse(System.Text.Encoding.ASCII.GetBytes(text), out var got, out var places));
        Assert.Equal((value, decimals), (got, places));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("abc")]
    [InlineData("12 34")]
    [InlineData("nan")]
    [InlineData("1e999")]
    public void What_is_no_number_is_not_taken_for_one(string text) =>
        Assert.False(SysfsNumber.TryParse(System.Text.Encoding.ASCII.GetBytes(text), out _, out _));

    private RecordedRow FirstRow(string options)
    {
        using var host = new RecordingHost();
        using var run = host.Start(RecordingHost.Create(new HwmonKind(), options, _root.Path));
        Eventually.True(() => host.Rows.Count > 0 || run.IsOver, "a row");
        Assert.Null(run.Failure);
        return host.Rows[0];
    }

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileSystemUser(int user);
}
