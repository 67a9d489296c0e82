using System.Text;
using System.Text.Json;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

public sealed class CommandTests
{
    private readonly SteppingClock _clock = new();
    private readonly Counters _counters = new();
    private readonly Recorder _photo = new("photo");
    private readonly Topics _topics = new(Blocks.Pseudonym);
    private FakeCommandLedger _ledger = new();
    private CommandRouter _router;

    public CommandTests() => _router = Router();

    private CommandRouter Router() => new(
        "vendor", _topics, _ledger, [_photo, new Recorder("status"), new Recorder("broken"), new Recorder("policy")], _clock, _counters, new CommandLimits(),
        NullLogger.Instance);

    private (string Topic, JsonElement Result, byte[]? Correlation) Send(
        string payload, string name = "photo", MqttVersion version = MqttVersion.V5, bool retained = false, uint? expiry = null,
        string? responseTopic = null, byte[]? correlation = null)
    {
        var reply = _router.Handle(
            new LinkMessage
            {
                Topic = _topics.CommandPrefix + name, Payload = Encoding.UTF8.GetBytes(payload), Retained = retained, ExpirySeconds = expiry,
                ResponseTopic = responseTopic, CorrelationData = correlation,
            },
            version)!;
        return (reply.Topic.Name, JsonDocument.Parse(reply.Payload).RootElement, reply.Correlation);
    }

    private static string Reason(JsonElement result)
    {
        Assert.False(result.GetProperty("ok").GetBoolean());
        return result.GetProperty("reason").GetString()!;
    }

    [Fact]
    public void A_command_is_done_and_answered_with_its_id()
    {
        var (topic, result, _) = Send("""{"id":"a-1","expires":"2026-01-01T00:05:00Z","sensor":"front"}""");
        Assert.Equal(_topics.ResultPrefix + "photo", topic);
        Assert.True(result.GetProperty("ok").GetBoolean());
        Assert.Equal("a-1", result.GetProperty("id").GetString());
        Assert.Equal(1, result.GetProperty("data").GetProperty("calls").GetInt32());
        Assert.Equal("front", _photo.Last!.Argument("sensor"));
        Assert.Equal(
            [CommandState.Accepted, CommandState.Started, CommandState.Done], _ledger.Steps.Select(s => s.State));
    }

    [Fact]
    public void Delivered_twice_it_is_done_once_and_the_stored_result_is_sent_again_even_after_a_restart()
    {
        const string Command = """{"id":"a-1","expires":"2026-01-01T00:05:00Z"}""";
        var first = Send(Command).Result.GetRawText();
        _router = Router();
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(first, Send(Command).Result.GetRawText());
        Assert.Equal(1, _photo.Calls);
    }

    [Fact]
    public void Stopped_in_the_middle_it_is_answered_as_interrupted_and_not_done_again()
    {
        _ledger.Begin("vendor/a-1", "photo", 0);
        _ledger.Advance("vendor/a-1", CommandState.Started, "");
        Assert.Equal("interrupted", Reason(Send("""{"id":"a-1","expires":"2026-01-01T00:05:00Z"}""").Result));
        Assert.Equal("interrupted", Reason(Send("""{"id":"a-1","expires":"2026-01-01T00:05:00Z"}""").Result));
        Assert.Equal(0, _photo.Calls);
    }

    [Fact]
    public void Accepted_before_a_power_cut_it_is_done_when_it_comes_again()
    {
        _ledger.Begin("vendor/a-1", "photo", 0);
        Assert.True(Send("""{"id":"a-1","expires":"2026-01-01T00:05:00Z"}""").Result.GetProperty("ok").GetBoolean());
    }

