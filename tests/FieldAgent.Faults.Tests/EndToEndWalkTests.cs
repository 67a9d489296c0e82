using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary>The way of a person through their rights, from the notice to the end of everything, as a new user would go it; each step says plainly
/// what it did.</summary>
public sealed class EndToEndWalkTests
{
    // The width of a cell, degrees of latitude: a kilometre.
    private const double CellDegrees = 1 / 111.0;

    private static string Walking { get; } =
        $$"""{ "name": "gnss", "kind": "gnss", "file": "{{EndToEndBoard.Recording}}", "loop": true, "interval": "0s" }""";

    [Fact]
    [Promise("R2", "R4", "R9", "R10", "R45", "R67", "R68", "R91", "R93", "R94", "R97", "R100", "R104")]
    public void From_the_notice_to_the_end_each_step_says_what_it_did()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true, ExtraLines = ["max_queued_messages 0"] });
        using var cloud = new CloudSide(broker);
        board.Configure(
            Board.Url(broker.Port),
            string.Join(',', Board.Simulated(interval: "100ms"), Walking, EndToEndBoard.Camera(""", "interval": "1s" """)));
        using var agent = board.Run();
        board.StatusUntil(static _ => true, "an answer", agent);

        // the notice
        var (code, notice, _) = AgentProcess.Run(["policy", "notice", "--lang", "en"]);
        Assert.Equal(0, code);
        Assert.Contains("OFF UNTIL YOU GRANT IT", notice);
        Assert.Contains("fleet-location", notice);

        // places, to a kilometre
        var granted = Say(board, "consent", "grant", "fleet-location", "--precision", "1km", "--role", "subject");
        Assert.Contains("granted to fleet-location: location.position (1km)", granted);
        Assert.Contains("sensors that may open now: gnss", granted);
        cloud.Until(() => cloud.Batches("fleet-location").Count() > 2, "positions", agent);
        var latitudes = cloud.Batches("fleet-location").SelectMany(static b => EndToEndBoard.Values(b, "latitude")).Distinct().Order().ToList();
        Assert.NotEmpty(latitudes);
        Assert.All(latitudes.Zip(latitudes.Skip(1)), static two => Assert.True(two.Second - two.First > CellDegrees * 0.5, "finer than a kilometre"));

        // photographs: first what it would mean
        var preview = Say(board, "consent", "preview", "photo");
        Assert.Contains("nothing has changed yet", preview);
        Assert.Contains("sensors that would open: camera", preview);
        Assert.Equal("Closed", EndToEndBoard.StateOf(board.StatusUntil(static _ => true, "an answer", agent), "camera"));
        Assert.Contains("granted to photo: image.photo", Say(board, "consent", "grant", "photo", "--role", "subject"));
        cloud.Until(() => cloud.Of("image").Any(), "a photograph", agent);
        // Asked to erase a photograph is who is known to have it: its last part is acknowledged, and that is written.
        cloud.Until(() => Say(board, "deliveries").Contains("photo", StringComparison.Ordinal), "a photograph in the ledger of deliveries", agent);

        // the broker goes away, positions gather; the withdrawal reaches them
        cloud.Disconnect();
        broker.Stop();
        Waits(board, agent);
        Assert.Contains("fleet-location", Say(board, "privacy", "show"));
        var withdrawn = Say(board, "consent", "withdraw", "fleet-location", "--role", "subject");
        Assert.Contains("sensors closed: gnss", withdrawn);
        var at = withdrawn.IndexOf("erased before it was sent: ", StringComparison.Ordinal) + 27;
        Assert.True(long.Parse(withdrawn[at..].Split(' ')[0], CultureInfo.InvariantCulture) > 0, withdrawn);
        Assert.Contains("a scan of the raw files found no remains", withdrawn);
        Assert.Contains("asked to erase what was sent, again and again until it is acknowledged: vendor", withdrawn);
        var held = JsonDocument.Parse("[" + string.Join(',', Say(board, "privacy", "show", "--json").TrimEnd().Split('\n')) + "]").RootElement;
        Assert.DoesNotContain(held.EnumerateArray(), static line => line.TryGetProperty("field", out var field) && field.GetString() == "location.position"
            && line.GetProperty("items").GetInt64() > 0);

        // pictures, those that wait too
        board.StatusUntil(static s => s.GetProperty("spool").GetProperty("images").GetInt64() > 0, "a photograph that waits", agent);
        var deleted = Say(board, "privacy", "delete", "--images", "--role", "subject");
        Assert.Contains("erased on this board: ", deleted);
        Assert.Contains("verified: a scan of the raw files found no remains", deleted);
        Assert.Contains("again and again until they acknowledge: vendor", deleted);

        // a copy of all that is left, which anybody can check
        var folder = board.File("export");
        Say(board, "privacy", "export", "--out", folder);
        Assert.Contains("valid: export-manifest", Check(Path.Join(folder, "manifest.json")));
        var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Join(folder, "manifest.json"))).RootElement.GetProperty("document");
        Assert.All(manifest.GetProperty("files").EnumerateArray(), file => Assert.Equal(
            file.GetProperty("sha256").GetString(),
            Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Join(folder, file.GetProperty("path").GetString()))))));
        Assert.Contains("withdraw", File.ReadAllText(Path.Join(folder, "consents.jsonl")));

        // the end of everything
        var closed = Say(board, "privacy", "close", "--yes", "--role", "subject");
        Assert.Contains("every consent has ended", closed);
        Assert.DoesNotContain("erased on this board: 0 ", closed);
        Assert.Contains("verified: a scan of the raw files found no remains", closed);
        Assert.Contains("pseudonym", closed);
        board.StatusUntil(static s => s.TryGetProperty("idle", out _) && EndToEndBoard.StateOf(s, "env") == "Closed", "idling", agent);
        Say(board, "erasure", "receipt", "--out", board.File("receipt.json"));
        Assert.Contains("valid: erasure-receipt", Check(board.File("receipt.json")));
        Say(board, "audit", "verify");
        EndToEndBoard.StopInOrder(agent);
    }

    // Positions that were sampled since the broker is away, and flushes after them.
    private static void Waits(Board board, AgentProcess agent)
    {
        static long Positions(JsonElement status) => EndToEndBoard.SensorOf(status, "gnss").GetProperty("rows").GetInt64();
        static long Blocks(JsonElement status) => status.GetProperty("store").GetProperty("blocksStored").GetInt64();
        var before = board.StatusUntil(static s => EndToEndBoard.Link(s).GetProperty("phase").GetString() != "connected", "the broker away", agent);
        var sampled = board.StatusUntil(s => Positions(s) > Positions(before) + 2, "positions", agent);
        board.StatusUntil(s => Blocks(s) > Blocks(sampled) + 4, "a backlog", agent);
    }

    private static string Say(Board board, params string[] command) => EndToEndBoard.Ok(board, command);

    private static string Check(string file)
    {
        var (code, text, error) = AgentProcess.Run(["verify", file]);
        Assert.True(code == 0, text + error);
        return text;
    }
}
