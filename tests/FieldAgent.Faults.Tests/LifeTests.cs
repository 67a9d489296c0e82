using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary>The agent as a process, with what can happen to one.</summary>
public sealed class LifeTests
{
    [Fact]
    public void Without_a_broker_everything_is_stored_and_delivered_once_one_is_there()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true });
        broker.Stop();
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        using var agent = board.Run("--summary", board.SummaryFile);
        var status = board.StatusUntil(
            static s => s.GetProperty("spool").GetProperty("readings").GetInt64() > 200 && s.GetProperty("links")[0].GetProperty("detail").GetString()!.Length > 0,
            "readings in the spool, and a link that has failed", agent);
        var link = status.GetProperty("links")[0];
        Assert.NotEqual("connected", link.GetProperty("phase").GetString());
        Assert.Contains("127.0.0.1", link.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.True(status.GetProperty("spool").GetProperty("oldestUnsentSeconds").GetDouble() > 0);

        broker.Start();
        using var consumer = AgentProcess.Start("consume", "--broker", Board.Url(broker.Port), "--for", "600s", "--json");
        board.StatusUntil(static s => s.GetProperty("spool").GetProperty("blocks").GetInt64() < 3
            && s.GetProperty("links")[0].GetProperty("phase").GetString() == "connected", "an empty spool", agent);
        StopInOrder(agent);
        consumer.Interrupt();
        Assert.Equal(0, consumer.WaitForExit());
        Assert.Equal(0, Total(consumer.Out, "missing"));
    }

    [Fact]
    public void A_killed_agent_goes_on_where_it_stood_and_loses_nothing_it_had_stored()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true });
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        using var consumer = AgentProcess.Start("consume", "--broker", Board.Url(broker.Port), "--for", "600s", "--json");
        for (var life = 0; life < 3; life++)
        {
            using var agent = board.Run();
            board.StatusUntil(static s => s.GetProperty("links")[0].GetProperty("acknowledged").GetInt64() > 5, "acknowledged blocks", agent);
            agent.Kill();
            agent.WaitForExit();
        }

        // A sensor that ends leaves nothing for the last moment: whatever was stored, in this life or before it, is delivered.
        board.Configure(Board.Url(broker.Port), Board.Simulated(more: """, "pace": "asap", "count": 100 """));
        using (var last = board.Run("--summary", board.SummaryFile))
        {
            board.StatusUntil(
                static s => s.GetProperty("store").GetProperty("readingsStored").GetInt64() == 200 && s.GetProperty("spool").GetProperty("blocks").GetInt64() == 0,
                "all that was stored to be delivered", last);
            StopInOrder(last);
        }

        var summary = JsonDocument.Parse(File.ReadAllText(board.SummaryFile)).RootElement;
        Assert.Equal(0, summary.GetProperty("readingsWaiting").GetInt64());
        consumer.Interrupt();
        Assert.Equal(0, consumer.WaitForExit());
        Assert.Equal(0, Total(consumer.Out, "missing"));
        Assert.True(Total(consumer.Out, "readings") > 0);
    }

    [Fact]
    [Promise("R66")]
    public void With_the_wrong_authority_nothing_is_sent_and_the_status_says_why()
    {
        using var board = new Board();
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki });
        board.Configure($"mqtts://localhost:{broker.Port}", Board.Simulated(),
            tls: $$""", "tls": { "ca": "{{pki.Alien.CertificateFile}}" }""");
        using var agent = board.Run();
        var status = board.StatusUntil(
            static s => s.GetProperty("links")[0].GetProperty("detail").GetString()!.Contains("certificate", StringComparison.OrdinalIgnoreCase)
                && s.GetProperty("spool").GetProperty("readings").GetInt64() > 0, "a fault of the link that names the certificate", agent);
        Assert.Equal(0, status.GetProperty("links")[0].GetProperty("acknowledged").GetInt64());
        StopInOrder(agent);
    }

    [Fact]
    public void Ctrl_C_and_SIGTERM_flush_and_end_with_0_and_the_socket_is_gone()
    {
        using var board = new Board();
        board.Configure(board.NoBroker, Board.Simulated(), flush: "60s");
        using (var agent = board.Run("--summary", board.SummaryFile))
        {
            board.StatusUntil(static s => s.GetProperty("sensors")[0].GetProperty("rows").GetInt64() > 10, "rows", agent);
            agent.Interrupt();
            Assert.Equal(0, agent.WaitForExit());
        }

        // The flush interval was a minute: only the last flush can have stored more than the first reading.
        var summary = JsonDocument.Parse(File.ReadAllText(board.SummaryFile)).RootElement;
        Assert.True(summary.GetProperty("readingsStored").GetInt64() >= 20);
        Assert.Equal(summary.GetProperty("readingsStored").GetInt64(), summary.GetProperty("readingsWaiting").GetInt64());
        Assert.False(File.Exists(Path.Join(board.Runtime, "control.sock")));
    }

    [Fact]
    public void A_second_agent_on_the_same_state_is_turned_away()
    {
        using var board = new Board();
        board.Configure(board.NoBroker, Board.Simulated());
        using var agent = board.Run();
        board.StatusUntil(static _ => true, "an answer", agent);
        using var second = board.Run();
        Assert.Equal(1, second.WaitForExit());
        Assert.Contains(board.State, second.Error, StringComparison.Ordinal);
        StopInOrder(agent);
    }

    private static void StopInOrder(AgentProcess agent)
    {
        agent.Terminate();
        Assert.Equal(0, agent.WaitForExit());
    }

    private static long Total(string json, string name) =>
        JsonDocument.Parse(json.Trim().Split('\n')[^1]).RootElement.GetProperty(name).GetInt64();
}
