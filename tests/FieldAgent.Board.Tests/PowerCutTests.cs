using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>A power cut that is one: QEMU is killed at a random moment, with whatever its disk holds by then.</summary>
public sealed class PowerCutTests : IDisposable
{
    private readonly VirtualBoard _board = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void After_a_power_cut_the_store_opens_and_only_the_flush_window_is_missing(int seed)
    {
        var cutAfter = new Random(seed).Next(300, 900);
        var disk = _board.Share.File("../" + Path.GetFileName(_board.Share.Path) + ".disk");
        _board.Share.Write("config.json", """
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/data/state", "freeBytesMin": "0B", "bytesMax": "16MiB" },
              "flush": { "interval": "500ms" },
              "recipients": [ { "name": "vendor", "url": "mqtt://localhost:1999" } ],
              "sensors": [ { "name": "env", "kind": "simulated", "interval": "20ms", "seed": 1, "streams": [ { "name": "a", "unit": "1" } ] } ] }
            """);
        try
        {
            _board.RunUntilPowerCut(
                """
                fieldagent run --config config.json --quiet &
                while :; do fieldagent status --config config.json --json >status.new 2>/dev/null && mv status.new status.json; done
                """,
                () => Stored("status.json") is { } stored && stored > cutAfter,
                "--disk", disk);
            var stored = Stored("status.json")!.Value;

            var (code, output) = _board.Run(
                """
                fieldagent run --config config.json --for 1s --summary summary.json 2>log.txt
                """,
                "--disk", disk);
            Assert.True(code == 0, output);
            using var summary = JsonDocument.Parse(File.ReadAllText(_board.Share.File("summary.json")));
            var log = File.ReadAllText(_board.Share.File("log.txt"));
            Assert.Contains("was not closed properly and is whole", log, StringComparison.Ordinal);
            Assert.True(summary.RootElement.GetProperty("readingsWaiting").GetInt64() >= stored, $"{stored} readings were stored before the cut; {log}");
        }
        finally
        {
            File.Delete(disk);
        }
    }

    public void Dispose() => _board.Dispose();

    private long? Stored(string file)
    {
        try
        {
            using var status = JsonDocument.Parse(File.ReadAllText(_board.Share.File(file)));
            return status.RootElement.GetProperty("store").GetProperty("readingsStored").GetInt64();
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }
}