    [Theory]
    [InlineData("""{"id":"a","expires":"2025-12-31T23:59:59Z"}""", "expired")]
    [InlineData("""{"id":"a"}""", "malformed")]
    [InlineData("""{"expires":"2026-01-01T00:05:00Z"}""", "malformed")]
    [InlineData("""{"id":"a","expires":"2026-01-01T00:05:00"}""", "malformed")]
    [InlineData("""{"id":"a","expires":"tomorrow"}""", "malformed")]
    [InlineData("""{"id":"a b","expires":"2026-01-01T00:05:00Z"}""", "malformed")]
    [InlineData("""{"id":"a","id":"b","expires":"2026-01-01T00:05:00Z"}""", "malformed")]
    [InlineData("""{"id":"a","expires":"2026-01-01T00:05:00Z","shell":"rm"}""", "malformed")]
    [InlineData("""{"id":"a","expires":"2026-01-01T00:05:00Z","sensor":7}""", "malformed")]
    [InlineData("""{"id":"a","expires":"2026-01-01T00:05:00Z","sensor":{"x":[1]}}""", "malformed")]
    [InlineData("""{"id":"a","expires":"2026-01-01T00:05:00Z","v":2}""", "malformed")]
    [InlineData("""{"id":"a","expires":"2026-01-01T00:05:00Z"} x""", "malformed")]
    [InlineData("""{"id":"a","expires""", "malformed")]
    [InlineData("""[1]""", "malformed")]
    [InlineData("""[[[[[[[[1]]]]]]]]""", "malformed")]
    [InlineData("", "malformed")]
    public void What_is_expired_or_malformed_is_refused_with_a_reason(string payload, string reason)
    {
        Assert.Equal(reason, Reason(Send(payload).Result));
        Assert.Equal(1, _counters["commands.refused." + reason]);
        Assert.Equal(0, _photo.Calls);
    }

    [Fact]
    public void A_refusal_names_the_id_and_the_place()
    {
        var result = Send("""{"shell":"rm","id":"a-7","expires":"2026-01-01T00:05:00Z"}""").Result;
        Assert.Equal("a-7", result.GetProperty("id").GetString());
        Assert.Contains("$.shell", result.GetProperty("message").GetString());
    }

    [Fact]
    public void Unknown_oversized_and_retained_commands_are_refused()
    {
        const string Good = """{"id":"a","expires":"2026-01-01T00:05:00Z"}""";
        var unknown = Send(Good, "reboot");
        Assert.Equal("unknown", Reason(unknown.Result));
        Assert.Equal(_topics.ResultPrefix + "unknown", unknown.Topic);
        Assert.Equal("oversized", Reason(Send(Good + new string(' ', 16 * 1024)).Result));
        Assert.Equal("oversized", Reason(Send(Good + new string(' ', 16 * 1024), "reboot").Result));

        // the limit is the handler's: a policy may be larger, and not without end
        Assert.NotEqual("oversized", Reason(Send(Good + new string(' ', 71 * 1024), "policy").Result));
        Assert.Equal("oversized", Reason(Send(Good + new string(' ', 72 * 1024), "policy").Result));
        Assert.Equal("retained", Reason(Send(Good, retained: true).Result));
        Assert.Empty(_ledger.Records);
    }

