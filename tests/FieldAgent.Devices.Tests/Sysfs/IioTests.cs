using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Devices.Tests;

public sealed class IioTests : IDisposable
{
    private readonly TempFolder _root = new();
    private readonly RecordingHost _host = new();

    public void Dispose()
    {
        _host.Dispose();
        _root.Dispose();
    }

    [Fact]
    public void A_bme280_gives_base_units_without_being_told_its_channels()
    {
        _root.Bme280();
        var row = FirstRow("""{ "device": "bme280" }""");
        Assert.Equal(["humidity", "pressure", "temperature"], row.Set.Streams.Select(s => s.Name).Order());
        Assert.Equal(25.08, row["temperature"]!.Value, 9);
        Assert.Equal(100653.27, row["pressure"]!.Value, 6);
        Assert.Equal(46.875, row["humidity"]!.Value, 9);
        Assert.Equal("Cel", Stream(row, "temperature").Unit);
        Assert.Equal("Pa", Stream(row, "pressure").Unit);
        Assert.Equal("%", Stream(row, "humidity").Unit);
        Assert.Equal("instrument.measurement", row.Set.Field);
        Assert.Equal(1_000_000_000, row.Set.IntervalNs);
    }

    [Fact]
    public void Raw_counts_take_the_closest_scale_and_are_whole_steps()
    {
        _root.Ads1015();
        var row = FirstRow("""{ "device": "ads1015" }""");
        Assert.Equal(1.234, row["voltage0"]!.Value, 12);
        Assert.Equal(-0.014, row["voltage1"]!.Value, 12);
        Assert.Equal(0.0125, row["voltage0-voltage1"]!.Value, 12);
        Assert.Equal(0.000125, Stream(row, "voltage0-voltage1").Scale, 12);
        AllAreWholeSteps(row);
    }

    [Theory]
    [InlineData("-512", 0.0024)]
    [InlineData("-15887.515151", 0.0001)]
    public void An_offset_is_added_before_the_scale(string offset, double stepMax)
    {
        var folder = "sys/bus/iio/devices/iio:device0/";
        _root.Write(folder + "name", "hdc100x");
        _root.Write(folder + "in_temp_raw", "26000");
        _root.Write(folder + "in_temp_offset", offset);
        _root.Write(folder + "in_temp_scale", "2.400000");
        var row = FirstRow("""{ "device": "hdc100x" }""");
        var expected = (26000 + double.Parse(offset, System.Globalization.CultureInfo.InvariantCulture)) * 2.4e-3;
        Assert.Equal(expected, row["temperature"]!.Value, Stream(row, "temperature").Scale);
        Assert.InRange(Stream(row, "temperature").Scale, 1e-7, stepMax + 1e-12);
        AllAreWholeSteps(row);
    }

    [Fact]
    public void Whatever_the_driver_says_values_are_right_and_whole_steps_of_the_declared_scale()
    {
        var random = new Random(5);
        var folder = "sys/bus/iio/devices/iio:device0/";
        string Text(double value) => value.ToString("F9", System.Globalization.CultureInfo.InvariantCulture);
        for (var round = 0; round < 300; round++)
        {
            var raw = random.Next(-70_000, 70_000);
            var scale = Math.Round(Math.Pow(10, (random.NextDouble() * 8) - 5), 9);
            var offset = round % 3 == 0 ? 0 : round % 3 == 1 ? random.Next(-30_000, 30_000) : Math.Round((random.NextDouble() - 0.5) * 3e4, 6);
            _root.Write(folder + "in_voltage0_raw", $"{raw}\n");
            _root.Write(folder + "in_voltage0_scale", Text(scale));
            _root.Write(folder + "in_voltage0_offset", Text(offset));
            var plan = new SysfsChannelPlan("v", "V", _root.File(folder + "in_voltage0_raw"), null, new LinearConversion(offset, scale * 1e-3, 0), 0);
            using var channel = SysfsChannel.Open(plan);
            Assert.Equal(0, channel.Read(out var value));
            var step = channel.Stream.Scale;
            var exact = (raw + offset) * scale * 1e-3;
            Assert.InRange(Math.Abs(value - exact), 0, (scale * 1e-3 / 20) + (Math.Abs(exact) * 1e-12));
            Assert.InRange(step, scale * 1e-3 / 101, scale * 1e-3 * 1.0000001);
            Assert.Equal(value, Math.Round(value / step) * step);
        }
    }

