using System.Text.Json;
using FieldAgent.Delivery;

namespace FieldAgent.Faults.Tests;

/// <summary>The pseudonym is changed: nothing that a recipient sees joins the old one and the new one.</summary>
public sealed class EndToEndRotationTests
{
    [Fact]
    [Promise("R22")]
    public void Changed_while_connected_the_old_name_is_cleared_and_nothing_goes_on_under_the_new_one()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km");
        using var agent = board.Run();
        cloud.Until(() => cloud.Batches("telemetry").Count() > 10, "telemetry", agent);
        var old = cloud.Device;
        cloud.Ask("status", """{"id":"known","expires":"2199-01-01T00:00:00Z"}""", agent);

        var said = EndToEndBoard.Ok(board, "identity", "rotate");
        Assert.Contains("erased before it was sent: 0 readings", said, StringComparison.Ordinal);
        cloud.Until(() => Devices(cloud).Count == 2 && Of(cloud, Other(cloud, old)).Count > 10, "telemetry under the new pseudonym", agent);
        cloud.Until(() => Of(cloud, old)[^1] is { Rest: "state", Payload.Length: 0 }, "the old state to be cleared", agent);
        var renewed = Other(cloud, old);
        Assert.DoesNotContain(old, EndToEndBoard.Ok(board, "identity", "show"), StringComparison.Ordinal);
        EndToEndBoard.StopInOrder(agent);

        // Ids, tags and numbers: none that names the board, its store or its boot is in both, and all counts begin anew.
        var (before, after) = (Batches(cloud, old), Batches(cloud, renewed));
        Assert.Empty(Tags(before).Intersect(Tags(after)));
        Assert.Equal(1, after.Min(static b => b.GetProperty("seq").GetInt64()));
        Assert.InRange(after.Min(static b => long.Parse(b.GetProperty("id").GetString()!.Split('.')[3], System.Globalization.CultureInfo.InvariantCulture)), 1, 20);
        Assert.DoesNotContain(Of(cloud, renewed), m => m.Text.Contains(old, StringComparison.Ordinal));

        // No reading came under both.
        Assert.Empty(Times(before).Intersect(Times(after)));
        Assert.True(Times(before).Max() < Times(after).Min());

