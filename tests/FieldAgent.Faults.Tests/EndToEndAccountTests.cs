using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary>Incidents and the audit, from the board to the cloud and back.</summary>
public sealed class EndToEndAccountTests
{
    [Fact]
    [Promise("R110")]
    public void A_missing_key_is_told_at_the_next_start_shown_published_and_audited_and_a_published_checkpoint_proves_the_log()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var schemas = new ContractSchemas();
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "1s"));
        using (var agent = board.Run())
        {
            board.StatusUntil(static s => s.GetProperty("account").GetProperty("incidents").GetArrayLength() == 0, "a status", agent);
            EndToEndBoard.StopInOrder(agent);
        }

        var key = Path.Join(board.State, "root.key");
        File.Move(key, board.File("key"));
        Assert.NotEqual(0, board.Command("consent", "show").ExitCode);
        File.Move(board.File("key"), key);

        // Noted where no broker is reached; published when one is.
        var listed = EndToEndBoard.Ok(board, "incidents", "list");
        Assert.Contains("what puts it right:", listed, StringComparison.Ordinal);
        using (var agent = board.Run())
        {
            cloud.Until(
                () => cloud.Messages.Any(static m => m.Rest == "incident") && cloud.Messages.Any(static m => m.Rest == "audit"),
                "an incident and a checkpoint", agent);
            var status = board.StatusUntil(static s => s.GetProperty("links")[0].GetProperty("phase").GetString() == "connected", "a connection", agent);
            var incident = Assert.Single(status.GetProperty("account").GetProperty("incidents").EnumerateArray().ToList());
            Assert.Equal("KeyMissing", incident.GetProperty("kind").GetString());
            Assert.True(status.GetProperty("account").GetProperty("chainOk").GetBoolean());
            Assert.Contains("NEEDS ATTENTION", EndToEndBoard.Ok(board, "status"), StringComparison.Ordinal);

            foreach (var message in cloud.Messages.Where(static m => m.Rest is "incident" or "audit"))
            {
                Assert.False(message.Retained);
                schemas.Add("notice", message.Plain);
            }

            var told = cloud.Messages.First(static m => m.Rest == "incident").Json.GetProperty("document").GetProperty("document");
            Assert.Equal("key-missing", told.GetProperty("kind").GetString());

            File.WriteAllBytes(board.File("checkpoint.json"), cloud.Messages.Last(static m => m.Rest == "audit").Plain);
            Assert.Contains("is as it was at the checkpoint", EndToEndBoard.Ok(board, "audit", "verify", "--checkpoint", board.File("checkpoint.json")), StringComparison.Ordinal);
            var id = incident.GetProperty("id").GetInt64().ToString(System.Globalization.CultureInfo.InvariantCulture);
            EndToEndBoard.Ok(board, "incidents", "clear", id);
            Assert.Contains("no incidents", EndToEndBoard.Ok(board, "incidents", "list"), StringComparison.Ordinal);
            EndToEndBoard.StopInOrder(agent);
        }

        // The same answers where no agent runs.
        var (code, text, error) = board.Command("audit", "verify", "--json", "--checkpoint", board.File("checkpoint.json"));
        Assert.True(code == 0, text + error);
        Assert.True(JsonDocument.Parse(text).RootElement.GetProperty("ok").GetBoolean());
        var entries = EndToEndBoard.Ok(board, "audit", "show", "--json").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement.GetProperty("entry").GetProperty("what").GetString());
        Assert.Equal(["adopted", "key-missing", "cleared"], entries);
        Assert.Equal("", schemas.Violations());
    }
}
