using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests;

/// <summary>Cameras behind programs, which are shell scripts here, below a root of their own.</summary>
public sealed class CameraProgramTests : IDisposable
{
    private static readonly string Photo = Path.Join(Places.Repository, "hardware", "boards", "photos", "01-pressure-gauge.jpg");

    private readonly TempFolder _root = new();
    private readonly RecordingHost _host = new();

    public void Dispose()
    {
        _host.Dispose();
        _root.Dispose();
    }

    [Fact]
    [Promise("R60")]
    public void A_shot_is_the_programs_output_and_the_program_lives_for_that_shot_only()
    {
        Program("rpicam-still", $"echo $$ > {_root.Path}/pid; cat {Photo}");
        using var run = _host.Start(Camera("""{ "source": "csi" }"""));
        Eventually.True(() => _host.TriggerWaits == 1, "the camera waits");
        Assert.False(File.Exists(_root.File("pid")));
        _host.Trigger("req-1");
        Eventually.True(() => _host.Images.Count == 1, "the shot");
        Assert.Equal("req-1", _host.Images[0].RequestId);
        Assert.Equal(File.ReadAllBytes(Photo), _host.Images[0].Jpeg.ToArray());
        Eventually.True(() => !IsAlive("pid"), "the program is gone");
    }

    [Fact]
    public void The_program_gets_arguments_an_empty_environment_a_session_of_its_own_and_nothing_else()
    {
        using var open = File.OpenRead(Photo);
        Program("rpicam-still", $$"""
            # first, and without a program: a shell blocks signals while it starts one, and clears what it had inherited
            while read -r line; do case $line in SigIgn*|SigBlk*) echo "$line";; esac; done < /proc/$$/status > {{_root.Path}}/signals
            for a in "$@"; do echo "$a"; done > {{_root.Path}}/arguments
            export -p > {{_root.Path}}/environment
            cat /proc/$$/stat > {{_root.Path}}/stat
            ls -l /proc/$$/fd > {{_root.Path}}/fds
            pwd > {{_root.Path}}/folder
            cat {{Photo}}
            """);
        Shoot("""{ "source": "csi", "index": 1, "width": 640, "height": 480, "warmUp": "250ms" }""");
        Assert.Equal(
            "--nopreview --encoding jpg --output - --camera 1 --timeout 250 --width 640 --height 480",
            string.Join(' ', File.ReadAllLines(_root.File("arguments"))));
        var environment = File.ReadAllText(_root.File("environment"));
        Assert.All(
            Environment.GetEnvironmentVariables().Keys.Cast<string>().Append("HOME").Except(["PATH", "LC_ALL", "PWD", "OLDPWD"]),
            name => Assert.DoesNotContain($"export {name}=", environment, StringComparison.Ordinal));
        var stat = File.ReadAllText(_root.File("stat")).Split(' ');
        Assert.Equal(stat[0], stat[4]);
        Assert.Equal(stat[0], stat[5]);

        // The C library keeps signals 32 and 33 for itself.
        Assert.All(
            File.ReadAllLines(_root.File("signals")),
            static line => Assert.Equal(0, long.Parse(line[^16..], NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 0x7FFF_FFFF));
        Assert.DoesNotContain(Photo, File.ReadAllText(_root.File("fds")), StringComparison.Ordinal);
        Assert.Equal("/", File.ReadAllText(_root.File("folder")).Trim());
    }

    [Fact]
    public void The_new_name_of_the_program_comes_first_and_the_old_one_will_do()
    {
        Program("libcamera-still", $"cat {Photo}");
        Shoot("""{ "source": "csi" }""");
        Program("rpicam-still", "exit 3");
        Assert.Contains("rpicam-still: exit code 3", FaultOf("""{ "source": "csi" }""", "echo 'ERROR: *** no cameras available ***' >&2; exit 3").Message);
    }

    [Fact]
    public void Without_a_program_or_a_device_the_camera_is_absent_and_names_the_package()
    {
        var noProgram = Assert.Throws<SensorFault>(() => Camera("""{ "source": "csi" }""").Run(_host, CancellationToken.None));
        Assert.Equal(SensorFaultKind.Absent, noProgram.Kind);
        Assert.Contains("apt-get install rpicam-apps-lite", noProgram.Message, StringComparison.Ordinal);

        Program("ffmpeg", "exit 0");
        const string byId = "usb-Maker_Camera_SN0123456-video-index0";
        var noDevice = Assert.Throws<SensorFault>(
            () => Camera($$"""{ "source": "usb", "device": "/dev/v4l/by-id/{{byId}}" }""").Run(_host, CancellationToken.None));
        Assert.Equal(SensorFaultKind.Absent, noDevice.Kind);
        Assert.DoesNotContain("SN0123456", noDevice.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo 'Failed to acquire camera: Device or resource busy (/dev/media0 SN42)' >&2; exit 255", SensorFaultKind.Busy)]
    [InlineData("echo 'open: Permission denied' >&2; exit 1", SensorFaultKind.Refused)]
    [InlineData("echo 'ERROR: *** no cameras available ***' >&2; exit 255", SensorFaultKind.Absent)]
    [InlineData("echo 'secret SN42' >&2; exit 7", SensorFaultKind.Io)]
    [InlineData("kill -SEGV $$", SensorFaultKind.Io)]
    [InlineData("exit 0", SensorFaultKind.Malformed)]
    [InlineData("echo '<html>'", SensorFaultKind.Malformed)]
    [InlineData("printf '\\377\\330\\377\\340broken off'", SensorFaultKind.Malformed)]
    public void Each_failure_has_its_name_and_no_words_of_the_program(string script, SensorFaultKind kind)
    {
        var fault = FaultOf("""{ "source": "csi" }""", script);
        Assert.Equal(kind, fault.Kind);
        Assert.Equal("CSI camera 0", fault.Place);
        Assert.DoesNotContain("SN42", fault.Message, StringComparison.Ordinal);
        Assert.Empty(_host.Images);
    }

    [Fact]
    public void A_hanging_program_is_killed_with_all_that_it_started()
    {
        // All of them have the folder in their command lines: however far they came until the time-out, none is left.
        _root.WriteProgram("usr/bin/grandchild", "#!/bin/sh\ntrap '' TERM HUP; sleep 1000; sleep 1000\n");
        var fault = FaultOf(
            """{ "source": "csi", "timeout": "2s", "warmUp": "1ms" }""", $"{_root.Path}/usr/bin/grandchild & trap '' TERM HUP; sleep 1000; sleep 1000");
        Assert.Equal(SensorFaultKind.Timeout, fault.Kind);
        Eventually.True(() => !Processes.AnyWith(_root.Path), "the program and what it started are gone");
    }

    [Fact]
    public void A_slow_shot_within_its_time_out_is_not_called_stalled()
    {
        // The program gives its picture when the test opens the gate.
        Program("rpicam-still", $"echo $$ > {_root.Path}/child; while [ ! -e {_root.Path}/gate ]; do sleep 0.02; done; cat {Photo}");
        var camera = Camera("""{ "source": "csi", "timeout": "90s" }""");
        using var rig = new Rig(camera.Run, callLimit: camera.CallLimit);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        Assert.True(rig.Supervisor.Trigger("slow"));
        Eventually.True(() => File.Exists(_root.File("child")), "the shot begins");
        _ = rig.Supervisor.Status;
        rig.Clock.Advance(TimeSpan.FromSeconds(80));
        Assert.Equal(SensorState.Running, rig.Supervisor.Status.State);
        _root.Write("gate", "");
        Eventually.True(() => rig.Supervisor.Status.Images == 1, "the picture");
        Assert.Equal(0, rig.Counters["sensor.stalled"]);
    }

    [Theory]
    [InlineData("""{ "source": "csi", "timeout": "2m" }""", 121)]
    [InlineData("""{ "source": "folder", "folder": "." }""", 0)]
    public void A_camera_says_how_long_a_shot_may_take(string options, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Camera(options).CallLimit);

    [Fact]
    public void What_a_program_left_behind_holds_nothing_up_and_is_killed_too()
    {
        Program("rpicam-still", $"sleep 1000 & echo $! > {_root.Path}/grandchild; cat {Photo}");
        Shoot("""{ "source": "csi" }""");
        Eventually.True(() => !IsAlive("grandchild"), "what the program started is gone");
    }

    [Fact]
    public void Floods_on_either_output_are_ended_or_passed_over()
    {
        var fault = FaultOf("""{ "source": "csi", "timeout": "60s" }""", $"echo $$ > {_root.Path}/child; cat /dev/zero");
        Assert.Equal(SensorFaultKind.Malformed, fault.Kind);
        Assert.Contains("more than 16 MiB", fault.Message, StringComparison.Ordinal);
        Eventually.True(() => !IsAlive("child"), "the program is gone");

        Program("rpicam-still", $"head -c 4000000 /dev/zero >&2; cat {Photo}");
        Shoot("""{ "source": "csi", "timeout": "60s" }""");
    }

    [Fact]
    public void A_stop_ends_a_shot_at_once()
    {
        Program("rpicam-still", $"echo $$ > {_root.Path}/child; sleep 1000");
        using (_host.Start(Camera("""{ "source": "csi", "timeout": "2m" }""")))
        {
            _host.Trigger("x");
            Eventually.True(() => File.Exists(_root.File("child")) && File.ReadAllText(_root.File("child")).Length > 0, "the program runs");
        }

        Eventually.True(() => !IsAlive("child"), "the program is gone");
        Assert.Empty(_host.Images);
    }

    [Fact]
    public void A_shot_that_failed_is_taken_with_the_next_try_but_not_for_another_session()
    {
        var camera = Camera("""{ "source": "csi" }""");
        Program("rpicam-still", "exit 1");
        _host.Trigger("req-1");
        Assert.Throws<SensorFault>(() => camera.Run(_host, CancellationToken.None));
        Program("rpicam-still", $"cat {Photo}");
        using (_host.Start(camera))
        {
            Eventually.True(() => _host.Images.Count == 1, "the shot that is owed");
            Assert.Equal("req-1", _host.Images[0].RequestId);
        }

        Program("rpicam-still", "exit 1");
        _host.Trigger("req-2");
        Assert.Throws<SensorFault>(() => camera.Run(_host, CancellationToken.None));
        Program("rpicam-still", $"cat {Photo}");
        using var other = new RecordingHost();
        using (other.Start(camera))
        {
            Eventually.True(() => other.TriggerWaits == 1, "the camera waits");
        }

        Assert.Empty(other.Images);
    }

    [Fact]
    public void Ffmpeg_takes_a_frame_with_the_very_arguments()
    {
        var ffmpeg = Places.Program("ffmpeg");
        // Its test source stands for the device, which has no place for an input of that kind.
        Program("ffmpeg", $$"""
            n=$#; while [ $n -gt 0 ]; do
              a=$1; shift; n=$((n-1))
              case "$a" in
                video4linux2) a=lavfi ;;
                -video_size) shift; n=$((n-1)); continue ;;
                {{_root.Path}}/dev/video0) a='testsrc=size=320x240:rate=10' ;;
              esac
              set -- "$@" "$a"
            done
            exec {{ffmpeg}} "$@"
            """);
        _root.Write("dev/video0", "");
        Shoot("""{ "source": "usb", "device": "/dev/video0", "width": 320, "height": 240, "warmUp": "300ms", "timeout": "60s" }""");
        using var picture = TurboJpeg.Problem is null ? TurboJpeg.Decode(_host.Images[^1].Jpeg.Span, 0, 1 << 20) : null;
        Assert.True(picture is null || (picture.Width, picture.Height) == (320, 240));
        Assert.Equal(-1, _host.Images[^1].Jpeg.Span.IndexOf("Exif\0\0"u8));
    }

    [Fact]
    public void Wrong_options_are_all_said_with_their_place()
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(
            new CameraKind(),
            """
            { "source": "usb", "device": "/etc/passwd", "width": 640, "warmUp": "9s",
              "masks": [{ "left": 60, "top": 0, "width": 50, "height": 10 }] }
            """,
            errors);
        var all = string.Join('\n', errors.All);
        Assert.Contains("device", all, StringComparison.Ordinal);
        Assert.Contains("give both 'width' and 'height'", all, StringComparison.Ordinal);
        Assert.Contains("'warmUp' must be shorter", all, StringComparison.Ordinal);
        Assert.Contains("reaches beyond the picture", all, StringComparison.Ordinal);
        var missing = new ConfigErrors();
        RecordingHost.Create(new CameraKind(), "{}", missing);
        Assert.Contains("'folder' is missing", string.Join('\n', missing.All), StringComparison.Ordinal);
    }

    private void Program(string name, string script)
    {
        _root.WriteProgram("usr/bin/" + name, "#!/bin/sh\n" + script + "\n");
    }

    private void Shoot(string options)
    {
        var before = _host.Images.Count;
        using var run = _host.Start(Camera(options));
        _host.Trigger(null);
        Eventually.True(() => _host.Images.Count > before || run.IsOver, "the shot");
        Assert.Null(run.Failure);
    }

    private SensorFault FaultOf(string options, string script)
    {
        Program("rpicam-still", script);
        _host.Trigger("x");
        return Assert.Throws<SensorFault>(() => Camera(options).Run(_host, CancellationToken.None));
    }

    private bool IsAlive(string pidFile) => Processes.IsAlive(int.Parse(File.ReadAllText(_root.File(pidFile)), CultureInfo.InvariantCulture));

    // Long enough for the slowest machine, where a test does not say otherwise.
    private ISensor Camera(string options) => RecordingHost.Create(
        new CameraKind(),
        options.Contains("timeout", StringComparison.Ordinal) || options.Contains("folder", StringComparison.Ordinal)
            ? options : options.Replace("{", """{ "timeout": "2m",""", StringComparison.Ordinal),
        root: _root.Path);
}
