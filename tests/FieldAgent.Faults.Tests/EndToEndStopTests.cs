using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary>How the real agent ends, and what <c>sample</c> does without one.</summary>
public sealed class EndToEndStopTests
{
    /// <summary>The agent has 5 s; the rest is for a loaded machine.</summary>
    private const double StopSeconds = 5 + 25;

    [Theory]
    [InlineData("connected")]
    [InlineData("broker down")]
    [InlineData("silent listener")]
    public void SIGTERM_ends_the_agent_with_0_in_time_whatever_the_broker_does(string broker)
    {
        using var board = new Board();
        using var mosquitto = broker == "connected" ? new MosquittoBroker() : null;
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        if (broker == "silent listener")
        {
            // The kernel accepts for it; nobody ever answers CONNECT.
            silent.Listen();
        }

        board.Configure(Board.Url(mosquitto?.Port ?? ((IPEndPoint)silent.LocalEndPoint!).Port), Board.Simulated());
        using var agent = board.Run();
        board.StatusUntil(
            s => s.GetProperty("spool").GetProperty("readings").GetInt64() + EndToEndBoard.Link(s).GetProperty("acknowledged").GetInt64() > 0
                && broker switch
                {
                    "connected" => EndToEndBoard.Link(s).GetProperty("acknowledged").GetInt64() > 0,
                    "broker down" => EndToEndBoard.Link(s).GetProperty("detail").GetString()!.Length > 0,
                    _ => EndToEndBoard.Link(s).GetProperty("phase").GetString() == "connecting" && silent.Poll(0, SelectMode.SelectRead),
                },
            broker,
            agent);
        agent.Terminate();
        Assert.Equal(0, agent.WaitForExit(StopSeconds));
    }

    [Fact]
    public void Sample_prints_so_many_readings_as_JSON_lines_and_leaves_no_state_folder()
    {
        using var board = new Board();
        board.Configure(Board.Url(1883), Board.Simulated());
        var (code, text, error) = board.Command("sample", "--count", "20", "--json");
        Assert.True(code == 0, error);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(20, lines.Length);
        foreach (var line in lines)
        {
            var reading = JsonDocument.Parse(line).RootElement;
            Assert.StartsWith("env.", reading.GetProperty("stream").GetString(), StringComparison.Ordinal);
            Assert.True(reading.GetProperty("value").TryGetDouble(out _));
            Assert.True(reading.GetProperty("time").TryGetDateTimeOffset(out _));
        }

        Assert.False(Directory.Exists(board.State));
        Assert.False(Directory.Exists(board.Runtime));
    }

    [Fact]
    [Promise("R2")]
    public void Sample_of_a_receiver_that_nobody_allowed_says_why_and_how_to_allow_it()
    {
        using var board = new Board();
        board.Configure(Board.Url(1883), EndToEndBoard.Gnss);
        var (code, text, error) = board.Command("sample", "--sensor", "gnss", "--json");
        Assert.Equal(1, code);
        Assert.Equal("", text);
        Assert.Contains("location.position", error, StringComparison.Ordinal);
        Assert.Contains("consent grant", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(board.State));
    }
}
