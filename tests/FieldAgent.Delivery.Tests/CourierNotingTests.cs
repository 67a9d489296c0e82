using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>Nothing leaves before it is noted that the recipient may have it.</summary>
public sealed class CourierNotingTests
{
    [Fact]
    [Promise("R78")]
    public void Every_message_of_an_item_is_noted_before_it_is_sent_and_nothing_else_is()
    {
        var rig = new CourierRig(limits: new CourierLimits { MessageBytesMax = 2000 }, windowMax: 5)
        {
            Broker = { Faults = new FakeFaults(LoseBeforeBroker: 0.02, LoseBeforeAck: 0.02, HoldAck: 0.5) },
        };
        rig.AddBlock();
        rig.AddBlock(rows: 400);
        var picture = rig.Spool.AddImage(new byte[200_000]);
        rig.Spool.AddGap("telemetry", 2);
        var denied = rig.AddBlock(function: "fleet-location", field: "location.position");
        rig.Gate.Deny("fleet-location", "location.position", DenyReason.NotGranted);
        var (sent, problems) = (0, new List<string>());
        rig.Broker.Publishing = message =>
        {
            var levels = message.Topic.Split('/');
            if (levels[3] != "data")
            {
                return;
            }

            sent++;
            var id = levels[4] == picture.Function ? picture.Id : rig.Spool.Find(CourierRig.Sequence(message)).Id;
            if (!rig.Spool.Noted.Contains(id))
            {
                problems.Add(message.Topic);
            }
        };
        rig.RunUntil(() => rig.Spool.Waiting == 1);
        Assert.True(sent > 5);
        Assert.Empty(problems);
        Assert.DoesNotContain(denied.Id, rig.Spool.Noted);
        Assert.Equal([1L, 2L, picture.Id], rig.Spool.Noted.Order());
    }

    [Fact]
    [Promise("R78")]
    public void What_cannot_be_noted_is_not_sent_until_it_can()
    {
        var rig = new CourierRig();
        rig.AddBlock();
        rig.Spool.AddImage(new byte[10_000]);
        var faults = 0;
        rig.Spool.Noting = _ =>
        {
            if (++faults <= 4)
            {
                Assert.DoesNotContain(rig.Broker.Snapshot(), static message => message.Topic.Contains("/data/", StringComparison.Ordinal));
                throw new StoreFault(StoreFaultKind.Io, "the card does not answer", retry: true);
            }
        };
        rig.RunUntilDelivered();
        Assert.Equal([1L, 2L], rig.Spool.Acknowledged);
        Assert.Equal(4, rig.Counters["delivery.store-faults"]);
    }

    [Fact]
    [Promise("R10", "R91")]
    public void What_was_erased_after_it_was_read_is_not_sent()
    {
        var rig = new CourierRig();
        rig.AddBlock(function: "fleet-location", field: "location.position");
        var picture = rig.Spool.AddImage(new byte[10_000]);
        rig.AddBlock(rows: 3);
        rig.Spool.Noting = _ =>
        {
            rig.Spool.Erase("fleet-location", "location.position", GapReason.Erased);
            rig.Spool.Erase(picture.Function, picture.Field, GapReason.Erased);
        };
        rig.RunUntilDelivered();
        Assert.Empty(rig.On("data/fleet-location"));
        Assert.Empty(rig.On("data/" + picture.Function));
        Assert.Equal([3L], rig.Spool.Acknowledged);
    }
}
