using System.Text;
using System.Text.Json;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

/// <summary>Documents on their way out beside the readings.</summary>
public sealed class NoticeTests
{
    [Fact]
    public void Each_kind_goes_to_its_topic_in_an_envelope_not_retained_and_is_forgotten_when_the_broker_has_it()
    {
        var rig = new CourierRig();
        foreach (var kind in Enum.GetValues<NoticeKind>())
        {
            rig.Outbox.Put(Make(kind));
        }

        rig.RunUntil(() => rig.Outbox.All.Count == 0);
        foreach (var kind in new[] { "consent", "erasure", "audit", "incident", "facts" })
        {
            var message = Assert.Single(rig.On(kind));
            Assert.False(message.Retain);
            var json = CourierRig.Json(message);
            Assert.Equal(kind, json.GetProperty("kind").GetString());
            Assert.False(json.GetProperty("acknowledge").GetBoolean());
            Assert.Equal("test", json.GetProperty("document").GetProperty("document").GetProperty("type").GetString());
        }
    }

    [Fact]
    [Promise("R92")]
    public void What_may_not_go_out_now_waits_without_holding_up_the_others_and_goes_when_the_gate_has_changed()
    {
        var rig = new CourierRig();
        var may = false;
        rig.Settings = rig.Settings with { MaySend = notice => may || notice.Kind != NoticeKind.Facts };
        rig.Outbox.Put(Make(NoticeKind.Facts));
        rig.Outbox.Put(Make(NoticeKind.Incident));
        var idle = 0;
        rig.OnIdle = () =>
        {
            if (++idle == 30)
            {
                Assert.Single(rig.On("incident"));
                Assert.Equal(NoticeKind.Facts, Assert.Single(rig.Outbox.All).Kind);
                Assert.Empty(rig.On("facts"));
                may = true;
                rig.Gate.Allow("compatibility", "os.name");
            }
        };
        rig.RunUntil(() => rig.Outbox.All.Count == 0);
        Assert.Single(rig.On("facts"));
        Assert.Single(rig.On("incident"));
        Assert.InRange(idle, 30, 60);
    }

    [Fact]
    [Promise("R10", "R78")]
    public void It_is_noted_before_it_is_on_the_wire_and_what_was_erased_since_it_was_read_is_never_sent()
    {
        var rig = new CourierRig();
        var erased = rig.Outbox.Put(Make(NoticeKind.Facts));
        var stays = rig.Outbox.Put(Make(NoticeKind.Facts));
        rig.Settings = rig.Settings with
        {
            MaySend = notice =>
            {
                if (notice.Id == erased.Id)
                {
                    rig.Outbox.Drop(notice.Id);
                }

                return true;
            },
        };
        long[] noted = [];
        rig.Broker.Arrived = m => noted = m.Topic == CourierRig.Topic("facts") ? [.. rig.Outbox.Announced] : noted;
        rig.RunUntil(() => rig.Outbox.All.Count == 0);
        Assert.Contains(stays.Id, noted);
        Assert.Single(rig.On("facts"));
    }

    [Fact]
    public void What_is_put_in_while_connected_goes_out_at_once_and_other_recipients_notices_stay()
    {
        var rig = new CourierRig();
        rig.Outbox.Put(Make(NoticeKind.Consent) with { Recipient = "partner" });
        long put = 0;
        long arrived = 0;
        rig.Broker.Arrived = m => arrived = m.Topic == CourierRig.Topic("consent") ? rig.Clock.BootNs : arrived;
        rig.OnIdle = () =>
        {
            if (put == 0)
            {
                put = rig.Clock.BootNs;
                rig.Outbox.Put(Make(NoticeKind.Consent));
            }
        };
        rig.RunUntil(() => arrived > 0 && rig.Outbox.All.Count == 1);
        Assert.InRange(arrived - put, 0, TimeSpan.FromSeconds(1).ToNs());
        Assert.Equal("partner", Assert.Single(rig.Outbox.All).Recipient);
    }

