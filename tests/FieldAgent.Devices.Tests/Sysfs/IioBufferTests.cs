using System.Buffers.Binary;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Tests;

/// <summary>Buffered capture over a tree as the kernel lays it out; the device node is a FIFO, or a file that is read to its end.</summary>
public sealed class IioBufferTests : IDisposable
{
    private const string Folder = "sys/bus/iio/devices/iio:device0/";
    private const string Vibration = """{ "device": "adxl", "channels": [ { "channel": "accel_x" } ], "buffer": { "rate": "10kHz", "trigger": "board-timer" } }""";

    private readonly TempFolder _root = new();
    // Its time stands still: no silence is ever long enough to be a fault.
    private readonly RecordingHost _host = new();

    public IioBufferTests()
    {
        _root.Write(Folder + "name", "adxl\n");
        _root.Write(Folder + "in_accel_scale", "0.01\n");
        _root.Write(Folder + "in_voltage0_scale", "2\n");
        _root.Write(Folder + "in_voltage0_offset", "7\n");
        _root.Write(Folder + "current_timestamp_clock", "realtime\n");
        _root.Write(Folder + "trigger/current_trigger", "\n");
        _root.Write(Folder + "buffer/enable", "1\n");
        _root.Write(Folder + "buffer/length", "2\n");
        _root.Write(Folder + "buffer/watermark", "1\n");
        Element("timestamp", 4, "le:s64/64>>0");
        Element("accel_x", 2, "be:s12/16>>4");
        Element("voltage0", 0, "le:u13/16>>0");
        _root.Write("sys/bus/iio/devices/trigger0/name", "board-timer\n");
        _root.Write("sys/bus/iio/devices/trigger0/sampling_frequency", "100\n");
        Directory.CreateDirectory(_root.File("dev"));
    }

    private string Node => _root.File("dev/iio:device0");

    public void Dispose()
    {
        _host.Dispose();
        _root.Dispose();
    }

    [Fact]
    public void The_buffer_is_set_up_read_and_switched_off()
    {
        using var device = Fifo();
        var sensor = RecordingHost.Create(new IioKind(), """{ "device": "adxl", "buffer": { "rate": "10kHz", "trigger": "board-timer" } }""", _root.Path);
        using (var run = _host.Start(sensor))
        {
            Eventually.True(() => _host.Description.Length > 0 || run.IsOver, "the buffer runs");
            Assert.Null(run.Failure);
            Assert.Equal("board-timer", Text("trigger/current_trigger"));
            Assert.Equal("10000", File.ReadAllText(_root.File("sys/bus/iio/devices/trigger0/sampling_frequency")).Trim());
            Assert.Equal(("1", "1", "1"), (Text("scan_elements/in_accel_x_en"), Text("scan_elements/in_voltage0_en"), Text("scan_elements/in_timestamp_en")));
            Assert.Equal(("32768", "500", "boottime"), (Text("buffer/length"), Text("buffer/watermark"), Text("current_timestamp_clock")));
            device.Write(Scan(1000, -5, 1_000_000));
            device.Write(Scan(0, 2047, 1_100_000));
            Eventually.True(() => _host.Rows.Count == 2 || run.IsOver, "two rows");
            Assert.Null(run.Failure);
        }

        Assert.Equal("0", Text("buffer/enable"));
        var row = _host.Rows[0];
        Assert.Equal(["voltage0", "accel-x"], row.Set.Streams.Select(s => s.Name));
        Assert.Equal((1007 * 2e-3, -0.05, 1_000_000L), (row["voltage0"]!.Value, row["accel-x"]!.Value, row.BootNs));
        Assert.Equal((100_000, 0.01), (row.Set.IntervalNs, row.Set.Streams[1].Scale));
        Assert.Equal(20.47, _host.Rows[1]["accel-x"]!.Value, 9);
        Assert.Equal("buffered, 10000 Hz", _host.Description);
    }

