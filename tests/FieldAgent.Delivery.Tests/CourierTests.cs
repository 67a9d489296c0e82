using System.IO.Compression;
using System.Security.Cryptography;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

public sealed class CourierTests
{
    private static readonly string Data = CourierRig.Topic("data/telemetry");

    [Fact]
    public void Delivers_everything_in_order_and_acknowledges_it_to_the_spool()
    {
        var rig = new CourierRig();
        for (var i = 0; i < 500; i++)
        {
            rig.AddBlock();
        }

        rig.RunUntilDelivered();

        Assert.Equal(Enumerable.Range(1, 500).Select(i => (long)i), rig.On("data/telemetry").Select(CourierRig.Sequence));
        Assert.Equal(500, rig.Spool.Acknowledged.Count);
        Assert.Empty(rig.Broker.Violations);
        Assert.Equal(1, rig.Broker.Goodbyes);
        Assert.Equal("stopped", rig.Courier!.State.Phase);
        Assert.Equal(500, rig.Courier.State.Acknowledged);
    }

    [Fact]
    public void State_is_retained_describes_the_streams_before_their_first_values_and_ends_offline()
    {
        var rig = new CourierRig();
        rig.AddBlock();
        rig.RunUntilDelivered();

        var messages = rig.Broker.Snapshot().ToList();
        var states = messages.Where(m => m.Topic == CourierRig.Topic("state")).ToList();
        Assert.All(states, s => Assert.True(s.Retain));
        Assert.All(messages.Except(states), m => Assert.False(m.Retain));
        var described = messages.FindIndex(m => m.Topic.EndsWith("/state", StringComparison.Ordinal)
            && CourierRig.Json(m).GetProperty("streams").TryGetProperty("telemetry", out _));
        Assert.InRange(described, 0, messages.FindIndex(m => m.Topic == Data) - 1);
        var last = CourierRig.Json(states[^1]);
        Assert.False(last.GetProperty("online").GetBoolean());
        Assert.Equal("stopped", last.GetProperty("reason").GetString());
        Assert.Equal("Cel", last.GetProperty("streams").GetProperty("telemetry").GetProperty("env").GetProperty("streams")[0].GetProperty("unit").GetString());
    }

    [Fact]
    public void The_will_says_lost_after_a_delay_and_the_client_is_known_by_its_pseudonym_only()
    {
        var rig = new CourierRig();
        rig.RunUntil(() => true);

        var attempt = Assert.Single(rig.Broker.Attempts);
        Assert.Equal(Blocks.Pseudonym, attempt.ClientId);
        Assert.Equal(CourierRig.Topic("state"), attempt.Will!.Topic);
        Assert.True(attempt.Will.Retain);
        Assert.Equal(TimeSpan.FromSeconds(30), attempt.Will.Delay);
        Assert.Contains("\"online\":false,\"reason\":\"lost\"", System.Text.Encoding.UTF8.GetString(attempt.Will.Payload));
    }

    [Fact]
    public void Never_more_messages_under_way_than_the_broker_allows()
    {
        foreach (var window in new[] { 1, 2, 3, 9, 50 })
        {
            var rig = new CourierRig(windowMax: 20) { Broker = { SendMaximum = window, Faults = new FakeFaults(HoldAck: 0.5) } };
            for (var i = 0; i < 60; i++)
            {
                rig.AddBlock();
            }

            rig.Spool.AddImage(new byte[400_000]);
            rig.RunUntilDelivered();
            Assert.Empty(rig.Broker.Violations);
        }
    }

