using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

public sealed class CourierConnectionTests
{
    [Fact]
    public void Waits_grow_to_five_minutes_with_full_jitter()
    {
        var rig = new CourierRig(seed: 3);
        rig.Broker.Stop();
        rig.RunUntil(() => rig.Clock.Waits.Count >= 40);

        var waits = rig.Clock.Waits;
        Assert.InRange(waits[0], TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(1));
        for (var i = 0; i < waits.Count; i++)
        {
            Assert.InRange(waits[i].TotalSeconds, 0.0999, Math.Min(300, Math.Pow(2, i)) + 0.001);
        }

        Assert.Contains(waits, w => w > TimeSpan.FromMinutes(3));
        Assert.Contains(waits.Skip(10), w => w < TimeSpan.FromMinutes(1.5));
    }

    [Fact]
    public void Only_a_connection_that_was_stable_for_a_minute_lets_the_waits_begin_small_again()
    {
        foreach (var (stable, small) in new[] { (TimeSpan.FromSeconds(30), false), (TimeSpan.FromSeconds(90), true) })
        {
            var backoff = new List<double>();
            for (var seed = 1; seed <= 20; seed++)
            {
                var rig = new CourierRig(seed);
                rig.Broker.Stop();
                long since = 0;
                rig.OnIdle = () =>
                {
                    if (rig.Clock.Waits.Count == 12 && rig.Broker.Connected == 0)
                    {
                        rig.Broker.Start();
                    }

                    if (rig.Broker.Connected == 1)
                    {
                        since = since == 0 ? rig.Clock.BootNs : since;
                        if (rig.Clock.BootNs - since > stable.ToNs())
                        {
                            rig.Broker.Stop();
                        }
                    }
                };
                rig.RunUntil(() => rig.Clock.Waits.Count >= 13);
                backoff.Add(rig.Clock.Waits[12].TotalSeconds);
            }

            Assert.Equal(small, backoff.Max() <= 1.001);
        }
    }

    [Theory]
    [InlineData(LinkFaultKind.NotAuthorized)]
    [InlineData(LinkFaultKind.Tls)]
    [InlineData(LinkFaultKind.Misconfigured)]
    public void A_fault_that_only_a_person_can_lift_is_shown_as_refused_and_retried_slowly(LinkFaultKind kind)
    {
        var rig = new CourierRig { Broker = { Connecting = _ => new LinkFault(kind, "ask your administrator") } };
        rig.RunUntil(() => rig.Clock.Waits.Count >= 5);
        Assert.All(rig.Clock.Waits, w => Assert.InRange(w, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)));
        Assert.All(rig.States, s => Assert.Equal(("refused", "ask your administrator"), (s.Phase, s.Detail)));
    }

    [Fact]
    public void A_broker_that_does_not_speak_version_5_gets_3_1_1_at_once_and_5_again_later()
    {
        var rig = new CourierRig
        {
            Broker =
            {
                Connecting = o => o.Version == MqttVersion.V5 ? new LinkFault(LinkFaultKind.VersionRefused, "0x84") : null,
                Faults = new FakeFaults(LoseBeforeBroker: 1),
            },
        };
        rig.RunUntil(() => rig.Broker.Attempts.Count >= 30);
        Assert.Equal([MqttVersion.V5, MqttVersion.V311], rig.Broker.Attempts.Take(2).Select(a => a.Version));
        Assert.Equal(10, rig.Broker.Attempts.Skip(1).TakeWhile(a => a.Version == MqttVersion.V311).Count());
        Assert.Contains(rig.Broker.Attempts.Skip(2), a => a.Version == MqttVersion.V5);
    }

    [Fact]
    public void Three_closes_before_CONNACK_are_taken_as_a_refused_version()
    {
        var rig = new CourierRig
        {
            Broker = { Connecting = o => o.Version == MqttVersion.V5 ? new LinkFault(LinkFaultKind.Lost, "closed") : null },
        };
        rig.AddBlock();
        rig.RunUntilDelivered();
        Assert.Equal(
            [MqttVersion.V5, MqttVersion.V5, MqttVersion.V5, MqttVersion.V311], rig.Broker.Attempts.Select(a => a.Version));
        Assert.Single(rig.On("data/telemetry"));
    }

    [Fact]
    public void After_a_lost_link_it_begins_again_at_the_oldest_unacknowledged_item()
    {
        var rig = new CourierRig();
        var lost = false;
        rig.Broker.Answer = m => !lost && m.Topic.EndsWith("telemetry", StringComparison.Ordinal) && CourierRig.Sequence(m) > 3 ? -1 : 0;
        for (var i = 0; i < 10; i++)
        {
            rig.AddBlock();
        }

        rig.OnIdle = () =>
        {
            if (!lost)
            {
                lost = true;
                rig.Broker.DropConnections();
            }
        };
        rig.RunUntilDelivered();
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4, 5, 6, 7, 8, 9, 10L], rig.On("data/telemetry").Select(CourierRig.Sequence));
    }

    [Fact]
    public void A_stop_lets_acknowledgements_come_in_but_does_not_wait_for_them_for_ever()
    {
        var rig = new CourierRig { Broker = { Answer = m => m.Retain ? 0 : -1 } };
        rig.AddBlock();
        long asked = 0;
        rig.RunUntil(() =>
        {
            asked = asked == 0 ? rig.Clock.BootNs : asked;
            return true;
        });
        Assert.InRange(rig.Clock.BootNs - asked, 0, TimeSpan.FromSeconds(2).ToNs());
        Assert.Equal(1, rig.Broker.Goodbyes);
    }

    [Fact]
    public void Credentials_refused_three_times_in_a_row_are_told_once_and_again_only_after_a_connection()
    {
        var told = 0;
        var refuse = true;
        var rig = new CourierRig();
        rig.Settings = rig.Settings with { CredentialsRefused = () => told++ };
        rig.Broker.Connecting = _ => refuse ? new LinkFault(LinkFaultKind.NotAuthorized, "not authorized") : null;
        rig.RunUntil(() => rig.Broker.Attempts.Count >= 2);
        Assert.Equal(0, told);
        rig.RunUntil(() => rig.Broker.Attempts.Count >= 12);
        Assert.Equal(1, told);
        var until = 0;
        rig.OnIdle = () =>
        {
            refuse = rig.Broker.Connected == 0 && until > 0;
            until = rig.Broker.Connected > 0 ? rig.Broker.Attempts.Count : until;
            if (rig.Broker.Connected > 0)
            {
                refuse = true;
                rig.Broker.DropConnections();
            }
        };
        told = 0;
        refuse = false;
        rig.RunUntil(() => until > 0 && rig.Broker.Attempts.Count >= until + 6);
        Assert.Equal(1, told);
    }
}
