using System.Diagnostics;
using System.Globalization;

namespace FieldAgent.Agent.Tests;

/// <summary>The service as systemd gets it, and its coming and going on a board, tried in a folder with a systemd and an agent that only
/// play their parts.</summary>
public sealed class ServiceFilesTests : IDisposable
{
    private readonly TempFolder _root = new();
    private readonly TempFolder _tools = new();

    public ServiceFilesTests()
    {
        // starts, stops and forgets as systemd would; what runs is what the link points at
        _tools.WriteProgram("systemctl",
            """
            #!/bin/sh
            verb=
            for word in "$@"; do case "$word" in -*) ;; *) verb=$word; break ;; esac; done
            case "$verb" in
              restart) if [ -e "$ROOT/opt/fieldagent/current/broken" ] || grep -q unhealthy "$ROOT/etc/fieldagent/config.json"; then rm -f "$ROOT/running"; else cat "$ROOT/opt/fieldagent/current/RELEASE" >"$ROOT/running"; fi ;;
              stop) rm -f "$ROOT/running" ;;
              enable | disable)
                mkdir -p "$ROOT/etc/systemd/system/multi-user.target.wants"
                for unit in "$@"; do case "$unit" in
                  fieldagent.service) [ "$verb" != disable ] || rm -f "$ROOT/running" ;;
                esac; done
                for unit in "$@"; do case "$unit" in
                  *.service) if [ "$verb" = enable ]; then ln -sf "../$unit" "$ROOT/etc/systemd/system/multi-user.target.wants/$unit"; else rm -f "$ROOT/etc/systemd/system/multi-user.target.wants/$unit"; fi ;;
                esac; done ;;
              is-active) [ -e "$ROOT/running" ] ;;
              is-failed) [ ! -e "$ROOT/running" ] ;;
            esac
            """);
        _tools.WriteProgram("journalctl", "#!/bin/sh\necho 'the store cannot be opened'\n");
    }

