using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>The contract over libmosquitto, and what is this implementation's own.</summary>
public sealed class MosquittoLinkTests : LinkContract
{
    protected override ILinkFactory Factory { get; } = new MosquittoLinkFactory();

    [Fact]
    public void Names_the_library_and_its_version()
    {
        Assert.StartsWith("libmosquitto ", Factory.Library, StringComparison.Ordinal);
        Assert.True(Version.TryParse(Factory.Library["libmosquitto ".Length..], out _), Factory.Library);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("br")]
    public void Ten_thousand_messages_allocate_nothing(string? encoding)
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { ReceiveMaximum = 100 });
        using var link = Factory.Create();
        var events = new CountingEvents();
        Assert.Equal(LinkFaultKind.None, link.Connect(broker.Options("a"), events, out _).Kind);
        MqttTopic[] topics = [new("t/data", repeats: true), new("t/other", repeats: true), new("t/once")];
        var payload = new byte[200];
        var options = new PublishOptions(ContentEncoding: encoding);
        Send(1_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Send(int count)
        {
            var target = events.Acknowledged + count;
            var unsent = count;
            while (events.Acknowledged < target)
            {
                while (unsent > 0 && link.Publish(topics[unsent % 3], payload, options) != PublishResult.WindowFull)
                {
                    unsent--;
                }

                Assert.False(events.IsClosed);
                link.Poll(TimeSpan.FromSeconds(30));
            }
        }
    }

    private sealed class CountingEvents : ILinkEvents
    {
        public int Acknowledged { get; private set; }

        public bool IsClosed { get; private set; }

        public void OnClosed(LinkFault fault) => IsClosed = true;

        public void OnAcknowledged(int messageId, int reasonCode) => Acknowledged++;

        public void OnMessage(in LinkMessage message)
        {
        }
    }
}
