using System.Globalization;
using System.Text;
using System.Text.Json;
using FieldAgent.Core;
using FieldAgent.Devices;

namespace FieldAgent.Faults.Tests;

/// <summary>What recipients are asked to erase, over a real broker.</summary>
public sealed class EndToEndErasureTests
{
    [Fact]
    [Promise("R78", "R91")]
    public void Deleting_what_is_older_asks_those_who_have_it_with_that_time_until_they_acknowledge()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "100ms"));
        string reference;
        string before;
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Count() > 2, "telemetry", agent);
            Until(board, agent, "vendor", "deliveries");
            // A time has whole seconds: one that is later than what was delivered.
            var first = Second();
            cloud.Until(() => Second() > first + 1, "two seconds", agent);
            before = DateTimeOffset.FromUnixTimeSeconds(Second()).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            var newer = cloud.Batches("telemetry").Count();
            cloud.Until(() => cloud.Batches("telemetry").Count() > newer + 2, "telemetry that is newer", agent);

            // nobody has what is older than all that was sent
            Assert.Contains("nobody was given any of it", Delete(board, "2001-01-01"));
            Assert.Empty(Requests(cloud));

            Assert.Contains("again and again until they acknowledge: vendor", Delete(board, before));
            cloud.Until(() => Requests(cloud).Any(), "the request to erase", agent);
            var request = Requests(cloud).First();
            reference = request.GetProperty("reference").GetString()!;
            var document = request.GetProperty("document").GetProperty("document");
            Assert.Equal("erasure-requested", document.GetProperty("reason").GetString());
            var scope = Assert.Single(document.GetProperty("scopes").EnumerateArray());
            Assert.Equal(
                ("telemetry", "instrument.measurement", before),
                (scope.GetProperty("function").GetString(), scope.GetProperty("field").GetString(), scope.GetProperty("before").GetString()));

            // who was asked is not asked once more, but still waited for
            Assert.Contains("still to acknowledge: vendor", Delete(board, before));
            EndToEndBoard.StopInOrder(agent);
        }

        var asked = Requests(cloud).Count();
        using (var agent = board.Run())
        {
            cloud.Until(() => Requests(cloud).Count() > asked, "the same request at the next connection", agent);
            Assert.Equal(reference, Requests(cloud).Last().GetProperty("reference").GetString());
            var answer = cloud.Ask("acknowledge", $$"""{"id":"{{reference}}","expires":"2199-01-01T00:00:00Z","reference":"{{reference}}"}""", agent);
            Assert.True(answer.Json.GetProperty("ok").GetBoolean(), answer.Text);
            Assert.Contains("already deleted by: vendor", Delete(board, before));

            // what is older was asked for; all of it was not
            Assert.Contains("again and again until they acknowledge: vendor", Delete(board, null));
            cloud.Until(() => Requests(cloud).Any(r => r.GetProperty("reference").GetString() != reference), "the request for all of it", agent);
            Assert.False(Requests(cloud).Last().GetProperty("document").GetProperty("document").GetProperty("scopes")[0].TryGetProperty("before", out _));
            EndToEndBoard.StopInOrder(agent);
        }

        using var schemas = new ContractSchemas();
        foreach (var request in Requests(cloud))
        {
            schemas.Add("erasure-request", Encoding.UTF8.GetBytes(request.GetProperty("document").GetRawText()));
        }

        Assert.Equal("", schemas.Violations());
    }

    [Fact]
    [Promise("R86")]
    public void What_is_delivered_under_a_hold_stays_on_the_board_and_goes_when_the_hold_ends()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "100ms"));
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
            Assert.Contains("delivered meanwhile stays here", EndToEndBoard.Ok(
                board, "hold", "add", "claim-1", "--function", "telemetry", "--reason", "legal-claim", "--until", EndToEndBoard.NextYear));
            board.StatusUntil(
                static s => s.GetProperty("spool").GetProperty("held").GetInt64() > 5 && s.GetProperty("spool").GetProperty("blocks").GetInt64() < 5,
                "delivered blocks that are kept, and are not among those that wait", agent);
            Assert.Contains("kept by a legal hold", EndToEndBoard.Ok(board, "status"));
            Assert.Contains("NOT erased yet, kept by a legal hold: telemetry", Delete(board, null));
            EndToEndBoard.StopInOrder(agent);
        }

        Assert.Contains("telemetry", EndToEndBoard.Ok(board, "privacy", "show"));
        Assert.Contains("has ended", EndToEndBoard.Ok(board, "hold", "release", "claim-1"));
        using (var agent = board.Run())
        {
            board.StatusUntil(static s => s.GetProperty("spool").GetProperty("held").GetInt64() == 0, "the sweep after the hold", agent);
            EndToEndBoard.StopInOrder(agent);
        }
    }

    private static long Second() => new LinuxClock().Now().WallUnixNs / ClockExtensions.NsPerSecond;

    private static string Delete(Board board, string? before) => EndToEndBoard.Ok(
        board, ["privacy", "delete", "--category", "telemetry", "--reason", "purpose-fulfilled", .. before is null ? [] : new[] { "--before", before }]);

    private static IEnumerable<JsonElement> Requests(CloudSide cloud) => cloud.Messages.Where(static m => m.Rest == "erasure").Select(static m => m.Json)
        .Where(static n => n.GetProperty("acknowledge").GetBoolean());

    private static void Until(Board board, AgentProcess agent, string wanted, params string[] command) => board.StatusUntil(
        _ => board.Command(command) is (0, var said, _) && said.Contains(wanted, StringComparison.Ordinal), $"'{wanted}' from {string.Join(' ', command)}", agent);
}
