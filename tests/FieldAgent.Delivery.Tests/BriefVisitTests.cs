using System.Text.Json;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

/// <summary>Connections for a few messages: goodbyes of an old pseudonym, and what is anonymous.</summary>
public sealed class BriefVisitTests
{
    private const string Id = "abcdefghijklmnopqrstuvwxyz";

    [Fact]
    [Promise("R22")]
    public void A_visit_in_an_old_name_says_what_it_has_to_say_without_a_will_and_leaves_no_session()
    {
        var rig = new CourierRig();
        rig.Broker.Idle = rig.Clock.Advance;
        var topics = new Topics("oldnameoldnameoldname12345");
        var visit = new BriefVisit(rig.Broker, rig.Clock);
        var answers = new List<(int Index, int Code)>();
        var fault = visit.Send(
            rig.Settings.Recipient, topics.Pseudonym,
            [new VisitMessage(topics.State, default, Retain: true), new VisitMessage(new MqttTopic("x"), "y"u8.ToArray(), Retain: false)],
            (index, code) => answers.Add((index, code)), default);
        Assert.Equal(LinkFaultKind.None, fault.Kind);
        Assert.Equal([0, 1], answers.Select(static a => a.Index));
        Assert.All(answers, static a => Assert.True(a.Code < 0x80));
        var options = Assert.Single(rig.Broker.Attempts);
        Assert.Equal((topics.Pseudonym, true, TimeSpan.Zero, null), (options.ClientId, options.CleanStart, options.SessionExpiry, options.Will));
        var said = rig.Broker.Snapshot();
        Assert.Equal((topics.State.Name, 0, true), (said[0].Topic, said[0].Payload.Length, said[0].Retain));
        Assert.False(said[1].Retain);
        Assert.Equal(1, rig.Broker.Goodbyes);
        Assert.Empty(rig.Broker.Violations);
    }

    [Fact]
    public void A_broker_that_cannot_be_reached_is_named_and_nothing_counts_as_said()
    {
        var rig = new CourierRig();
        rig.Broker.Connecting = static _ => new LinkFault(LinkFaultKind.Unreachable, "nobody there");
        var fault = new BriefVisit(rig.Broker, rig.Clock).Send(
            rig.Settings.Recipient, "a", [new VisitMessage(new MqttTopic("x"), default, Retain: false)], static (_, _) => Assert.Fail("answered"), default);
        Assert.Equal(LinkFaultKind.Unreachable, fault.Kind);
    }

    [Fact]
    [Promise("R5", "R35")]
    public void Anonymous_windows_follow_the_contract_and_the_consumer_takes_them()
    {
        var window = Admit.Window(new StreamInfo("flow \"x\"", "L/min"), new WindowFigures(3600, -1.5, 0.1, 1e9, -1, 0.25, 7));
        var json = AnonymousEncoder.Encode(window, Id);
        using var schemas = new ContractSchemas();
        schemas.Add("anonymous", json);
        Assert.Equal("", schemas.Violations());
        var root = JsonDocument.Parse(json).RootElement;
        Assert.Equal(0.1, root.GetProperty("mean").GetDouble());
        Assert.Equal(1_767_225_600, root.GetProperty("from").GetInt64());

        var rig = new CourierRig();
        var seen = new List<ConsumerEvent>();
        var consumer = new Consumer(
            new ConsumerOptions
            {
                Link = new LinkOptions { Host = "localhost", Port = 1883, ClientId = "consumer" }, Duration = TimeSpan.FromSeconds(20), Seed = 1,
            },
            rig.Broker, rig.Clock, NullLogger<Consumer>.Instance);
        rig.Clock.Waited = null;
        var sent = false;
        rig.Broker.Idle = span =>
        {
            rig.Clock.Advance(span);
            if (!sent)
            {
                sent = true;
                rig.Broker.Send(new FakeDelivery("fieldagent/v1/anonymous/analytics", json));
                rig.Broker.Send(new FakeDelivery("fieldagent/v1/anonymous/other", json));
                rig.Broker.Send(new FakeDelivery("fieldagent/v1/somebody/state", []));
            }
        };
        var report = consumer.Run(default, seen.Add);
        var arrived = Assert.Single(seen.OfType<AnonymousArrived>());
        Assert.Equal(("", Id, 3600L), (arrived.Device, arrived.Id, arrived.Count));
        Assert.Equal(1, report.AnonymousWindows);
        Assert.Equal(1, report.Invalid);
        Assert.Equal("somebody", Assert.Single(report.Devices).Device);
        Assert.False(report.Devices[0].Online);
    }

    [Fact]
    [Promise("R117")]
    public void The_encoder_of_anonymous_windows_takes_nothing_else() =>
        Assert.All(
            typeof(AnonymousEncoder).GetMethods(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.Public),
            static method => Assert.Equal([typeof(AnonymousWindow), typeof(string)], method.GetParameters().Select(static p => p.ParameterType)));
}