    [Fact]
    public void A_scale_may_belong_to_one_axis_to_all_or_to_the_device()
    {
        var folder = "sys/bus/iio/devices/iio:device3/";
        _root.Write(folder + "name", "imu");
        _root.Write(folder + "in_accel_x_raw", "100");
        _root.Write(folder + "in_accel_x_peak_raw", "5");
        _root.Write(folder + "in_accel_scale", "0.01");
        _root.Write(folder + "in_magn_z_raw", "3");
        _root.Write(folder + "in_magn_z_scale", "0.5");
        _root.Write(folder + "in_proximity_raw", "17");
        _root.Write(folder + "scale", "2");
        var row = FirstRow("""{ "device": "imu" }""");
        Assert.Equal(["accel-x", "magnetic-z", "proximity"], row.Set.Streams.Select(s => s.Name).Order());
        Assert.Equal(1.0, row["accel-x"]!.Value, 12);
        Assert.Equal(1.5e-4, row["magnetic-z"]!.Value, 12);
        Assert.Equal(34, row["proximity"]);
        Assert.Equal("1", Stream(row, "proximity").Unit);
    }

    [Fact]
    public void A_channel_can_be_named_converted_and_rounded()
    {
        _root.Ads1015();
        var row = FirstRow("""
            { "device": "ads1015", "interval": "250ms", "channels": [
                { "channel": "voltage0", "name": "tank-pressure", "unit": "kPa", "multiply": 250, "add": -100, "step": 0.5 } ] }
            """);
        Assert.Equal(new StreamInfo("tank-pressure", "kPa", 0.5), row.Set.Streams.Single());
        Assert.Equal(208.5, row["tank-pressure"]);
    }

    [Fact]
    public void Of_two_equal_chips_label_or_index_tells_which()
    {
        _root.Bme280(0, "inside");
        var outside = _root.Bme280(10, "outside");
        File.WriteAllText(Path.Join(outside, "in_temp_input"), "-5000\n");
        Assert.Equal(-5, FirstRow("""{ "device": "bme280", "label": "outside" }""")["temperature"]!.Value, 9);
        Assert.Equal(-5, FirstRow("""{ "device": "bme280", "index": 1 }""")["temperature"]!.Value, 9);
        Assert.Equal(25.08, FirstRow("""{ "device": "bme280" }""")["temperature"]!.Value, 9);
    }

