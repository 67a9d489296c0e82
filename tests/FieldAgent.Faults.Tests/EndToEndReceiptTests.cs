using System.Text.Json;
using FieldAgent.Delivery;

namespace FieldAgent.Faults.Tests;

/// <summary>A consent from its preview to the last acknowledgement, over a real broker, as the three who are concerned see it: the person
/// at the board, the board, the recipient.</summary>
public sealed class EndToEndReceiptTests
{
    private static string Walk(string more = "") =>
        $$"""{ "name": "gnss", "kind": "gnss", "file": "{{EndToEndBoard.Recording}}", "loop": true, "interval": "0s" {{more}} }""";

    [Fact]
    [Promise("R9", "R10", "R11", "R12", "R78")]
    public void A_withdrawal_reaches_the_sensor_the_backlog_and_the_recipient_until_it_acknowledges()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true, ExtraLines = ["max_queued_messages 0"] });
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), string.Join(',', Board.Simulated(interval: "100ms"), Walk()));
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
            Assert.Contains("sensors that would open: gnss", EndToEndBoard.Ok(board, "consent", "preview", "fleet-location", "--precision", "1km"));
            Assert.Equal("Closed", EndToEndBoard.StateOf(board.StatusUntil(static _ => true, "an answer", agent), "gnss"));

            var granted = EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km", "--attest", "signed form 17");
            Assert.Contains("what for", granted);
            Assert.Contains("receipt 1", granted);
            cloud.Until(() => cloud.Batches("fleet-location").Count() > 2 && Notices(cloud, "consent").Any(), "positions and a receipt", agent);
            var latitudes = cloud.Batches("fleet-location").SelectMany(static b => EndToEndBoard.Values(b, "latitude")).ToList();
            Assert.NotEmpty(latitudes);
            new ExactPositions(EndToEndBoard.Recording).AssertAbsent("a batch", cloud.Batches("fleet-location").Last().Plain);

            var said = JsonDocument.Parse(EndToEndBoard.Ok(board, "consent", "withdraw", "--all", "--json")).RootElement;
            Assert.Equal("gnss", said.GetProperty("closed")[0].GetString());
            Assert.True(said.GetProperty("finished").GetBoolean());
            Assert.True(said.GetProperty("receipt").GetInt64() > 1);
            cloud.Until(() => Requests(cloud).Any() && Notices(cloud, "consent").Count() > 1, "the request to erase and the second receipt", agent);
            Assert.Equal("Closed", EndToEndBoard.StateOf(board.StatusUntil(static _ => true, "an answer", agent), "gnss"));

            var telemetry = cloud.Batches("telemetry").Count();
            cloud.Until(() => cloud.Batches("telemetry").Count() > telemetry + 3, "what was under way", agent);
            var places = cloud.Batches("fleet-location").Count();
            cloud.Until(() => cloud.Batches("telemetry").Count() > telemetry + 8, "more telemetry", agent);
            Assert.Equal(places, cloud.Batches("fleet-location").Count());

            var request = Requests(cloud).First();
            Assert.Equal("fleet-location", request.GetProperty("document").GetProperty("document").GetProperty("scopes")[0].GetProperty("function").GetString());
            foreach (var waiting in Requests(cloud).Select(static r => r.GetProperty("reference").GetString()!).Distinct().ToList())
            {
                var answer = cloud.Ask("acknowledge", $$"""{"id":"{{waiting}}","expires":"2199-01-01T00:00:00Z","reference":"{{waiting}}"}""", agent);
                Assert.True(answer.Json.GetProperty("ok").GetBoolean(), answer.Text);
            }

            Assert.Contains("acknowledged", EndToEndBoard.Ok(board, "erasure", "list"));
            Assert.DoesNotContain("pending", EndToEndBoard.Ok(board, "erasure", "receipt"));
            EndToEndBoard.StopInOrder(agent);
        }

        var acknowledged = Requests(cloud).Count();
        using (var agent = board.Run())
        {
            board.StatusUntil(static s => EndToEndBoard.Link(s).GetProperty("phase").GetString() == "connected", "a connection", agent);
            var seen = cloud.Messages.Count;
            cloud.Until(() => cloud.Messages.Skip(seen).Count(static m => m.Schema == "batch") > 3, "telemetry of the next start", agent);
            Assert.Equal(acknowledged, Requests(cloud).Count());
            EndToEndBoard.StopInOrder(agent);
        }

        AssertDocuments(board, cloud);
    }

    [Fact]
    [Promise("R7")]
    public void Refusing_everything_makes_the_board_idle_and_it_says_so()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "100ms"));
        using var agent = board.Run();
        cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
        Assert.Contains("idles", EndToEndBoard.Ok(board, "consent", "refuse", "--role", "subject"));
        var status = board.StatusUntil(
            static s => EndToEndBoard.StateOf(s, "env") == "Closed" && s.GetProperty("spool").GetProperty("readings").GetInt64() == 0, "idle", agent);
        Assert.Contains("refused", status.GetProperty("idle").GetString());
        Assert.Contains("IDLE", EndToEndBoard.Ok(board, "status"));
        Assert.Contains("IDLE", EndToEndBoard.Ok(board, "consent", "show"));
        cloud.Until(() => Notices(cloud, "consent").Any(), "the receipt of the refusal", agent);
        var batches = cloud.Batches("telemetry").Count();

        EndToEndBoard.Ok(board, "consent", "resume", "--role", "subject");
        cloud.Until(() => cloud.Batches("telemetry").Count() > batches + 2, "telemetry again", agent);
        EndToEndBoard.StopInOrder(agent);
    }

    private static IEnumerable<JsonElement> Notices(CloudSide cloud, string topic) =>
        cloud.Messages.Where(m => m.Rest == topic).Select(static m => m.Json);

    private static IEnumerable<JsonElement> Requests(CloudSide cloud) =>
        Notices(cloud, "erasure").Where(static n => n.GetProperty("acknowledge").GetBoolean());

    private static void AssertDocuments(Board board, CloudSide cloud)
    {
        using var schemas = new ContractSchemas();
        var keys = new HashSet<string>();
        foreach (var notice in Notices(cloud, "consent").Concat(Notices(cloud, "erasure")))
        {
            var signed = notice.GetProperty("document");
            schemas.Add("notice", System.Text.Encoding.UTF8.GetBytes(notice.GetRawText()));
            schemas.Add(signed.GetProperty("document").GetProperty("type").GetString()!, System.Text.Encoding.UTF8.GetBytes(signed.GetRawText()));
            keys.Add(signed.GetProperty("signature").GetProperty("keyId").GetString()!);
        }

        // One key towards the one recipient; another one towards the person at the board.
        var key = Assert.Single(keys);
        var own = board.File("receipt.json");
        EndToEndBoard.Ok(board, "consent", "receipt", "2", "--out", own);
        schemas.Add("consent-receipt", File.ReadAllBytes(own));
        var received = board.File("received.json");
        File.WriteAllText(received, Notices(cloud, "consent").First().GetRawText());
        Assert.Contains("valid: consent-receipt", Verify(0, own));
        Assert.Contains("signed form 17", Verify(0, received, "--key", key));
        Verify(1, own, "--key", key);
        File.WriteAllText(own, File.ReadAllText(own).Replace("withdrawn", "given", StringComparison.Ordinal));
        Assert.Contains("NOT VALID", Verify(1, own));
        Assert.Equal("", schemas.Violations());
    }

    private static string Verify(int expected, params string[] args)
    {
        var (code, text, error) = AgentProcess.Run(["verify", .. args]);
        Assert.True(code == expected, text + error);
        return text + error;
    }
}
