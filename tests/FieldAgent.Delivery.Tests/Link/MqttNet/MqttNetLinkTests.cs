using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>The contract over MQTTnet, and what is this implementation's own.</summary>
public sealed class MqttNetLinkTests : LinkContract
{
    protected override ILinkFactory Factory { get; } = new MqttNetLinkFactory();

    [Fact]
    public void Names_the_library_and_its_version_and_is_what_this_program_was_built_with()
    {
        Assert.StartsWith("MQTTnet 5.", Factory.Library, StringComparison.Ordinal);
        Assert.Equal(Factory.Library, LinkLibrary.CreateFactory().Library);
    }

    [Fact]
    public void Messages_that_nobody_polls_are_held_back_and_none_is_lost()
    {
        const int Count = 500;
        using var broker = new MosquittoBroker(new MosquittoSetup { ExtraLines = ["max_queued_messages 0"] });
        using var writer = Connect(broker.Options("writer"), out var written, out _);
        using var link = Factory.Create();
        var events = new RecordingEvents();
        Assert.Equal(LinkFaultKind.None, link.Connect(broker.Options("reader") with { ReceiveMaximum = 10 }, events, out _).Kind);
        Assert.True(link.Subscribe("t", TimeSpan.FromSeconds(30)));
        var topic = new MqttTopic("t");
        var sent = 0;
        PollUntil(
            writer,
            () =>
            {
                while (sent < Count && writer.Publish(topic, new byte[10_000], default) > 0)
                {
                    sent++;
                }

                return written.Acknowledged.Count == Count;
            },
            "the acknowledgements");
        Assert.Empty(events.Messages);
        PollUntil(link, () => events.Messages.Count == Count, "the messages");
        Assert.Empty(events.Closed);
    }
}
