using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.Linux;
using FieldAgent.Devices.Tests.Gpio;

namespace FieldAgent.Devices.Tests;

/// <summary>Cameras with lines: the lamp that is lit while one is open, and the edge that takes a picture. The camera's program is a shell script.</summary>
public sealed class CameraLineTests : IDisposable
{
    private static readonly string Photo = Path.Join(Places.Repository, "hardware", "boards", "photos", "01-pressure-gauge.jpg");

    private readonly TempFolder _root = new();
    private readonly RecordingHost _host = new(new LinuxClock());
    private readonly FakeGpio _gpio = new();
    private readonly RecordingLamp _lamp = new();

    [Fact]
    [Promise("R59", "R60")]
    public void The_lamp_is_lit_before_the_camera_is_opened_and_out_after_it_is_closed()
    {
        Program($"echo $$ >{_root.Path}/pid; while [ ! -e {_root.Path}/go ]; do sleep 0.02; done; cat {Photo}");
        using var run = _host.Start(Camera("""{ "source": "csi", "timeout": "2m" }"""));
        Eventually.True(() => _host.TriggerWaits == 1, "the camera waits");
        Assert.Empty(_lamp.Log);
        _host.Trigger("one");
        Eventually.True(() => File.Exists(_root.File("pid")), "the camera is open");
        Assert.True(_lamp.IsLit);
        _root.Write("go", "");
        Eventually.True(() => _host.Images.Count == 1, "the shot");
        Assert.Equal(["lit", "out"], _lamp.Log);
        Assert.False(Processes.AnyWith(_root.Path));
    }

    [Theory]
    [Promise("R60")]
    [InlineData("exit 3", "2m")]
    [InlineData("kill -KILL $$", "2m")]
    [InlineData("trap '' TERM; sleep 1000", "2s")]
    [InlineData("cat /dev/zero", "2m")]
    public void However_the_program_ends_the_lamp_is_out_after_it_and_lit_until_then(string script, string timeout)
    {
        // Its command line holds the folder, however far it came.
        Program(script);
        _lamp.WhenOut = () => Assert.False(Processes.AnyWith(_root.Path));
        var sensor = Camera($$"""{ "source": "csi", "timeout": "{{timeout}}", "warmUp": "1ms", "interval": "1s" }""");
        Assert.Throws<SensorFault>(() => sensor.Run(_host, CancellationToken.None));
        Assert.Equal(["lit", "out"], _lamp.Log);
    }

    [Fact]
    [Promise("R60")]
    public void A_camera_is_not_opened_when_its_lamp_cannot_be_lit_and_closed_when_it_goes_out()
    {
        Program($"echo $$ >{_root.Path}/pid; sleep 1000");
        var sensor = Camera("""{ "source": "csi", "timeout": "60s", "interval": "1s" }""");
        _lamp.Fault = new SensorFault(SensorFaultKind.Absent, "roles.cameraIndicator", "No camera is opened without its lamp.");
        Assert.Same(_lamp.Fault, Assert.Throws<SensorFault>(() => sensor.Run(_host, CancellationToken.None)));
        Assert.False(File.Exists(_root.File("pid")));

        _lamp.Fault = null;
        _lamp.WhenLit = lit => _ = Task.Run(() =>
        {
            Eventually.True(() => File.Exists(_root.File("pid")), "the camera is open");
            lit.Lose();
        });
        var fault = Assert.Throws<SensorFault>(() => sensor.Run(_host, CancellationToken.None));
        Assert.Contains("went out", fault.Message, StringComparison.Ordinal);
        Assert.Equal(["lit", "out"], _lamp.Log);
    }

    [Fact]
    [Promise("R60")]
    public void A_program_that_hangs_inside_the_driver_keeps_the_lamp_lit_until_it_is_gone()
    {
        using var child = ChildProgram.Start(new ChildPlan("/bin/sleep", ["1000"]));
        var hanging = new HangingCamera(child.TakeRemains(), _lamp.Light());
        Assert.False(hanging.IsGone);
        Assert.True(_lamp.IsLit);
        child.End();
        Eventually.True(() => hanging.IsGone, "the program is gone");
        Assert.False(_lamp.IsLit);
    }

    [Fact]
    public void Each_edge_takes_a_picture_beside_commands()
    {
        _root.Write("photos/a.jpg", "");
        File.Copy(Photo, _root.File("photos/a.jpg"), overwrite: true);
        using var run = _host.Start(Triggered());
        Eventually.True(() => _host.TriggerWaits == 1, "the camera waits");
        _gpio.Drive(0, active: true);
        Eventually.True(() => _host.Images.Count == 1, "the edge's picture");
        _host.Trigger("request");
        Eventually.True(() => _host.Images.Count == 2, "the command's picture");
        _gpio.Drive(0, active: true);
        _gpio.Drive(0, active: true);
        Eventually.True(() => _host.Images.Count == 4, "a picture for each edge");
        Assert.Equal([null, "request", null, null], _host.Images.Select(static image => image.RequestId));
        var request = Assert.Single(_gpio.Requests);
        Assert.Equal(GpioEdges.Rising, request.Edges);
        Assert.Equal(new GpioLine("GPIO5", Bias: GpioBias.PullDown, Debounce: TimeSpan.FromMilliseconds(50)), request.Lines[0]);
        Assert.Equal([new BoardLine("", "GPIO5")], Triggered().Lines);
    }

