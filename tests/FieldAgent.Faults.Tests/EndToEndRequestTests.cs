namespace FieldAgent.Faults.Tests;

/// <summary>What a person asks for with a signature, over a real broker: carried out by the board where nobody has to judge it.</summary>
public sealed class EndToEndRequestTests
{
    [Fact]
    [Promise("R67", "R91", "R92", "R94", "R95", "R99", "R100")]
    public void A_signed_request_is_carried_out_at_once_where_it_needs_no_judgement_and_waits_with_its_deadline_otherwise()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var subject = new Subject();
        board.Configure(Board.Url(broker.Port), string.Join(',', Board.Simulated(), EndToEndBoard.Camera(""", "interval": "1s" """)));
        File.WriteAllText(board.File("key.pem"), subject.Pem);
        EndToEndBoard.Ok(board, "privacy", "key", "add", board.File("key.pem"), "--label", "tablet");
        EndToEndBoard.Ok(board, "consent", "grant", "photo", "--role", "subject");
        using var agent = board.Run();
        cloud.Until(() => cloud.Of("image").Any() && cloud.Batches("telemetry").Any(), "photographs and telemetry", agent);

        Assert.Equal("device", Ask("r1", "deletion", "photo"));
        cloud.Until(() => cloud.Messages.Exists(static m => m.Rest == "erasure" && m.Text.Contains("image.photo", StringComparison.Ordinal)), "the request to delete", agent);
        Until("1", "done");

        // what needs a reason, and what is handed over, waits for people
        Assert.Equal("operator", Ask("r2", "deletion", "telemetry"));
        Assert.Equal("operator", Ask("r3", "access", null));

        Assert.Equal("device", Ask("r4", "restriction", "telemetry"));
        board.StatusUntil(static s => EndToEndBoard.StateOf(s, "env") == "Closed", "the sensor closed", agent);
        Until("4", "done");
        Assert.Contains("verified", Line("2"));
        Assert.Contains("verified", Line("3"));
        EndToEndBoard.Ok(board, "privacy", "unrestrict", "telemetry");

        Assert.Equal("device", Ask("r5", "closure", null));
        board.StatusUntil(static s => s.TryGetProperty("idle", out _) && EndToEndBoard.StateOf(s, "env") == "Closed", "idling", agent);
        Until("5", "done");
        EndToEndBoard.StopInOrder(agent);

        string Ask(string id, string kind, string? function)
        {
            var result = cloud.Ask("privacy-request", subject.Command(id, cloud.Device, $"nonce-for-the-request-{id}", kind, function), agent);
            Assert.True(result.Json.GetProperty("ok").GetBoolean(), result.Text);
            Assert.NotEmpty(result.Json.GetProperty("data").GetProperty("deadline").GetString()!);
            return result.Json.GetProperty("data").GetProperty("by").GetString()!;
        }

        string Line(string number) => EndToEndBoard.Ok(board, "privacy", "requests").Split('\n').First(line => line.StartsWith(number + " ", StringComparison.Ordinal));

        void Until(string number, string state) => board.StatusUntil(_ => Line(number).Contains(state, StringComparison.Ordinal), $"request {number} {state}", agent);
    }

    [Fact]
    [Promise("R83", "R84")]
    public void Places_cross_a_border_only_while_that_is_granted_by_itself()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        File.WriteAllText(
            board.File("abroad.json"),
            File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"))
                .Replace("\"region\": \"CN\"", "\"region\": \"DE\"", StringComparison.Ordinal)
                .Replace("\"regions\": [\"CN\"]", "\"regions\": [\"CN\", \"DE\"]", StringComparison.Ordinal));
        board.Configure(Board.Url(broker.Port), EndToEndBoard.Gnss);
        var config = File.ReadAllText(board.ConfigFile);
        File.WriteAllText(board.ConfigFile, $$"""{ "policy": "abroad.json", {{config[(config.IndexOf('{', StringComparison.Ordinal) + 1)..]}}""");
        using var agent = board.Run();
        board.StatusUntil(static _ => true, "an answer", agent);
        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km");
        board.StatusUntil(static s => s.GetProperty("spool").GetProperty("readings").GetInt64() > 0
            || s.GetProperty("denied").EnumerateObject().Any(static d => d.Name.Contains("region", StringComparison.OrdinalIgnoreCase)), "places that may not go", agent);
        Assert.Empty(cloud.Batches("fleet-location"));
        Assert.Contains("to no country 'XX'; to: DE", board.Command("consent", "grant", "fleet-location", "--field", "location.position@XX").Error);

        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--field", "location.position@DE");
        cloud.Until(() => cloud.Batches("fleet-location").Any(), "places abroad", agent);
        EndToEndBoard.Ok(board, "consent", "withdraw", "fleet-location", "--field", "location.position@DE");
        EndToEndBoard.StopInOrder(agent);
        cloud.Until(() => cloud.Of("state").Any() && !cloud.Of("state").Last().Json.GetProperty("online").GetBoolean(), "the goodbye");
    }
}
