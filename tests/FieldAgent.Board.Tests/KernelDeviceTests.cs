using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>The agent's drivers against the kernel's own interfaces.</summary>
public sealed class KernelDeviceTests : IDisposable
{
    private readonly VirtualBoard _board = new();

    [Fact]
    [Promise("R13")]
    public void Lines_edges_and_pulses_come_from_the_kernel_and_none_is_lost()
    {
        _board.Share.Write("config.json", Config("""
            { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" }, { "name": "pump", "line": "line4", "activeLow": true } ] },
            { "name": "meter", "kind": "pulse-counter", "line": "line5", "pulsesPerUnit": 50, "unit": "L", "interval": "500ms" },
            { "name": "gone", "kind": "gpio", "lines": [ { "name": "x", "line": "GPIO99" } ] }
            """));
        var (code, output) = _board.Run(
            """
            fieldagent sample --config config.json --sensor door --count 22 --json >door.json &
            agent=$!
            until [ -s door.json ]; do sleep 0.2; done
            ls -l /proc/$agent/fd | grep -c gpio >open || true
            # the simulator merges what follows too fast upon an interrupt, and the kernel looks at a line a moment after it
            interrupts() { awk '/irq_sim/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts; }
            drive() { before=$(interrupts); echo $2 >/run/gpio/line$1/pull; until [ "$(interrupts)" -gt "$before" ]; do sleep 0.01; done; sleep 0.1; }
            for i in 1 2 3 4 5 6 7 8 9 10; do drive 3 pull-up; drive 3 pull-down; done
            wait $agent
            fieldagent sample --config config.json --sensor meter --count 600 --json >meter.json &
            agent=$!
            until [ -s meter.json ]; do sleep 0.2; done
            for i in $(seq 1 50); do drive 5 pull-up; echo pull-down >/run/gpio/line5/pull; done
            until grep '"stream":"meter.total","value":1,' meter.json >/dev/null || ! kill -0 $agent 2>/dev/null; do sleep 0.2; done
            kill $agent 2>/dev/null
            # never ends by itself
            fieldagent sample --config config.json --sensor gone --count 1 >gone.txt 2>&1 &
            agent=$!
            until grep -q GPIO99 gone.txt || ! kill -0 $agent 2>/dev/null; do sleep 0.2; done
            kill $agent 2>/dev/null
            exit 0
            """);
        Assert.True(code == 0, output);
        Assert.True(int.Parse(File.ReadAllText(_board.Share.File("open")), CultureInfo.InvariantCulture) > 0);

        // the state at the start (an active-low line that is down is active), then ten times up and down
        var rows = Readings("door.json");
        Assert.Equal(0, rows[0].Value);
        Assert.Equal(("door.pump", 1), (rows[1].Stream, rows[1].Value));
        Assert.Equal(Enumerable.Range(0, 20).Select(static i => 1.0 - (i % 2)), rows.Skip(2).Take(20).Select(static r => r.Value));
        Assert.Equal(rows.Select(static r => r.Time), rows.Select(static r => r.Time).Order());
        Assert.Equal(1, Readings("meter.json").Where(static r => r.Stream == "meter.total").Max(static r => r.Value));
        Assert.Contains("GPIO99", File.ReadAllText(_board.Share.File("gone.txt")), StringComparison.Ordinal);
    }

    public void Dispose() => _board.Dispose();

    private static string Config(string sensors) =>
        $$"""{ "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state" }, "recipients": [], "sensors": [ {{sensors}} ] }""";

    private List<(DateTimeOffset Time, string Stream, double Value)> Readings(string file) =>
        [.. File.ReadLines(_board.Share.File(file)).Where(static line => line.EndsWith('}')).Select(static line =>
        {
            using var reading = JsonDocument.Parse(line);
            var root = reading.RootElement;
            return (root.GetProperty("time").GetDateTimeOffset(), root.GetProperty("stream").GetString()!, root.GetProperty("value").GetDouble());
        })];
}
