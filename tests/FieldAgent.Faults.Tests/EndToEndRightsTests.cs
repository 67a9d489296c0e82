using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;

namespace FieldAgent.Faults.Tests;

/// <summary>What a person can ask for, tried as a new user, with a real broker.</summary>
public sealed class EndToEndRightsTests
{
    [Fact]
    [Promise("R22", "R32", "R67", "R68", "R69", "R86", "R89", "R91", "R93", "R94", "R111")]
    public void A_new_user_grants_sees_withdraws_exports_deletes_and_closes()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), string.Join(',', Board.Simulated(), EndToEndBoard.Gnss, EndToEndBoard.Camera(""", "interval": "1s" """)));
        using var agent = board.Run();

        board.StatusUntil(static _ => true, "an answer", agent);
        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km", "--role", "subject");
        cloud.Until(() => cloud.Batches("fleet-location").Any(), "positions", agent);
        var first = cloud.Batches("fleet-location").First().Json;

        // from what arrived back to what allowed it
        var why = Until(board, agent, "event 1", "privacy", "why", $"fleet-location:{first.GetProperty("seq").GetInt64()}");
        Assert.Contains("delivered to vendor", why);
        Assert.Contains("as exact as 1km", why);
        Assert.Contains("grant 1km by subject", why);
        Assert.Contains("(in force)", why);
        Assert.Contains("audit      entry", why);
        Assert.Contains("fleet-location", EndToEndBoard.Ok(board, "privacy", "why", first.GetProperty("id").GetString()!, "--function", "fleet-location"));
        Assert.Contains("location.position", EndToEndBoard.Ok(board, "deliveries"));

        Assert.Contains("asked to erase what was sent", EndToEndBoard.Ok(board, "consent", "withdraw", "fleet-location", "--role", "subject"));
        EndToEndBoard.Ok(board, "consent", "grant", "photo", "--role", "subject");
        cloud.Until(() => cloud.Of("image").Any(), "a photograph", agent);
        var shown = Until(board, agent, "image.photo", "privacy", "show");
        Assert.Contains("sensitive", shown);
        Assert.Contains("vendor (", shown);
        Assert.Contains("AES-256-GCM", shown);

        Export(board);
        Holds(board);

        var deleted = EndToEndBoard.Ok(board, "privacy", "delete", "--images", "--role", "subject");
        Assert.Contains("erased on this board", deleted);
        Assert.Contains("a scan of the raw files found no remains", deleted);
        Assert.Contains("asked", deleted);
        cloud.Until(
            () => cloud.Messages.Any(static m => m.Rest == "erasure" && m.Text.Contains("image.photo", StringComparison.Ordinal)), "the request to delete", agent);

        var old = cloud.Messages[0].Topic.Split('/')[2];
        var before = cloud.Messages.Count;
        var closed = EndToEndBoard.Ok(board, "privacy", "close", "--yes", "--role", "subject");
        Assert.Contains("the pseudonym was changed", closed);
        Assert.DoesNotContain(old, EndToEndBoard.Ok(board, "identity", "show"), StringComparison.Ordinal);

        // what is still to be said about the person is said in the old name, and then the name ends
        cloud.Until(
            () => cloud.Messages.Skip(before).LastOrDefault(m => IsOf(m, old) && m.Rest == "state") is { Payload.Length: 0 }, "the old name cleared", agent);
        var last = cloud.Messages.Skip(before).Where(m => IsOf(m, old)).ToList();
        Assert.Contains(last, static m => m.Rest == "erasure" && m.Text.Contains("erasure-requested", StringComparison.Ordinal)
            && m.Text.Contains("instrument.measurement", StringComparison.Ordinal));
        Assert.Contains(last, static m => m.Rest == "erasure" && m.Text.Contains("erasure-receipt", StringComparison.Ordinal));
        Assert.Contains(last, static m => m.Rest == "consent" && m.Text.Contains("consent-receipt", StringComparison.Ordinal));
        Assert.False(cloud.Messages.Exists(m => !IsOf(m, old) && Encoding.UTF8.GetString(m.Payload).Contains(old, StringComparison.Ordinal)));
        Assert.Contains("every consent has ended", closed);
        Assert.Contains("erasure receipt", closed);
        var receipt = board.File("receipt.json");
        EndToEndBoard.Ok(board, "erasure", "receipt", "--out", receipt);
        Assert.Contains("valid: erasure-receipt", Run("verify", receipt));
        board.StatusUntil(static s => s.TryGetProperty("idle", out _) && EndToEndBoard.StateOf(s, "env") == "Closed", "idling", agent);
        EndToEndBoard.StopInOrder(agent);
    }

    [Fact]
    [Promise("R90", "R92", "R95", "R96", "R97", "R98", "R99", "R100")]
    public void Requests_corrections_and_a_freeze_work_with_and_without_an_agent_and_over_MQTT()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var subject = new Subject();
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        File.WriteAllText(board.File("key.pem"), subject.Pem);

        // nothing runs yet
        EndToEndBoard.Ok(board, "privacy", "request", "new", "access", "--text", "what do you have?");
        Assert.Contains("15 days", EndToEndBoard.Ok(board, "privacy", "request", "new", "deletion"));
        EndToEndBoard.Ok(board, "privacy", "request", "verify", "1");
        EndToEndBoard.Ok(board, "privacy", "request", "verify", "2");
        EndToEndBoard.Ok(board, "privacy", "request", "refuse", "2", "--ground", "legal-obligation");
        Assert.NotEqual(0, board.Command("privacy", "request", "refuse", "1", "--ground", "too-much-work").ExitCode);
        Assert.Contains("refused (legal-obligation)", EndToEndBoard.Ok(board, "privacy", "requests"));
        EndToEndBoard.Ok(board, "privacy", "key", "add", board.File("key.pem"), "--label", "tablet");

        using var agent = board.Run();
        cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
        var taken = cloud.Ask("privacy-request", subject.Command("c1", cloud.Device, "nonce-of-the-first-one"), agent);
        Assert.True(taken.Json.GetProperty("ok").GetBoolean(), taken.Text);
        using var stranger = new Subject();
        var refused = new[]
        {
            cloud.Ask("privacy-request", subject.Command("c2", cloud.Device, "nonce-of-the-first-one"), agent),
            cloud.Ask("privacy-request", stranger.Command("c3", cloud.Device, "nonce-of-a-stranger-"), agent),
            cloud.Ask("privacy-request", Subject.Command("c4", "{}"), agent),
            cloud.Ask("privacy-request", subject.Command("c5", "another-board", "nonce-for-another-board"), agent),
            cloud.Ask("privacy-request", subject.Command("c6", cloud.Device, "short"), agent),
            cloud.Ask("privacy-request", subject.Command("c7", cloud.Device, "nonce-of-the-unlisted-kind", "everything"), agent),
            cloud.Ask("privacy-request", Subject.Command("c8", "not json at all"), agent),
        };
        Assert.Single(refused.Select(static r => r.Text.Replace(r.Json.GetProperty("id").GetString()!, "", StringComparison.Ordinal)).Distinct());
        Assert.Contains("verified", EndToEndBoard.Ok(board, "privacy", "requests"));
        Assert.Equal(2, board.StatusUntil(static _ => true, "an answer", agent).GetProperty("requests").GetProperty("open").GetInt32());
        EndToEndBoard.Ok(board, "privacy", "request", "complete", "1", "--answer", "handed over");

        Until(board, agent, "vendor", "deliveries");
        Assert.Contains("told", EndToEndBoard.Ok(board, "privacy", "correct", "telemetry", "instrument.measurement", "--statement", "the probe hung in the sun"));
        cloud.Until(() => cloud.Messages.Any(static m => m.Rest == "consent" && m.Text.Contains("hung in the sun", StringComparison.Ordinal)), "the correction", agent);

        // frozen: stored is kept and not sent
        Assert.Contains("frozen", EndToEndBoard.Ok(board, "privacy", "restrict", "telemetry"));
        board.StatusUntil(static s => EndToEndBoard.StateOf(s, "env") == "Closed", "the sensor closed", agent);
        Assert.Contains("no longer frozen", EndToEndBoard.Ok(board, "privacy", "unrestrict", "telemetry"));
        board.StatusUntil(static s => EndToEndBoard.StateOf(s, "env") == "Running", "the sensor open again", agent);
        EndToEndBoard.StopInOrder(agent);

        // and again nothing runs
        var archive = board.File("all.tar.gz");
        EndToEndBoard.Ok(board, "privacy", "export", "--out", archive);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(archive));
        Assert.Contains("telemetry", EndToEndBoard.Ok(board, "privacy", "show"));
    }

    private static bool IsOf(Received message, string device) =>
        message.Topic.StartsWith($"{FieldAgent.Delivery.Topics.Root}{device}/", StringComparison.Ordinal);

    private static void Export(Board board)
    {
        var folder = board.File("export");
        EndToEndBoard.Ok(board, "privacy", "export", "--out", folder);
        Assert.Contains("valid: export-manifest", Run("verify", Path.Join(folder, "manifest.json")));
        var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Join(folder, "manifest.json"))).RootElement.GetProperty("document");
        foreach (var file in manifest.GetProperty("files").EnumerateArray())
        {
            var path = Path.Join(folder, file.GetProperty("path").GetString());
            Assert.Equal(file.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }

        Assert.Contains("withdraw", File.ReadAllText(Path.Join(folder, "consents.jsonl")));
        Assert.Contains("fleet-location", File.ReadAllText(Path.Join(folder, "deliveries.jsonl")));

        using var key = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(board.File("public.pem"), key.ExportSubjectPublicKeyInfoPem());
        File.WriteAllText(board.File("private.pem"), key.ExportPkcs8PrivateKeyPem());
        EndToEndBoard.Ok(board, "privacy", "export", "--out", board.File("sealed.bin"), "--to", board.File("public.pem"));
        Run("privacy", "open", board.File("sealed.bin"), "--key", board.File("private.pem"), "--out", board.File("opened"));
        Assert.True(File.Exists(Path.Join(board.File("opened"), "manifest.json")));
    }

    private static void Holds(Board board)
    {
        Assert.NotEqual(0, board.Command("hold", "add", "claim-1", "--reason", "i-want-it", "--until", "2100-01-01").ExitCode);
        EndToEndBoard.Ok(board, "hold", "add", "claim-1", "--function", "photo", "--reason", "legal-claim",
"--until", EndToEndBoard.NextYear);
        Assert.Contains("claim-1", EndToEndBoard.Ok(board, "hold", "list"));
        Assert.Contains("NOT erased yet, kept by a legal hold", EndToEndBoard.Ok(board, "privacy", "delete", "--images"));
        Assert.Contains("has ended", EndToEndBoard.Ok(board, "hold", "release", "claim-1"));
    }

    private static string Until(Board board, AgentProcess agent, string wanted, params string[] command)
    {
        var said = "";
        board.StatusUntil(
            _ =>
            {
                var (code, text, error) = board.Command(command);
                said = text + error;
                return code == 0 && said.Contains(wanted, StringComparison.Ordinal);
            },
            $"'{wanted}' from {string.Join(' ', command)}", agent);
        return said;
    }

    private static string Run(params string[] args)
    {
        var (code, text, error) = AgentProcess.Run(args);
        Assert.True(code == 0, text + error);
        return text + error;
    }
}
