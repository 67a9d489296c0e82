using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Board.Tests;

/// <summary>The agent as a service of a board: installed over SSH, shut in as the unit says, through a reboot, a broken release, and removed.</summary>
public sealed class ServiceTests : IDisposable
{
    private const string Program = """
        #!/bin/sh
        n=0
        while :; do n=$((n+1)); echo "{\"stream\":\"level\",\"value\":$n}"; sleep 1; done

        """;

    // What a removal must not leave behind: every path but those of the kernel and of the running system, and all users and groups.
    private const string Snapshot = """
        find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /share -o -path /talk -o -path /root -o -path /var/log \
          -o -path /var/lib/systemd/timers -o -path /var/tmp \) -prune -o -print | sort
        getent passwd | cut -d: -f1,3; getent group | cut -d: -f1,3,4
        find /sys/devices /dev \( -group fieldagent -o -nogroup \) 2>/dev/null
        true
        """;

    private readonly ServiceBoard _board = new();
    private readonly TestPki _pki = new();
    private readonly ClosedPort _plainPort = new();
    private readonly MosquittoBroker _broker;
    private readonly ConcurrentQueue<ConsumerEvent> _arrived = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Consumer _consumer;
    private readonly Thread _listener;

    public ServiceTests()
    {
        _broker = new MosquittoBroker(new MosquittoSetup
        {
            Pki = _pki, ServerCertificate = _pki.OtherHost, Persistence = true,
            ExtraLines = [string.Create(CultureInfo.InvariantCulture, $"listener {_plainPort.Number} 127.0.0.1"), "allow_anonymous true"],
        });
        var options = new ConsumerOptions { Link = new LinkOptions { Host = "127.0.0.1", Port = _plainPort.Number, ClientId = "cloud" }, Seed = 1 };
        _consumer = new Consumer(options, new MosquittoLinkFactory(), new LinuxClock(), NullLogger<Consumer>.Instance);
        _listener = new Thread(() => _consumer.Run(_stop.Token, _arrived.Enqueue)) { IsBackground = true };
        _listener.Start();
    }

    [Fact]
    [Promise("R52", "R56", "R109")]
    public void Installed_over_SSH_it_collects_shut_in_and_delivers_comes_back_after_a_reboot_and_leaves_no_trace()
    {
        _board.Boot();
        Prepare();
        var before = _board.Must(Snapshot);
        var config = _board.Tools.Write("board.json", Config());

        // installed on a board that never had it
        var (code, output) = _board.Deploy("install", "--autostart", "--build", _board.Build, "--config", config);
        Assert.True(code == 0, output);
        Says(output, "healthy");
        Says(output, "vendor  connected");
        _board.Must("fieldagent consent grant photo && fieldagent consent grant diagnostics");
        var release = _board.Must("readlink -f /opt/fieldagent/current").Trim();

        AllSensorsWorkShutIn();
        OperatorsAndNobodyElseCallIt();
        AChipThatWouldSleepIsKeptAwake();

        // again: nothing changes, not even the running process
        var state = _board.Must(Installed);
        (code, output) = _board.Deploy("install", "--build", _board.Build, "--config", config);
        Assert.True(code == 0, output);
        Says(output, "nothing was changed");
        Assert.Equal(state, _board.Must(Installed));

        OnlyAGrantLetsTheBoardStartIt();
        AfterARebootNothingIsLost();
        AStuckCardIsNoticedAndTheAgentStartedAnew();
        ABrokenReleaseIsTakenBack(release);

        (code, output) = _board.Deploy("uninstall");
        Assert.True(code == 0, output);
        _board.Must("test -e /etc/fieldagent/config.json && test -e /etc/fieldagent/root.key && test -e /var/lib/fieldagent/state.db");
        _board.Must("! command -v fieldagent && ! systemctl cat fieldagent.service 2>/dev/null");
        (code, output) = _board.Deploy("uninstall", "--purge");
        Assert.True(code == 0, output);
        Assert.Equal(before.Split('\n'), _board.Must(Snapshot).Split('\n'));
    }