        // The broker keeps nothing of the old name.
        Assert.Empty(Retained(broker, old));
        Assert.NotEmpty(Retained(broker, renewed));
    }

    [Fact]
    [Promise("R22")]
    public void A_command_id_of_the_old_name_is_not_known_under_the_new_one()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        using var agent = board.Run();
        cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
        var old = cloud.Device;
        var first = cloud.Ask("status", """{"id":"same","expires":"2199-01-01T00:00:00Z"}""", agent).Text;
        EndToEndBoard.Ok(board, "identity", "rotate", "--erase");
        cloud.Until(() => Devices(cloud).Count == 2 && Batches(cloud, Other(cloud, old)).Count > 1, "the new pseudonym", agent);
        var seen = cloud.Messages.Count;
        cloud.Publish($"{Topics.Root}{Other(cloud, old)}/command/status", """{"id":"same","expires":"2199-01-01T00:00:00Z"}""");
        Assert.NotEqual(first, cloud.Next(seen, "result/status", agent).Text);
        EndToEndBoard.StopInOrder(agent);
    }

    [Fact]
    [Promise("R22", "R94")]
    public void Changed_offline_what_waited_is_erased_and_the_old_name_is_cleared_at_the_next_connection()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true, ExtraLines = ["max_queued_messages 0"] });
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        string old;
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Count() > 3, "telemetry", agent);
            old = cloud.Device;
            cloud.Disconnect();
            broker.Stop();
            board.StatusUntil(static s => s.GetProperty("spool").GetProperty("blocks").GetInt64() > 3, "a backlog", agent);
            EndToEndBoard.StopInOrder(agent);
        }

        // Without need it is refused: what waits may have been sent under the old name.
        var (code, _, error) = board.Command("identity", "rotate");
        Assert.Equal(1, code);
        Assert.Contains("--erase", error, StringComparison.Ordinal);
        Assert.Contains(old, EndToEndBoard.Ok(board, "identity", "show"), StringComparison.Ordinal);
        var said = EndToEndBoard.Ok(board, "identity", "rotate", "--reason", "closed");
        Assert.DoesNotContain("erased before it was sent: 0 readings", said, StringComparison.Ordinal);
        Assert.DoesNotContain(old, EndToEndBoard.Ok(board, "identity", "show"), StringComparison.Ordinal);

        broker.Start();
        cloud.Connect();
        using var second = board.Run();
        cloud.Until(() => Devices(cloud).Count == 2 && Batches(cloud, Other(cloud, old)).Count > 5, "telemetry under the new pseudonym", second);
        cloud.Until(() => Of(cloud, old)[^1] is { Rest: "state", Payload.Length: 0 }, "the old state to be cleared", second);
        Assert.DoesNotContain(Of(cloud, Other(cloud, old)), static m => m.Schema == "gap");
        Assert.Equal(1, Batches(cloud, Other(cloud, old))[0].GetProperty("seq").GetInt64());
        EndToEndBoard.StopInOrder(second);
        Assert.Empty(Retained(broker, old));
    }

    [Fact]
    [Promise("R7", "R22", "R25")]
    public void Without_the_permission_to_have_a_name_nobody_connects_and_with_its_withdrawal_the_name_ends()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        var policy = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));
        var at = policy.IndexOf("\"function\": \"identity\"", StringComparison.Ordinal);
        Assert.True(at > 0, "the shipped policy has no rule of the function identity");
        policy = policy.Replace("\"name\": \"identity\", \"tier\": \"basic\", \"switch\": \"on\"", "\"name\": \"identity\", \"tier\": \"extended\", \"switch\": \"off\"", StringComparison.Ordinal);
        at = policy.IndexOf("\"function\": \"identity\"", StringComparison.Ordinal);
        policy = policy[..at] + policy[at..(at + 200)].Replace("\"contract\"", "\"consent\"", StringComparison.Ordinal) + policy[(at + 200)..];
        File.WriteAllText(board.File("policy.json"), policy);
        var config = File.ReadAllText(board.ConfigFile);
        File.WriteAllText(board.ConfigFile, $$"""{ "policy": "policy.json", {{config[(config.IndexOf('{', StringComparison.Ordinal) + 1)..]}}""");

        using var agent = board.Run();
        var status = board.StatusUntil(static s => s.GetProperty("store").GetProperty("blocksStored").GetInt64() > 3, "telemetry in the store", agent);
        Assert.Contains("no identifier", EndToEndBoard.Link(status).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Empty(cloud.Messages);
        Assert.DoesNotContain("CLIENT", broker.Log.Split('\n').Where(static l => l.Contains("New client connected", StringComparison.Ordinal)
            && !l.Contains("as cloud", StringComparison.Ordinal)).Select(static _ => "CLIENT"));

        EndToEndBoard.Ok(board, "consent", "grant", "identity");
        cloud.Until(() => cloud.Batches("telemetry").Count() > 3, "telemetry", agent);
        var old = cloud.Device;
        EndToEndBoard.Ok(board, "consent", "withdraw", "identity");
        cloud.Until(() => Of(cloud, old)[^1] is { Rest: "state", Payload.Length: 0 }, "the old state to be cleared", agent);
        EndToEndBoard.Ok(board, "consent", "grant", "identity");
        cloud.Until(() => Devices(cloud).Count == 2, "another name", agent);
        EndToEndBoard.StopInOrder(agent);
    }

    private static HashSet<string> Devices(CloudSide cloud) =>
        [.. cloud.Messages.Where(static m => m.Topic.StartsWith(Topics.Root, StringComparison.Ordinal)).Select(static m => m.Topic.Split('/')[2])];

    private static string Other(CloudSide cloud, string old) => Devices(cloud).Single(device => device != old);

    private static List<Received> Of(CloudSide cloud, string device) =>
        [.. cloud.Messages.Where(m => m.Topic.StartsWith($"{Topics.Root}{device}/", StringComparison.Ordinal)
            && !m.Rest.StartsWith("command/", StringComparison.Ordinal))];

    private static List<JsonElement> Batches(CloudSide cloud, string device) =>
        [.. Of(cloud, device).Where(static m => m.Schema == "batch").Select(static m => m.Json)];

    private static HashSet<string> Tags(List<JsonElement> batches) =>
        [.. batches.SelectMany(static b => b.GetProperty("id").GetString()!.Split('.')[..3])];

    private static List<long> Times(List<JsonElement> batches) =>
        [.. batches.SelectMany(static b => b.GetProperty("sets").EnumerateArray()).Select(static s => s.GetProperty("t0").GetInt64())];

    private static List<Received> Retained(MosquittoBroker broker, string device)
    {
        using var looker = new CloudSide(broker, "looker" + device[..6]);
        looker.Until(() => looker.Messages.Count > 0, "what is retained");
        return [.. Of(looker, device).Where(static m => m.Retained)];
    }
}
