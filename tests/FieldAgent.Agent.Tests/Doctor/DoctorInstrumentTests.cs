using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using FieldAgent.Agent.Doctor;

namespace FieldAgent.Agent.Tests;

/// <summary>Instruments behind Modbus, programs of the technician's own, and the packages that sensors need.</summary>
public sealed class DoctorInstrumentTests : IDisposable
{
    private readonly BoardTree _board = new();

    [Fact]
    public void A_Modbus_instrument_that_answers_and_one_that_does_not()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Assert.Equal(Verdict.Ok, Only(Modbus("127.0.0.1", port), "modbus.reached").Result);
        using var closed = new ClosedPort();
        var silent = Only(Modbus("127.0.0.1", closed.Number), "modbus.silent");
        Assert.Equal((Verdict.Fail, "sensor boiler"), (silent.Result, silent.Place));
        Assert.Contains($"127.0.0.1 port {closed.Number}", silent.Text, StringComparison.Ordinal);
        Assert.Contains("power", silent.Remedy, StringComparison.Ordinal);
        Assert.Contains("no-such-board.invalid", Only(Modbus("no-such-board.invalid", port), "modbus.name").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_is_looked_at_as_the_agent_does_before_it_starts_it()
    {
        var program = _board.Write("usr/local/lib/level", "#!/bin/sh\necho\n");
        File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
        for (var folder = Path.GetDirectoryName(program)!; folder.Length >= _board.Root.TrimEnd('/').Length; folder = Path.GetDirectoryName(folder)!)
        {
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        }

        var admitted = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(program)));
        Assert.Equal(Verdict.Ok, Only(Exec(admitted), "exec.admitted").Result);
        Assert.Contains("not the program that was admitted", Only(Exec(new string('0', 64)), "exec.changed").Text, StringComparison.Ordinal);

        File.SetUnixFileMode(program, (UnixFileMode)0b110_100_100);
        Assert.Equal("chmod 755 it", Only(Exec(admitted), "exec.refused").Remedy);
        File.SetUnixFileMode(program, (UnixFileMode)0b111_111_111);
        Assert.Contains("Others may change it", Only(Exec(admitted), "exec.refused").Text, StringComparison.Ordinal);
        File.Delete(program);
        Assert.Contains("does not exist", Only(Exec(admitted), "exec.absent").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_that_a_sensor_needs_is_named()
    {
        _board.Write("var/lib/dpkg/info/libmosquitto1.list", "");
        var report = Modbus("127.0.0.1", 1);
        var missing = Only(report, "package.missing");
        Assert.Equal(("sensor boiler", "needs the package libmodbus5, which is not installed"), (missing.Place, missing.Text));
        Assert.StartsWith("apt-get install libmodbus5", missing.Remedy, StringComparison.Ordinal);
        _board.Write("var/lib/dpkg/info/libmodbus5:arm64.list", "");
        Assert.DoesNotContain(Modbus("127.0.0.1", 1).Findings, static f => f.Id == "package.missing");
    }

    [Theory]
    [InlineData("", "camera.no-program", "there is no program to take photographs with", "apt-get install rpicam-apps-lite")]
    [InlineData("echo 'No cameras available!'", "camera.none", "rpicam-still finds no camera", "check both ends of the ribbon cable, add 'camera_auto_detect=1' to /boot/firmware/config.txt, and reboot")]
    [InlineData("echo 'ERROR: *** no cameras available ***' >&2; exit 255", "camera.none", "rpicam-still finds no camera", "ribbon cable")]
    [InlineData("echo '0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)'", "camera.index", "there is no camera 1; rpicam-still lists 0: imx219", "correct 'index'")]
    [InlineData("[ \"$*\" = --list-cameras ] && printf '0 : a [1x1] (/x)\\n    Modes: 1 : 2\\n1 : imx708_wide [4608x2592 10-bit RGGB] (/y)\\n' >&2", "camera.program", "taken with rpicam-still, camera 1: imx708_wide", "")]
    [InlineData("exit 3", "camera.program", "photographs are taken with rpicam-still", "")]
    public void A_camera_on_a_ribbon_cable_is_looked_for_with_the_program_that_operates_it(string script, string id, string text, string remedy)
    {
        _board.Node("dev/video0");
        if (script.Length > 0)
        {
            _board.WriteProgram("usr/bin/rpicam-still", $"#!/bin/sh\n{script}\n");
        }

        var finding = Assert.Single(_board.Look("""{ "name": "camera", "kind": "camera", "source": "csi", "index": 1 }""").Findings, static f => f.Id.StartsWith("camera.", StringComparison.Ordinal));
        Assert.Equal((id, "sensor camera"), (finding.Id, finding.Place));
        Assert.EndsWith(text, finding.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, finding.Remedy, StringComparison.Ordinal);
    }

    public void Dispose() => _board.Dispose();

    private DoctorReport Modbus(string host, int port) => _board.Look(
        $$"""{ "name": "boiler", "kind": "modbus", "host": "{{host}}", "port": {{port}}, "registers": [ { "name": "a", "address": 0 } ] }""");

    private DoctorReport Exec(string sha256) => _board.Look(
        $$"""{ "name": "level", "kind": "exec", "program": "/usr/local/lib/level", "sha256": "{{sha256}}", "confinement": "bestEffort", "streams": [ { "name": "level" } ] }""");

    private static Finding Only(DoctorReport report, string id) => Assert.Single(report.Findings, f => f.Id == id);
}
