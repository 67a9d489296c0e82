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
        using var signer = new DeviceSigner(new MadeUpExport.Keys(), DeviceSigner.Board);
        using var stream = new MemoryStream();
        var summary = PersonExport.Write(stream, MadeUpExport.Sources(signer, blocks: 3));
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
        Assert.Equal((10, 12), ((int)Lines(files["possible-deliveries.jsonl"])[0]!["fromSeq"]!, (int)Lines(files["possible-deliveries.jsonl"])[0]!["toSeq"]!));
        Assert.NotEmpty(Lines(files["recipients.jsonl"]));
    }

    [Fact]
    [Promise("R98")]
    public void A_refusal_is_exported_with_its_ground_and_what_is_left_out_is_named_with_its_reason()
    {
        using var signer = new DeviceSigner(new MadeUpExport.Keys(), DeviceSigner.Board);
        using var stream = new MemoryStream();
        PersonExport.Write(stream, MadeUpExport.Sources(signer, blocks: 1));
        var files = Untar(stream);
        var refusal = Lines(files["requests.jsonl"])[0]!;
        Assert.Equal(("refused", "repetitive"), ((string)refusal["state"]!, (string)refusal["ground"]!));
        Assert.Contains("repeats", (string)refusal["groundMeans"]!);
        var redactions = Lines(files["redactions.jsonl"]);
        Assert.All(redactions, static r => Assert.NotEmpty((string)r!["reason"]!));
        Assert.Contains(redactions, static r => (string?)r!["function"] == "telemetry" && ((string)r["reason"]!).Contains("term", StringComparison.Ordinal));
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
}
