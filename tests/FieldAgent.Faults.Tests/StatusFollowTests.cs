using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary><c>status --follow</c> beside a running agent.</summary>
public sealed class StatusFollowTests
{
    [Fact]
    public void With_json_it_gives_an_object_a_line_until_it_is_interrupted()
    {
        using var board = new Board();
        using var closed = new ClosedPort();
        board.Configure(Board.Url(closed.Number), Board.Simulated());
        using var agent = board.Run();
        using var follow = AgentProcess.Start("status", "--json", "--follow", "--wait", "60", "--config", board.ConfigFile);
        Eventually.True(() => Rows(follow) is { Count: >= 3 } rows && rows[^1] > rows[0] || follow.HasExited, "three objects, and rows meanwhile", 90);
        Assert.False(follow.HasExited, follow.Error);
        follow.Interrupt();
        Assert.Equal(0, follow.WaitForExit());
        Assert.True(Rows(follow).Count >= 3, "every line is an object");
    }

    [Fact]
    public void Without_a_terminal_it_gives_a_line_for_each_change_and_waits_for_an_agent_that_is_started_again()
    {
        using var board = new Board();
        using var closed = new ClosedPort();
        board.Configure(Board.Url(closed.Number), Board.Simulated());
        using var first = board.Run();
        using var follow = AgentProcess.Start("status", "--follow", "--wait", "60", "--config", board.ConfigFile);
        Said(follow, static f => f.Out, "sensor env: running");
        Said(follow, static f => f.Out, "link vendor: ");
        var sensor = Lines(follow).FindAll(static line => line.Contains("sensor env: ", StringComparison.Ordinal)).ConvertAll(static line => line[line.IndexOf("sensor", StringComparison.Ordinal)..]);
        Assert.All(sensor.Zip(sensor.Skip(1)), static two => Assert.NotEqual(two.First, two.Second));

        first.Terminate();
        Assert.Equal(0, first.WaitForExit());
        Said(follow, static f => f.Error, "no agent answers there");

        board.Configure(Board.Url(closed.Number), Board.Simulated("other"));
        using var second = board.Run();
        Said(follow, static f => f.Out, "sensor other: running");
        second.Terminate();
        second.WaitForExit();
        Eventually.True(() => follow.Error.Split("no agent answers").Length > 2, "it is said again");
        follow.Terminate();
        Assert.Equal(1, follow.WaitForExit());
    }

    [Fact]
    public void Without_an_agent_from_the_start_it_ends_as_status_does()
    {
        using var board = new Board();
        board.Configure(Board.Url(1883), Board.Simulated());
        var (code, _, error) = board.Command("status", "--follow");
        Assert.Equal(1, code);
        Assert.Contains("is it running", error, StringComparison.Ordinal);
    }

    private static List<string> Lines(AgentProcess follow) => [.. follow.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    private static List<long> Rows(AgentProcess follow) => Lines(follow).ConvertAll(static line =>
    {
        using var status = JsonDocument.Parse(line);
        return status.RootElement.GetProperty("sensors")[0].GetProperty("rows").GetInt64();
    });

    private static void Said(AgentProcess follow, Func<AgentProcess, string> where, string what)
    {
        Eventually.True(() => where(follow).Contains(what, StringComparison.Ordinal) || follow.HasExited, what, 90);
        Assert.False(follow.HasExited, follow.Error);
    }
}
