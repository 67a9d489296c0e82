using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>Memory that the whole process takes while a link reads on a thread of the runtime's.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class MqttNetMemoryTests
{
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
        using var link = new MqttNetLinkFactory().Create();
        var events = new RecordingEvents();
        Assert.Equal(LinkFaultKind.None, link.Connect(new LinkOptions { Host = "127.0.0.1", Port = server.Port, ClientId = "a" }, events, out _).Kind);
        var before = GC.GetTotalAllocatedBytes();
        Eventually.True(
            () =>
            {
                link.Poll(TimeSpan.FromMilliseconds(100));
                return events.Closed.Count > 0;
            },
            "the link closes");
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 100_000_000);
    }
}