    [Fact]
    public void A_picture_is_a_manifest_and_chunks_and_readings_go_on_beside_it()
    {
        var rig = new CourierRig();
        var jpeg = RandomNumberGenerator.GetBytes(1_000_000);
        rig.Spool.AddImage(jpeg, requestId: "cmd-1");
        for (var i = 0; i < 200; i++)
        {
            rig.AddBlock();
        }

        rig.RunUntilDelivered();

        var manifest = CourierRig.Json(Assert.Single(rig.On("data/photo"))).GetProperty("image");
        Assert.Equal("cmd-1", manifest.GetProperty("request").GetString());
        var id = manifest.GetProperty("id").GetString();
        var chunks = rig.Broker.Snapshot().Where(m => m.Topic.Contains($"/{id}/", StringComparison.Ordinal)).ToList();
        Assert.Equal(manifest.GetProperty("chunks").GetInt32(), chunks.Count);
        Assert.All(chunks, c => Assert.InRange(c.Payload.Length, 1, (128 * 1024) - 1));
        Assert.All(chunks, c => Assert.InRange(c.Topic.Count(l => l == '/'), 0, 6));
        Assert.Equal(jpeg, chunks.OrderBy(c => int.Parse(c.Topic.Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture)).SelectMany(c => c.Payload));
        var messages = rig.Broker.Snapshot().ToList();
        Assert.True(messages.FindIndex(m => m.Topic == Data) < messages.FindLastIndex(chunks.Contains), "readings waited for the picture");
    }

    [Fact]
    [Promise("R62")]
    public void A_picture_made_from_another_names_it_in_its_manifest_and_an_original_names_none()
    {
        var rig = new CourierRig();
        var original = rig.Spool.AddImage(new byte[9_000]);
        rig.Spool.AddImage(new byte[900], parentId: original.Image!.ImageId);
        rig.RunUntilDelivered();
        var manifests = rig.On("data/photo").Select(static m => CourierRig.Json(m).GetProperty("image")).ToList();
        Assert.False(manifests[0].TryGetProperty("parent", out _));
        Assert.Equal(manifests[0].GetProperty("id").GetString(), manifests[1].GetProperty("parent").GetString());
    }

    [Fact]
    public void Pictures_one_after_another_all_arrive_and_readings_between_them_go_on()
    {
        var rig = new CourierRig();
        for (var i = 0; i < 10; i++)
        {
            rig.Spool.AddImage(new byte[400_000]);
            for (var k = 0; k < 20; k++)
            {
                rig.AddBlock();
            }
        }

        rig.RunUntilDelivered();
        Assert.Empty(rig.Spool.Misuses);
        Assert.Empty(rig.Spool.GivenUp);
        Assert.Equal(10, rig.On("data/photo").Select(CourierRig.Sequence).Distinct().Count());
        Assert.Equal(200, rig.On("data/telemetry").Select(CourierRig.Sequence).Distinct().Count());
        var messages = rig.Broker.Snapshot().ToList();
        Assert.True(
            messages.FindIndex(m => m.Topic == Data) < messages.FindIndex(m => m.Topic.EndsWith("/4", StringComparison.Ordinal)),
            "readings waited for the first picture");
    }

    [Fact]
    public void A_picture_erased_while_another_one_waits_does_not_stop_delivery()
    {
        var rig = new CourierRig { Broker = { Answer = m => m.Topic.EndsWith("/1", StringComparison.Ordinal) ? -1 : 0 } };
        rig.Spool.AddImage(new byte[900_000]);
        rig.AddBlock();
        rig.Broker.Arrived = m =>
        {
            if (m.Topic == Data && rig.Spool.Waiting == 2)
            {
                rig.Spool.AddImage(new byte[50_000], function: "other");
                rig.Spool.Erase("photo", "image.photo", GapReason.ConsentWithdrawn);
                rig.Spool.AddImage(new byte[50_000], function: "third");
            }
        };
        rig.RunUntil(() => rig.On("data/third").Any(), stepsMax: 2_000);
    }

