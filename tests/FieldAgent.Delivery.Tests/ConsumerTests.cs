using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

public sealed class ConsumerTests
{
    private static readonly ConsumerOptions Options = new()
    {
        Link = new LinkOptions { Host = "localhost", Port = 1883, ClientId = "consumer" }, Duration = TimeSpan.FromSeconds(20), Seed = 1,
    };

    /// <summary>Subscribes, lets a courier deliver, and reads what came: the broker keeps the session in between.</summary>
    private static ConsumerReport Consume(CourierRig rig, List<ConsumerEvent>? events = null, ConsumerOptions? options = null, Action? between = null)
    {
        var consumer = new Consumer(options ?? Options, rig.Broker, rig.Clock, NullLogger<Consumer>.Instance);
        rig.Broker.Idle = rig.Clock.Advance;
        rig.Clock.Waited = null;
        consumer.Run(CancellationToken.None);
        rig.RunUntilDelivered();
        between?.Invoke();
        rig.Broker.Idle = rig.Clock.Advance;
        rig.Clock.Waited = null;
        return consumer.Run(CancellationToken.None, events is null ? null : events.Add);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void After_losses_and_duplicates_every_reading_is_there_once_and_every_picture_whole(int seed)
    {
        var rig = new CourierRig(seed, compressAbove: seed % 2 == 0 ? 400 : int.MaxValue)
        {
            Broker =
            {
                Faults = new FakeFaults(LoseBeforeBroker: 0.01, LoseBeforeAck: 0.02, HoldAck: 0.4, Redeliver: 0.1), PacketBytesMax = 30_000,
            },
        };
        var random = new Random(seed);
        var readings = 0L;
        for (var i = 0; i < 300; i++)
        {
            readings += rig.AddBlock(rows: random.Next(1, 20)).Readings;
        }

        readings += rig.AddBlock(rows: 4_000).Readings;
        var jpegs = new List<byte[]>();
        for (var i = 0; i < 3; i++)
        {
            jpegs.Add(RandomNumberGenerator.GetBytes(random.Next(1, 200_000)));
            rig.Spool.AddImage(jpegs[^1]);
        }

        rig.Spool.AddGap("telemetry", 4);
        var events = new List<ConsumerEvent>();
        var report = Consume(rig, events, Options with { FirstSequence = 1 });

        Assert.True(report.IsComplete, $"seed {seed}: {report.ToJson()}");
        Assert.Equal(readings, report.Readings);
        Assert.Equal(301, report.Batches);
        Assert.Equal(3, report.PhotosComplete);
        Assert.True(report.Duplicates > 0, $"seed {seed}");
        Assert.Equal(1, report.Devices.Single().Functions.Sum(f => f.Gaps));
        Assert.Equal(
            jpegs.Select(j => Convert.ToHexString(SHA256.HashData(j))).Order(),
            events.OfType<PhotoArrived>().Select(p => Convert.ToHexString(SHA256.HashData(p.Jpeg.Span))).Order());
    }

    [Fact]
    public void A_message_that_the_device_thought_delivered_and_nobody_got_is_missing()
    {
        var rig = new CourierRig();
        for (var i = 0; i < 10; i++)
        {
            rig.AddBlock();
        }

        var arrivals = new Arrivals(Options with { FirstSequence = 1 });
        rig.RunUntilDelivered();
        foreach (var message in rig.Broker.Snapshot().Where(m => m.Topic.Contains("/data/", StringComparison.Ordinal)))
        {
            if (CourierRig.Sequence(message) is not (1 or 5 or 6))
            {
                Take(arrivals, message.Topic, message.Payload);
            }
        }

        var function = arrivals.Report(0, 1, "").Devices.Single().Functions.Single();
        Assert.Equal(3, function.Missing);
        Assert.Equal(["1-1", "5-6"], function.MissingRanges);
    }

    [Fact]
    public void A_picture_with_a_wrong_byte_is_corrupt_and_one_without_a_chunk_incomplete()
    {
        foreach (var (damage, corrupt, incomplete) in new[] { (true, 1, 0), (false, 0, 1) })
        {
            var rig = new CourierRig();
            rig.Spool.AddImage(RandomNumberGenerator.GetBytes(250_000));
            rig.RunUntilDelivered();
            var arrivals = new Arrivals(Options);
            foreach (var message in rig.Broker.Snapshot().Where(m => m.Topic.Contains("/data/", StringComparison.Ordinal)))
            {
                if (message.Topic.EndsWith("/1", StringComparison.Ordinal))
                {
                    if (!damage)
                    {
                        continue;
                    }

                    message.Payload[5] ^= 1;
                }

                Take(arrivals, message.Topic, message.Payload);
            }

            var function = arrivals.Report(0, 1, "").Devices.Single().Functions.Single();
            Assert.Equal((corrupt, incomplete), (function.PhotosCorrupt, function.PhotosIncomplete));
        }
    }

    [Theory]
    [InlineData("\"v\":1", "\"v\":2", "$.v")]
    [InlineData("\"seq\":1", "\"seq\":-1", "$.seq")]
    [InlineData("\"seq\":1", "\"seq\":1.5", "$.seq")]
    [InlineData("\"clock\":\"ntp\"", "\"clock\":\"sundial\"", "$.clock")]
    [InlineData("\"function\":\"telemetry\"", "\"function\":\"other\"", "$.function")]
    [InlineData("\"set\":\"env\"", "\"set\":\"env\",\"extra\":1", "$.sets[0]")]
    [InlineData("50.5,50.5", "50.5", "$.sets[0].s.humidity")]
    [InlineData("50.5,50.5", "50.5,\"much\"", "$.sets[0].s.humidity")]
    [InlineData("\"dt\":1000000", "\"dt\":-1", "$.sets[0].dt")]
    [InlineData("\"id\":\"", "\"id\":\"x", "$.id")]
    [InlineData("\"id\":\"abcdefghijklmnopqrstuvwx23.", "\"id\":\"abcdefghijklmnopqrstuvwx24.", "$.id")]
    [InlineData("{\"v\"", "{{\"v\"", "byte 1")]
    public void What_does_not_follow_the_contract_is_reported_with_its_place(string right, string wrong, string place)
    {
        var rig = new CourierRig();
        rig.AddBlock();
        rig.RunUntilDelivered();
        var message = rig.On("data/telemetry").Single();
        var text = Encoding.UTF8.GetString(message.Payload);
        Assert.Contains(right, text);

        var arrivals = new Arrivals(Options);
        var invalid = Assert.IsType<InvalidArrived>(Take(arrivals, message.Topic, Encoding.UTF8.GetBytes(text.Replace(right, wrong))));
        Assert.Equal(place, invalid.Place);
        Assert.Equal(1, arrivals.Report(0, 1, "").Invalid);
        Assert.IsType<BatchArrived>(Take(arrivals, message.Topic, message.Payload));
    }

    [Fact]
    public void A_brotli_bomb_is_refused()
    {
        using var bomb = new MemoryStream();
        using (var brotli = new BrotliStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[1024 * 1024];
            for (var i = 0; i < 64; i++)
            {
                brotli.Write(zeros);
            }
        }

        Assert.True(bomb.Length < 100_000);
        var arrivals = new Arrivals(Options);
        var invalid = Assert.IsType<InvalidArrived>(Take(arrivals, CourierRig.Topic("data/telemetry/br"), bomb.ToArray()));
        Assert.Contains("larger", invalid.Problem);
        Assert.IsType<InvalidArrived>(Take(arrivals, CourierRig.Topic("data/telemetry/br"), [1, 2, 3]));
    }

    [Fact]
    public void Garbage_never_throws()
    {
        const int Seed = 4;
        var random = new Random(Seed);
        var rig = new CourierRig(compressAbove: 100);
        rig.AddBlock();
        rig.AddBlock(rows: 50);
        rig.Spool.AddImage(new byte[1000]);
        rig.Spool.AddGap("telemetry", 2);
        rig.RunUntilDelivered();
        var messages = rig.Broker.Snapshot();
        var arrivals = new Arrivals(Options);
        for (var i = 0; i < 5_000; i++)
        {
            var message = messages[random.Next(messages.Length)];
            var bytes = (byte[])message.Payload.Clone();
            for (var k = random.Next(4); k > 0 && bytes.Length > 0; k--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            Take(arrivals, message.Topic, bytes[..random.Next(bytes.Length + 1)], message.ContentEncoding);
        }

        Assert.True(arrivals.Report(0, 1, "").Invalid > 1000);
    }

    [Fact]
    public void The_report_is_JSON_and_a_table()
    {
        var rig = new CourierRig();
        rig.AddBlock();
        var report = Consume(rig);
        var json = System.Text.Json.JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal(1, json.GetProperty("batches").GetInt64());
        Assert.Equal("telemetry", json.GetProperty("devices")[0].GetProperty("functions")[0].GetProperty("function").GetString());
        var table = new StringWriter();
        report.WriteTable(table);
        Assert.Contains("telemetry", table.ToString());
        Assert.False(report.Devices.Single().Online);
    }

    [Fact]
    public void It_comes_back_after_the_broker_was_away()
    {
        var rig = new CourierRig();
        rig.AddBlock();
        var events = new List<ConsumerEvent>();
        var report = Consume(rig, events, between: () =>
        {
            rig.Broker.Stop();
            var waits = 0;
            rig.Clock.Waits.Clear();
            rig.Broker.Connecting = _ => ++waits > 3 ? null : new LinkFault(LinkFaultKind.Unreachable, "nobody listens");
            rig.Broker.Start();
        });
        Assert.Equal(1, report.Batches);
        Assert.Contains(events.OfType<ConnectionChanged>(), e => !e.Connected);
        Assert.Contains(events.OfType<ConnectionChanged>(), e => e.Connected);
    }

    private static ConsumerEvent? Take(Arrivals arrivals, string topic, byte[] payload, string? encoding = null) =>
        arrivals.Take(new LinkMessage { Topic = topic, Payload = payload, ContentEncoding = encoding });
}