    public void Dispose()
    {
        _board.Dispose();
        _stop.Cancel();
        _listener.Join();
        _broker.Dispose();
        _plainPort.Dispose();
        _pki.Dispose();
        _stop.Dispose();
    }

    private const string Installed = """
        find /opt/fieldagent /etc/fieldagent /etc/systemd/system/fieldagent.service /usr/lib/sysusers.d /usr/lib/udev/rules.d /usr/bin/fieldagent -printf '%p %m %u %g %T@\n' | sort
        systemctl show fieldagent.service -p MainPID
        """;

    private void Prepare()
    {
        _board.Share.Write("ca.crt", File.ReadAllText(_pki.Authority.CertificateFile));
        _board.Share.Write("level", Program.ReplaceLineEndings("\n"));
        _board.Must("""
            install -m 644 /share/ca.crt /usr/local/lib/ca.crt
            install -m 755 /share/level /usr/local/lib/level
            groupadd crew && useradd -G crew ann && useradd bob
            """);
    }

    private string Config() =>
        $$"""
        {
          "control": { "operators": [ "crew" ] },
          "state": { "freeBytesMin": "16MiB", "bytesMax": "64MiB" },
          "flush": { "interval": "2s" },
          "recipients": [ { "name": "vendor", "url": "mqtts://broker.example:{{_broker.Port}}", "tls": { "ca": "/usr/local/lib/ca.crt" } } ],
          "sensors": [
            { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" } ] },
            { "name": "air", "kind": "i2c", "map": "bme280", "bus": "/dev/i2c-1", "address": "0x76", "interval": "2s" },
            { "name": "case", "kind": "hwmon", "device": "lm75", "interval": "2s" },
            { "name": "shake", "kind": "iio", "device": "board-iio", "channels": [ { "channel": "accel_x" } ], "buffer": { "trigger": "board-timer", "rate": "20Hz" } },
            { "name": "health", "kind": "health", "interval": "5s" },
            { "name": "level", "kind": "exec", "program": "/usr/local/lib/level",
              "sha256": "{{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_board.Share.File("level"))))}}", "streams": [ { "name": "level" } ] },
            { "name": "camera", "kind": "camera", "source": "usb", "device": "/dev/video0", "width": 640, "height": 360, "interval": "15s", "timeout": "100s" }
          ]
        }
        """;

    // Unprivileged, with the unit's own device list, /proc, /sys, system calls and credentials.
    private void AllSensorsWorkShutIn()
    {
        string[] names = ["door", "air", "case", "shake", "health", "level"];
        Eventually.True(() => Status().Sensors is var sensors && names.All(name => sensors.GetValueOrDefault(name) is ("running", > 0)), "all sensors run", 300);
        Eventually.True(() => _arrived.OfType<PhotoArrived>().Any(static photo => photo.Sound), "a photograph arrives", 300);
        AllIsWell();
        var (_, message) = Sample("mosquitto_sub", "fieldagent/v1/+/data/diagnostics");
        using var diagnostics = JsonDocument.Parse(message);
        var free = diagnostics.RootElement.GetProperty("sets")[0].GetProperty("s").GetProperty("memory-free").EnumerateArray().First(static v => v.ValueKind == JsonValueKind.Number);
        Assert.InRange(free.GetDouble(), 1 << 26, 1 << 30);
        _board.Must("""
            pid=$(systemctl show -P MainPID fieldagent.service)
            test "$(stat -c %U /proc/$pid)" = fieldagent
            test "$(systemctl show -P NRestarts fieldagent.service)" = 0
            ! test -e /var/lib/fieldagent/root.key
            """);

        // what nobody but root may set stays so
        Assert.NotEqual(0, _board.Shell("""
            runuser -u fieldagent -- sh -c 'echo 1 >/sys/bus/iio/devices/iio:device0/in_accel_x_calibbias'
            """).Code);
        var fed = _board.Must("systemctl show -P WatchdogTimestampMonotonic fieldagent.service");
        Eventually.True(() => _board.Must("systemctl show -P WatchdogTimestampMonotonic fieldagent.service") != fed, "the watchdog is fed", 120);
    }

