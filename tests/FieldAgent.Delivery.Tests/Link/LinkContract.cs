using System.Diagnostics;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>What every link must do, whatever library it is made of: derive, and say how to make one. Against a real broker.</summary>
public abstract partial class LinkContract
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    protected abstract ILinkFactory Factory { get; }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void Connects_and_tells_what_the_broker_said(MqttVersion version)
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { ReceiveMaximum = 7, PacketBytesMax = 50_000 });
        using var link = Connect(broker.Options("a", version), out _, out var accepted);

        Assert.Equal(version, accepted.Version);
        Assert.False(accepted.SessionPresent);
        Assert.Equal(version == MqttVersion.V5 ? 7 : 65_535, accepted.SendMaximum);
        Assert.Equal(version == MqttVersion.V5 ? 50_000 : int.MaxValue, accepted.PacketBytesMax);
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void Each_of_10_000_messages_is_acknowledged_once(MqttVersion version)
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { ReceiveMaximum = 100 });
        using var link = Connect(broker.Options("a", version), out var events, out _);
        var topic = new MqttTopic("t/data");
        var payload = new byte[200];
        var outstanding = new HashSet<int>();
        var sent = 0;
        events.Then = _ => Assert.True(outstanding.Remove(events.Acknowledged[^1].MessageId), "acknowledged what is not outstanding");
        PollUntil(
            link,
            () =>
            {
                while (sent < 10_000 && outstanding.Count < 100)
                {
                    var id = link.Publish(topic, payload, default);
                    Assert.True(id > 0 && outstanding.Add(id), "a message id of its own");
                    sent++;
                }

                return events.Acknowledged.Count == 10_000;
            },
            "10 000 acknowledgements");

        Assert.Empty(outstanding);
        Assert.All(events.Acknowledged, static ack => Assert.True(ack.ReasonCode < 0x80));
        Assert.Empty(events.Closed);
    }

    [Fact]
    public void More_than_the_brokers_window_is_not_taken()
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { ReceiveMaximum = 5 });
        using var link = Connect(broker.Options("a"), out var events, out _);
        var topic = new MqttTopic("t");

        for (var i = 0; i < 5; i++)
        {
            Assert.True(link.Publish(topic, "x"u8, default) > 0);
        }

        Assert.Equal(PublishResult.WindowFull, link.Publish(topic, "x"u8, default));
        PollUntil(link, () => events.Acknowledged.Count == 5, "five acknowledgements");
        Assert.True(link.Publish(topic, "x"u8, default) > 0);
    }

    [Fact]
    public void A_message_may_be_published_from_within_an_acknowledgement()
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out var events, out _);
        var topic = new MqttTopic("t");
        events.Then = _ =>
        {
            if (events.Acknowledged.Count < 500)
            {
                Assert.True(link.Publish(topic, "x"u8, default) > 0);
            }
        };
        Assert.True(link.Publish(topic, "x"u8, default) > 0);
        PollUntil(link, () => events.Acknowledged.Count == 500, "500 acknowledgements");
    }

    [Fact]
    public void A_command_arrives_with_response_topic_and_correlation_data()
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out var events, out _);
        Assert.True(link.Subscribe("command/+", _limit));
        using var client = Process.Start(new ProcessStartInfo(
            Places.Program("mosquitto_pub"),
            [
                "-V", "5", "-h", "127.0.0.1", "-p", $"{broker.Port}", "-q", "1", "-t", "command/photo", "-m", "{\"n\":1}",
                "-D", "publish", "response-topic", "result/photo", "-D", "publish", "correlation-data", "id-17",
                "-D", "publish", "user-property", "other", "x", "-D", "publish", "user-property", "content-encoding", "br",
                "-D", "publish", "message-expiry-interval", "60",
            ]))!;
        PollUntil(link, () => events.Messages.Count == 1, "the command");

        var message = events.Messages[0];
        Assert.Equal(("command/photo", "{\"n\":1}", "result/photo"), (message.Topic, message.Text, message.ResponseTopic));
        Assert.Equal("id-17"u8, message.CorrelationData);
        Assert.Equal("br", message.ContentEncoding);
        Assert.InRange(message.ExpirySeconds!.Value, 1u, 60u);
        Assert.False(message.Retained);
        client.WaitForExit();
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void Encoding_and_correlation_travel_with_MQTT_5_alone(MqttVersion version)
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a", version), out var events, out _);
        Assert.True(link.Subscribe("t", _limit));
        var topic = new MqttTopic("t");
        link.Publish(topic, "1"u8, new PublishOptions(ContentEncoding: "br"));
        link.Publish(topic, "2"u8, new PublishOptions(ContentEncoding: "br", CorrelationData: [7, 0, 9]));
        link.Publish(topic, "3"u8, new PublishOptions(CorrelationData: []));
        link.Publish(topic, ""u8, default);
        PollUntil(link, () => events.Messages.Count == 4, "four messages");

        var isV5 = version == MqttVersion.V5;
        Assert.Equal(["1", "2", "3", ""], events.Messages.Select(static message => message.Text));
        Assert.Equal(isV5 ? ["br", "br", null, null] : new string?[4], events.Messages.Select(static message => message.ContentEncoding));
        Assert.Equal(isV5 ? [7, 0, 9] : [], events.Messages[1].CorrelationData);
    }

    [Fact]
    public void A_retained_state_comes_as_retained_and_not_before_the_first_poll()
    {
        using var broker = new MosquittoBroker();
        using var writer = Connect(broker.Options("writer"), out var written, out _);
        writer.Publish(new MqttTopic("state"), "on"u8, new PublishOptions(Retain: true));
        PollUntil(writer, () => written.Acknowledged.Count == 1, "the acknowledgement");

        using var reader = Connect(broker.Options("reader"), out var events, out _);
        Assert.True(reader.Subscribe("state", _limit));
        Assert.True(reader.Subscribe("other", _limit));
        Assert.Empty(events.Messages);
        PollUntil(reader, () => events.Messages.Count == 1, "the retained message");
        Assert.True(events.Messages[0].Retained);
        Assert.Equal("on", events.Messages[0].Text);
    }

    [Theory]
    [InlineData(MqttVersion.V5, true)]
    [InlineData(MqttVersion.V311, true)]
    [InlineData(MqttVersion.V5, false)]
    [InlineData(MqttVersion.V311, false)]
    public void The_will_is_sent_after_an_abrupt_close_and_not_after_a_goodbye(MqttVersion version, bool isAbrupt)
    {
        using var broker = new MosquittoBroker();
        using var watcher = Connect(broker.Options("watcher"), out var events, out _);
        Assert.True(watcher.Subscribe("state/#", _limit));
        var will = new LinkWill("state/a", "gone"u8.ToArray(), Retain: true, TimeSpan.FromSeconds(1));
        var link = Connect(broker.Options("a", version) with { Will = will }, out _, out _);
        if (!isAbrupt)
        {
            link.Disconnect();
        }

        link.Dispose();

        // A second client without a will delay, that ends abruptly after the first, marks when to stop waiting.
        var marker = new LinkWill("state/marker", "x"u8.ToArray(), Retain: false, TimeSpan.FromSeconds(3));
        Connect(broker.Options("marker") with { Will = marker }, out _, out _).Dispose();
        PollUntil(watcher, () => events.Messages.Exists(static message => message.Topic == "state/marker"), "the marker's will");
        Assert.Equal(isAbrupt, events.Messages.Exists(static message => message.Topic == "state/a" && message.Text == "gone"));
    }

    [Theory]
    [Promise("R51")]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void What_was_sent_while_the_board_was_offline_arrives_once_it_is_back(MqttVersion version)
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { Persistence = true });
        var options = broker.Options("board", version);
        using (var first = Connect(options, out _, out _))
        {
            Assert.True(first.Subscribe("command/#", _limit));
            first.Disconnect();
        }

        using (var cloud = Connect(broker.Options("cloud"), out var sent, out _))
        {
            cloud.Publish(new MqttTopic("command/flush"), "1"u8, default);
            cloud.Publish(new MqttTopic("command/photo"), "2"u8, default);
            PollUntil(cloud, () => sent.Acknowledged.Count == 2, "two acknowledgements");
        }

        broker.Stop();
        broker.Start();
        using var back = Connect(options, out var events, out var accepted);
        Assert.True(accepted.SessionPresent);
        Assert.Empty(events.Messages);
        PollUntil(back, () => events.Messages.Count == 2, "the two commands");
        Assert.Equal(["1", "2"], events.Messages.Select(static message => message.Text));
        back.Disconnect();

        using var forgetful = Connect(options with { CleanStart = true }, out _, out var clean);
        Assert.False(clean.SessionPresent);
    }

    [Fact]
    public void A_message_above_the_brokers_limit_is_refused_and_the_link_goes_on()
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { PacketBytesMax = 10_000 });
        using var link = Connect(broker.Options("a"), out var events, out _);
        var topic = new MqttTopic("t");

        // Fixed header 3, topic 3, message id 2, property length 1: the largest payload is 9 991 bytes. Each size around it is tried:
        // being one off is what libraries do.
        PublishOptions[] all = [default, new(ContentEncoding: "br"), new(CorrelationData: new byte[200]), new(true, "br", [1])];
        foreach (var options in all)
        {
            var largest = 0;
            for (var size = 9_600; size <= 10_010; size++)
            {
                var id = link.Publish(topic, new byte[size], options);
                Assert.True(id is PublishResult.TooLarge or > 0, $"{size}: {id}");
                largest = id > 0 ? size : largest;
                PollUntil(link, () => events.Acknowledged.Count > 0 || id < 0, "the acknowledgement");
                events.Acknowledged.Clear();
            }

            var properties = (options.ContentEncoding is null ? 0 : 23) + (options.CorrelationData is { } data ? 3 + data.Length : 0);
            Assert.Equal(9_991 - properties - (properties > 127 ? 1 : 0), largest);
        }

        Assert.Empty(events.Closed);
    }

    [Fact]
    public void Large_messages_pass_both_ways()
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out var events, out _);
        Assert.True(link.Subscribe("t", _limit));
        var text = new string('x', 130_000);
        for (var i = 0; i < 20; i++)
        {
            Assert.True(link.Publish(new MqttTopic("t"), Encoding.UTF8.GetBytes(text), default) > 0);
        }

        PollUntil(link, () => events.Messages.Count == 20 && events.Acknowledged.Count == 20, "twenty messages of 130 kB");
        Assert.All(events.Messages, message => Assert.Equal(text, message.Text));
    }

    [Fact]
    public void A_broker_without_subscribers_or_permission_says_so_in_the_acknowledgement()
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { AccessList = ["topic readwrite mine/#"] });
        using var link = Connect(broker.Options("a"), out var events, out _);
        var allowed = link.Publish(new MqttTopic("mine/t"), "x"u8, default);
        var denied = link.Publish(new MqttTopic("yours/t"), "x"u8, default);
        PollUntil(link, () => events.Acknowledged.Count == 2, "two answers");
        Assert.Equal([(allowed, 0x10), (denied, 0x87)], events.Acknowledged.Order());
    }

    [Fact]
    public void Wake_ends_a_poll_from_another_thread()
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out _, out _);
        for (var i = 0; i < 20; i++)
        {
            using var isPolling = new ManualResetEventSlim(false);
            var waker = new Thread(() =>
            {
                isPolling.Wait();
                link.Wake();
            });
            waker.Start();
            isPolling.Set();

            // Would take ten minutes, and the test run its limit, if the wake were lost.
            link.Poll(TimeSpan.FromMinutes(10));
            waker.Join();
        }
    }

    [Fact]
    public void A_link_may_be_disposed_from_within_any_event_and_twice()
    {
        using var broker = new MosquittoBroker();
        foreach (var name in new[] { nameof(ILinkEvents.OnAcknowledged), nameof(ILinkEvents.OnMessage), nameof(ILinkEvents.OnClosed) })
        {
            var link = Connect(broker.Options("a") with { CleanStart = true }, out var events, out _);
            Assert.True(link.Subscribe("t", _limit));
            var isDone = false;
            events.Then = happened =>
            {
                if (happened == name)
                {
                    link.Dispose();
                    isDone = true;
                }
            };
            link.Publish(new MqttTopic("t"), "x"u8, default);
            if (name == nameof(ILinkEvents.OnClosed))
            {
                PollUntil(link, () => events.Messages.Count == 1, "the message");
                broker.Kill();
            }

            PollUntil(link, () => isDone, name);
            Assert.Equal(PublishResult.Down, link.Publish(new MqttTopic("t"), "x"u8, default));
            link.Dispose();
            link.Wake();
        }
    }

    [Fact]
    public void What_an_event_throws_comes_out_of_the_poll()
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out var events, out _);
        events.Then = static _ => throw new InvalidDataException("a bug in the owner");
        link.Publish(new MqttTopic("t"), "x"u8, default);
        Assert.Throws<InvalidDataException>(() => PollUntil(link, static () => false, "the exception"));
        events.Then = null;
        link.Publish(new MqttTopic("t"), "x"u8, default);
        PollUntil(link, () => events.Acknowledged.Count == 2, "the link goes on");
    }

    [Fact]
    public void A_link_connects_once()
    {
        using var nobody = new ClosedPort();
        using var link = Factory.Create();
        var options = new LinkOptions { Host = "127.0.0.1", Port = nobody.Number, ClientId = "a" };
        Assert.Equal(LinkFaultKind.Unreachable, link.Connect(options, new RecordingEvents(), out _).Kind);
        Assert.Throws<InvalidOperationException>(() => link.Connect(options, new RecordingEvents(), out _));
        Assert.Equal(PublishResult.Down, link.Publish(new MqttTopic("t"), "x"u8, default));
        Assert.False(link.Subscribe("t", _limit));
    }

    protected static void PollUntil(ILink link, Func<bool> condition, string what) => Eventually.True(
        () =>
        {
            if (condition())
            {
                return true;
            }

            link.Poll(TimeSpan.FromMilliseconds(100));
            return condition();
        },
        what,
        60);

    protected ILink Connect(LinkOptions options, out RecordingEvents events, out LinkAccepted accepted)
    {
        var link = Factory.Create();
        events = new RecordingEvents();
        var fault = link.Connect(options, events, out accepted);
        Assert.True(fault.Kind == LinkFaultKind.None, $"{fault.Kind}: {fault.Detail}");
        return link;
    }

    protected LinkFault Refused(LinkOptions options)
    {
        using var link = Factory.Create();
        var events = new RecordingEvents();
        var fault = link.Connect(options, events, out _);
        Assert.NotEqual(LinkFaultKind.None, fault.Kind);
        Assert.Empty(events.Closed);
        return fault;
    }
}
