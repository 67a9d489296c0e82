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
    public void A_packet_larger_than_was_told_to_the_broker_ends_the_link_before_room_is_made_for_it()
    {
        // A PUBLISH that says it is 256 MB long.
        using var server = new ScriptedServer(static socket =>
        {
            if (ScriptedServer.ReadPacket(socket) is not null)
            {
                socket.Send([0x20, 3, 0, 0, 0, 0x30, 0xff, 0xff, 0xff, 0x7f]);
                ScriptedServer.AwaitClose(socket);
            }
        });
        using var link = Connect(
            new LinkOptions { Host = "127.0.0.1", Port = server.Port, ClientId = "a" }, out var events, out _);
        var before = GC.GetTotalAllocatedBytes();
        PollUntil(link, () => events.Closed.Count > 0, "the link closes");
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 100_000_000);
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