    [Fact]
    public void A_large_picture_gets_through_a_link_that_never_lasts_long_enough_for_all_of_it()
    {
        var rig = new CourierRig(seed: 5) { Broker = { Faults = new FakeFaults(LoseBeforeBroker: 0.3) } };
        var jpeg = RandomNumberGenerator.GetBytes(3_000_000);
        rig.Spool.AddImage(jpeg);
        rig.RunUntilDelivered();
        Assert.True(rig.Broker.Attempts.Count > 3);
        Assert.Single(rig.Spool.Acknowledged);
    }

    [Fact]
    public void Large_payloads_go_out_compressed_as_a_property_or_as_a_topic_level()
    {
        foreach (var version in new[] { MqttVersion.V5, MqttVersion.V311 })
        {
            var rig = new CourierRig(compressAbove: 200)
            {
                Broker =
                {
                    Connecting = options => options.Version == version ? null : new LinkFault(LinkFaultKind.VersionRefused, "unknown version"),
                },
            };
            rig.AddBlock(rows: 100);
            rig.RunUntilDelivered();

            var message = Assert.Single(rig.On(version == MqttVersion.V5 ? "data/telemetry" : "data/telemetry/br"));
            Assert.Equal(version == MqttVersion.V5 ? "br" : null, message.ContentEncoding);
            using var plain = new BrotliStream(new MemoryStream(message.Payload), CompressionMode.Decompress);
            Assert.Equal(1, System.Text.Json.JsonDocument.Parse(plain).RootElement.GetProperty("seq").GetInt64());
            Assert.Empty(rig.Broker.Violations);
        }
    }

    [Fact]
    public void A_block_too_large_for_one_message_goes_out_in_parts()
    {
        var rig = new CourierRig { Broker = { PacketBytesMax = 10_000 } };
        rig.AddBlock(rows: 5_000);
        rig.RunUntilDelivered();

        var parts = rig.On("data/telemetry").ToList();
        Assert.True(parts.Count > 5);
        Assert.All(parts, p => Assert.InRange(p.Payload.Length, 1, 10_000));
        Assert.Equal(parts.Count, parts.Select(p => CourierRig.Json(p).GetProperty("id").GetString()).Distinct().Count());
        Assert.Equal(5_000, parts.Sum(p => CourierRig.Json(p).GetProperty("sets")[0].GetProperty("s").GetProperty("temperature").GetArrayLength()));
        Assert.Equal([1L], rig.Spool.Acknowledged);
    }

    [Fact]
    [Promise("R10")]
    public void What_was_withdrawn_is_given_up_and_not_sent()
    {
        var rig = new CourierRig();
        rig.AddBlock(function: "fleet-location", field: "location.position");
        rig.AddBlock();
        rig.Gate.Deny("fleet-location", "location.position", DenyReason.Withdrawn);
        rig.RunUntilDelivered();

        Assert.Empty(rig.On("data/fleet-location"));
        Assert.Equal(GapReason.ConsentWithdrawn, rig.Spool.GivenUp[1]);
        // The gate counts its refusals; a second count here would double them.
        Assert.Equal(0, rig.Counters["denied.send.withdrawn"]);
        Assert.Equal("consent-withdrawn", CourierRig.Json(Assert.Single(rig.On("gap"))).GetProperty("reason").GetString());
        Assert.Single(rig.On("data/telemetry"));
    }

    [Fact]
    [Promise("R10")]
    public void A_consent_granted_again_does_not_bring_back_what_an_earlier_one_let_in()
    {
        var rig = new CourierRig();
        rig.AddBlock(function: "fleet-location", field: "location.position").ConsentId = 3;
        rig.AddBlock(function: "fleet-location", field: "location.position").ConsentId = 5;
        rig.AddBlock();
        var old = rig.Spool.AddImage(new byte[200_000]);
        old.ConsentId = 3;
        var granted = rig.Spool.AddImage(new byte[200_000]);
        granted.ConsentId = 5;
        rig.Gate.GrantAgain("fleet-location", "location.position", 5);
        rig.Gate.GrantAgain(old.Function, old.Field, 5);
        rig.RunUntilDelivered();

        Assert.Equal(5, CourierRig.Json(Assert.Single(rig.On("data/fleet-location"))).GetProperty("consent").GetInt64());
        Assert.Single(rig.On("data/telemetry"));
        Assert.Equal(granted.Image!.ImageId, CourierRig.Json(Assert.Single(rig.On("data/" + old.Function))).GetProperty("image").GetProperty("id").GetString());
        Assert.Equal([1L, old.Id], rig.Spool.GivenUp.Keys.Order());
        Assert.All(rig.Spool.GivenUp.Values, reason => Assert.Equal(GapReason.ConsentWithdrawn, reason));
    }

