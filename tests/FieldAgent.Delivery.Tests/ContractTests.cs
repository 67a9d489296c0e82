using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>What a courier sends, against the published schemas, by a validator that is not ours.</summary>
public sealed class ContractTests
{
    [Fact]
    public void Everything_a_courier_sends_validates_against_the_published_schemas()
    {
        using var schemas = new ContractSchemas();
        foreach (var compress in new[] { int.MaxValue, 1 })
        {
            var rig = new CourierRig(compressAbove: compress);
            rig.Broker.PacketBytesMax = 20_000;
            rig.Handlers.Add(new Status());
            rig.AddBlock(rows: 1);
            rig.AddBlock(rows: 4_000);
            rig.Spool.AddBlock(Odd());
            rig.Spool.AddGap("telemetry", 3);
            var original = rig.Spool.AddImage(new byte[50_000], requestId: "cmd-1");
            rig.Spool.AddImage(new byte[5_000], parentId: original.Image!.ImageId);
            var sent = false;
            rig.OnIdle = () =>
            {
                if (!sent)
                {
                    sent = true;
                    rig.Broker.Send(new FakeDelivery(CourierRig.Topic("command/status"), """{"id":"a","expires":"2026-01-01T01:00:00Z"}"""u8.ToArray()));
                    rig.Broker.Send(new FakeDelivery(CourierRig.Topic("command/status"), "nonsense"u8.ToArray()));
                    rig.AddBlock(rows: 20);
                }
            };
            rig.RunUntil(() => sent && rig.Spool.Waiting == 0);
            var will = rig.Broker.Attempts[0].Will!;
            schemas.Add("state", will.Payload);
            foreach (var message in rig.Broker.Snapshot())
            {
                var levels = message.Topic.Split('/');
                if (levels.Length == 7)
                {
                    continue;
                }

                var payload = message.ContentEncoding is null ? message.Payload : Unbrotli(message.Payload);
                schemas.Add(levels[3] switch
                {
                    "data" => JsonDocument.Parse(payload).RootElement.TryGetProperty("image", out _) ? "image" : "batch",
                    var other => other,
                }, payload);
            }
        }

        Assert.Superset(new HashSet<string>(["result", "gap", "image"]), schemas.Used.ToHashSet());
        Assert.Equal("", schemas.Violations());
    }

    [Theory]
    [InlineData("status", """{"id":"a","expires":"2026-01-01T00:00:00Z"}""", true)]
    [InlineData("photo", """{"id":"a","expires":"2026-01-01T00:00:00Z","sensor":"front"}""", true)]
    [InlineData("photo", """{"id":"a","expires":"2026-01-01T00:00:00Z","shell":"x"}""", false)]
    [InlineData("acknowledge", """{"id":"a","reference":"abcdefghijklmnopqrstuvwxyz"}""", true)]
    [InlineData("acknowledge", """{"id":"a"}""", false)]
    [InlineData("acknowledge", """{"id":"a","reference":"abcdefghijklmnopqrstuvwxyza"}""", false)]
    [InlineData("flush", """{"id":"a b"}""", false)]
    [InlineData("flush", """{"v":2,"id":"a"}""", false)]
    public void The_command_schemas_say_the_same_as_the_parser(string command, string payload, bool valid)
    {
        using var schemas = new ContractSchemas();
        schemas.Add("command-" + command, System.Text.Encoding.UTF8.GetBytes(payload));
        Assert.Equal(valid, schemas.Violations().Length == 0);
        var parsed = CommandParser.Parse(
            System.Text.Encoding.UTF8.GetBytes(payload), CommandContract.ArgumentsOf(command), new CommandLimits());
        Assert.Equal(valid, parsed.Error.Length == 0);
    }

    [Fact]
    public void The_AsyncAPI_document_names_existing_schemas_and_resolves_within_itself()
    {
        var root = JsonDocument.Parse(File.ReadAllBytes(Path.Join(ContractSchemas.Folder, "asyncapi.json"))).RootElement;
        Assert.Equal("3.0.0", root.GetProperty("asyncapi").GetString());
        var references = 0;
        Walk(root);
        Assert.True(references > 20);

        void Walk(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray())
                {
                    Walk(item);
                }
            }
            else if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in element.EnumerateObject())
                {
                    if (member.NameEquals("$ref"))
                    {
                        references++;
                        var target = member.Value.GetString()!;
                        if (target.StartsWith("./", StringComparison.Ordinal))
                        {
                            Assert.True(File.Exists(Path.Join(ContractSchemas.Folder, target)), target);
                        }
                        else
                        {
                            var found = root;
                            foreach (var level in target.Split('/').Skip(1))
                            {
                                Assert.True(found.TryGetProperty(level, out found), target);
                            }
                        }
                    }
                    else
                    {
                        Walk(member.Value);
                    }
                }
            }
        }
    }

    private static BlockRows Odd()
    {
        var rows = new BlockRows(new StreamSet(
            "odd.part", "instrument.measurement", [new StreamInfo("x \"quoted\" ü", "m/s2"), new StreamInfo("y", "1", 0.1)]));
        rows.Columns.Append(0, [double.NaN, 0.1], 3);
        rows.Columns.Append(7_000_000, [double.PositiveInfinity, 0], 1);
        rows.Columns.Append(7_000_001, [1e300, -0.0], 3);
        return rows;
    }

    private static byte[] Unbrotli(byte[] payload)
    {
        using var stream = new System.IO.Compression.BrotliStream(new MemoryStream(payload), System.IO.Compression.CompressionMode.Decompress);
        using var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }

    private sealed class Status : ICommandHandler
    {
        public string Name => "status";

        public CommandOutcome Handle(CommandRequest request) => CommandOutcome.Done("""{"sensors":[]}""");
    }
}