    private void OperatorsAndNobodyElseCallIt()
    {
        _board.Must("runuser -u ann -- fieldagent status --runtime /run/fieldagent");
        var (code, output) = _board.Shell("runuser -u bob -- fieldagent status --runtime /run/fieldagent");
        Assert.Equal(1, code);
        Says(output, "refused");
    }

    // The kernel gives a chip up for good whose bus fails at the moment it is to be woken; the rule of the installation lets none sleep.
    private void AChipThatWouldSleepIsKeptAwake() => _board.Must(BusChips.Put + "\n" + BusChips.Fault + """
        set -e
        put 49 0 4b00
        modprobe ti-ads1015
        bus=$(basename "$(readlink /run/i2c-bus)")
        echo ads1015 0x49 >/sys/bus/i2c/devices/$bus/new_device
        udevadm settle
        chip=/sys/bus/i2c/devices/${bus#i2c-}-0049
        reads() { cat $chip/iio:device*/in_voltage0_raw; }
        reads
        [ "$(cat $chip/power/control)" = on ] || { echo "the rule did not take effect"; exit 1; }
        fault timeout 0x49
        ! reads || exit 2
        fault timeout -1
        reads
        # without it
        echo auto >$chip/power/control
        n=0
        until [ "$(cat $chip/power/runtime_status)" = suspended ]; do sleep 0.2; n=$((n+1)); [ $n -lt 300 ] || exit 3; done
        fault timeout 0x49
        ! reads || exit 4
        fault timeout -1
        ! reads || exit 5
        echo 0x49 >/sys/bus/i2c/devices/$bus/delete_device
        """);

    // What the boot does, without one.
    private void OnlyAGrantLetsTheBoardStartIt() => _board.Must("""
        set -e
        boot() {
          systemctl stop fieldagent.service
          systemctl start fieldagent-autostart.service
          until [ "$(systemctl is-active fieldagent-autostart.service)" = inactive ]; do sleep 0.2; done
        }
        fieldagent consent withdraw autostart
        boot
        [ "$(systemctl is-active fieldagent.service)" = inactive ] || { echo "it was started without a grant"; exit 1; }
        journalctl -u fieldagent-autostart.service --output=cat --no-pager | grep -q 'consent grant autostart' || { echo "nobody is told why"; exit 1; }
        systemctl start fieldagent.service
        fieldagent consent grant autostart
        boot
        fieldagent status --wait 120 >/dev/null || { echo "it was not started, although that is granted"; exit 1; }
        """);

    private void AfterARebootNothingIsLost()
    {
        // what is stored while the broker is away must come afterwards
        _broker.Stop();
        Eventually.True(() => Status().Waiting > 100, "readings wait", 240);
        _board.Reboot();
        _board.Must("fieldagent status --wait 240");

        // the camera and the IIO chip come up beside the agent, or after it; of what nobody plugged in the kernel knows the class all the same
        _board.Must("for class in i2c iio video4linux media ttyUSB ttyACM; do grep -qw $class /proc/devices || { echo no $class; exit 1; }; done");
        EverythingArrives();
    }