    [Fact]
    public void A_picture_whose_consent_ends_while_it_is_being_sent_stops_there()
    {
        var rig = new CourierRig(windowMax: 1);
        var picture = rig.Spool.AddImage(new byte[1_000_000]);
        picture.ConsentId = 3;
        rig.Broker.Arrived = message =>
        {
            if (message.Topic.EndsWith("/2", StringComparison.Ordinal))
            {
                rig.Gate.GrantAgain(picture.Function, picture.Field, 5);
            }
        };
        rig.RunUntilDelivered();

        Assert.DoesNotContain(rig.Broker.Snapshot(), message => message.Topic.EndsWith("/5", StringComparison.Ordinal));
        Assert.Equal(GapReason.ConsentWithdrawn, rig.Spool.GivenUp[picture.Id]);
    }

    [Fact]
    [Promise("R92", "R72")]
    public void What_is_denied_otherwise_is_held_back_and_goes_out_when_the_gate_allows_it_again()
    {
        foreach (var reason in new[] { DenyReason.Restricted, DenyReason.Paused, DenyReason.Suspended, DenyReason.NotARecipient, DenyReason.Region, DenyReason.NotGranted, DenyReason.NoRule })
        {
            var rig = new CourierRig();
            rig.AddBlock(function: "fleet-location", field: "location.position");
            rig.AddBlock();
            rig.Gate.Deny("fleet-location", "location.position", reason);
            var idle = 0;
            rig.OnIdle = () =>
            {
                if (++idle == 30)
                {
                    Assert.Empty(rig.On("data/fleet-location"));
                    Assert.Equal([2L], rig.Spool.Acknowledged);
                    rig.Gate.Allow("fleet-location", "location.position");
                }
            };
            rig.RunUntilDelivered();

            Assert.Single(rig.On("data/fleet-location"));
            Assert.Single(rig.On("data/telemetry"));
            Assert.Empty(rig.Spool.GivenUp);
        }
    }

    [Fact]
    [Promise("R53")]
    public void Nothing_is_sent_while_no_broker_accepts()
    {
        var rig = new CourierRig();
        rig.Broker.Stop();
        rig.AddBlock();
        rig.RunUntil(() => rig.Broker.Attempts.Count >= 10);
        Assert.Empty(rig.Broker.Received);
        Assert.Empty(rig.Broker.Violations);
        Assert.Equal(1, rig.Spool.Waiting);
    }

    [Theory]
    [InlineData(0x95)]
    [InlineData(0x99)]
    [InlineData(0x90)]
    public void A_message_that_is_wrong_in_itself_is_given_up_with_a_gap(int code)
    {
        var rig = new CourierRig { Broker = { Answer = m => m.Topic == Data && CourierRig.Sequence(m) == 2 ? code : 0 } };
        for (var i = 0; i < 4; i++)
        {
            rig.AddBlock();
        }

        rig.RunUntilDelivered();
        Assert.Equal([1L, 3, 4], rig.On("data/telemetry").Select(CourierRig.Sequence));
        Assert.Equal(GapReason.Rejected, rig.Spool.GivenUp[2]);
        Assert.Equal("rejected", CourierRig.Json(Assert.Single(rig.On("gap"))).GetProperty("reason").GetString());
    }