    [Fact]
    public void Edges_that_come_faster_than_pictures_wait_a_few_and_are_counted_beyond()
    {
        var opened = new EdgeTrigger(Options().Get(CameraKind.Trigger)!, _gpio).Open(CancellationToken.None);
        using (opened)
        {
            for (var i = 0; i < 11; i++)
            {
                _gpio.Drive(0, active: true);
            }

            Eventually.True(() => opened.Arrived.IsCancellationRequested && _gpio.IsDrained, "the edges");
            var taken = 0;
            Eventually.True(() => (taken += opened.TryTake(_host) ? 1 : 0) + _host.Skips.GetValueOrDefault("trigger-overrun") == 11, "each edge is accounted for");
            Assert.InRange(taken, 8, 11);
        }

        Assert.Equal(0, _gpio.Open);
    }

    [Fact]
    public void What_the_triggers_own_thread_throws_is_the_sensors_fault_and_not_the_processs_end()
    {
        _gpio.Bug = new InvalidOperationException("poll: errno 22");
        using var opened = new EdgeTrigger(Options().Get(CameraKind.Trigger)!, _gpio).Open(CancellationToken.None);
        Eventually.True(() => opened.Arrived.IsCancellationRequested, "the thread says that something is wrong");
        var fault = Assert.Throws<SensorFault>(() => opened.TryTake(_host));
        Assert.Equal(SensorFaultKind.Io, fault.Kind);
        Assert.Contains("errno 22", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Promise("R13")]
    public void A_trigger_whose_chip_is_gone_is_a_fault_that_is_tried_again()
    {
        _root.Write("photos/a.jpg", "");
        _gpio.Fault = new SensorFault(SensorFaultKind.Absent, "GPIO line 'GPIO5'", "There is none.");
        Assert.Same(_gpio.Fault, Assert.Throws<SensorFault>(() => Triggered().Run(_host, CancellationToken.None)));
        var gone = _gpio.Fault;
        _gpio.Fault = null;
        using var unplug = new Timer(_ => _gpio.Gone = gone, null, 50, Timeout.Infinite);
        Assert.Same(gone, Assert.Throws<SensorFault>(() => Triggered().Run(_host, CancellationToken.None)));
        Assert.Equal(0, _gpio.Open);
    }

    public void Dispose()
    {
        _host.Dispose();
        _gpio.Dispose();
        _root.Dispose();
    }

    private ConfigSection Options()
    {
        var errors = new ConfigErrors();
        const string options = """{ "folder": "photos", "trigger": { "line": "GPIO5", "bias": "pull-down" } }""";
        var section = new CameraKind().Shape.Bind(ConfigNode.Parse(Encoding.UTF8.GetBytes(options), errors)!, errors);
        Assert.True(errors.IsEmpty);
        return section;
    }

    private CameraSensor Triggered() => new CameraSensor(
        "camera", new FolderShots(_root.File("photos")), new PictureWork([], 0), TimeSpan.Zero, false, new EdgeTrigger(Options().Get(CameraKind.Trigger)!, _gpio));

    private ISensor Camera(string options)
    {
        var errors = new ConfigErrors();
        var kind = new CameraKind();
        var section = kind.Shape.Bind(ConfigNode.Parse(Encoding.UTF8.GetBytes(options), errors)!, errors);
        var sensor = kind.Create(new SensorSetup("camera", section, _root.Path, _root.Path) { Indicator = _lamp });
        Assert.True(errors.IsEmpty, string.Join('\n', errors.All));
        return sensor;
    }

    private void Program(string script)
    {
        _root.WriteProgram("usr/bin/rpicam-still", $"#!/bin/sh\n{script}\n");
    }

    private sealed class RecordingLamp : IIndicator
    {
        private readonly List<string> _log = [];

        public SensorFault? Fault { get; set; }

        public Action WhenOut { get; set; } = static () => { };

        public Action<Lit> WhenLit { get; set; } = static _ => { };

        public bool IsLit => Log.Count % 2 == 1;

        public IReadOnlyList<string> Log
        {
            get
            {
                lock (_log)
                {
                    return [.. _log];
                }
            }
        }

        public ILitIndicator Light()
        {
            if (Fault is { } fault)
            {
                throw fault;
            }

            Say("lit");
            var lit = new Lit(this);
            WhenLit(lit);
            return lit;
        }

        private void Say(string word)
        {
            lock (_log)
            {
                _log.Add(word);
            }
        }

        public sealed class Lit(RecordingLamp lamp) : ILitIndicator
        {
            private readonly CancellationTokenSource _lost = new();

            public CancellationToken Lost => _lost.Token;

            public void Lose() => _lost.Cancel();

            public void Dispose()
            {
                lamp.WhenOut();
                lamp.Say("out");
                _lost.Dispose();
            }
        }
    }
}