    [Fact]
    [Promise("R78")]
    public void Until_it_is_acknowledged_it_comes_again_at_every_connection_and_once_a_day()
    {
        var rig = new CourierRig();
        rig.Handlers.Add(new Acknowledge(rig.Outbox));
        var notice = rig.Outbox.Put(Make(NoticeKind.Erasure, untilAcknowledged: true));
        var start = rig.Clock.BootNs;
        rig.RunUntil(() => rig.Clock.BootNs - start > TimeSpan.FromDays(2.5).ToNs(), stepsMax: 1_000_000);
        Assert.Equal(3, rig.On("erasure").Count());

        rig.RunUntil(() => rig.On("erasure").Count() == 4);
        rig.Broker.DropConnections();
        rig.OnIdle = () =>
        {
            if (rig.On("erasure").Count() == 4)
            {
                rig.Broker.DropConnections();
            }
        };
        rig.RunUntil(() => rig.On("erasure").Count() >= 6);
        Assert.Single(rig.On("erasure").Select(static m => Encoding.UTF8.GetString(m.Payload)).Distinct());

        rig.OnIdle = () => rig.OnIdle = null;
        var sent = rig.On("erasure").Count();
        rig.Broker.Send(new FakeDelivery(CourierRig.Topic("command/acknowledge"), Encoding.UTF8.GetBytes(
            $$"""{"id":"a-1","expires":"2199-01-01T00:00:00Z","reference":"{{notice.Reference}}"}""")));
        rig.RunUntil(() => rig.Outbox.All.Count == 0 && rig.On("result/acknowledge").Any());
        var before = rig.On("erasure").Count();
        Assert.InRange(before - sent, 0, 1);
        rig.RunUntil(() => rig.States.Count > 5);
        Assert.Equal(before, rig.On("erasure").Count());
        Assert.True(CourierRig.Json(rig.On("result/acknowledge").First()).GetProperty("ok").GetBoolean());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(20)]
    public void Readings_and_notices_both_go_on_whatever_the_window(int window)
    {
        var rig = new CourierRig(windowMax: window) { Broker = { SendMaximum = window } };
        for (var i = 0; i < 60; i++)
        {
            rig.AddBlock();
            rig.Outbox.Put(Make(NoticeKind.Incident));
        }

        rig.RunUntil(() => rig.Spool.Waiting == 0 && rig.Outbox.All.Count == 0);
        Assert.Empty(rig.Broker.Violations);
        var order = rig.Broker.Snapshot().Select(static m => m.Topic.Split('/')[3]).Where(static t => t is "data" or "incident").ToList();
        Assert.Contains("data", order.Take(8));
        Assert.Contains("incident", order.Take(25));
        Assert.Equal(60, order.Count(static t => t == "data"));
        Assert.Equal(60, order.Count(static t => t == "incident"));
    }

    [Fact]
    public void Lost_connections_and_a_failing_store_lose_none_and_repeat_under_the_same_reference()
    {
        var rig = new CourierRig(seed: 3) { Broker = { Faults = new FakeFaults(LoseBeforeBroker: 0.1, LoseBeforeAck: 0.1, HoldAck: 0.3) } };
        var references = Enumerable.Range(0, 40).Select(_ => rig.Outbox.Put(Make(NoticeKind.Consent)).Reference).ToList();
        var looks = 0;
        rig.OnIdle = () => rig.Outbox.Fault = ++looks % 4 == 0 ? new StoreFault(StoreFaultKind.Io, "busy", retry: true) : null;
        rig.RunUntil(() => rig.Outbox.All.Count == 0);
        Assert.Equal(references.Order(), rig.On("consent").Select(static m => CourierRig.Json(m).GetProperty("reference").GetString()!).Distinct().Order());
    }

    [Fact]
    public void One_that_the_broker_refuses_waits_is_told_and_does_not_hold_up_the_others()
    {
        var rig = new CourierRig { Broker = { PacketBytesMax = 20_000 } };
        var allowed = false;
        rig.Broker.Answer = m => m.Topic == CourierRig.Topic("audit") && !allowed ? 0x87 : 0;
        rig.Outbox.Put(Make(NoticeKind.Audit));
        rig.Outbox.Put(Make(NoticeKind.Consent) with { Json = Encoding.UTF8.GetBytes($"\"{new string('x', 30_000)}\"") });
        rig.Outbox.Put(Make(NoticeKind.Incident));
        rig.OnIdle = () => allowed = rig.Clock.BootNs > TimeSpan.FromMinutes(25).ToNs();
        rig.RunUntil(() => rig.Outbox.All.Count == 1);
        Assert.Equal(NoticeKind.Consent, rig.Outbox.All[0].Kind);
        Assert.InRange(rig.Counters["delivery.notice-refused.0x87"], 3, 4);
        Assert.Contains(rig.States, static s => s.Detail.Contains("notice", StringComparison.Ordinal));
    }

