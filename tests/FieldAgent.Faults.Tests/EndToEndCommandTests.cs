using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace FieldAgent.Faults.Tests;

/// <summary>Commands over a real broker.</summary>
public sealed class EndToEndCommandTests
{
    private const string Later = "\"expires\":\"2199-01-01T00:00:00Z\"";

    [Fact]
    public void Commands_are_answered_once_and_for_good_and_bad_ones_are_refused_with_a_reason()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var schemas = new ContractSchemas();
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "1s") + "," + EndToEndBoard.Camera());
        EndToEndBoard.Ok(board, "consent", "grant", "photo");
        string first;
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
            board.StatusUntil(static s => EndToEndBoard.StateOf(s, "camera") == "Running", "an open camera", agent);

            var status = cloud.Ask("status", $$"""{"v":1,"id":"s-1",{{Later}}}""", agent);
            Assert.True(status.Json.GetProperty("ok").GetBoolean(), status.Text);
            Assert.Equal("s-1", status.Json.GetProperty("id").GetString());
            AssertSaysNothingPrivate(board, status.Text);

            var flush = cloud.Ask("flush", $$"""{"id":"f-1",{{Later}}}""", agent);
            Assert.True(flush.Json.GetProperty("ok").GetBoolean(), flush.Text);

            first = AskForPhoto(cloud, agent);

            Refused(cloud.Ask("dance", $$"""{"id":"x-1",{{Later}}}""", agent, "unknown"), "unknown", "x-1");
            Refused(cloud.Ask("flush", """{"id":"x-2","expires":"2001-01-01T00:00:00Z"}""", agent), "expired", "x-2");
            Refused(cloud.Ask("flush", "nonsense", agent), "malformed", null);
            Refused(cloud.Ask("flush", $$"""{"id":"x-3","shell":"ls",{{Later}}}""", agent), "malformed", "x-3");
            Refused(cloud.Ask("flush", """{"id":"x-4"}""", agent), "malformed", "x-4");
            Refused(cloud.Ask("photo", $$"""{"id":"f-1",{{Later}}}""", agent), "malformed", "f-1");
            Refused(cloud.Ask("flush", $$"""{"id":"x-5","pad":"{{new string('x', 17_000)}}",{{Later}}}""", agent), "oversized", null);
            Refused(cloud.Ask("policy", $$"""{"id":"x-6","document":"{{new string('x', 60_000)}}","signature":"x",{{Later}}}""", agent), "not-accepted", "x-6");
            Refused(cloud.Ask("policy", $$"""{"id":"x-7","document":"{{new string('x', 100_000)}}","signature":"x",{{Later}}}""", agent), "oversized", null);
            Assert.True(cloud.Ask("flush", $$"""{"id":"f-2",{{Later}}}""", agent).Json.GetProperty("ok").GetBoolean());
            EndToEndBoard.StopInOrder(agent);
        }

        // The broker keeps a retained command and hands it out at every connection.
        cloud.Publish($"fieldagent/v1/{cloud.Device}/command/flush", $$"""{"id":"r-1",{{Later}}}""", retain: true);
        var before = cloud.Messages.Count;
        using (var agent = board.Run())
        {
            cloud.Until(
                () => cloud.Messages.Skip(before).Any(static m => m.Rest == "result/flush" && Reason(m) == "retained"), "the refusal of a retained command", agent);
            var photos = cloud.Of("image").Count();
            var again = cloud.Ask("photo", $$"""{"id":"p-1",{{Later}}}""", agent);
            Assert.Equal(first, again.Text);
            var counted = board.StatusUntil(static s => Count(s, "commands.duplicate") > 0, "a counted duplicate", agent);
            Assert.Equal(photos, cloud.Of("image").Count());
            Assert.Equal(0, EndToEndBoard.SensorOf(counted, "camera").GetProperty("images").GetInt64());
            EndToEndBoard.StopInOrder(agent);
        }

        Assert.Single(cloud.Of("image"));
        foreach (var result in cloud.Of("result"))
        {
            schemas.Add("result", result.Plain);
        }

        Assert.Equal("", schemas.Violations());
    }

    [Fact]
    public void The_response_topic_and_the_correlation_data_of_MQTT_5_are_honoured_within_bounds()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "1s"));
        using var agent = board.Run();
        cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);

        Publish(broker, cloud.Device, "cloud/answers", "corr-1", "30");
        cloud.Until(() => cloud.Messages.Any(static m => m.Topic == "cloud/answers"), "an answer on the response topic", agent);
        var answer = cloud.Messages.First(static m => m.Topic == "cloud/answers");
        Assert.Equal("corr-1", Encoding.ASCII.GetString(answer.Correlation));
        Assert.Equal("c:" + Convert.ToHexStringLower("corr-1"u8), answer.Json.GetProperty("id").GetString());
        Assert.True(answer.Json.GetProperty("ok").GetBoolean());

        // Data of the device cannot be forged through it.
        var seen = cloud.Messages.Count;
        Publish(broker, cloud.Device, $"fieldagent/v1/{cloud.Device}/data/telemetry", "corr-2", "30");
        var safe = cloud.Next(seen, "result/flush", agent);
        Assert.Equal("corr-2", Encoding.ASCII.GetString(safe.Correlation));
        EndToEndBoard.StopInOrder(agent);
    }

    private static string AskForPhoto(CloudSide cloud, AgentProcess agent)
    {
        var asked = cloud.Ask("photo", $$"""{"id":"p-1",{{Later}}}""", agent);
        Assert.True(asked.Json.GetProperty("ok").GetBoolean(), asked.Text);
        cloud.Until(
            () => cloud.Of("image").Any(static m => m.Json.GetProperty("image").GetProperty("request").GetString() == "p-1"),
            "a photo that names its command", agent);
        var twice = cloud.Ask("photo", $$"""{"id":"p-1",{{Later}}}""", agent);
        Assert.Equal(asked.Text, twice.Text);
        return asked.Text;
    }

    private static void AssertSaysNothingPrivate(Board board, string text)
    {
        foreach (var secret in new[] { board.State, board.Runtime, "/tmp", EndToEndBoard.Photos, "\"board\"" })
        {
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        }

        if (File.Exists("/etc/machine-id"))
        {
            Assert.DoesNotContain(File.ReadAllText("/etc/machine-id").Trim() is { Length: > 0 } id ? id : "no machine-id", text, StringComparison.Ordinal);
        }
    }

    private static void Refused(Received result, string reason, string? id)
    {
        Assert.False(result.Json.GetProperty("ok").GetBoolean(), result.Text);
        Assert.Equal(reason, Reason(result));
        Assert.Equal(id, result.Json.GetProperty("id").GetString());
        Assert.NotEqual("", result.Json.GetProperty("message").GetString());
    }

    private static string? Reason(Received result) => result.Json.TryGetProperty("reason", out var reason) ? reason.GetString() : null;

    private static long Count(System.Text.Json.JsonElement status, string counter) =>
        status.GetProperty("counters").TryGetProperty(counter, out var n) ? n.GetInt64() : 0;

    private static void Publish(MosquittoBroker broker, string device, string response, string correlation, string expiry)
    {
        using var process = Process.Start(new ProcessStartInfo(Places.Program("mosquitto_pub"),
        [
            "-V", "5", "-h", "127.0.0.1", "-p", broker.Port.ToString(CultureInfo.InvariantCulture), "-q", "1",
            "-t", $"fieldagent/v1/{device}/command/flush", "-m", "{}",
            "-D", "publish", "response-topic", response, "-D", "publish", "correlation-data", correlation,
            "-D", "publish", "message-expiry-interval", expiry,
        ]))!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
