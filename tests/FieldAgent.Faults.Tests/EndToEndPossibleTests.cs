using System.Text;
using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Faults.Tests;

/// <summary>What left the board and was never acknowledged, over a real broker, with a real kill.</summary>
public sealed class EndToEndPossibleTests
{
    [Fact]
    [Promise("R78", "R91")]
    public void An_agent_killed_between_a_message_and_its_acknowledgement_has_its_recipient_asked()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var answers = new ManualResetEventSlim();
        var sent = 0;
        using var relay = new TcpRelay(broker.Port, (bytes, toBroker) =>
        {
            if (toBroker && bytes.IndexOf("/data/telemetry"u8) >= 0)
            {
                Volatile.Write(ref sent, 1);
            }
            else if (!toBroker && Volatile.Read(ref sent) != 0)
            {
                answers.Wait();
            }
        });
        board.Configure(Board.Url(relay.Port), Board.Simulated(interval: "100ms"));
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);

            // the broker has it, and the agent does not know
            Assert.Contains("vendor may have more than it acknowledged: telemetry", EndToEndBoard.Ok(board, "deliveries"));
            Assert.Equal(0, EndToEndBoard.Link(board.StatusUntil(static _ => true, "an answer", agent)).GetProperty("acknowledged").GetInt64());
            agent.Kill();
            agent.WaitForExit();
        }

        answers.Set();
        var said = EndToEndBoard.Ok(board, "privacy", "delete", "--category", "telemetry", "--reason", "purpose-fulfilled");
        Assert.Contains("vendor may have part of it: it was sent when the connection broke or the agent ended", said);
        Assert.Contains("again and again until they acknowledge: vendor", said);
        Assert.Contains("telemetry", EndToEndBoard.Ok(board, "privacy", "show"));
        using (var agent = board.Run())
        {
            cloud.Until(() => Requests(cloud).Any(), "the request to erase", agent);
            EndToEndBoard.StopInOrder(agent);
        }

        var request = Requests(cloud).First();
        var scope = Assert.Single(request.GetProperty("document").GetProperty("document").GetProperty("scopes").EnumerateArray());
        Assert.Equal(("telemetry", 0), (scope.GetProperty("function").GetString(), scope.GetProperty("items").GetInt32()));
        var got = cloud.Batches("telemetry").First().Json.GetProperty("seq").GetInt64();
        Assert.InRange(got, scope.GetProperty("possible").GetProperty("from").GetInt64(), scope.GetProperty("possible").GetProperty("to").GetInt64());
        using var schemas = new ContractSchemas();
        schemas.Add("erasure-request", Encoding.UTF8.GetBytes(request.GetProperty("document").GetRawText()));
        Assert.Equal("", schemas.Violations());
    }

    [Fact]
    [Promise("R78", "R91")]
    public void An_agent_killed_between_a_document_of_facts_and_its_acknowledgement_has_its_recipient_asked()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var answers = new ManualResetEventSlim();
        var sent = 0;
        using var relay = new TcpRelay(broker.Port, (bytes, toBroker) =>
        {
            if (toBroker && bytes.IndexOf("/facts"u8) >= 0)
            {
                Volatile.Write(ref sent, 1);
            }
            else if (!toBroker && Volatile.Read(ref sent) != 0)
            {
                answers.Wait();
            }
        });
        Directory.CreateDirectory(board.File("root/sys/firmware/devicetree/base"));
        File.WriteAllText(board.File("root/sys/firmware/devicetree/base/model"), "Raspberry Pi 4 Model B Rev 1.4\0");
        board.Configure(Board.Url(relay.Port), Board.Simulated(interval: "100ms"));
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Messages.Any(static m => m.Rest == "facts"), "facts", agent);

            // the broker has them, and the agent does not know
            Assert.Contains("vendor may have more than it acknowledged: compatibility device.model, 1 document of facts", EndToEndBoard.Ok(board, "deliveries"));
            agent.Kill();
            agent.WaitForExit();
        }

        answers.Set();
        var said = EndToEndBoard.Ok(board, "privacy", "delete", "--category", "compatibility", "--reason", "purpose-fulfilled");
        Assert.Contains("vendor may have part of it: it was sent when the connection broke or the agent ended", said);
        Assert.Contains("again and again until they acknowledge: vendor", said);
        using (var agent = board.Run())
        {
            cloud.Until(() => Requests(cloud).Any(), "the request to erase", agent);
            EndToEndBoard.StopInOrder(agent);
        }

        var request = Requests(cloud).First();
        var scope = Assert.Single(
            request.GetProperty("document").GetProperty("document").GetProperty("scopes").EnumerateArray(),
            static one => one.GetProperty("field").GetString() == "device.model");
        Assert.Equal(("compatibility", 0), (scope.GetProperty("function").GetString(), scope.GetProperty("items").GetInt32()));
        var told = cloud.Messages.First(static m => m.Rest == "facts").Json.GetProperty("document").GetProperty("document").GetProperty("time").GetDateTimeOffset();
        Assert.True(told <= scope.GetProperty("facts").GetProperty("to").GetDateTimeOffset());
        using var schemas = new ContractSchemas();
        schemas.Add("erasure-request", Encoding.UTF8.GetBytes(request.GetProperty("document").GetRawText()));
        Assert.Equal("", schemas.Violations());
    }

    private static IEnumerable<JsonElement> Requests(CloudSide cloud) => cloud.Messages.Where(static m => m.Rest == "erasure").Select(static m => m.Json)
        .Where(static n => n.GetProperty("acknowledge").GetBoolean());
}