    [Fact]
    public void A_broker_without_room_is_given_time_and_nothing_is_lost()
    {
        var refusals = 40;
        var rig = new CourierRig { Broker = { Answer = m => m.Topic == Data && refusals-- > 0 ? 0x97 : 0 } };
        for (var i = 0; i < 30; i++)
        {
            rig.AddBlock();
        }

        rig.RunUntilDelivered();
        Assert.Empty(rig.Spool.GivenUp);
        Assert.Equal(30, rig.On("data/telemetry").Select(CourierRig.Sequence).Distinct().Count());
        Assert.Contains(rig.States, s => s.Detail.Contains("quota", StringComparison.Ordinal));
    }

    [Fact]
    public void A_message_refused_without_a_reason_is_retried_slowly_and_given_up_at_last()
    {
        var attempts = 0;
        var rig = new CourierRig { Broker = { Answer = m => m.Topic == Data && CourierRig.Sequence(m) == 1 && ++attempts > 0 ? 0x83 : 0 } };
        rig.AddBlock();
        rig.AddBlock();
        var begin = rig.Clock.BootNs;
        rig.RunUntilDelivered();
        Assert.Equal(rig.Settings.Limits.UnnamedRefusalsMax, attempts);
        Assert.Equal(GapReason.Rejected, rig.Spool.GivenUp[1]);
        Assert.True(rig.Clock.BootNs - begin > TimeSpan.FromMinutes(5).ToNs());
    }

    [Fact]
    public void A_topic_that_may_not_be_written_holds_its_function_only_and_loses_nothing()
    {
        var allowed = false;
        var photo = CourierRig.Topic("data/photo");
        var rig = new CourierRig { Broker = { Answer = m => !allowed && m.Topic.StartsWith(photo, StringComparison.Ordinal) ? 0x87 : 0 } };
        rig.Spool.AddImage(new byte[200_000]);
        for (var i = 0; i < 10; i++)
        {
            rig.AddBlock();
        }

        rig.OnIdle = () => allowed |= rig.Clock.BootNs > TimeSpan.FromMinutes(20).ToNs();
        rig.RunUntilDelivered();
        Assert.Equal(10, rig.On("data/telemetry").Count());
        Assert.Empty(rig.Spool.GivenUp);
        Assert.Equal(11, rig.Spool.Acknowledged.Count);
        Assert.Contains(rig.States, s => s.Detail.Contains("not authorized", StringComparison.Ordinal));
        Assert.InRange(rig.Counters["delivery.refused.0x87"], 2, 60);
    }

    [Fact]
    public void A_picture_whose_file_is_gone_is_given_up_as_unreadable()
    {
        var rig = new CourierRig();
        rig.Spool.AddImage(new byte[500_000]);
        rig.AddBlock();
        rig.Broker.Answer = m =>
        {
            if (m.Topic.EndsWith("/1", StringComparison.Ordinal))
            {
                rig.Spool.Erase("photo", "image.photo", GapReason.Unreadable);
            }

            return 0;
        };
        rig.RunUntilDelivered();
        Assert.Equal(GapReason.Unreadable, rig.Spool.GivenUp[1]);
        Assert.Single(rig.On("data/telemetry"));
    }

    [Fact]
    public void Readings_older_than_the_connection_are_marked_as_backlog()
    {
        var rig = new CourierRig();
        rig.AddBlock();
        rig.Clock.Advance(TimeSpan.FromMinutes(1));
        var added = false;
        rig.OnIdle = () =>
        {
            if (!added)
            {
                added = true;
                rig.Clock.Advance(TimeSpan.FromSeconds(5));
                rig.AddBlock();
            }
        };
        rig.RunUntil(() => added && rig.Spool.Waiting == 0);
        var messages = rig.On("data/telemetry").Select(CourierRig.Json).ToList();
        Assert.True(messages[0].GetProperty("backlog").GetBoolean());
        Assert.False(messages[1].TryGetProperty("backlog", out _));
    }
}