    [Fact]
    public void Ten_thousand_samples_a_second_for_a_minute_are_all_there_and_cost_no_allocation()
    {
        const int Samples = 600_000;
        var bytes = new byte[Samples * 16];
        for (var i = 0; i < Samples; i++)
        {
            BinaryPrimitives.WriteInt16BigEndian(bytes.AsSpan(i * 16), (short)((i % 4096) << 4));
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan((i * 16) + 8), 1_000_000_000 + (i * 100_000L));
        }

        File.WriteAllBytes(Node, bytes);
        var clock = new BlockClock();
        using var host = new RecordingHost(clock);
        long rows = 0, before = 0, after = 0;
        var sum = 0.0;
        clock.OnLook = looks =>
        {
            after = GC.GetAllocatedBytesForCurrentThread();
            before = looks == 40 ? after : before;
            host.DropRows();
        };
        var sensor = RecordingHost.Create(new IioKind(), Vibration, _root.Path);
        var fault = Assert.Throws<SensorFault>(() => sensor.Run(host, CancellationToken.None));
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
        Assert.True(before > 0 && clock.Looks > 100);
        Assert.Equal(0, after - before);
        Assert.Empty(host.Skips);

        using var whole = new RecordingHost(new BlockClock(), rowsMax: Samples);
        Assert.Throws<SensorFault>(() => sensor.Run(whole, CancellationToken.None));
        foreach (var row in whole.Rows)
        {
            rows++;
            sum += row.Values[0]!.Value;
        }

