using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <content>What the owner of a link must not do, and what a link leaves behind.</content>
public abstract partial class LinkContract
{
    [Fact]
    public void An_event_must_not_poll_or_subscribe()
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out var events, out _);
        Exception? polling = null;
        Exception? subscribing = null;
        events.Then = _ =>
        {
            polling = Record.Exception(() => link.Poll(TimeSpan.Zero));
            subscribing = Record.Exception(() => link.Subscribe("t", TimeSpan.Zero));
        };
        link.Publish(new MqttTopic("t"), "x"u8, default);
        PollUntil(link, () => events.Acknowledged.Count == 1, "the acknowledgement");
        Assert.IsType<InvalidOperationException>(polling);
        Assert.IsType<InvalidOperationException>(subscribing);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/+/b")]
    [InlineData("a/#")]
    public void A_topic_that_is_none_is_a_bug(string name)
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out _, out _);
        Assert.Throws<ArgumentException>(() => link.Publish(new MqttTopic(name), "x"u8, default));
        Assert.Throws<ArgumentException>(() => link.Subscribe("a/#/b", TimeSpan.FromSeconds(1)));
    }
}
