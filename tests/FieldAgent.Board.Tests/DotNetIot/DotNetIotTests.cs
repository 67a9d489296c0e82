using System.Diagnostics;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>The agent built with the packages of the .NET IoT ecosystem, against the kernel's interfaces. Part of that build only
/// (<c>-p:DeviceStack=DotNetIot</c>); skipped by name where the library that the packages need is not at hand.</summary>
public sealed class DotNetIotTests : IDisposable
{
    private const string Gpiod = "/usr/lib/x86_64-linux-gnu/libgpiod.so.2";

    private readonly TempFolder _program = new();

    [Fact]
    public void Lines_edges_pulses_bounces_and_chips_come_through_the_packages()
    {
        Assert.SkipUnless(File.Exists(Gpiod), "skipped: libgpiod2");
        Publish();
        using var board = new VirtualBoard("x64", _program.Path);
        File.Copy(Gpiod, board.Share.File("libgpiod.so.2"));
        board.Share.Write("config.json", """
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state" }, "recipients": [], "sensors": [
              { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" }, { "name": "pump", "line": "line4", "activeLow": true } ] },
              { "name": "meter", "kind": "pulse-counter", "line": "line5", "pulsesPerUnit": 10, "unit": "L", "interval": "500ms" },
              { "name": "contact", "kind": "gpio", "lines": [ { "name": "contact", "line": "line6", "debounce": "400ms" } ] },
              { "name": "gone", "kind": "gpio", "lines": [ { "name": "x", "line": "GPIO99" } ] },
              { "name": "map", "kind": "i2c", "map": "bme280", "bus": "/run/i2c-bus", "interval": "1s" },
              { "name": "climate", "kind": "binding", "model": "Bme280", "bus": "/run/i2c-bus", "interval": "1s" },
              { "name": "board", "kind": "binding", "model": "Lm75", "bus": "/run/i2c-bus", "interval": "1s" },
              { "name": "nobody", "kind": "binding", "model": "Sht4x", "bus": "/run/i2c-bus", "interval": "1s" } ] }
            """);
        var (code, output) = board.Run(
            """
            export LD_LIBRARY_PATH=/share
            sample() { fieldagent sample --config config.json --sensor "$@" --json; }
            put() { printf "$(echo "$3" | sed 's/../\\x&/g')" | dd of=/sys/kernel/debug/fieldagent-i2c/$1 bs=1 seek=$(($2)) conv=notrunc status=none; }
            # BMP280 data sheet (BST-BMP280-DS001), 3.12
            put 76 0xd0 60
            put 76 0x88 706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017
            put 76 0xf7 655ac07eed00
            put 48 0 1980
            sample map --count 3 >map.json || exit 1
            # a chip sleeps again after the measurement that the map ordered; memory does not
            put 76 0xf4 00
            sample climate --count 3 >climate.json || exit 1
            sample board --count 1 >board.json || exit 1
            interrupts() { awk '/irq_sim/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts; }
            drive() { before=$(interrupts); echo $2 >/run/gpio/line$1/pull; until [ "$(interrupts)" -gt "$before" ]; do sleep 0.01; done; sleep 0.2; }
            sample door --count 12 >door.json &
            agent=$!
            until [ -s door.json ]; do sleep 0.2; done
            for i in 1 2 3 4 5; do drive 3 pull-up; drive 3 pull-down; done
            wait $agent
            sample meter --count 600 >meter.json &
            agent=$!
            until [ -s meter.json ]; do sleep 0.2; done
            for i in $(seq 1 10); do drive 5 pull-up; echo pull-down >/run/gpio/line5/pull; done
            until grep '"stream":"meter.total","value":1,' meter.json >/dev/null || ! kill -0 $agent 2>/dev/null; do sleep 0.2; done
            kill $agent 2>/dev/null
            # a contact that bounces: what does not stand for the time is nothing
            bounce() { for i in 1 2 3 4 5; do echo $1 >/run/gpio/line6/pull; echo $2 >/run/gpio/line6/pull; done; echo $1 >/run/gpio/line6/pull; }
            sample contact --count 3 >contact.json &
            agent=$!
            until [ -s contact.json ]; do sleep 0.2; done
            bounce pull-up pull-down
            until [ "$(wc -l <contact.json)" -ge 2 ] || ! kill -0 $agent 2>/dev/null; do sleep 0.2; done
            bounce pull-down pull-up
            wait $agent
            # these never end by themselves
            until_said() {
              fieldagent sample --config config.json --sensor $1 --count 1 >$1.txt 2>&1 &
              agent=$!
              until grep -q "$2" $1.txt || ! kill -0 $agent 2>/dev/null; do sleep 0.2; done
              kill $agent 2>/dev/null
            }
            until_said gone GPIO99
            until_said nobody "No chip answers"
            exit 0
            """);
        Assert.True(code == 0, output);

        // the state at the start (an active-low line that is down is active), then five times up and down
        var door = Values(board, "door.json");
        Assert.Equal([("door.door", 0), ("door.pump", 1)], door.Take(2));
        Assert.Equal(Enumerable.Range(0, 10).Select(static i => 1.0 - (i % 2)), door.Skip(2).Take(10).Select(static reading => reading.Value));
        Assert.Equal(1, Values(board, "meter.json").Where(static reading => reading.Stream == "meter.total").Max(static reading => reading.Value));
        Assert.Equal([0, 1, 0], Values(board, "contact.json").Select(static reading => reading.Value));
        var (map, climate) = (Values(board, "map.json").ToDictionary(), Values(board, "climate.json").ToDictionary());
        Assert.Equal(25.08, climate["climate.temperature"], 2);
        Assert.Equal(map["map.temperature"], climate["climate.temperature"], 2);
        Assert.Equal(map["map.pressure"], climate["climate.pressure"], 0);
        Assert.Equal(25.5, Values(board, "board.json")[0].Value, 3);
        Assert.Contains("GPIO99", File.ReadAllText(board.Share.File("gone.txt")), StringComparison.Ordinal);
        Assert.Contains("No chip answers", File.ReadAllText(board.Share.File("nobody.txt")), StringComparison.Ordinal);
    }

    public void Dispose() => _program.Dispose();

    private static List<(string Stream, double Value)> Values(VirtualBoard board, string file) =>
        [.. File.ReadLines(board.Share.File(file)).Where(static line => line.EndsWith('}')).Select(static line =>
        {
            using var reading = JsonDocument.Parse(line);
            return (reading.RootElement.GetProperty("stream").GetString()!, reading.RootElement.GetProperty("value").GetDouble());
        })];

    // In the form of a release, beside the ordinary build, which it must not disturb.
    private void Publish()
    {
        using var artifacts = new TempFolder();
        using var build = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                "publish", Path.Join(Places.Repository, "src/FieldAgent.Agent"), "-c", "Release", "-r", "linux-x64", "--self-contained", "-o", _program.Path,
                "-p:PublishSingleFile=true", "-p:PublishTrimmed=true", "-p:PublishReadyToRun=true", "-p:DeviceStack=DotNetIot",
                "--artifacts-path", artifacts.Path, "-v", "quiet", "--nologo", "-m:1",
            ])
        { RedirectStandardOutput = true })!;
        var output = build.StandardOutput.ReadToEnd();
        build.WaitForExit();
        Assert.True(build.ExitCode == 0, output);
    }
}
