using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices.Tests.Gpio;

public sealed class GpioTests : IDisposable
{
    private const string Door = """{ "lines": [ { "name": "door", "line": "GPIO17" }, { "name": "pump", "line": "GPIO27", "activeLow": true, "bias": "pull-up", "debounce": "5ms" } ] }""";

    private readonly FakeGpio _gpio = new();

    [Fact]
    public unsafe void The_layouts_are_the_kernels()
    {
        Assert.Equal(68, sizeof(GpioUapi.ChipInfo));
        Assert.Equal(256, sizeof(GpioUapi.LineInfo));
        Assert.Equal(272, sizeof(GpioUapi.LineConfig));
        Assert.Equal(592, sizeof(GpioUapi.LineRequest));
        Assert.Equal(16, sizeof(GpioUapi.LineValues));
        Assert.Equal(48, sizeof(GpioUapi.LineEvent));
        GpioUapi.LineRequest request;
        var start = (byte*)&request;
        Assert.Equal(256, request.Consumer - start);
        Assert.Equal(288, (byte*)&request.Config - start);
        Assert.Equal(560, (byte*)&request.LineCount - start);
        Assert.Equal(564, (byte*)&request.EventBufferSize - start);
        Assert.Equal(588, (byte*)&request.Fd - start);

        // _IOWR and _IOR put the size into bits 16 to 29 (include/uapi/asm-generic/ioctl.h)
        Assert.Equal(68u, Size(GpioUapi.GetChipInfo));
        Assert.Equal(256u, Size(GpioUapi.GetLineInfo));
        Assert.Equal(592u, Size(GpioUapi.GetLine));
        Assert.Equal(16u, Size(GpioUapi.GetValues));

        static uint Size(nuint number) => (uint)(number >> 16) & 0x3fff;
    }

    [Fact]
    public void Changes_come_with_the_kernels_time_and_touch_only_their_line()
    {
        using var host = new RecordingHost(new LinuxClock());
        using (host.Start(Sensor(Door)))
        {
            Eventually.True(() => host.Rows.Count == 1, "the state at the start");
            var before = host.Clock.BootNs;
            _gpio.Drive(0, active: true);
            _gpio.Drive(1, active: true);
            _gpio.Drive(0, active: false);
            Eventually.True(() => host.Rows.Count == 4, "three edges");
            Assert.Equal([0, 0], host.Rows[0].Values);
            Assert.Equal([1, null], host.Rows[1].Values);
            Assert.Equal([null, 1], host.Rows[2].Values);
            Assert.Equal([0, null], host.Rows[3].Values);
            Assert.InRange(host.Rows[1].BootNs, before - 1_000_000, host.Clock.BootNs);
        }

        Assert.Equal(0, _gpio.Open);
        var request = Assert.Single(_gpio.Requests);
        Assert.Equal(GpioEdges.Both, request.Edges);
        Assert.Equal(new GpioLine("GPIO27", true, GpioBias.PullUp, TimeSpan.FromMilliseconds(5)), request.Lines[1]);
    }

    [Fact]
    public void Lost_edges_are_counted_and_the_levels_read_anew()
    {
        using var host = new RecordingHost(new LinuxClock());
        using var run = host.Start(Sensor(Door));
        Eventually.True(() => host.Rows.Count == 1, "the state at the start");
        _gpio.Drive(0, active: true, lost: 7);
        Eventually.True(() => host.Rows.Count == 3, "the edge and the levels");
        Assert.Equal(7, host.Skips["lost-edges"]);
        Assert.Equal([1, 0], host.Rows[2].Values);
    }

    [Fact]
    public void Samples_come_at_the_interval()
    {
        using var host = new RecordingHost();
        using var run = host.Start(Sensor("""{ "report": "samples", "interval": "1s", "lines": [ { "name": "door", "line": "3" } ] }"""));
        for (var second = 1; second <= 5; second++)
        {
            _gpio.Write(1, (ulong)(second & 1));
            var count = second;
            Eventually.True(
                () =>
                {
                    if (host.Rows.Count < count)
                    {
                        host.Time.Advance(TimeSpan.FromMilliseconds(250));
                    }

                    return host.Rows.Count >= count;
                },
                "a sample");
        }

        Assert.Equal(GpioEdges.None, _gpio.Requests[0].Edges);
        Assert.All(host.Rows, static row => Assert.True(row.Values[0] is 0 or 1));
    }

    [Fact]
    public void Lines_without_an_edge_for_long_are_awaited_and_not_taken_for_a_call_that_hangs()
    {
        using var rig = new Rig(Sensor(Door).Run);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);

        // in steps below the limit after which a call counts as hanging, far beyond it in all
        for (var minute = 0; minute < 10; minute++)
        {
            var waits = _gpio.Waits;
            rig.Clock.Advance(TimeSpan.FromSeconds(9));
            Eventually.True(() => _gpio.Waits > waits + 1, "the lines are looked at");
            Assert.Equal(SensorState.Running, rig.Supervisor.Status.State);
        }

        Assert.Equal(0, rig.Counters["sensor.stalled"]);
        Assert.Equal("edges are awaited", rig.Supervisor.Status.Detail);
        _gpio.Drive(0, active: true);
        Eventually.True(() => rig.Supervisor.Status.Rows == 2, "the edge that comes after all");
    }

    [Theory]
    [InlineData("""{ "lines": [] }""", "at least one line")]
    [InlineData("""{ "lines": [ { "name": "a", "line": "1" }, { "name": "a", "line": "2" } ] }""", "a second line called 'a'")]
    [InlineData("""{ "lines": [ { "name": "a" } ] }""", "line")]
    [InlineData("""{ "lines": [ { "name": "a", "line": "1", "bias": "up" } ] }""", "pull-up")]
    [InlineData("""{ "lines": [ { "name": "a", "line": "1" } ], "report": "edges" }""", "changes, samples")]
    public void Wrong_options_are_named(string options, string message)
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(new GpioKind(), options, errors);
        Assert.Contains(errors.All, error => error.ToString()!.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    [Promise("R13")]
    public void A_missing_chip_is_an_absent_device()
    {
        using var folder = new TempFolder();
        var fault = Assert.Throws<SensorFault>(() => new LinuxGpio(folder.Path).Request(new GpioRequest("", [new GpioLine("GPIO17")])));
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
        Assert.Contains("GPIO17", fault.Place, StringComparison.Ordinal);
        folder.Write("gpiochip0", "no chip");
        fault = Assert.Throws<SensorFault>(() => new LinuxGpio(folder.Path).Request(new GpioRequest("", [new GpioLine("GPIO17")])));
        Assert.Equal(SensorFaultKind.Malformed, fault.Kind);
    }

    public void Dispose() => _gpio.Dispose();

    private GpioSensor Sensor(string options)
    {
        var errors = new ConfigErrors();
        var kind = new GpioKind();
        var node = ConfigNode.Parse(System.Text.Encoding.UTF8.GetBytes(options), errors)!;
        var sensor = new GpioSensor(new SensorSetup("contacts", kind.Shape.Bind(node, errors), "/", "/"), _gpio);
        Assert.True(errors.IsEmpty);
        return sensor;
    }
}
