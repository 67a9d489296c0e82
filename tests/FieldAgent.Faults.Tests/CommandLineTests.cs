namespace FieldAgent.Faults.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void A_wrong_command_line_is_64_and_says_what_there_is()
    {
        Assert.Equal(64, AgentProcess.Run("fly").ExitCode);
        Assert.Equal(64, AgentProcess.Run("run", "--colour").ExitCode);
        var (code, _, error) = AgentProcess.Run("consume", "--broker", "mqtt://127.0.0.1:1", "--for", "soon");
        Assert.Equal(64, code);
        Assert.Contains("20s", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_configuration_is_78_with_every_error_and_nothing_is_started()
    {
        using var board = new Board();
        board.Configure("mqtt://mqtt.example.com", """{ "name": "a", "kind": "barometer" }""", flush: "soon");
        foreach (var command in new[] { "run", "status" })
        {
            var (code, _, error) = board.Command(command);
            Assert.Equal(78, code);
            Assert.Contains("flush.interval", error, StringComparison.Ordinal);
            Assert.Contains("recipients[0].url", error, StringComparison.Ordinal);
            Assert.Contains("sensors[0].kind", error, StringComparison.Ordinal);
            Assert.Contains("config.json:5", error, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(board.State));
        Assert.Equal(78, AgentProcess.Run("check-config", board.File("not-there.json")).ExitCode);
    }

    [Fact]
    public void A_broker_that_nobody_runs_is_69_for_the_consumer()
    {
        using var nobody = new ClosedPort();
        var (code, _, error) = AgentProcess.Run("consume", "--broker", Board.Url(nobody.Number), "--for", "1s");
        Assert.Equal(69, code);
        Assert.Contains("127.0.0.1", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Status_without_an_agent_says_so()
    {
        using var board = new Board();
        board.Configure(Board.Url(1883), Board.Simulated());
        var (code, _, error) = board.Command("status");
        Assert.Equal(1, code);
        Assert.Contains("is it running", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_and_help_work()
    {
        Assert.StartsWith("fieldagent ", AgentProcess.Run("version").Out, StringComparison.Ordinal);
        Assert.Contains("consent", AgentProcess.Run("--help").Out, StringComparison.Ordinal);
    }
}
