using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Exec;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests.Exec;

public sealed class ExecTests : IDisposable
{
    private const UnixFileMode Runnable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // Also where the kernel has no Landlock.
    private const string AnyKernel = """, "confinement": "bestEffort" """;

    private readonly TempFolder _folder = new();
    private readonly RecordingHost _host = new();

    public void Dispose()
    {
        _host.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Readings_become_rows_with_their_time()
    {
        Assert.Contains("The program ended: exit code 0", RunToEnd("""
            echo '{"stream":"level","value":1.25}'
            echo '{"stream":"flow","value":-3e2,"unit":"L/min","time":"2026-01-01T00:00:00.5Z"}'
            echo '{"time":1767225600,"value":7,"stream":"flow"}'
            """).Message, StringComparison.Ordinal);
        Assert.Equal([1.25, null], _host.Rows[0].Values);
        Assert.Equal([null, -300], _host.Rows[1].Values);
        Assert.Equal([null, 7], _host.Rows[2].Values);
        Assert.Equal(_host.Clock.BootNs, _host.Rows[0].BootNs);
        Assert.Equal(1_767_225_600_500_000_000 - _host.Clock.WallOffsetNs, _host.Rows[1].BootNs);
        Assert.Equal(1_767_225_600_000_000_000 - _host.Clock.WallOffsetNs, _host.Rows[2].BootNs);
        Assert.Empty(_host.Skips);
    }

    [Fact]
    public void What_is_no_reading_is_counted_by_reason_and_the_next_line_is_taken()
    {
        RunToEnd("""
            echo 'hello'
            echo '{"stream":"level","value":1'
            echo '{"stream":"level","value":1,"extra":2}'
            echo '{"stream":"level","value":1,"value":2}'
            echo '{"stream":"level","value":1} {}'
            echo '{"stream":"other","value":1}'
            echo '{"stream":"level","value":"1"}'
            echo '{"stream":"level","value":1e999}'
            echo '{"stream":"level","value":1,"unit":"ft"}'
            echo '{"stream":"level","value":1,"time":"yesterday"}'
            echo '{"stream":"level","value":1,"time":"2031-01-01T00:00:00Z"}'
            echo '{"stream":"level","value":1,"time":"2001-01-01T00:00:00Z"}'
            printf '{"stream":"level","value":%02000d}\n' 1
            echo '{"stream":"level","value":4}'
            echo 'oh no' >&2; echo 'secret SN42' >&2
            """);
        Assert.Equal(4.0, Assert.Single(_host.Rows)["level"]);
        Assert.Equal(
            "malformed 5, overlong 1, stderr-lines 2, time 3, unit 1, unknown-stream 1, value 2",
            string.Join(", ", _host.Skips.Select(static s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value}"))));
    }

    [Theory]
    [InlineData("printf '{\"stream\":\"level\",\"value\":5}'", "5", "")]
    [InlineData("printf '{\"stream\":\"level\",\"val'", "", "malformed 1")]
    [InlineData("printf '%02000d' 1", "", "overlong 1")]
    public void A_last_line_without_an_end_is_taken_or_counted(string script, string rows, string skips)
    {
        RunToEnd(script);
        Assert.Equal(rows, string.Join(", ", _host.Rows.Select(static row => row["level"])));
        Assert.Equal(skips, string.Join(", ", _host.Skips.Select(static s => $"{s.Key} {s.Value}")));
    }

    [Fact]
    [Promise("R77")]
    public void Another_program_than_the_admitted_one_is_refused_and_not_run()
    {
        var path = Write("touch ran");
        var hash = Hash(path);
        File.AppendAllText(path, "# one byte more\n");
        var fault = Fault(path, hash);
        Assert.Equal(SensorFaultKind.Refused, fault.Kind);
        Assert.Contains(Hash(path), fault.Message, StringComparison.Ordinal);

        Assert.Equal(SensorFaultKind.Absent, Fault(_folder.File("nothing"), hash).Kind);
        Assert.Equal(SensorFaultKind.Refused, Fault(_folder.Path, hash).Kind);
    }

    [Fact]
    [Promise("R77")]
    public void A_program_that_others_may_change_is_refused()
    {
        var path = Write("exit 0");
        File.SetUnixFileMode(path, Runnable | UnixFileMode.OtherWrite);
        Assert.Contains("chmod go-w", Fault(path, Hash(path)).Message, StringComparison.Ordinal);
        File.SetUnixFileMode(path, Runnable);
        File.SetUnixFileMode(_folder.Path, Runnable | UnixFileMode.GroupWrite);
        Assert.Contains("chmod go-w", Fault(path, Hash(path)).Message, StringComparison.Ordinal);

        // A link is followed before anything is looked at.
        File.CreateSymbolicLink(_folder.File("link"), path);
        Assert.Contains("chmod go-w", Fault(_folder.File("link"), Hash(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Promise("R76")]
    public void It_reaches_no_device_no_socket_no_file_and_no_other_process()
    {
        NeedsLandlock();
        var secret = _folder.Write("secret", "42");
        var probe = Python($$"""
            import ctypes, json, os, socket
            def tell(name, ok): print(json.dumps({"stream": name, "value": int(ok)}), flush=True)
            def can(what):
                try: what(); return True
                except OSError: return False
            libc = ctypes.CDLL(None)
            tell("null", can(lambda: open("/dev/null").read()))
            tell("device", any(can(lambda p=p: os.close(os.open(p, os.O_RDONLY | os.O_NONBLOCK))) for p in ["/dev/ptmx", "/dev/tty", "/dev/full"]))
            tell("sysfs", can(lambda: os.listdir("/sys")))
            tell("file", can(lambda: open("{{secret}}")))
            tell("write", can(lambda: open("{{_folder.Path}}/new", "w")))
            tell("passwd", can(lambda: open("/etc/passwd")))
            tell("agent", can(lambda: open("/proc/%d/mem" % os.getppid(), "rb")))
            tell("inet", can(lambda: socket.socket(socket.AF_INET)))
            tell("unix", can(lambda: socket.socket(socket.AF_UNIX)))
            tell("ptrace", libc.ptrace(16, os.getppid(), 0, 0) == 0)
            tell("kill", can(lambda: os.kill(os.getppid(), 0)))
            tell("privileges", libc.prctl(39, 0, 0, 0, 0) != 1)
            """);
        string[] names = ["null", "device", "sysfs", "file", "write", "passwd", "agent", "inet", "unix", "ptrace", "kill", "privileges"];
        var fault = Fault(probe, Hash(probe), names);
        var found = _host.Rows.Select(row => names.First(name => row[name] is not null) + " " + row.Values.First(static v => v is not null)).ToList();
        // From version 6 of Landlock on, other processes get no signals either.
        var signals = ConfinedSpawn.LandlockVersion >= 6 ? "kill 0" : found.Find(static f => f.StartsWith("kill", StringComparison.Ordinal));
        Assert.True(
            found.SequenceEqual(["null 1", "device 0", "sysfs 0", "file 0", "write 0", "passwd 0", "agent 0", "inet 0", "unix 0", "ptrace 0", signals!, "privileges 0"]),
            string.Join(", ", found) + " " + fault.Message + " " + string.Join(", ", _host.Skips));
    }

    [Fact]
    public void What_is_readable_can_be_read_and_nothing_beside_it()
    {
        NeedsLandlock();
        _folder.Write("data/a", "1");
        _folder.Write("other", "2");
        var path = Write($$"""
            cat {{_folder.Path}}/data/a > /dev/null && echo '{"stream":"level","value":1}'
            cat {{_folder.Path}}/other > /dev/null || echo '{"stream":"flow","value":1}'
            """);
        Fault(path, Hash(path), more: $$""", "readable": ["{{_folder.Path}}/data"]""");
        Assert.Equal(2, _host.Rows.Count);
    }

    [Fact]
    public void It_has_limits_a_session_of_its_own_and_neither_environment_nor_descriptors()
    {
        using var open = File.OpenRead(Write("exit 0"));
        RunToEnd("""
            tell() { echo "{\"stream\":\"level\",\"value\":$1}"; }
            tell $(ulimit -v); tell $(ulimit -t); tell $(ulimit -n); tell $(ulimit -c)
            tell $(export -p | grep -v -c -E "^export (PATH|LC_ALL|PWD|OLDPWD)=")
            read -r line < /proc/self/stat; set -- $line
            """, """, "memory": "64MiB", "cpuTime": "90s", "confinement": "bestEffort" """);
        Assert.Equal([65536.0, 90, 64, 0, 0], _host.Rows.Select(static row => row["level"]!.Value));
    }

    [Fact]
    public void A_silent_program_keeps_running_and_a_stop_ends_it_with_all_that_it_started()
    {
        // It cannot write a file: the numbers of its processes come as readings.
        var path = Write("""
            sleep 1000 &
            echo "{\"stream\":\"level\",\"value\":$$}"; echo "{\"stream\":\"flow\",\"value\":$!}"
            trap '' TERM HUP; sleep 1000; sleep 1000
            """);
        int child, grandchild;
        using (_host.Start(Sensor(path, Hash(path), more: AnyKernel)))
        {
            Eventually.True(() => _host.Rows.Count == 2 && _host.Description.Length > 0, "the program runs");
            child = (int)_host.Rows[0]["level"]!.Value;
            grandchild = (int)_host.Rows[1]["flow"]!.Value;
            Assert.True(Processes.IsAlive(child));
        }

        Eventually.True(() => !Processes.IsAlive(child), "the program is gone");
        Eventually.True(() => !Processes.IsAlive(grandchild), "what the program started is gone");
    }

    [Fact]
    public void A_flood_of_readings_is_cut_at_the_rate_and_a_flood_without_lines_costs_nothing()
    {
        RunToEnd("""
            i=0; while [ $i -lt 500 ]; do echo '{"stream":"level","value":1}'; i=$((i+1)); done
            head -c 3000000 /dev/zero; echo
            head -c 3000000 /dev/zero >&2
            """);
        Assert.Equal(100, _host.Rows.Count);
        Assert.Equal(400, _host.Skips["too-many"]);
        Assert.Equal(1, _host.Skips["overlong"]);
    }

    [Fact]
    public void A_program_that_ends_is_started_again_with_growing_patience()
    {
        var path = Write("""echo '{"stream":"level","value":1}'; exit 3""");
        var sensor = Sensor(path, Hash(path), more: AnyKernel);
        using var rig = new Rig(sensor.Run);
        rig.Supervisor.Start();
        rig.Is(SensorState.Failed);
        Assert.Contains("exit code 3", rig.Supervisor.Status.Detail, StringComparison.Ordinal);
        var first = rig.PassRetry();
        rig.Runs(2);
        Eventually.True(() => rig.Supervisor.Status.Failures == 2, "it failed again");
        Assert.True(rig.PassRetry() > first);
    }

    [Fact]
    public void How_a_program_ended_is_named()
    {
        Assert.Contains("segmentation fault", RunToEnd("kill -SEGV $$").Message, StringComparison.Ordinal);
        var path = _folder.WriteProgram("interpreterless", "#!/no/such/interpreter\n");
        Assert.Contains("exit code 127", Fault(path, Hash(path), more: AnyKernel).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_somebody_may_still_write_is_busy_and_tried_again()
    {
        var path = Write("exit 0");
        using var writer = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var fault = Assert.Throws<SensorFault>(() => ChildProgram.Start(new ChildPlan(path, [])));
        Assert.Equal(SensorFaultKind.Busy, fault.Kind);
        Assert.Contains("open for writing", fault.Message, StringComparison.Ordinal);

        // Shut in, it is told by a number.
        Assert.Contains("may still be written", Fault(path, Hash(path), more: AnyKernel).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_options_are_all_said_with_their_place()
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(
            new ExecKind(),
            """{ "program": "bin/x", "sha256": "12", "readable": ["/dev/i2c-1", "relative", "/"], "streams": [{ "name": "a" }, { "name": "a" }] }""",
            errors);
        var all = string.Join('\n', errors.All);
        Assert.Contains("must be an absolute path", all, StringComparison.Ordinal);
        Assert.Contains("64 hexadecimal digits", all, StringComparison.Ordinal);
        Assert.Contains("'/dev/i2c-1'", all, StringComparison.Ordinal);
        Assert.Contains("'relative'", all, StringComparison.Ordinal);
        Assert.Contains("a second stream called 'a'", all, StringComparison.Ordinal);
    }

    private static void NeedsLandlock()
    {
        if (ConfinedSpawn.LandlockVersion == 0)
        {
            Assert.Skip("skipped: Landlock");
        }
    }

    private static string Hash(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    private string Write(string script)
    {
        return _folder.WriteProgram("program", "#!/bin/sh\n" + script + "\n");
    }

    private string Python(string script)
    {
        if (!File.Exists("/usr/bin/python3"))
        {
            Assert.Skip("skipped: python3");
        }

        return _folder.WriteProgram("program.py", "#!/usr/bin/python3\n" + script + "\n");
    }

    private SensorFault RunToEnd(string script, string more = "")
    {
        var path = Write(script);
        return Fault(path, Hash(path), more: more + (more.Contains("confinement", StringComparison.Ordinal) ? "" : AnyKernel));
    }

    private SensorFault Fault(string path, string hash, string[]? streams = null, string more = "") =>
        Assert.Throws<SensorFault>(() => Sensor(path, hash, streams, more).Run(_host, CancellationToken.None));

    private ISensor Sensor(string path, string hash, string[]? streams = null, string more = "")
    {
        var list = streams is null
            ? """{ "name": "level", "unit": "m" }, { "name": "flow", "unit": "L/min" }"""
            : string.Join(", ", streams.Select(static name => $$"""{ "name": "{{name}}" }"""));
        return RecordingHost.Create(
            new ExecKind(), $$"""{ "program": "{{path}}", "sha256": "{{hash}}", "streams": [{{list}}]{{more}} }""");
    }
}