    [Theory]
    [InlineData("fieldagent.service")]
    [InlineData("fieldagent-autostart.service")]
    public void A_unit_is_as_closed_as_its_devices_allow(string name)
    {
        var analyze = Places.Program("systemd-analyze");
        var unit = Path.Join(Places.Repository, "systemd", name);
        var (code, output) = Run(analyze, ["security", "--offline=true", "--threshold=15", "--no-pager", unit]);
        var line = output.Split('\n').Last(static l => l.Contains("Overall exposure", StringComparison.Ordinal));
        var score = double.Parse(line.Split(':')[1].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.True(score <= 1.5 && code == 0, line);
    }

    [Fact]
    [Promise("R55", "R58")]
    public void The_unit_gives_no_right_that_the_agent_does_not_need()
    {
        var unit = File.ReadAllLines(Path.Join(Places.Repository, "systemd/fieldagent.service"));
        Assert.Contains("DevicePolicy=closed", unit);
        Assert.Contains("CapabilityBoundingSet=", unit);
        Assert.Contains("ProtectSystem=strict", unit);
        Assert.Contains("StateDirectory=fieldagent", unit);
        Assert.Contains("RestartPreventExitStatus=64 78", unit);
        Assert.Contains(unit, static line => line.StartsWith("LoadCredential=fieldagent-root-key:", StringComparison.Ordinal));
        // The attributes of devices are root's, but for those that the rules give to the agent's group.
        Assert.Equal(["ReadWritePaths=-/sys/devices"], unit.Where(static line => line.StartsWith("ReadWritePaths=", StringComparison.Ordinal)));
        Assert.Contains("ProtectKernelTunables=yes", unit);
        string[] classes =
        [
            "char-gpiochip", "char-i2c", "char-iio", "char-ttyAMA", "char-ttyS", "char-ttyUSB", "char-ttyACM", "char-video4linux", "char-media",
            "char-dma_heap",
        ];
        Assert.Equal(
            classes.Select(static c => $"DeviceAllow={c} rw"), unit.Where(static line => line.StartsWith("DeviceAllow=", StringComparison.Ordinal)));

        // A class that the kernel does not have when the agent starts is not allowed later either.
        const string modules = "modprobe@i2c_dev.service modprobe@industrialio.service modprobe@videodev.service modprobe@usbserial.service modprobe@cdc_acm.service";
        Assert.Contains("Wants=" + modules, unit);
        Assert.Contains("After=" + modules, unit);
    }

    [Fact]
    public void A_release_is_installed_once_replaced_taken_back_and_removed_without_a_trace()
    {
        var first = Release("0.1.0-aaa");
        var (code, output) = Board("install", first);
        Assert.True(code == 0, output);
        Assert.Contains("release 0.1.0-aaa runs", output, StringComparison.Ordinal);
        Assert.Equal("0.1.0-aaa", Running);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(At("etc/fieldagent/root.key")));
        var key = File.ReadAllBytes(At("etc/fieldagent/root.key"));
        Assert.Equal(32, key.Length);

        // again: nothing changes
        var before = Listing();
        (code, output) = Board("install", Release("0.1.0-aaa"));
        Assert.True(code == 0, output);
        Assert.Contains("nothing was changed", output, StringComparison.Ordinal);
        Assert.Equal(before, Listing());

        // the next release keeps configuration and key
        File.AppendAllText(At("etc/fieldagent/config.json"), "// mine\n");
        (code, output) = Board("install", Release("0.2.0-bbb"));
        Assert.True(code == 0, output);
        Assert.Equal("0.2.0-bbb", Running);
        Assert.EndsWith("// mine\n", File.ReadAllText(At("etc/fieldagent/config.json")), StringComparison.Ordinal);
        Assert.Equal(key, File.ReadAllBytes(At("etc/fieldagent/root.key")));

        // a broken one is taken back, and the technician is told why
        (code, output) = Board("install", Release("0.3.0-ccc", broken: true));
        Assert.True(code == 1, output);
        Assert.Contains("the store cannot be opened", output, StringComparison.Ordinal);
        Assert.Contains("0.2.0-bbb runs again", output, StringComparison.Ordinal);
        Assert.Equal("0.2.0-bbb", Running);

        (code, output) = Board("rollback");
        Assert.True(code == 0, output);
        (code, output) = Board("install", Release("0.2.0-bbb"));
        Assert.True(code == 0, output);
        Assert.Equal("0.2.0-bbb", Running);

        (code, output) = Board("uninstall");
        Assert.True(code == 0, output);
        Assert.True(File.Exists(At("etc/fieldagent/config.json")));
        (code, output) = Board("uninstall", "--purge");
        Assert.True(code == 0, output);
        Assert.Empty(Directory.GetFiles(_root.Path, "*", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetDirectories(_root.Path, "*fieldagent*", SearchOption.AllDirectories));
    }

    [Fact]
    [Promise("R52", "R54")]
    public void Nothing_starts_the_agent_at_boot_but_the_unit_that_asks_what_was_granted()
    {
        var service = File.ReadAllLines(Path.Join(Places.Repository, "systemd/fieldagent.service"));
        Assert.DoesNotContain("[Install]", service);
        var unit = File.ReadAllLines(Path.Join(Places.Repository, "systemd/fieldagent-autostart.service"));
        Assert.Contains("WantedBy=multi-user.target", unit);

        // it asks as the agent's user, with the key that the ledger is read with: a condition gets no credentials
        Assert.Equal(
            [
                "ExecStart=/usr/bin/fieldagent autostart --config /etc/fieldagent/config.json",
                """ExecStopPost=+/bin/sh -c '[ "$$EXIT_STATUS" != 0 ] || exec systemctl start --no-block fieldagent.service'""",
            ],
            unit.Where(static line => line.StartsWith("Exec", StringComparison.Ordinal)));
        Assert.Contains("SuccessExitStatus=1", unit);

        // a release of before was started by systemd without being asked
        var wants = Directory.CreateDirectory(At("etc/systemd/system/multi-user.target.wants")).FullName;
        File.CreateSymbolicLink(Path.Join(wants, "fieldagent.service"), "../fieldagent.service");
        var (code, output) = Board("install", Release("1-a"));
        Assert.True(code == 0, output);
        Assert.Equal("fieldagent-autostart.service", Path.GetFileName(Assert.Single(Directory.GetFileSystemEntries(wants))));
        Assert.Contains("AFTER A REBOOT IT STAYS OFF", output, StringComparison.Ordinal);
        Assert.Contains("--autostart", output, StringComparison.Ordinal);

        (code, output) = Board("install", "--autostart", Release("1-a"));
        Assert.True(code == 0, output);
        Assert.Contains("after a reboot it starts by itself", output, StringComparison.Ordinal);

        // what was granted stays granted with the next release, and what was withdrawn stays so
        Assert.Contains("starts by itself", Board("install", Release("2-b")).Output, StringComparison.Ordinal);
        File.Delete(At("granted"));
        Assert.Contains("STAYS OFF", Board("install", Release("3-c")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Rollback_goes_to_the_release_before_and_to_and_fro()
    {
        Board("install", Release("1-a"));
        Board("install", Release("2-b"));
        var (code, output) = Board("rollback");
        Assert.True(code == 0, output);
        Assert.Equal("1-a", Running);
        Board("rollback");
        Assert.Equal("2-b", Running);
    }

    [Fact]
    public void A_wrong_configuration_starts_nothing()
    {
        Board("install", Release("1-a"));
        var wrong = _tools.Write("wrong.json", "wrong");
        var (code, output) = Board("install", Release("2-b"), wrong);
        Assert.Equal(1, code);
        Assert.Contains("config.json.new:1: $: not JSON", output, StringComparison.Ordinal);
        Assert.Contains("release 1-a goes on running", output, StringComparison.Ordinal);
        Assert.Equal("1-a", Running);
        Assert.DoesNotContain("wrong", File.ReadAllText(At("etc/fieldagent/config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_with_which_it_does_not_become_healthy_is_taken_back()
    {
        Board("install", Release("1-a"), _tools.Write("good.json", "{ } // good"));
        foreach (var release in new[] { "1-a", "2-b" })
        {
            var (code, output) = Board("install", Release(release), _tools.Write("bad.json", "{ } // unhealthy"));
            Assert.Equal(1, code);
            Assert.Contains("the store cannot be opened", output, StringComparison.Ordinal);
            Assert.Contains("1-a runs again with the configuration from before", output, StringComparison.Ordinal);
            Assert.Equal("1-a", Running);
            Assert.Equal("{ } // good", File.ReadAllText(At("etc/fieldagent/config.json")));
            Assert.Equal("{ } // unhealthy", File.ReadAllText(At("etc/fieldagent/config.json.refused")));
        }
    }

    [Fact]
    public void The_packages_that_a_configuration_needs_are_printed_for_the_installation()
    {
        using var folder = new TempFolder();
        var file = folder.Write("config.json", """
            { "recipients": [], "sensors": [
              { "name": "a", "kind": "modbus", "host": "boiler", "registers": [ { "name": "a", "address": 0 } ] },
              { "name": "b", "kind": "modbus", "device": "/dev/ttyUSB0", "registers": [ { "name": "a", "address": 0 } ] },
              { "name": "c", "kind": "camera", "source": "usb", "device": "/dev/video0", "use": "scan" },
              { "name": "d", "kind": "gnss", "gpsd": "localhost" },
              { "name": "e", "kind": "hwmon", "device": "lm75" } ] }
            """);
        var (code, output, _) = AgentProcess.Run("check-config", "--packages", file);
        Assert.Equal(0, code);
        Assert.Equal("ffmpeg\ngpsd\nlibmodbus5\nlibturbojpeg0\nlibzbar0\n", output);
        folder.Write("config.json", """
            { "recipients": [], "sensors": [
              { "name": "c", "kind": "camera", "source": "csi" }, { "name": "d", "kind": "gnss", "gpsd": "other.example:2947" } ] }
            """);
        Assert.Equal("", AgentProcess.Run("check-config", "--packages", file).Out);
    }

    public void Dispose()
    {
        _root.Dispose();
        _tools.Dispose();
    }

    private string Running => File.ReadAllText(At("running")).Trim();

    private string At(string path) => _root.File(path);

    private string Release(string name, bool broken = false)
    {
        var folder = Directory.CreateDirectory(_tools.File("release-" + Guid.NewGuid().ToString("N"))).FullName;
        Directory.CreateDirectory(Path.Join(folder, "systemd"));
        foreach (var file in Directory.GetFiles(Path.Join(Places.Repository, "systemd")))
        {
            File.Copy(file, Path.Join(folder, "systemd", Path.GetFileName(file)));
        }

        File.WriteAllText(Path.Join(folder, "RELEASE"), name + "\n");
        _tools.WriteProgram(Path.Join(Path.GetFileName(folder), "fieldagent"),
            """
            #!/bin/sh
            case "$1" in
              check-config) if grep -q wrong "$2"; then echo "$2:1: \$: not JSON"; exit 78; fi ;;
              status) [ -e "$ROOT/running" ] && echo healthy ;;
              autostart) [ -e "$ROOT/granted" ] ;;
              consent) [ "$2 $3" = 'grant autostart' ] && touch "$ROOT/granted" ;;
            esac
            """);
        if (broken)
        {
            File.WriteAllText(Path.Join(folder, "broken"), "");
        }

        return folder;
    }

    private (int Code, string Output) Board(params string[] arguments) =>
        Run("sh", [Path.Join(Places.Repository, "systemd/board.sh"), .. arguments]);

    private (int Code, string Output) Run(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ROOT"] = _root.Path;
        start.Environment["WAIT_S"] = "0";
        start.Environment["PATH"] = _tools.Path + ":" + Environment.GetEnvironmentVariable("PATH");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }

    private List<string> Listing() =>
        [.. Directory.GetFileSystemEntries(_root.Path, "*", SearchOption.AllDirectories)
            .Select(static path => $"{path} {File.GetLastWriteTimeUtc(path).Ticks}").Order(StringComparer.Ordinal)];
}
