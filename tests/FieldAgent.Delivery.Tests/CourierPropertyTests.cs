using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>Random losses, refusals, late and reordered acknowledgements, reconnections and withdrawals, each run from a seed.</summary>
public sealed class CourierPropertyTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_item_arrives_in_order_and_nothing_is_acknowledged_that_the_broker_does_not_have(int seed)
    {
        var random = new Random(seed);
        var rig = new CourierRig(seed, windowMax: random.Next(1, 40), compressAbove: random.Next(2) == 0 ? 300 : int.MaxValue)
        {
            Broker =
            {
                SendMaximum = random.Next(1, 60),
                Faults = new FakeFaults(
                    LoseBeforeBroker: random.NextDouble() * 0.03, LoseBeforeAck: random.NextDouble() * 0.03, HoldAck: random.NextDouble() * 0.6,
                    RefuseConnect: random.NextDouble() * 0.5),
            },
        };
        var blocks = 0;
        var images = 0;
        void Fill(int count)
        {
            for (var i = 0; i < count; i++)
            {
                if (random.Next(25) == 0)
                {
                    rig.Spool.AddImage(new byte[random.Next(1, 300_000)]);
                    images++;
                }
                else if (random.Next(40) == 0)
                {
                    rig.Spool.AddGap("telemetry", random.Next(1, 5));
                }
                else
                {
                    rig.AddBlock(rows: random.Next(1, 30), function: random.Next(4) == 0 ? "diagnostics" : "telemetry");
                    blocks++;
                }
            }
        }

        Fill(random.Next(1, 300));
        rig.OnIdle = () =>
        {
            if (blocks < 400 && random.Next(3) == 0)
            {
                Fill(random.Next(1, 40));
            }

            if (random.Next(200) == 0)
            {
                rig.Broker.DropConnections();
            }
        };

        // What the broker has, by function and sequence number.
        var has = new Dictionary<string, HashSet<long>>();
        var lastFirst = new Dictionary<string, long>();
        var chunks = new HashSet<string>();
        var problems = new List<string>();
        rig.Broker.Arrived = m =>
        {
            var levels = m.Topic.Split('/');
            if (levels[3] != "data")
            {
                return;
            }

            if (levels.Length == 7)
            {
                chunks.Add($"{levels[5]}/{levels[6]}");
                return;
            }

            var root = System.Text.Json.JsonDocument.Parse(Plain(m)).RootElement;
            var sequence = root.GetProperty("seq").GetInt64();
            var seen = has.TryGetValue(levels[4], out var known) ? known : has[levels[4]] = [];
            if (seen.Add(sequence))
            {
                // Each first arrival comes after that of all smaller numbers.
                if (sequence <= lastFirst.GetValueOrDefault(levels[4]))
                {
                    problems.Add($"{levels[4]} {sequence} arrived after {lastFirst[levels[4]]}");
                }

                lastFirst[levels[4]] = sequence;
            }
        };
        var items = new Dictionary<long, SpoolItem>();
        rig.Spool.Acknowledging = id =>
        {
            var item = rig.Spool.Find(id);
            var arrived = item.Kind switch
            {
                SpoolItemKind.Gap => true,
                SpoolItemKind.Block => has.TryGetValue(item.Function, out var s) && s.Contains(item.Sequence),
                _ => has.TryGetValue(item.Function, out var s) && s.Contains(item.Sequence)
                    && Enumerable.Range(0, (int)((item.Image!.Bytes + 98_303) / 98_304)).All(i => chunks.Contains($"{item.Image.ImageId}/{i}")),
            };
            if (!arrived || !items.TryAdd(id, item))
            {
                problems.Add($"item {id} was acknowledged {(arrived ? "twice" : "although the broker does not have it")}");
            }
        };

        rig.RunUntil(() => rig.Spool.Waiting == 0 && blocks >= 400);

        Assert.True(problems.Count == 0, $"seed {seed}: {string.Join("; ", problems.Take(5))}");
        Assert.True(rig.Broker.Violations.Count == 0, $"seed {seed}: {string.Join("; ", rig.Broker.Violations.Take(5))}");
        Assert.Equal(blocks, has.Where(f => f.Key != "photo").Sum(f => f.Value.Count));
        Assert.Equal(images, has.GetValueOrDefault("photo", []).Count);
        Assert.Empty(rig.Spool.GivenUp);
        Assert.Empty(rig.Spool.Misuses);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nothing_is_sent_after_the_gate_denied_it(int seed)
    {
        var random = new Random(seed);
        var rig = new CourierRig(seed, windowMax: random.Next(1, 30))
        {
            Broker = { Faults = new FakeFaults(LoseBeforeBroker: 0.01, LoseBeforeAck: 0.01, HoldAck: 0.5) },
        };
        for (var i = 0; i < 200; i++)
        {
            rig.AddBlock(function: random.Next(2) == 0 ? "fleet-location" : "telemetry", field: "location.position");
        }

        rig.Spool.AddImage(new byte[900_000], function: "fleet-location");
        var withdrawn = false;
        var after = random.Next(1, 150);
        var problems = new List<string>();
        rig.Broker.Arrived = m =>
        {
            if (!withdrawn && rig.Broker.Received.Count == after)
            {
                // Between two sends, on the courier's own thread: nothing may follow.
                rig.Gate.Deny("fleet-location", "location.position", DenyReason.Withdrawn);
                rig.Gate.Deny("fleet-location", "image.photo", DenyReason.Withdrawn);
                withdrawn = true;
            }
        };
        rig.Broker.Publishing = m =>
        {
            if (withdrawn && m.Topic.Contains("/data/fleet-location", StringComparison.Ordinal))
            {
                problems.Add(m.Topic);
            }
        };
        rig.RunUntilDelivered();
        Assert.True(problems.Count == 0, $"seed {seed}: {problems.Count} messages after the withdrawal");
    }

    private static byte[] Plain(FakeMessage message)
    {
        if (message.ContentEncoding is null && !message.Topic.EndsWith("/br", StringComparison.Ordinal))
        {
            return message.Payload;
        }

        using var stream = new System.IO.Compression.BrotliStream(new MemoryStream(message.Payload), System.IO.Compression.CompressionMode.Decompress);
        using var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }
}
