using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary>Before consent, and after it was taken back.</summary>
public sealed class EndToEndConsentTests
{
    [Fact]
    [Promise("R2")]
    public void Without_consent_no_receiver_and_no_camera_is_opened_and_nothing_personal_is_sent()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), string.Join(',', Board.Simulated(), EndToEndBoard.Gnss, EndToEndBoard.Camera(""", "interval": "1s" """)));
        using var agent = board.Run();
        cloud.Until(
            () =>
            {
                Assert.DoesNotContain(OpenFiles(agent), static f => f.StartsWith(EndToEndBoard.Recording, StringComparison.Ordinal)
                    || f.StartsWith(EndToEndBoard.Photos, StringComparison.Ordinal));
                return cloud.Batches("telemetry").Count() > 10;
            },
            "telemetry", agent);
        var status = board.StatusUntil(static s => EndToEndBoard.StateOf(s, "env") == "Running", "the sensor that nobody has to grant", agent);
        Assert.Equal("Closed", EndToEndBoard.StateOf(status, "gnss"));
        Assert.Equal("Closed", EndToEndBoard.StateOf(status, "camera"));
        EndToEndBoard.StopInOrder(agent);
        Assert.DoesNotContain(cloud.Messages, static m => m.Rest.StartsWith("data/", StringComparison.Ordinal)
            && !m.Rest.StartsWith("data/telemetry", StringComparison.Ordinal));
        Assert.DoesNotContain(cloud.Of("state"), static m => m.Text.Contains("latitude", StringComparison.Ordinal));
    }

    [Fact]
    [Promise("R9", "R10")]
    public void A_consent_withdrawn_while_the_broker_is_down_erases_its_backlog_and_nothing_else()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true, ExtraLines = ["max_queued_messages 0"] });
        using var cloud = new CloudSide(broker);
        cloud.Disconnect();
        broker.Stop();
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "100ms") + "," + EndToEndBoard.Gnss);
        EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km");
        using var agent = board.Run("--summary", board.SummaryFile);
        var status = board.StatusUntil(static s => EndToEndBoard.SensorOf(s, "gnss").GetProperty("rows").GetInt64() > 200, "places", agent);
        var blocks = status.GetProperty("store").GetProperty("blocksStored").GetInt64();
        board.StatusUntil(s => s.GetProperty("store").GetProperty("blocksStored").GetInt64() > blocks + 5, "places in the spool", agent);

        var said = EndToEndBoard.Ok(board, "consent", "withdraw", "fleet-location");
        var erased = long.Parse(said[(said.IndexOf("erased before it was sent: ", StringComparison.Ordinal) + 27)..].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.True(erased > 0, said);
        Assert.Equal("Closed", EndToEndBoard.StateOf(board.StatusUntil(static _ => true, "an answer", agent), "gnss"));

        broker.Start();
        cloud.Connect();
        cloud.Until(() => cloud.Of("gap").Any() && cloud.Batches("telemetry").Any(static b => !b.Json.TryGetProperty("backlog", out _)), "fresh telemetry and a gap", agent);
        EndToEndBoard.StopInOrder(agent);
        cloud.Until(() => cloud.Of("state").Any() && !cloud.Of("state").Last().Json.GetProperty("online").GetBoolean(), "the goodbye");

        Assert.Empty(cloud.Batches("fleet-location"));
        foreach (var gap in cloud.Of("gap"))
        {
            Assert.Equal("fleet-location", gap.Json.GetProperty("function").GetString());
            Assert.Equal("consent-withdrawn", gap.Json.GetProperty("reason").GetString());
        }

        Assert.Equal(erased, cloud.Of("gap").DistinctBy(Id).Sum(static g => g.Json.GetProperty("readings").GetInt64()));
        var batches = cloud.Batches("telemetry").DistinctBy(Id).ToList();
        var numbers = batches.Select(static b => b.Json.GetProperty("seq").GetInt64()).Distinct().Order().ToList();
        Assert.Equal(numbers.Count - 1, numbers[^1] - numbers[0]);
        // What arrived last may still wait for its acknowledgement.
        var summary = JsonDocument.Parse(File.ReadAllText(board.SummaryFile)).RootElement;
        var stored = summary.GetProperty("readingsStored").GetInt64() - erased;
        Assert.InRange(batches.Sum(EndToEndBoard.Readings), stored - summary.GetProperty("readingsWaiting").GetInt64(), stored);
    }

    private static string? Id(Received message) => message.Json.GetProperty("id").GetString();

    private static List<string> OpenFiles(AgentProcess agent)
    {
        var targets = new List<string>();
        foreach (var descriptor in Directory.EnumerateFileSystemEntries($"/proc/{agent.Id}/fd"))
        {
            try
            {
                targets.Add(File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName ?? "");
            }
            catch (IOException)
            {
                // Closed in between.
            }
        }

        return targets;
    }
}
