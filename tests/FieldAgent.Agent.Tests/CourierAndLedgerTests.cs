using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Delivery;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>A real courier on a real store, over a broker in memory: what left the board, and what a person is told of it.</summary>
public sealed class CourierAndLedgerTests
{
    private const string Fleet = "fleet-location";

    [Fact]
    [Promise("R78", "R91")]
    public void A_connection_cut_between_the_message_and_its_acknowledgement_leaves_a_recipient_that_is_asked()
    {
        using var rig = new Rig();
        rig.Broker.Answer = message => Rig.IsData(message) ? -1 : 0;
        ControlReply? said = null;
        rig.Run(() =>
        {
            if (!rig.Broker.Down && rig.Arrived.Count == 4)
            {
                rig.Broker.Stop();
            }
            else if (rig.Broker.Down)
            {
                said = rig.Bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled"));
            }

            return said is not null;
        });
        Assert.Contains("vendor may have part of it: it was sent when the connection broke", said!.Message);
        Assert.Contains("numbers 1 to 4", said.Message);
        Assert.Contains("again and again until they acknowledge: vendor", said.Message);
        var scope = rig.Scope();
        Assert.Equal((1, 4, 0), ((int)scope["from"]!, (int)scope["to"]!, (int)scope["items"]!));
    }

    [Fact]
    [Promise("R10", "R78")]
    public void A_withdrawal_while_messages_are_on_their_way_reports_exactly_them_and_no_other_is_sent()
    {
        using var rig = new Rig();
        rig.Broker.Answer = message => Rig.IsData(message) && Rig.Sequence(message) > 2 ? -1 : 0;
        ControlReply? said = null;
        rig.Run(() =>
        {
            if (said is null && rig.Arrived.Count == 4 && rig.Courier!.UnderWay(Fleet, "location.position").Count == 2)
            {
                said = rig.Bench.Ok("consent-withdraw", ("function", Fleet), ("role", "subject"));
            }

            return said is not null;
        });
        Assert.Contains("numbers 3, 4 (2 messages)", said!.Message);
        Assert.Contains("vendor was given 2 blocks and pictures of it", said.Message);
        Assert.Contains("vendor may have more of it: it is on its way and not acknowledged yet", said.Message);
        Assert.Equal([3, 4], JsonNode.Parse(said.Json![0])!["underWay"]!.AsArray().Select(static one => (int)one!["seq"]!));
        Assert.Equal(4, rig.Arrived.Count);
        var scope = rig.Scope();
        Assert.Equal((1, 4, 2), ((int)scope["from"]!, (int)scope["to"]!, (int)scope["items"]!));
        Assert.Equal((3, 4), ((int)scope["possible"]!["from"]!, (int)scope["possible"]!["to"]!));
    }

    [Fact]
    [Promise("R78")]
    public void Without_a_connection_nothing_was_sent_and_nobody_is_asked()
    {
        using var rig = new Rig();
        rig.Broker.Stop();
        var looks = 0;
        rig.Run(() => ++looks > 5);
        Assert.Contains("nobody was given any of it", rig.Bench.Ok("consent-withdraw", ("function", Fleet), ("role", "subject")).Message);
        Assert.Empty(rig.Bench.Parts.Erasures.Asked());
    }

    private sealed class Rig : IDisposable
    {
        private readonly SteppingClock _clock = new();

        public Rig()
        {
            Bench.Ok("consent-grant", ("function", Fleet), ("precision", "1km"), ("role", "subject"));
            for (var i = 0; i < 4; i++)
            {
                Bench.Fill(Fleet, "location.position");
            }

            Broker.Arrived = message =>
            {
                if (IsData(message))
                {
                    Arrived.Add(Sequence(message));
                }
            };
        }

        public PartsBench Bench { get; } = new();

        public FakeBroker Broker { get; } = new();

        public List<long> Arrived { get; } = [];

        public Courier? Courier { get; private set; }

        public static bool IsData(FakeMessage message) => message.Topic.EndsWith("/data/" + Fleet, StringComparison.Ordinal);

        public static long Sequence(FakeMessage message) => JsonDocument.Parse(message.Payload).RootElement.GetProperty("seq").GetInt64();

        /// <summary>Runs the courier until <paramref name="done"/>, which is called whenever it has nothing to do.</summary>
        public void Run(Func<bool> done)
        {
            using var stop = new CancellationTokenSource();
            var looks = 0;
            void Look()
            {
                if (done() || ++looks > 10_000)
                {
                    stop.Cancel();
                }
            }

            Broker.Idle = wait =>
            {
                _clock.Advance(wait);
                Look();
            };
            _clock.Waited = Look;
            Courier = new Courier(
                new CourierSettings
                {
                    Recipient = new Recipient("vendor", new LinkOptions { Host = "localhost", Port = 1883, ClientId = "" }, "CN", int.MaxValue, 20),
                    Pseudonym = "a2345672345672345672345672", TagKey = new byte[32], AgentVersion = "1.0.0", Seed = 1,
                },
                Broker, Bench.Store.Spool, Bench.Gate, _clock, Bench.Store.Outbox, Bench.Store.Commands, [], Bench.Counters, NullLogger<Courier>.Instance);
            Bench.Parts.Erasures.UnderWay = Courier.UnderWay;
            Courier.Run(stop.Token);
            Assert.True(looks <= 10_000, "what was waited for did not come: " + string.Join(", ", Arrived));
        }

        public JsonObject Scope()
        {
            var request = Assert.Single(Bench.Store.Outbox.Waiting("vendor", 0, 1000), static notice => notice.Kind == NoticeKind.Erasure && notice.UntilAcknowledged);
            return Assert.Single(JsonNode.Parse(request.Json.Span)!["document"]!["scopes"]!.AsArray())!.AsObject();
        }

        public void Dispose() => Bench.Dispose();
    }
}