    [Fact]
    public void More_than_a_burst_is_refused_until_time_has_passed()
    {
        var refused = 0;
        for (var i = 0; i < 30; i++)
        {
            refused += Send($$"""{"id":"a-{{i}}","expires":"2026-01-02T00:00:00Z"}""").Result.GetProperty("ok").GetBoolean() ? 0 : 1;
        }

        Assert.Equal(10, refused);
        Assert.Equal("rate-limited", Reason(Send("""{"id":"b","expires":"2026-01-02T00:00:00Z"}""").Result));
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.True(Send("""{"id":"b","expires":"2026-01-02T00:00:00Z"}""").Result.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public void On_MQTT_5_correlation_data_and_message_expiry_stand_in_for_id_and_expires()
    {
        var (topic, result, correlation) = Send("", correlation: [1, 2, 255], expiry: 60, responseTopic: "fleet/replies/7");
        Assert.True(result.GetProperty("ok").GetBoolean());
        Assert.Equal("c:0102ff", result.GetProperty("id").GetString());
        Assert.Equal("fleet/replies/7", topic);
        Assert.Equal([1, 2, 255], correlation!);
        Assert.Equal("expired", Reason(Send("""{"id":"z"}""", expiry: 0).Result));
        Assert.Equal("malformed", Reason(Send("""{"expires":"2026-01-01T00:05:00Z"}""", version: MqttVersion.V311, correlation: [1]).Result));
    }

    [Theory]
    [InlineData("fleet/+/x", false)]
    [InlineData("fleet/#", false)]
    [InlineData("$SYS/x", false)]
    [InlineData("", false)]
    [InlineData("fieldagent/v1/abcdefghijklmnopqrstuvwx23/data/telemetry", false)]
    [InlineData("fieldagent/v1/abcdefghijklmnopqrstuvwx23/command/photo", false)]
    [InlineData("fieldagent/v1/anotherdevice/result/photo", false)]
    [InlineData("fieldagent/v1/abcdefghijklmnopqrstuvwx23/result/photo/42", true)]
    [InlineData("fleet/replies", true)]
    public void A_response_topic_cannot_make_the_device_forge_messages(string wanted, bool used)
    {
        var topic = Send("""{"id":"a","expires":"2026-01-01T00:05:00Z"}""", responseTopic: wanted).Topic;
        Assert.Equal(used ? wanted : _topics.ResultPrefix + "photo", topic);
    }

    [Fact]
    public void An_overlong_response_topic_is_not_used() =>
        Assert.Equal(
            _topics.ResultPrefix + "photo",
            Send("""{"id":"a","expires":"2026-01-01T00:05:00Z"}""", responseTopic: new string('x', 257)).Topic);

    [Fact]
    public void A_handler_that_throws_or_a_ledger_that_fails_gives_an_answer_and_no_exception()
    {
        Assert.Equal("failed", Reason(Send("""{"id":"a","expires":"2026-01-01T00:05:00Z"}""", "broken").Result));
        _ledger.Fault = new StoreFault(StoreFaultKind.Full, "full", retry: true);
        Assert.Equal("unavailable", Reason(Send("""{"id":"b","expires":"2026-01-01T00:05:00Z"}""").Result));
        _ledger = new FakeCommandLedger();
    }

    [Fact]
    public void An_id_cannot_be_used_for_two_commands()
    {
        Send("""{"id":"a","expires":"2026-01-01T00:05:00Z"}""");
        Assert.Equal("malformed", Reason(Send("""{"id":"a","expires":"2026-01-01T00:05:00Z"}""", "status").Result));
    }

    [Fact]
    public void Garbage_never_throws()
    {
        const int Seed = 99;
        var random = new Random(Seed);
        var good = Encoding.UTF8.GetBytes("""{"id":"a-1","expires":"2026-01-01T00:05:00Z","sensor":"front"}""");
        for (var i = 0; i < 5_000; i++)
        {
            var bytes = random.Next(3) == 0 ? new byte[random.Next(100)] : (byte[])good.Clone();
            for (var k = random.Next(6); k > 0 && bytes.Length > 0; k--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var parsed = CommandParser.Parse(bytes, [new CommandArgument("sensor", 64)], new CommandLimits());
            Assert.NotNull(parsed);
        }
    }

    [Fact]
    public void Through_a_courier_a_command_that_comes_twice_is_done_once_and_answered_twice()
    {
        var rig = new CourierRig();
        var photo = new Recorder("photo");
        rig.Handlers.Add(photo);
        var sent = 0;
        rig.OnIdle = () =>
        {
            if (sent++ < 2)
            {
                rig.Broker.Send(new FakeDelivery(
                    CourierRig.Topic("command/photo"), """{"id":"a-1","expires":"2026-01-01T01:00:00Z"}"""u8.ToArray(),
                    CorrelationData: [7], ResponseTopic: "replies/x"));
            }
        };
        rig.RunUntil(() => rig.Broker.Snapshot().Count(m => m.Topic == "replies/x") == 2);
        Assert.Equal(1, photo.Calls);
        Assert.All(rig.Broker.Snapshot().Where(m => m.Topic == "replies/x"), m => Assert.Equal([7], m.CorrelationData!));
    }

    [Fact]
    public void A_result_that_was_under_way_when_the_link_was_lost_is_sent_again()
    {
        var rig = new CourierRig();
        rig.Handlers.Add(new Recorder("photo"));
        var step = 0;
        rig.Broker.Answer = m => m.Topic.Contains("/result/", StringComparison.Ordinal) && step < 10 ? -1 : 0;
        rig.OnIdle = () =>
        {
            if (++step == 1)
            {
                rig.Broker.Send(new FakeDelivery(CourierRig.Topic("command/photo"), """{"id":"a","expires":"2026-01-01T01:00:00Z"}"""u8.ToArray()));
            }

            if (step == 10)
            {
                rig.Broker.DropConnections();
            }
        };
        rig.RunUntil(() => step > 30);
        Assert.Equal(2, rig.On("result/photo").Count());
    }

    private sealed class Recorder(string name) : ICommandHandler
    {
        public int Calls { get; private set; }

        public CommandRequest? Last { get; private set; }

        public string Name => name;

        public CommandOutcome Handle(CommandRequest request)
        {
            if (name == "broken")
            {
                throw new InvalidOperationException("a fault in a handler");
            }

            Last = request;
            return CommandOutcome.Done($$"""{"calls":{{++Calls}}}""");
        }
    }
}