    // A card that takes no more writes holds the writer for good, and with it the pipeline. The process lives, and so does the thread that
    // tells systemd; it tells nothing any more.
    private void AStuckCardIsNoticedAndTheAgentStartedAnew()
    {
        _broker.Stop();
        using var card = new FrozenCard(_board);
        _board.Must("fieldagent status --wait 240");
        Eventually.True(() => Status().Waiting > 100, "readings wait", 240);
        var waiting = Status().Waiting;
        var restarts = Restarts();
        card.Freeze();
        Eventually.True(() => Restarts() != restarts, "systemd starts the agent anew", 300);
        var log = _board.Must("journalctl -u fieldagent.service --output=cat --no-pager");
        Says(log, "The pipeline makes no progress");
        Says(log, "Watchdog timeout");
        card.Thaw();
        _board.Must("fieldagent status --wait 240");
        var waits = Status().Waiting;
        Assert.True(waits >= waiting, $"{waiting} readings waited before, {waits} do now");
        EverythingArrives();

        string Restarts() => _board.Must("systemctl show -P NRestarts fieldagent.service");
    }

    private void EverythingArrives()
    {
        var backlog = _arrived.Count;
        _broker.Start();
        Eventually.True(() => _arrived.Skip(backlog).OfType<BatchArrived>().Any(static batch => batch.Backlog), "the backlog arrives", 240);
        Eventually.True(() => Status().Waiting < 100, "the backlog is delivered", 240);
        Eventually.True(() => _consumer.Report().IsComplete, "nothing is missing", 240);
        Assert.Empty(_arrived.OfType<GapArrived>());
        Assert.Single(_arrived.OfType<BatchArrived>().Select(static batch => batch.Device).Distinct());
        AllIsWell();
    }

    private void AllIsWell() => Eventually.True(
        () => _board.Must("fieldagent status").Contains(": healthy", StringComparison.Ordinal), "all sensors run and the link is up", 240);

    private void ABrokenReleaseIsTakenBack(string good)
    {
        var broken = Directory.CreateDirectory(_board.Tools.File("broken")).FullName;
        File.WriteAllText(Path.Join(broken, "fieldagent"),
            $"#!/bin/sh\n[ \"$1\" != run ] || {{ echo 'this release cannot run' >&2; exit 1; }}\nexec {good}/fieldagent \"$@\"\n");
        File.SetUnixFileMode(Path.Join(broken, "fieldagent"), UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var (code, output) = _board.Deploy("install", "--build", broken);
        Assert.True(code == 1, output);
        Says(output, "this release cannot run");
        Says(output, "was taken back");
        Assert.Equal(good, _board.Must("readlink -f /opt/fieldagent/current").Trim());
        Assert.True(Status().Sensors.Count > 0);

        // a configuration that is wrong is not even tried, and says where
        (code, output) = _board.Deploy("install", "--build", _board.Build, "--config", _board.Tools.Write("wrong.json", Config().Replace("hwmon", "hwmonn", StringComparison.Ordinal)));
        Assert.True(code == 1, output);
        Says(output, "'hwmonn' is no kind of sensor");
        _board.Must("fieldagent status && fieldagent check-config /etc/fieldagent/config.json");
    }

    private (long Waiting, IReadOnlyDictionary<string, (string State, long Rows)> Sensors) Status()
    {
        var (code, output) = _board.Shell("fieldagent status --json");
        if (code != 0)
        {
            return (0, new Dictionary<string, (string, long)>());
        }

        using var status = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]);
        var root = status.RootElement;
        return (root.GetProperty("spool").GetProperty("readings").GetInt64(),
            root.GetProperty("sensors").EnumerateArray().ToDictionary(
                static s => s.GetProperty("name").GetString()!, static s => (s.GetProperty("state").GetString()!.ToLowerInvariant(), s.GetProperty("rows").GetInt64())));
    }

    private static void Says(string output, string text) => Assert.True(output.Contains(text, StringComparison.Ordinal), $"'{text}' is not in: {output}");

    private (int Code, string Output) Sample(string program, string topic)
    {
        using var process = Process.Start(new ProcessStartInfo(
            Places.Program(program), ["-h", "127.0.0.1", "-p", _plainPort.Number.ToString(CultureInfo.InvariantCulture), "-t", topic, "-C", "1", "-W", "120"])
        { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