    [Fact]
    public void The_consumer_counts_notices_by_kind_tells_repetitions_apart_and_names_what_is_malformed()
    {
        var rig = new CourierRig();
        var options = new ConsumerOptions
        {
            Link = new LinkOptions { Host = "localhost", Port = 1883, ClientId = "consumer" }, Duration = TimeSpan.FromSeconds(20), Seed = 1,
        };
        var consumer = new Consumer(options, rig.Broker, rig.Clock, NullLogger<Consumer>.Instance);
        rig.Broker.Idle = rig.Clock.Advance;
        consumer.Run(CancellationToken.None);
        rig.Outbox.Put(Make(NoticeKind.Erasure, untilAcknowledged: true));
        rig.Outbox.Put(Make(NoticeKind.Audit));
        rig.Outbox.Put(Make(NoticeKind.Incident) with { Json = """{"document":{"type":"x"}}"""u8.ToArray() });
        rig.RunUntil(() => rig.Outbox.All.Count == 1);
        rig.RunUntil(() => true);
        rig.Broker.Idle = rig.Clock.Advance;
        rig.Clock.Waited = null;
        var events = new List<ConsumerEvent>();
        var report = consumer.Run(CancellationToken.None, events.Add);
        var device = Assert.Single(report.Devices);
        Assert.Equal([new("audit", 1), new("erasure", 1)], device.Notices);
        Assert.Equal(1, device.NoticeDuplicates);
        Assert.Equal(1, report.Invalid);
        Assert.Contains("$.document.signature", Assert.Single(report.InvalidExamples), StringComparison.Ordinal);
        Assert.Contains(events, static e => e is NoticeArrived { Kind: "erasure", Acknowledge: true, Duplicate: true });
    }

    [Fact]
    public void Over_a_real_broker_notices_arrive_are_acknowledged_and_satisfy_the_published_schema()
    {
        using var schemas = new ContractSchemas();
        using var broker = new MosquittoBroker(new MosquittoSetup());
        var outbox = new FakeOutbox();
        foreach (var kind in Enum.GetValues<NoticeKind>())
        {
            outbox.Put(Make(kind, untilAcknowledged: kind == NoticeKind.Erasure));
        }

        using var cloud = LinkLibrary.CreateFactory().Create();
        var messages = new Messages();
        Assert.Equal(LinkFaultKind.None, cloud.Connect(broker.Options("cloud"), messages, out _).Kind);
        Assert.True(cloud.Subscribe(Topics.Root + "+/#", TimeSpan.FromSeconds(60)));
        using var stop = new CancellationTokenSource();
        var courier = new Courier(
            new CourierSettings
            {
                Recipient = new Recipient("vendor", broker.Options(""), "DE", int.MaxValue, 20), Pseudonym = Blocks.Pseudonym, TagKey = Blocks.TagKey,
                AgentVersion = "0.1.0",
            },
            LinkLibrary.CreateFactory(), new FakeSpool(), new FakeGate(), new SteppingClock(), outbox, new FakeCommandLedger(), [new Acknowledge(outbox)],
            new Counters(), NullLogger<Courier>.Instance);
        var thread = new Thread(() => courier.Run(stop.Token)) { IsBackground = true, Name = "courier" };
        thread.Start();
        Until(() => messages.Notices.Count() >= 5 && outbox.All.Count == 1);
        var reference = outbox.All[0].Reference;
        cloud.Publish(new MqttTopic(CourierRig.Topic("command/acknowledge")), Encoding.UTF8.GetBytes(
            $$"""{"id":"a","expires":"2199-01-01T00:00:00Z","reference":"{{reference}}"}"""), default);
        Until(() => outbox.All.Count == 0 && messages.All.Any(static m => m.Topic.EndsWith("result/acknowledge", StringComparison.Ordinal)));
        stop.Cancel();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
        foreach (var (_, payload) in messages.Notices)
        {
            schemas.Add("notice", payload);
        }

        Assert.Equal("", schemas.Violations());

        void Until(Func<bool> condition) => Eventually.True(
            () =>
            {
                cloud.Poll(TimeSpan.FromMilliseconds(20));
                return condition();
            },
            "the notices and the answer",
            120);
    }

    private static Notice Make(NoticeKind kind, bool untilAcknowledged = false) => new(
        0, "vendor", kind, Notice.NewReference(),
        """{"document":{"type":"test"},"signature":{"alg":"ES256","keyId":"0123456789abcdef","publicKey":"AA==","value":"AA=="}}"""u8.ToArray(),
        untilAcknowledged);

    private sealed class Acknowledge(IOutbox outbox) : ICommandHandler
    {
        public string Name => "acknowledge";

        public CommandOutcome Handle(CommandRequest request) =>
            outbox.Acknowledge(request.Recipient, request.Argument("reference")!) ? CommandOutcome.Done("{}") : CommandOutcome.Refused("unknown", "");
    }

    private sealed class Messages : ILinkEvents
    {
        public List<(string Topic, byte[] Payload)> All { get; } = [];

        public IEnumerable<(string Topic, byte[] Payload)> Notices =>
            All.Where(static m => m.Topic.Split('/')[3] is "consent" or "erasure" or "audit" or "incident" or "facts");

        public void OnClosed(LinkFault fault)
        {
        }

        public void OnAcknowledged(int messageId, int reasonCode)
        {
        }

        public void OnMessage(in LinkMessage message) => All.Add((message.Topic, message.Payload.ToArray()));
    }
}
