using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <content>Topics that repeat.</content>
public abstract partial class LinkContract
{
    [Theory]
    [InlineData(MqttVersion.V5, 10, 1)]
    [InlineData(MqttVersion.V5, 0, 50)]
    [InlineData(MqttVersion.V311, 10, 50)]
    public void A_topic_that_repeats_goes_out_by_name_once_where_the_broker_takes_aliases(MqttVersion version, int aliasMax, int names)
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { ExtraLines = [$"max_topic_alias {aliasMax}"] });
        using var proxy = new RecordingProxy(broker.Port);
        using var listener = Connect(broker.Options("b"), out var heard, out _);
        Assert.True(listener.Subscribe("t/#", _limit));
        using var link = Connect(broker.Options("a", version) with { Port = proxy.Port }, out var events, out _);
        var data = new MqttTopic("t/data", repeats: true);
        var state = new MqttTopic("t/state", repeats: true);
        var expected = new List<(string, string)>();
        var encoding = version == MqttVersion.V5 ? "br" : null;
        for (var i = 0; i < 50; i++)
        {
            // Sizes on both sides of a longer packet length, with and without further properties.
            Send(data, new string('x', i * 5), new PublishOptions(ContentEncoding: i % 3 == 0 ? encoding : null));
            Send(state, $"{i}", new PublishOptions(Retain: i % 2 == 0));
            Send(new MqttTopic($"t/once/{i}"), "", default);
        }

        PollUntil(link, () => events.Acknowledged.Count == 150, "the acknowledgements");
        PollUntil(listener, () => heard.Messages.Count == 150, "the messages");
        Assert.Equal(expected, heard.Messages.Select(message => (message.Topic, message.Text)));
        Assert.Equal(encoding is null ? 0 : 17, heard.Messages.Count(message => message.ContentEncoding == "br"));
        var bytes = Encoding.Latin1.GetString(proxy.Up);
        Assert.Equal((names, names, 50), (Count(bytes, "t/data"), Count(bytes, "t/state"), Count(bytes, "t/once/")));
        Assert.Empty(events.Closed);

        void Send(MqttTopic topic, string text, PublishOptions options)
        {
            expected.Add((topic.Name, text));
            var id = 0;
            PollUntil(link, () => (id = link.Publish(topic, Encoding.UTF8.GetBytes(text), options)) != PublishResult.WindowFull, "room");
            Assert.True(id > 0);
        }

        static int Count(string bytes, string name) => bytes.Split(name).Length - 1;
    }

    [Fact]
    public void More_topics_than_the_broker_takes_aliases_for_go_out_by_name()
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { ExtraLines = ["max_topic_alias 2"] });
        using var link = Connect(broker.Options("a"), out var events, out _);
        Assert.True(link.Subscribe("t/#", _limit));
        var topics = Enumerable.Range(0, 5).Select(i => new MqttTopic($"t/{i}", repeats: true)).ToArray();
        for (var i = 0; i < 15; i++)
        {
            Assert.True(link.Publish(topics[i % 5], "x"u8, default) > 0);
        }

        PollUntil(link, () => events.Messages.Count == 15, "the messages");
        Assert.Equal(Enumerable.Range(0, 15).Select(i => $"t/{i % 5}"), events.Messages.Select(message => message.Topic));
    }

    [Fact]
    public void A_message_that_was_too_large_to_send_told_the_broker_no_alias()
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { PacketBytesMax = 1_000 });
        using var link = Connect(broker.Options("a"), out var events, out _);
        Assert.True(link.Subscribe("t", _limit));
        var topic = new MqttTopic("t", repeats: true);
        Assert.Equal(PublishResult.TooLarge, link.Publish(topic, new byte[1_000], default));
        Assert.True(link.Publish(topic, "1"u8, default) > 0);
        Assert.Equal(PublishResult.TooLarge, link.Publish(topic, new byte[1_000], default));
        Assert.True(link.Publish(topic, "2"u8, default) > 0);
        PollUntil(link, () => events.Messages.Count == 2, "the messages");
        Assert.Equal(["1", "2"], events.Messages.Select(message => message.Text));
    }
}
