using System.Text.Json;

namespace FieldAgent.Agent.Tests;

/// <summary>The command itself.</summary>
public sealed class DoctorCommandTests
{
    [Fact]
    public void It_ends_with_1_prints_json_and_writes_a_bundle()
    {
        using var nobody = new ClosedPort();
        using var board = new BoardTree();
        board.Configure(url: FormattableString.Invariant($"mqtt://127.0.0.1:{nobody.Number}"));
        var bundle = board.At("support.tar.gz");
        var (code, text, error) = AgentProcess.Run("doctor", "--config", board.ConfigFile, "--json", "--bundle", bundle);
        Assert.True(code == 1, error);
        var report = JsonDocument.Parse(text).RootElement;
        Assert.False(report.GetProperty("healthy").GetBoolean());
        var broker = report.GetProperty("findings").EnumerateArray().First(static f => f.GetProperty("id").GetString() == "broker.port");
        Assert.Equal("fail", broker.GetProperty("result").GetString());
        Assert.Equal("broker vendor", broker.GetProperty("place").GetString());
        Assert.Contains("nobody listens", broker.GetProperty("finding").GetString(), StringComparison.Ordinal);
        Assert.NotEqual("", broker.GetProperty("remedy").GetString());
        Assert.True(File.Exists(bundle));
        Assert.False(Directory.Exists(board.State));
    }

    [Fact]
    public void A_running_agent_is_asked_and_keeps_its_session()
    {
        using var broker = new MosquittoBroker();
        using var board = new BoardTree();
        board.Configure("""{ "name": "env", "kind": "simulated", "interval": "1s", "streams": [ { "name": "t", "unit": "Cel" } ] }""",
            url: FormattableString.Invariant($"mqtt://127.0.0.1:{broker.Port}"));
        using var agent = AgentProcess.Start("run", "--config", board.ConfigFile);
        Eventually.True(() => AgentProcess.Run("status", "--config", board.ConfigFile).Out.Contains("connected", StringComparison.Ordinal), "the agent is connected", 60);
        var (_, text, error) = AgentProcess.Run("doctor", "--config", board.ConfigFile);
        Assert.True(text.Contains("broker.connected", StringComparison.Ordinal) && text.Contains("agent.runs", StringComparison.Ordinal), text + error);
        Assert.DoesNotContain("store.whole", text, StringComparison.Ordinal);
        Assert.Contains("connected", AgentProcess.Run("status", "--config", board.ConfigFile).Out, StringComparison.Ordinal);
        agent.Terminate();
        Assert.Equal(0, agent.WaitForExit());
    }

    [Fact]
    public void A_wrong_configuration_is_a_finding_and_the_board_is_looked_at_all_the_same()
    {
        using var board = new BoardTree();
        board.Configure("""{ "name": "a", "kind": "barometer" }""");
        var (code, text, _) = AgentProcess.Run("doctor", "--config", board.ConfigFile);
        Assert.Equal(1, code);
        Assert.Contains("configuration.error", text, StringComparison.Ordinal);
        Assert.Contains("barometer", text, StringComparison.Ordinal);
        Assert.Contains("board.model", text, StringComparison.Ordinal);
    }
}
