using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Privacy;

namespace FieldAgent.Faults.Tests;

/// <summary>A policy that changes under a running agent, with a real broker.</summary>
public sealed class EndToEndPolicyTests
{
    private static readonly string s_shipped = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));

    [Fact]
    [Promise("R101", "R104", "R105", "R106", "R107")]
    public void A_policy_that_keeps_places_longer_stops_places_and_nothing_else_until_they_are_granted_again()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(board.File("key.pem"), key.ExportSubjectPublicKeyInfoPem());
        board.Configure(Board.Url(broker.Port), string.Join(',', Board.Simulated(), EndToEndBoard.Gnss, EndToEndBoard.Camera(""", "interval": "1s" """)));
        var config = File.ReadAllText(board.ConfigFile);
        File.WriteAllText(board.ConfigFile, $$"""{ "policyKey": "key.pem", {{config[(config.IndexOf('{', StringComparison.Ordinal) + 1)..]}}""");

        // a battery-backed clock says that the day has come
        Directory.CreateDirectory(board.File("root/sys/class/rtc/rtc0"));
        using var agent = board.Run();
        var status = board.StatusUntil(static _ => true, "an answer", agent);
        Assert.NotEqual("Unsynced", status.GetProperty("clock").GetProperty("quality").GetString());
        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km", "--role", "subject");
        EndToEndBoard.Ok(board, "consent", "grant", "photo", "--role", "subject");
        cloud.Until(() => cloud.Batches("fleet-location").Any() && cloud.Of("image").Any(), "places and photographs", agent);

        // not before its day
        File.WriteAllText(board.File("later.json"), Longer("2.1.0", "2200-01-01"));
        Assert.Contains("it takes effect on 2200-01-01", EndToEndBoard.Ok(board, "policy", "stage", board.File("later.json")));
        Assert.Contains("30d -> 60d", EndToEndBoard.Ok(board, "policy", "staged"));
        status = board.StatusUntil(
            static s => s.GetProperty("inForce").TryGetProperty("staged", out _) && EndToEndBoard.StateOf(s, "gnss") == "Running", "the staged policy, and places", agent);
        Assert.Equal("2.0.0", status.GetProperty("inForce").GetProperty("version").GetString());
        Assert.NotEmpty(status.GetProperty("inForce").GetProperty("contacts").EnumerateArray());

        // from afar only with the right signature; its day has come
        var newer = Encoding.UTF8.GetBytes(Longer("2.1.1", "2026-01-01"));
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal("not-accepted", Send(cloud, agent, "c1", newer, stranger).GetProperty("reason").GetString());
        Assert.Equal("malformed", cloud.Ask("policy", Command("c2", newer, ""), agent).Json.GetProperty("reason").GetString());
        var taken = Send(cloud, agent, "c3", newer, key);
        Assert.True(taken.GetProperty("ok").GetBoolean(), taken.GetRawText());
        Assert.Equal("fleet-location", Assert.Single(taken.GetProperty("data").GetProperty("suspends").EnumerateArray()).GetString());
        Assert.Equal("in-force", taken.GetProperty("data").GetProperty("state").GetString());

        status = board.StatusUntil(static s => EndToEndBoard.StateOf(s, "gnss") == "Closed", "the receiver closed", agent);
        Assert.Equal("fleet-location", Assert.Single(status.GetProperty("inForce").GetProperty("suspended").EnumerateArray()).GetString());
        var images = cloud.Of("image").Count();
        cloud.Until(() => cloud.Of("image").Count() > images + 1, "photographs that go on", agent);
        var places = cloud.Batches("fleet-location").Count();
        images = cloud.Of("image").Count();
        cloud.Until(() => cloud.Of("image").Count() > images + 2, "more of them", agent);
        Assert.Equal(places, cloud.Batches("fleet-location").Count());
        Assert.Contains("SUSPENDED", EndToEndBoard.Ok(board, "consent", "show"));
        Assert.Contains("policy 2.1.1", EndToEndBoard.Ok(board, "policy", "show"));
        Assert.Contains("30d -> 60d", EndToEndBoard.Ok(board, "policy", "changes"));

        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km", "--role", "subject");
        cloud.Until(
            () => cloud.Batches("fleet-location").Skip(places).Any(static b => b.Json.GetProperty("policy").GetString() == "2.1.1"),
            "places under the new policy", agent);
        Assert.DoesNotContain("SUSPENDED", EndToEndBoard.Ok(board, "consent", "show"));
        EndToEndBoard.StopInOrder(agent);

        // it stands where no agent runs, and after the next start
        Assert.Contains("policy 2.1.1", EndToEndBoard.Ok(board, "policy", "show"));
        var entries = EndToEndBoard.Ok(board, "audit", "show");
        Assert.Equal(2, entries.Split('\n').Count(static line => line.Contains(" policy ", StringComparison.Ordinal) && line.Contains(" adopted ", StringComparison.Ordinal)));
    }

    [Fact]
    [Promise("R92")]
    public void What_is_frozen_while_the_broker_is_away_is_kept_and_not_sent_and_goes_out_when_it_is_free_again()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true, ExtraLines = ["max_queued_messages 0"] });
        using var cloud = new CloudSide(broker);
        cloud.Disconnect();
        broker.Stop();
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        using var agent = board.Run("--summary", board.SummaryFile);
        board.StatusUntil(static s => s.GetProperty("spool").GetProperty("blocks").GetInt64() > 5, "a backlog", agent);
        EndToEndBoard.Ok(board, "privacy", "restrict", "telemetry");
        board.StatusUntil(static s => EndToEndBoard.StateOf(s, "env") == "Closed", "the sensor closed", agent);

        // what had gathered when it was frozen is stored with the next flush
        var status = Settled(board, agent);
        var kept = status.GetProperty("spool").GetProperty("readings").GetInt64();
        broker.Start();
        cloud.Connect();
        cloud.Until(() => cloud.Of("state").Any(static s => s.Payload.Length > 0 && s.Json.GetProperty("online").GetBoolean()), "the board online", agent);
        cloud.Ask("status", """{"id":"s1","expires":"2199-01-01T00:00:00Z"}""", agent);
        cloud.Ask("status", """{"id":"s2","expires":"2199-01-01T00:00:00Z"}""", agent);
        Assert.Empty(cloud.Batches("telemetry"));
        Assert.Empty(cloud.Of("gap"));
        Assert.Equal(kept, board.StatusUntil(static _ => true, "an answer", agent).GetProperty("spool").GetProperty("readings").GetInt64());

        EndToEndBoard.Ok(board, "privacy", "unrestrict", "telemetry");
        cloud.Until(() => cloud.Batches("telemetry").Any(static b => !b.Json.TryGetProperty("backlog", out _)), "fresh telemetry", agent);
        EndToEndBoard.StopInOrder(agent);
        cloud.Until(() => cloud.Of("state").Any() && !cloud.Of("state").Last().Json.GetProperty("online").GetBoolean(), "the goodbye");
        var summary = JsonDocument.Parse(File.ReadAllText(board.SummaryFile)).RootElement;
        var arrived = cloud.Batches("telemetry").DistinctBy(static b => b.Json.GetProperty("id").GetString()).ToList();
        // What arrived last may still wait for its acknowledgement.
        var stored = summary.GetProperty("readingsStored").GetInt64();
        Assert.InRange(arrived.Sum(EndToEndBoard.Readings), stored - summary.GetProperty("readingsWaiting").GetInt64(), stored);
        Assert.Empty(cloud.Of("gap"));
    }

    // Of all that was sampled, two values a row, it is settled what is stored and what came too late.
    private static JsonElement Settled(Board board, AgentProcess agent) => board.StatusUntil(
        static s => s.GetProperty("store").GetProperty("readingsStored").GetInt64() + Denied(s)
            == 2 * EndToEndBoard.SensorOf(s, "env").GetProperty("rows").GetInt64(),
        "everything stored", agent);

    private static long Denied(JsonElement status) => status.GetProperty("denied").EnumerateObject()
        .Where(static reason => reason.Name.Contains("admit", StringComparison.Ordinal)).Sum(static reason => reason.Value.GetInt64());

    private static JsonElement Send(CloudSide cloud, AgentProcess agent, string id, byte[] document, ECDsa key) =>
        cloud.Ask("policy", Command(id, document, Encoding.UTF8.GetString(PolicySignature.Sign(document, key)).Trim()), agent).Json;

    private static string Command(string id, byte[] document, string signature)
    {
        var command = new JsonObject { ["id"] = id, ["expires"] = "2199-01-01T00:00:00Z", ["document"] = PolicyParcel.Pack(document) };
        if (signature.Length > 0)
        {
            command["signature"] = signature;
        }

        return command.ToJsonString();
    }

    private static string Longer(string version, string from) => s_shipped
        .Replace("\"version\": \"2.0.0\"", $"\"version\": \"{version}\"", StringComparison.Ordinal)
        .Replace("\"effectiveFrom\": \"2026-01-01\"", $"\"effectiveFrom\": \"{from}\"", StringComparison.Ordinal)
        .Replace(
            "\"purpose\": \"find-and-service\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\", \"term\": \"30d\"",
            "\"purpose\": \"find-and-service\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\", \"term\": \"60d\"", StringComparison.Ordinal);
}
