using System.Net.Sockets;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>Lines for people at the board, on a real kernel: the switch that closes camera and receiver and erases what waits, the lamp that is lit
/// while the camera is open, the contact of the enclosure, and the edge that takes a picture.</summary>
public sealed class RoleTests : IDisposable
{
    private readonly VirtualBoard _board = new();

    [Fact]
    [Promise("R2", "R9", "R10", "R59", "R60", "R110")]
    public void The_switch_closes_camera_and_receiver_and_erases_their_backlog_and_the_lamp_is_lit_while_the_camera_is_open()
    {
        _board.Share.Write("config.json", """
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B" },
              "flush": { "interval": "500ms" },
              "recipients": [ { "name": "vendor", "url": "mqtt://localhost:1999" } ],
              "roles": {
                "consentSwitch": { "line": "line3", "scopes": [
                  { "function": "photo", "field": "image.photo" },
                  { "function": "fleet-location", "field": "location.position", "precision": "10km" } ] },
                "cameraIndicator": { "line": "line7" },
                "enclosureTamper": { "line": "line8" } },
              "sensors": [
                { "name": "gnss", "kind": "gnss", "device": "/dev/ttyS1", "baud": 9600, "interval": "0s" },
                { "name": "camera", "kind": "camera", "source": "usb", "device": "/dev/video0", "width": 640, "height": 360,
                  "warmUp": "3s", "timeout": "110s", "trigger": { "line": "line6" } } ] }
            """);
        using var receiver = new Receiver(_board.Share.File("gnss"), Path.Join(Places.Repository, "hardware/boards/recordings/walk.nmea"));
        var (code, output) = _board.Run(
            """
            interrupts() { awk '/irq_sim/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts; }
            drive() { before=$(interrupts); echo $2 >/run/gpio/line$1/pull; until [ "$(interrupts)" -gt "$before" ]; do sleep 0.01; done; sleep 0.2; }
            status() { ./fieldagent status --config config.json --json >$1.new 2>/dev/null && mv $1.new $1; }
            # the number behind a name in a file
            number() { grep -o "\"$2\":[0-9]*" $1 | head -n 1 | cut -d : -f 2; }
            opened() { find /proc/[0-9]*/fd -lname "$1" 2>/dev/null | wc -l; }
            programs() { n=0; for f in /proc/[0-9]*/comm; do read -r c <$f && [ "$c" = ffmpeg ] && n=$((n + 1)); done 2>/dev/null; echo $n; }
            give_up() { echo "gave up: $1"; status last.json; cat last.json; tail -n 30 log.txt; exit 1; }
            wait_for() { for i in $(seq 1 1500); do eval "$2" && return 0; sleep 0.2; done; give_up "$1"; }

            ./fieldagent run --config config.json 2>log.txt &
            agent=$!
            wait_for "the agent" 'status start.json'
            ./fieldagent consent grant photo --field image.photo --config config.json >/dev/null || give_up grant
            ./fieldagent consent grant fleet-location --field location.position --config config.json >/dev/null || give_up grant
            wait_for "the receiver open" '[ "$(opened /dev/ttyS1)" -gt 0 ]'
            wait_for "places that wait" 'status before.json && grep -q "D fix" before.json'

            # a picture on each of two edges, and the lamp looked at all the while: program, lamp, camera, lamp, program
            (
              until [ -e watched ]; do
                p1=$(programs); read -r l1 </run/gpio/line7/value; v=$(opened /dev/video0); read -r l2 </run/gpio/line7/value; p2=$(programs)
                echo "$p1 $l1 $v $l2 $p2"
              done >lamp.txt
            ) &
            watch=$!
            for shot in 1 2; do
              drive 6 pull-up; echo pull-down >/run/gpio/line6/pull
              wait_for "picture $shot stored" 'status before.json && [ "$(number before.json imagesStored)" = '$shot' ]'
              sleep 1
            done
            touch watched; wait $watch

            # the switch is closed while a picture is being taken
            drive 6 pull-up
            wait_for "the camera open" '[ "$(opened /dev/video0)" -gt 0 ]'
            drive 3 pull-up
            wait_for "the switch" 'status after.json && grep -q "\"position\":\"closed\"" after.json'
            wait_for "camera and receiver closed" '[ "$(opened /dev/video0)" = 0 ] && [ "$(opened /dev/ttyS1)" = 0 ]'
            read -r lamp </run/gpio/line7/value; echo "$lamp" >lamp-closed
            echo pull-down >/run/gpio/line6/pull; sleep 0.5; echo pull-up >/run/gpio/line6/pull
            for i in 1 2 3 4 5 6 7 8 9 10; do [ "$(opened /dev/video0)$(opened /dev/ttyS1)$(programs)" = 000 ] || echo open >>reopened; sleep 0.2; done
            ./fieldagent consent grant photo --field image.photo --config config.json >refused.txt 2>&1; echo $? >>refused.txt
            wait_for "the erasure" 'grep -q "consent switch is closed" log.txt'
            status after.json

            drive 8 pull-up
            wait_for "the incident" 'status tamper.json && grep -q "enclosure was opened" tamper.json'
            drive 3 pull-down
            wait_for "the receiver open again" '[ "$(opened /dev/ttyS1)" -gt 0 ]'

            # closed while the agent is off: nothing is opened at the next start
            kill -TERM $agent; wait $agent
            echo pull-up >/run/gpio/line3/pull
            ./fieldagent run --config config.json 2>log2.txt &
            agent=$!
            wait_for "the second start" 'status second.json'
            for i in 1 2 3 4 5; do [ "$(opened /dev/ttyS1)" = 0 ] || echo open >>reopened; sleep 0.2; done
            status second.json
            kill -TERM $agent; wait $agent
            """, "--gnss", receiver.SocketPath);
        Assert.True(code == 0, output);

        // pictures came on edges alone, and places waited
        Assert.Equal(2, Number("before.json", "store", "imagesStored"));
        Assert.True(Number("before.json", "spool", "images") == 2, File.ReadAllText(_board.Share.File("before.json")));

        // never open with the lamp dark; lit without the program only in passing; dark at the end
        var samples = File.ReadAllLines(_board.Share.File("lamp.txt")).Select(static line => line.Split(' ')).Where(static s => s.Length == 5).ToList();
        Assert.DoesNotContain(samples, static s => s[2] != "0" && s[1] == "0" && s[3] == "0");
        Assert.Contains(samples, static s => s[2] != "0" && s[1] == "1" && s[3] == "1");
        var alone = samples.Select(static s => s[0] == "0" && s[1] == "1" && s[3] == "1" && s[4] == "0").ToList();
        Assert.DoesNotContain(true, alone.Zip(alone.Skip(1), static (a, b) => a && b));
        Assert.Equal("0", samples[^1][3]);

        // closed: all that is gone, and stays so
        Assert.Equal("0", File.ReadAllText(_board.Share.File("lamp-closed")).Trim());
        Assert.False(File.Exists(_board.Share.File("reopened")));
        Assert.Equal(0, Number("after.json", "spool", "images"));
        var log = File.ReadAllText(_board.Share.File("log.txt"));
        Assert.Contains("erased before it was sent", log, StringComparison.Ordinal);
        Assert.Contains("a scan of the raw files found no remains", log, StringComparison.Ordinal);
        Assert.Contains("the consent switch at the board is closed", File.ReadAllText(_board.Share.File("refused.txt")), StringComparison.Ordinal);
        using (var tamper = JsonDocument.Parse(File.ReadAllText(_board.Share.File("tamper.json"))))
        {
            Assert.Equal(
                ["consentSwitch closed", "enclosureTamper enclosure open", "cameraIndicator dark"],
                tamper.RootElement.GetProperty("roles").EnumerateArray().Select(static r => $"{r.GetProperty("role").GetString()} {r.GetProperty("position").GetString()}"));
        }

        using var second = JsonDocument.Parse(File.ReadAllText(_board.Share.File("second.json")));
        Assert.All(second.RootElement.GetProperty("sensors").EnumerateArray(), static s => Assert.Equal("Closed", s.GetProperty("state").GetString()));
    }