        Assert.Equal(Samples, rows);
        Assert.Equal(1_000_000_000 + ((Samples - 1) * 100_000L), whole.Rows[^1].BootNs);
        var expected = Enumerable.Range(0, Samples).Sum(i => ((i % 4096) < 2048 ? i % 4096 : (i % 4096) - 4096) * 0.01);
        Assert.Equal(expected, sum, 3);
    }

    [Fact]
    public void A_slow_trigger_is_shown_to_be_waited_for()
    {
        using var device = Fifo();
        using var run = _host.Start(RecordingHost.Create(new IioKind(), Vibration, _root.Path));
        Eventually.True(() => _host.Described >= 3 || run.IsOver, "signs of life without a sample");
        Assert.Null(run.Failure);
    }

    [Fact]
    public void What_the_kernel_dropped_is_counted_by_the_holes_in_its_times()
    {
        using var device = Fifo();
        using var run = _host.Start(RecordingHost.Create(new IioKind(), Vibration, _root.Path));
        long[] times = [1_000_000, 1_100_000, 1_240_000, 1_300_000, 2_300_000, 2_400_000];
        foreach (var time in times)
        {
            var scan = new byte[16];
            BinaryPrimitives.WriteInt64LittleEndian(scan.AsSpan(8), time);
            device.Write(scan.AsSpan(0, 5));
            device.Write(scan.AsSpan(5));
        }

        Eventually.True(() => _host.Rows.Count == times.Length || run.IsOver, "all rows");
        Assert.Equal(times, _host.Rows.Select(r => r.BootNs));
        Assert.Equal(9, _host.Skips["overrun"]);
    }

    [Fact]
    public void Times_of_a_clock_that_is_not_boot_time_are_converted_and_missing_ones_are_reckoned()
    {
        File.Delete(_root.File(Folder + "current_timestamp_clock"));
        using (var live = new RecordingHost(new LinuxClock()))
        using (var device = Fifo())
        {
            // Written before the sensor runs: it never waits in silence.
            var scan = new byte[16];
            var before = live.Clock.BootNs;
            BinaryPrimitives.WriteInt64LittleEndian(scan.AsSpan(8), ClockNative.Now(ClockNative.ClockRealtime));
            var after = live.Clock.BootNs;
            device.Write(scan);
            using var run = live.Start(RecordingHost.Create(new IioKind(), Vibration, _root.Path));
            Eventually.True(() => live.Rows.Count == 1 || run.IsOver, "a row");
            Assert.Null(run.Failure);
            Assert.InRange(live.Rows[0].BootNs, before - 50_000_000, after + 50_000_000);
        }

        File.Delete(Node);
        foreach (var file in Directory.GetFiles(_root.File(Folder + "scan_elements"), "in_timestamp*"))
        {
            File.Delete(file);
        }

        File.WriteAllBytes(Node, new byte[10]);
        using var host = new RecordingHost(new LinuxClock());
        Assert.Throws<SensorFault>(() => RecordingHost.Create(new IioKind(), Vibration, _root.Path).Run(host, CancellationToken.None));
        Assert.Equal([100_000, 100_000, 100_000, 100_000], host.Rows.Zip(host.Rows.Skip(1), (a, b) => b.BootNs - a.BootNs));
    }

    [Fact]
    [Promise("R13")]
    public void What_is_wrong_is_named()
    {
        Fails(Vibration, SensorFaultKind.Absent, "does not exist");
        File.WriteAllBytes(Node, []);
        Fails("""{ "device": "adxl", "channels": [ { "channel": "accel_q" } ], "buffer": {} }""", SensorFaultKind.Malformed, "voltage0, accel_x");
        Fails("""{ "device": "adxl", "buffer": { "trigger": "other" } }""", SensorFaultKind.Absent, "there are: board-timer");
        _root.Write(Folder + "scan_elements/in_accel_x_type", "le:q12/16");
        Fails(Vibration, SensorFaultKind.Malformed, "le:q12/16");
        var errors = new ConfigErrors();
        _ = RecordingHost.Create(new IioKind(), """{ "device": "adxl", "buffer": { "rate": "10", "watermark": 0 } }""", errors, _root.Path);
        Assert.Equal(["buffer.rate", "buffer.watermark"], errors.All.Select(e => e.Path));
        Assert.Contains("10kHz", errors.All[0].Message, StringComparison.Ordinal);
    }

    private void Element(string channel, int index, string type)
    {
        _root.Write($"{Folder}scan_elements/in_{channel}_en", "0\n");
        _root.Write($"{Folder}scan_elements/in_{channel}_index", $"{index}\n");
        _root.Write($"{Folder}scan_elements/in_{channel}_type", type + "\n");
    }

    private string Text(string file) => File.ReadAllText(_root.File(Folder + file)).Trim();

    private void Fails(string options, SensorFaultKind kind, string part)
    {
        using var host = new RecordingHost(new LinuxClock());
        var fault = Assert.Throws<SensorFault>(() => RecordingHost.Create(new IioKind(), options, _root.Path).Run(host, CancellationToken.None));
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(part, fault.Remedy, StringComparison.Ordinal);
        if (File.Exists(Node))
        {
            Assert.Equal("0", Text("buffer/enable"));
        }
    }

    private FileStream Fifo() => FieldAgent.Devices.Tests.Fifo.Make(Node);

    private static byte[] Scan(ushort voltage, short accel, long time)
    {
        var scan = new byte[16];
        BinaryPrimitives.WriteUInt16LittleEndian(scan, voltage);
        BinaryPrimitives.WriteInt16BigEndian(scan.AsSpan(2), (short)(accel << 4));
        BinaryPrimitives.WriteInt64LittleEndian(scan.AsSpan(8), time);
        return scan;
    }

    /// <summary>Counts how often the sensor looks at it: once a block.</summary>
    private sealed class BlockClock : IClock
    {
        public Action<long>? OnLook { get; set; }

        public long Looks { get; private set; }

        public Guid BootId { get; } = new("5eed5eed-0000-4000-8000-000000000003");

        public long BootNs
        {
            get
            {
                OnLook?.Invoke(++Looks);
                return 1_000_000_000;
            }
        }

        public ClockQuality Quality => ClockQuality.Ntp;

        public long WallOffsetNs => 0;

        public void Offer(ClockQuality source, long unixNs, long bootNs)
        {
        }

        public bool WaitUntil(long bootNs, CancellationToken stop) => true;
    }
}
