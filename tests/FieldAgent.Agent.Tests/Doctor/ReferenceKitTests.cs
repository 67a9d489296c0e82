using FieldAgent.Agent.Boards;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Tests;

public sealed class ReferenceKitTests
{
    private static readonly string Config = Path.Join(Places.Repository, "hardware/boards/reference-kit.json");
    private static readonly string Page = Path.Join(Places.Repository, "hardware/kit/README.md");

    [Fact]
    public void Its_configuration_is_good()
    {
        var (code, text, error) = AgentProcess.Run("check-config", Config);
        Assert.True(code == 0, error);
        Assert.Contains("6 sensors", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_boot_lines_are_the_boards()
    {
        var board = BoardProfiles.All.First(static b => b.Name == "raspberry-pi-4");
        List<string> known = [.. board.Overlays.Values, .. board.I2c.Select(static bus => bus.Enable), .. board.Serial.Select(static line => line.Enable), board.Camera.Enable];
        var lines = File.ReadAllLines(Path.Join(Places.Repository, "hardware/kit/config.txt")).Where(static line => line.Length > 0 && line[0] != '#').ToList();
        Assert.All(lines, line => Assert.Contains(line, known));
    }

    /// <summary>The page shows what the doctor says of the kit as built: run again with FIELDAGENT_REWRITE=1 after a change of its words.</summary>
    [Fact]
    public void The_page_shows_what_the_doctor_says()
    {
        using var board = new BoardTree();
        board.Node("dev/serial0");
        board.Node("dev/video0");
        board.Write("usr/bin/rpicam-still", "");
        board.Write("sys/bus/i2c/devices/1-0068/name", "ds3231\n");
        Directory.CreateDirectory(board.At("sys/bus/i2c/devices/1-0068/driver"));
        board.Chips.Add(0x48, [1], 0x85, 0x83).Add(0x40, [0], 0x39, 0x9F).Add(0x7C, [0xA0], 0x00, 0xA5, 0x10).Add(0x50, [0], 0);
        var report = board.Look(out _, out _, Config, new ConfigOverrides(board.State, board.At("run"), "mqtt://127.0.0.1:1883"));
        var shown = DoctorTests.Print(report).Replace(board.State, "/var/lib/fieldagent", StringComparison.Ordinal)
            .Replace("port 1883 open, no TLS (this board)", "port 8883 open, TLS verified", StringComparison.Ordinal);
        Assert.True(report.Healthy, shown);
        const string mark = "<!-- doctor -->\n```\n";
        var page = File.ReadAllText(Page);
        var start = page.IndexOf(mark, StringComparison.Ordinal) + mark.Length;
        var end = page.IndexOf("```", start, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("FIELDAGENT_REWRITE") == "1")
        {
            File.WriteAllText(Page, page[..start] + shown + page[end..]);
            return;
        }

        Assert.Equal(shown, page[start..end]);
    }
}