    public void Dispose() => _board.Dispose();

    private long Number(string file, string section, string name)
    {
        using var status = JsonDocument.Parse(File.ReadAllText(_board.Share.File(file)));
        return status.RootElement.GetProperty(section).GetProperty(name).GetInt64();
    }

    /// <summary>A receiver that sends a recording, two epochs a second, to whoever connects.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly ManualResetEventSlim _end = new();
        private readonly Thread _thread;
        private readonly string[] _lines;

        public Receiver(string path, string recording)
        {
            SocketPath = path;
            _lines = File.ReadAllLines(recording);
            _listener.Bind(new UnixDomainSocketEndPoint(path));
            _listener.Listen(1);
            _thread = new Thread(Send) { IsBackground = true };
            _thread.Start();
        }

        public string SocketPath { get; }

        public void Dispose()
        {
            _end.Set();
            _listener.Dispose();
            _thread.Join();
            _end.Dispose();
        }

        private void Send()
        {
            try
            {
                using var board = _listener.Accept();
                for (var i = 0; !_end.IsSet; i = (i + 1) % _lines.Length)
                {
                    var line = _lines[i].TrimEnd();
                    board.Send(System.Text.Encoding.ASCII.GetBytes(line + "\r\n"));
                    if (line.Length > 6 && line.AsSpan(3, 3).SequenceEqual("RMC"))
                    {
                        _end.Wait(500);
                    }
                }
            }
            catch (SocketException)
            {
                // The board is off.
            }
        }
    }
}
