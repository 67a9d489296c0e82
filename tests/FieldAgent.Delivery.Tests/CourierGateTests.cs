using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>What the courier asks the gate, and what holds when the gate's answer changes under its hands.</summary>
public sealed class CourierGateTests
{
    private const string Fleet = "fleet-location";
    private const string Place = "location.position";

    [Fact]
    [Promise("R83", "R85")]
    public void The_gate_is_asked_with_the_recipients_region_the_time_and_the_age_of_the_data()
    {
        var rig = new CourierRig();
        var taken = rig.Clock.BootNs;
        var item = rig.AddBlock(function: Fleet, field: Place);
        item.ConsentId = 7;
        item.WallOffsetNs = rig.Clock.WallOffsetNs;
        item.Quality = ClockQuality.Ntp;
        rig.AddBlock().Quality = ClockQuality.Unsynced;
        rig.RunUntilDelivered();

        var about = rig.Gate.Asked.Where(static q => q.Function == Fleet).ToList();
        Assert.NotEmpty(about);
        Assert.All(about, q =>
        {
            Assert.Equal((Stage.Send, "vendor", "DE", 7L), (q.Stage, q.Recipient, q.Region, q.AdmittedUnder));
            Assert.Equal(taken + rig.Clock.WallOffsetNs, q.CapturedWallUnixNs);
            Assert.InRange(q.AtWallUnixNs, q.CapturedWallUnixNs, rig.Clock.Now().WallUnixNs);
            Assert.Equal(ClockQuality.Ntp, q.Clock);
        });

        // Taken in a boot whose wall time nobody knows: its age is not known either.
        Assert.All(rig.Gate.Asked.Where(static q => q.Function == "telemetry"), static q => Assert.Equal(0, q.CapturedWallUnixNs));
    }

    [Fact]
    [Promise("R10", "R11")]
    public void After_a_withdrawal_no_send_of_it_starts_and_exactly_what_is_under_way_is_reported()
    {
        for (var seed = 1; seed <= 40; seed++)
        {
            var rig = new CourierRig(seed) { Broker = { Faults = new FakeFaults(HoldAck: 0.9) } };
            for (var i = 0; i < 60; i++)
            {
                rig.AddBlock(function: Fleet, field: Place);
                rig.AddBlock();
            }

            var sentBefore = -1;
            long[] expected = [];
            long[] reported = [];
            var idle = 0;
            rig.OnIdle = () =>
            {
                if (sentBefore < 0 && ++idle == seed % 7 + 1)
                {
                    rig.Gate.Deny(Fleet, Place, DenyReason.Withdrawn);
                    var sent = rig.On("data/" + Fleet).Select(CourierRig.Sequence).ToList();
                    expected = [.. sent.Where(sequence => !IsAcknowledged(rig, sequence))];
                    reported = [.. rig.Courier!.UnderWay(Fleet, Place).Select(static item => item.Sequence)];
                    Assert.All(rig.Courier.UnderWay(Fleet, Place), static item =>
                        Assert.Equal(("vendor", Fleet, Place, 1), (item.Recipient, item.Function, item.Field, item.Messages)));
                    Assert.Empty(rig.Courier.UnderWay(Fleet, "something.else"));
                    sentBefore = sent.Count;
                }
            };
            rig.RunUntilDelivered();

            Assert.True(sentBefore > 0, $"seed {seed}: nothing was sent before the withdrawal");
            Assert.Equal(sentBefore, rig.On("data/" + Fleet).Count());
            Assert.Equal(expected, reported);
            Assert.Equal(60, rig.On("data/telemetry").Count());
            Assert.Empty(rig.Courier!.UnderWay(Fleet, Place));
            Assert.All(rig.Spool.GivenUp.Values, static reason => Assert.Equal(GapReason.ConsentWithdrawn, reason));
            Assert.Equal(60 - sentBefore, rig.Spool.GivenUp.Count);
        }
    }

    [Fact]
    [Promise("R10")]
    public void A_withdrawal_from_another_thread_waits_for_the_message_that_was_decided_and_sees_none_after_it()
    {
        var rig = new CourierRig();
        for (var i = 0; i < 200; i++)
        {
            rig.AddBlock(function: Fleet, field: Place);
        }

        // What was sent, not what has arrived: the network takes its time.
        Thread? withdrawing = null;
        var (sent, whenItReturned) = (0, -1);
        long[] reported = [];
        rig.Broker.Publishing = message => Interlocked.Add(ref sent, message.Topic == CourierRig.Topic("data/" + Fleet) ? 1 : 0);
        rig.Broker.Arrived = message =>
        {
            if (message.Topic == CourierRig.Topic("data/" + Fleet) && CourierRig.Sequence(message) == 5)
            {
                // On the courier's thread, in the middle of its work.
                withdrawing = new Thread(() =>
                {
                    rig.Gate.Deny(Fleet, Place, DenyReason.Withdrawn);
                    reported = [.. rig.Courier!.UnderWay(Fleet, Place).Select(static item => item.Sequence)];
                    whenItReturned = Volatile.Read(ref sent);
                });
                withdrawing.Start();
            }
        };
        rig.RunUntilDelivered();
        withdrawing!.Join();

        Assert.Equal(whenItReturned, sent);
        Assert.All(reported, sequence => Assert.InRange(sequence, 1, whenItReturned));
    }

    [Fact]
    [Promise("R86")]
    public void What_a_legal_hold_keeps_is_neither_sent_nor_given_up_until_the_hold_is_released()
    {
        foreach (var reason in new[] { DenyReason.Withdrawn, DenyReason.Expired })
        {
            var rig = new CourierRig();
            rig.AddBlock(function: Fleet, field: Place);
            var picture = rig.Spool.AddImage(new byte[100_000]);
            rig.AddBlock();
            rig.Gate.Hold(Fleet, Place);
            rig.Gate.Hold(picture.Function, picture.Field);
            rig.Gate.Deny(Fleet, Place, reason);
            rig.Gate.Deny(picture.Function, picture.Field, reason);
            var idle = 0;
            rig.OnIdle = () =>
            {
                if (++idle == 30)
                {
                    Assert.Empty(rig.Spool.GivenUp);
                    Assert.Equal([3L], rig.Spool.Acknowledged);
                    rig.Gate.Release(Fleet, Place);
                    rig.Gate.Release(picture.Function, picture.Field);
                }
            };
            rig.RunUntilDelivered();

            Assert.Equal([1L, 2L], rig.Spool.GivenUp.Keys.Order());
            Assert.Empty(rig.On("data/" + Fleet));
            Assert.Empty(rig.On("data/" + picture.Function));
        }
    }

    [Fact]
    public void A_picture_under_way_is_reported_by_its_messages()
    {
        var rig = new CourierRig { Broker = { Faults = new FakeFaults(HoldAck: 0.95) } };
        var picture = rig.Spool.AddImage(new byte[800_000]);
        var most = 0;
        rig.OnIdle = () =>
        {
            foreach (var item in rig.Courier!.UnderWay(picture.Function, picture.Field))
            {
                Assert.Equal((picture.Id, picture.Sequence), (item.ItemId, item.Sequence));
                most = Math.Max(most, item.Messages);
            }
        };
        rig.RunUntilDelivered();
        Assert.True(most > 1);
        Assert.Equal([picture.Id], rig.Spool.Acknowledged);
    }

    // The courier has noted the broker's answer.
    private static bool IsAcknowledged(CourierRig rig, long sequence) =>
        rig.Spool.Acknowledged.Any(id => rig.Spool.Find(id) is { Function: Fleet } item && item.Sequence == sequence);
}