    [Fact]
    [Promise("R13")]
    public void A_chip_that_is_not_there_is_absent_and_the_text_says_which_are()
    {
        var fault = Fails("""{ "device": "bme280" }""");
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
        _root.Ads1015();
        fault = Fails("""{ "device": "bme280" }""");
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
        Assert.Contains("ads1015", fault.Message, StringComparison.Ordinal);
        Assert.Contains("bme280", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_channel_that_the_chip_lacks_is_named_with_those_it_has()
    {
        _root.Ads1015();
        var fault = Fails("""{ "device": "ads1015", "channels": [ { "channel": "voltage9" } ] }""");
        Assert.Contains("voltage9", fault.Message, StringComparison.Ordinal);
        Assert.Contains("voltage0-voltage1", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_channel_that_fails_alone_is_absent_and_the_others_go_on()
    {
        var folder = _root.Bme280();
        using var run = _host.Start(RecordingHost.Create(new IioKind(), """{ "device": "bme280" }""", _root.Path));
        Eventually.True(() => _host.Rows.Count == 1, "the first row");
        File.WriteAllText(Path.Join(folder, "in_humidityrelative_input"), "<not a number>\n");
        File.WriteAllText(Path.Join(folder, "in_temp_input"), "");
        AdvanceUntilRows(2);
        Assert.Null(_host.Rows[1]["humidity"]);
        Assert.Null(_host.Rows[1]["temperature"]);
        Assert.NotNull(_host.Rows[1]["pressure"]);
        Assert.Equal(1, _host.Skips["read-error"]);
        Assert.Equal(1, _host.Skips["no-data"]);
    }

    [Fact]
    public void A_value_file_that_is_replaced_is_opened_again()
    {
        var folder = _root.Bme280();
        using var run = _host.Start(RecordingHost.Create(new IioKind(), """{ "device": "bme280" }""", _root.Path));
        Eventually.True(() => _host.Rows.Count == 1, "the first row");
        File.WriteAllText(Path.Join(folder, "new"), "30000\n");
        File.Move(Path.Join(folder, "new"), Path.Join(folder, "in_temp_input"), overwrite: true);
        AdvanceUntilRows(2);
        Assert.Equal(30, _host.Rows[1]["temperature"]!.Value, 9);
    }

    [Fact]
    [Promise("R13")]
    public void A_chip_that_disappears_is_absent_and_works_again_when_it_is_back()
    {
        var folder = _root.Bme280();
        var sensor = RecordingHost.Create(new IioKind(), """{ "device": "bme280" }""", _root.Path);
        using (var run = _host.Start(sensor))
        {
            Eventually.True(() => _host.Rows.Count == 1, "the first row");
            Directory.Delete(folder, recursive: true);
            _host.Time.Advance(TimeSpan.FromSeconds(1));
            run.Join();
            Assert.Equal(SensorFaultKind.Absent, Assert.IsType<SensorFault>(run.Failure).Kind);
        }

        _root.Bme280(4);
        using var again = _host.Start(sensor);
        Eventually.True(() => _host.Rows.Count == 2, "a row after it came back under another number");
    }

    [Fact]
    public void Moments_that_a_slow_chip_missed_are_counted_and_times_stay_on_the_grid()
    {
        _root.Bme280();
        using var stop = new CancellationTokenSource();
        var late = false;
        using var host = new RecordingHost(new LeapingClock(clock =>
        {
            if (clock.Waits == 3 && !late)
            {
                late = true;
                clock.BootNs += 2_400_000_000;
            }
            else if (clock.Waits > 6)
            {
                stop.Cancel();
            }
        }));
        RecordingHost.Create(new IioKind(), """{ "device": "bme280" }""", _root.Path).Run(host, stop.Token);
        Assert.Equal([1.0, 2.0, 5.4, 6.0, 7.0], host.Rows.Select(r => r.BootNs / 1e9).Take(5));
        Assert.Equal(2, host.Skips["overrun"]);
    }

    [Fact]
    public void Polling_does_not_allocate()
    {
        _root.Bme280();
        _root.Ads1015();
        var sensor = RecordingHost.Create(new IioKind(), """{ "device": "ads1015" }""", _root.Path);
        Assert.Equal(0, RecordingHost.BytesAllocated(sensor, warm: 200, until: 1_200));
    }

    [Fact]
    public void Its_constructor_touches_no_device()
    {
        var sensor = RecordingHost.Create(new IioKind(), """{ "device": "bme280" }""", "/nonexistent");
        Assert.Equal(["instrument.measurement"], sensor.OpensFor);
    }

    private void AdvanceUntilRows(int count)
    {
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        Eventually.True(() => _host.Rows.Count >= count, $"row {count}");
    }

    private RecordedRow FirstRow(string options)
    {
        using var host = new RecordingHost();
        using var run = host.Start(RecordingHost.Create(new IioKind(), options, _root.Path));
        Eventually.True(() => host.Rows.Count > 0 || run.IsOver, "a row");
        Assert.Null(run.Failure);
        return host.Rows[0];
    }

    private SensorFault Fails(string options)
    {
        var sensor = RecordingHost.Create(new IioKind(), options, _root.Path);
        return Assert.Throws<SensorFault>(() => sensor.Run(_host, TestContext.Current.CancellationToken));
    }

    private static StreamInfo Stream(RecordedRow row, string name) => row.Set.Streams.Single(s => s.Name == name);

    private static void AllAreWholeSteps(RecordedRow row)
    {
        foreach (var stream in row.Set.Streams)
        {
            var value = row[stream.Name]!.Value;
            Assert.True(stream.Scale > 0);
            Assert.Equal(value, Math.Round(value / stream.Scale) * stream.Scale);
        }
    }
}
