using System.Diagnostics;
using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>What a courier sends, against the published schemas, by a validator that is not ours.</summary>
public sealed class ContractTests
{
    private static readonly string Contract = Path.Join(Places.Repository, "src", "FieldAgent.Delivery", "contract");

    // Lines "schema<TAB>file" on stdin; prints what does not validate.
    private const string Validator = """
        import json, sys
        from jsonschema import Draft202012Validator
        schemas = {}
        bad = 0
        for line in sys.stdin:
            schema, file = line.rstrip("\n").split("\t")
            if schema not in schemas:
                loaded = json.load(open(schema))
                Draft202012Validator.check_schema(loaded)
                schemas[schema] = Draft202012Validator(loaded)
            for error in schemas[schema].iter_errors(json.load(open(file))):
                bad += 1
                print(file, error.json_path, error.message[:300])
        sys.exit(1 if bad else 0)
        """;

    [Fact]
    public void Everything_a_courier_sends_validates_against_the_published_schemas()
    {
        using var folder = new TempFolder();
        var lines = new List<string>();
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
            Check(folder, lines, "state", will.Payload);
            foreach (var message in rig.Broker.Snapshot())
            {
                var levels = message.Topic.Split('/');
                if (levels.Length == 7)
                {
                    continue;
                }

                var payload = message.ContentEncoding is null ? message.Payload : Unbrotli(message.Payload);
                Check(folder, lines, levels[3] switch
                {
                    "data" => JsonDocument.Parse(payload).RootElement.TryGetProperty("image", out _) ? "image" : "batch",
                    var other => other,
                }, payload);
            }
        }

        Assert.Contains(lines, l => l.Contains("result.schema", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("gap.schema", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("image.schema", StringComparison.Ordinal));
        Assert.Equal("", RunValidator(folder, lines));
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
        using var folder = new TempFolder();
        var lines = new List<string>();
        Check(folder, lines, "command-" + command, System.Text.Encoding.UTF8.GetBytes(payload));
        Assert.Equal(valid, RunValidator(folder, lines).Length == 0);
        var parsed = CommandParser.Parse(
            System.Text.Encoding.UTF8.GetBytes(payload), CommandContract.ArgumentsOf(command), new CommandLimits());
        Assert.Equal(valid, parsed.Error.Length == 0);
    }

    [Fact]
    public void The_AsyncAPI_document_names_existing_schemas_and_resolves_within_itself()
    {
        var root = JsonDocument.Parse(File.ReadAllBytes(Path.Join(Contract, "asyncapi.json"))).RootElement;
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
                            Assert.True(File.Exists(Path.Join(Contract, target)), target);
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

    private static void Check(TempFolder folder, List<string> lines, string schema, byte[] payload)
    {
        var file = folder.File($"{lines.Count}.json");
        File.WriteAllBytes(file, payload);
        lines.Add($"{Path.Join(Contract, schema + ".schema.json")}\t{file}");
    }

    private static string RunValidator(TempFolder folder, List<string> lines)
    {
        // Debian's own: another python on PATH need not have the module.
        const string Python = "/usr/bin/python3";
        if (!File.Exists(Python) || Run(Python, ["-c", "from jsonschema import Draft202012Validator"], "").ExitCode != 0)
        {
            Assert.Skip("skipped: python3-jsonschema");
        }

        var (exitCode, output) = Run(Python, [folder.Write("validate.py", Validator)], string.Join('\n', lines) + "\n");
        Assert.True(exitCode == 0 || output.Contains('$'), output);
        return exitCode == 0 ? "" : output;
    }

    private static (int ExitCode, string Output) Run(string program, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
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
