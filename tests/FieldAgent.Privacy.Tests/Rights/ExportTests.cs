using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Privacy.Tests;

public class ExportTests
{
    [Fact]
    [Promise("R68", "R93")]
    public void An_export_holds_everything_and_a_signed_list_of_it()
    {
        using var signer = new DeviceSigner(new MemoryKeys(), DeviceSigner.Board);
        using var stream = new MemoryStream();
        var summary = PersonExport.Write(stream, Sources(signer, blocks: 3));
        Assert.Equal((30, 1), (summary.Readings, summary.Photographs));
        var files = Untar(stream);
        Assert.Equal(summary.Files, files.Count);

        var manifest = SignedDocument.TryVerify(files["manifest.json"], out var why);
        Assert.True(manifest is not null, why);
        Assert.Equal("export-manifest", manifest.Type);
        foreach (var listed in manifest.Document["files"]!.AsArray())
        {
            var content = files[(string)listed!["path"]!];
            Assert.Equal(content.Length, (long)listed["bytes"]!);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), (string)listed["sha256"]!);
        }

        Assert.Equal(files.Count - 1, manifest.Document["files"]!.AsArray().Count);
        var rows = Lines(files["readings/readings-00001.jsonl"]);
        Assert.Equal(15, rows.Count);
        Assert.Equal(20.5, (double)rows[0]!["values"]!["temperature"]!);
        Assert.StartsWith("time,clock,function,field,sensor,stream,unit,value\r\n", Encoding.UTF8.GetString(files["readings/readings-00001.csv"]));
        Assert.Equal(31, Encoding.UTF8.GetString(files["readings/readings-00001.csv"]).TrimEnd().Split("\r\n").Length);
        Assert.Equal([0xff, 0xd8, 1, 2, 3], files["photographs/" + new string('a', 32) + ".jpg"]);
        Assert.Equal("photographs/" + new string('b', 32) + ".jpg", (string)Lines(files["photographs.jsonl"])[0]!["madeFrom"]!);
        Assert.Equal("fleet-location", (string)Lines(files["consents.jsonl"])[0]!["function"]!);
        Assert.Equal("vendor", (string)Lines(files["deliveries.jsonl"])[0]!["recipient"]!);
        Assert.NotEmpty(Lines(files["recipients.jsonl"]));
    }

    [Fact]
    [Promise("R98")]
    public void A_refusal_is_exported_with_its_ground_and_what_is_left_out_is_named_with_its_reason()
    {
        using var signer = new DeviceSigner(new MemoryKeys(), DeviceSigner.Board);
        using var stream = new MemoryStream();
        PersonExport.Write(stream, Sources(signer, blocks: 1));
        var files = Untar(stream);
        var refusal = Lines(files["requests.jsonl"])[0]!;
        Assert.Equal(("refused", "repetitive"), ((string)refusal["state"]!, (string)refusal["ground"]!));
        Assert.Contains("repeats", (string)refusal["groundMeans"]!);
        var redactions = Lines(files["redactions.jsonl"]);
        Assert.All(redactions, static r => Assert.NotEmpty((string)r!["reason"]!));
        Assert.Contains(redactions, static r => (string?)r!["function"] == "telemetry" && ((string)r["reason"]!).Contains("term", StringComparison.Ordinal));
    }

    [Fact]
    public void However_much_is_held_memory_stays_bounded()
    {
        using var signer = new DeviceSigner(new MemoryKeys(), DeviceSigner.Board);
        var stream = new CountingStream();
        PersonExport.Write(stream, Sources(signer, blocks: 20));
        stream.Bytes = 0;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        PersonExport.Write(stream, Sources(signer, blocks: 20_000));
        Assert.True(stream.Bytes > 30 << 20, $"{stream.Bytes} bytes");
        Assert.True(stream.PeakMemory - before < 64 << 20, $"{(stream.PeakMemory - before) >> 20} MiB");
    }

    [Theory]
    [InlineData("ec", 0)]
    [InlineData("ec", 200_000)]
    [InlineData("rsa", 65_536)]
    [Promise("R93")]
    public void A_sealed_export_opens_with_its_key_and_with_no_other(string kind, int bytes)
    {
        var (publicPem, privatePem) = Keys(kind);
        var (_, otherPem) = Keys(kind);
        var plain = RandomNumberGenerator.GetBytes(bytes);
        using var file = new MemoryStream();
        using (var sealing = SealedStream.For(file, publicPem))
        {
            sealing.Write(plain);
            sealing.Finish();
        }

        using var opened = new MemoryStream();
        SealedStream.Open(new MemoryStream(file.ToArray()), opened, privatePem);
        Assert.Equal(plain, opened.ToArray());
        Assert.ThrowsAny<CryptographicException>(() => SealedStream.Open(new MemoryStream(file.ToArray()), Stream.Null, otherPem));
        for (var cut = 1; cut < file.Length; cut += Math.Max(1, (int)file.Length / 40))
        {
            Assert.ThrowsAny<CryptographicException>(() => SealedStream.Open(new MemoryStream(file.ToArray()[..cut]), Stream.Null, privatePem));
            var changed = file.ToArray();
            changed[cut] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => SealedStream.Open(new MemoryStream(changed), Stream.Null, privatePem));
        }
    }

    private static (string Public, string Private) Keys(string kind)
    {
        if (kind == "rsa")
        {
            using var rsa = RSA.Create(2048);
            return (rsa.ExportSubjectPublicKeyInfoPem(), rsa.ExportPkcs8PrivateKeyPem());
        }

        using var ec = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        return (ec.ExportSubjectPublicKeyInfoPem(), ec.ExportPkcs8PrivateKeyPem());
    }

    private static ExportSources Sources(DeviceSigner signer, int blocks)
    {
        var at = new Stamp(Guid.NewGuid(), 1, 1_800_000_000_000_000_000, ClockQuality.Ntp);
        return new ExportSources
        {
            Held = new MadeUpView(blocks),
            Policy = Policy.Shipped(),
            Consents = [new ConsentEvent(1, ConsentAction.Grant, "fleet-location", "location.position", "1km", "subject", "cli", "1", "h", at)],
            Deliveries = [new DeliveryRecord("vendor", "telemetry", "instrument.measurement", 1, 9, 9, 90, 1, 2, "operation", LegalBasis.Contract,
                Precision.Exact, TimeSpan.FromDays(30), 0, "1", "h")],
            Possible = [new PossibleDelivery("vendor", "telemetry", "instrument.measurement", 10, 12, 0, 1, 2, 3, 4)],
            Requests = [new SubjectRequest(1, RequestKind.Copy, RequestState.Refused, "r", "", "", "again", "console", at) { Ground = "repetitive", Verification = "operator" }],
            Corrections = [],
            Audit = [],
            Signer = signer,
            At = at,
            AgentVersion = "1.0.0",
        };
    }

    private static Dictionary<string, byte[]> Untar(MemoryStream stream)
    {
        stream.Position = 0;
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using var tar = new TarReader(stream);
        while (tar.GetNextEntry(copyData: true) is { } entry)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, entry.Mode);
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            files.Add(entry.Name, content.ToArray());
        }

        return files;
    }

    private static List<JsonNode?> Lines(byte[] content) =>
        [.. Encoding.UTF8.GetString(content).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonNode.Parse(line))];

    private sealed class MemoryKeys : IKeyStore
    {
        public Guid InstallationId { get; } = Guid.NewGuid();

        public void DeriveKey(string purpose, Span<byte> key) => HKDF.Expand(HashAlgorithmName.SHA256, new byte[32], key, Encoding.UTF8.GetBytes(purpose));
    }

    private sealed class CountingStream : MemoryStream
    {
        public long Bytes { get; set; }

        public long PeakMemory { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Bytes += buffer.Length;
            PeakMemory = Math.Max(PeakMemory, GC.GetTotalMemory(forceFullCollection: false));
        }
    }

    /// <summary>Blocks of five rows, an expired block, and a picture.</summary>
    private sealed class MadeUpView(int blocks) : ISpoolView
    {
        private readonly BlockRows _rows = new(new StreamSet(
            "env", "instrument.measurement", [new StreamInfo("temperature", "Cel", 0.1), new StreamInfo("pressure", "Pa", 1)], 1_000_000_000));
        private int _next;

        public bool TryRead(SpoolItem item, out HeldItem held)
        {
            held = new HeldItem("", LegalBasis.Contract, Precision.Exact, TimeSpan.FromDays(30), "h", ["vendor"], 1_800_000_000_000_000_000);
            item.Function = "telemetry";
            item.Field = "instrument.measurement";
            item.PolicyVersion = "1";
            item.Kind = SpoolItemKind.Block;
            item.Sequence = _next;
            item.Image = null;
            if (_rows.Columns.Count == 0)
            {
                for (var i = 0; i < 5; i++)
                {
                    _rows.Columns.Append(i * 1_000_000_000L, [20.5 + i, 100_000 + i], 3);
                }
            }

            item.Sets = [_rows];
            if (_next == blocks)
            {
                held = held with { Unreadable = "its retention term is over" };
            }
            else if (_next == blocks + 1)
            {
                item.Kind = SpoolItemKind.Image;
                item.Function = "photo";
                item.Image = new SpoolImage(new string('a', 32), "camera", 5, "hash", 1, null, new string('b', 32));
            }

            return _next++ < blocks + 2;
        }

        public int ReadImage(SpoolImage image, long offset, Span<byte> buffer)
        {
            byte[] content = [0xff, 0xd8, 1, 2, 3];
            var count = Math.Min(2, Math.Min(buffer.Length, content.Length - (int)offset));
            content.AsSpan((int)offset, count).CopyTo(buffer);
            return count;
        }

        public IReadOnlyList<HeldSummary> Summarize() => [];

        public void Dispose()
        {
        }
    }
}
