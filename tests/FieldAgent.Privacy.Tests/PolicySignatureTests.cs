using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy.Tests;

public sealed class PolicySignatureTests : IDisposable
{
    private static readonly byte[] Document = File.ReadAllBytes(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private string Pem => _key.ExportSubjectPublicKeyInfoPem();

    public void Dispose() => _key.Dispose();

    [Fact]
    public void ASignedDocumentIsTakenFromAnywhere()
    {
        var signature = PolicySignature.Sign(Document, _key);
        Assert.True(signature.Length <= PolicySignature.BytesMax);
        Assert.Equal(Policy.Shipped().Hash, Take(PolicySource.Remote, Document, signature, Pem, out _)?.Hash);
        Assert.NotNull(Take(PolicySource.Local, Document, signature, Pem, out _));
    }

    [Fact]
    public void AnyChangedByteOfTheDocumentShows()
    {
        var signature = PolicySignature.Sign(Document, _key);
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var copy = (byte[])Document.Clone();
            copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
            Assert.False(PolicySignature.Verify(copy, signature, Pem, out var why));
            Assert.Contains("does not match", why);
        }

        Assert.False(PolicySignature.Verify(Document.AsSpan(1), signature, Pem, out _));
        Assert.False(PolicySignature.Verify([.. Document, (byte)'\n'], signature, Pem, out _));
    }

    [Fact]
    public void NoChangedSignatureHoldsAndNoneMakesItThrow()
    {
        var signature = PolicySignature.Sign(Document, _key);
        var random = new Random(11);
        for (var i = 0; i < 500; i++)
        {
            var copy = (byte[])signature.Clone();
            copy[random.Next(copy.Length - 1)] ^= (byte)random.Next(1, 256);

            // What still decodes to the same bytes (white space aside) would be the same signature.
            if (!TryDecode(copy).AsSpan().SequenceEqual(TryDecode(signature)))
            {
                Assert.False(PolicySignature.Verify(Document, copy, Pem, out var why));
                Assert.NotEmpty(why);
            }
        }

        foreach (var junk in new[] { "", " \n", "!", "AAAA", new string('A', 5000) })
        {
            Assert.False(PolicySignature.Verify(Document, Encoding.ASCII.GetBytes(junk), Pem, out _));
        }
    }

    [Fact]
    public void AnotherKeyDoesNotDo()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Null(Take(PolicySource.Remote, Document, PolicySignature.Sign(Document, other), Pem, out var errors));
        Assert.Contains("another key", Assert.Single(errors).Message);
    }

    [Fact]
    public void OnlyAP256PublicKeyIsAKey()
    {
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        foreach (var pem in new[] { "", "key", large.ExportSubjectPublicKeyInfoPem(), rsa.ExportSubjectPublicKeyInfoPem(), _key.ExportECPrivateKeyPem() })
        {
            Assert.NotNull(PolicySignature.WhyNotAKey(pem));
            Assert.False(PolicySignature.Verify(Document, PolicySignature.Sign(Document, _key), pem, out _));
        }

        Assert.Null(PolicySignature.WhyNotAKey(Pem));
    }

    [Fact]
    public void AnUnsignedDocumentIsTakenFromTheLocalFileOnly()
    {
        Assert.NotNull(Take(PolicySource.Local, Document, [], null, out _));
        Assert.NotNull(Take(PolicySource.Local, Document, [], Pem, out _));
        Assert.Null(Take(PolicySource.Remote, Document, [], Pem, out var errors));
        Assert.Contains("must be signed", Assert.Single(errors).Message);
        Assert.Null(Take(PolicySource.Remote, Document, PolicySignature.Sign(Document, _key), null, out errors));
        Assert.Contains("policyKey", Assert.Single(errors).Message);
    }

    [Fact]
    public void ALocalDocumentWithAWrongSignatureIsRefused() =>
        Assert.Null(Take(PolicySource.Local, [.. Document, (byte)' '], PolicySignature.Sign(Document, _key), Pem, out _));

    [Fact]
    public void ASignedDocumentIsStillChecked()
    {
        var wrong = Encoding.UTF8.GetBytes("{ \"version\": 1 }");
        Assert.Null(Take(PolicySource.Remote, wrong, PolicySignature.Sign(wrong, _key), Pem, out var errors));
        Assert.Contains(errors, static error => error is { Line: 1, Path: "version" });
    }

    [Fact]
    public void ASignatureMadeWithOpensslHolds()
    {
        var openssl = Places.Program("openssl");
        using var folder = new TempFolder();
        var key = folder.Write("key.pem", _key.ExportECPrivateKeyPem());
        var document = folder.File("policy.json");
        File.WriteAllBytes(document, Document);
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            openssl, ["dgst", "-sha256", "-sign", key, "-out", folder.File("sig"), document]))!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        var signature = Convert.ToBase64String(File.ReadAllBytes(folder.File("sig")), Base64FormattingOptions.InsertLineBreaks);
        Assert.True(PolicySignature.Verify(Document, Encoding.ASCII.GetBytes(signature), Pem, out var why), why);
    }

    private static byte[] TryDecode(byte[] signature)
    {
        try
        {
            return Convert.FromBase64String(Encoding.Latin1.GetString(signature));
        }
        catch (FormatException)
        {
            return [];
        }
    }

    private static Policy? Take(PolicySource source, byte[] document, byte[] signature, string? key, out IReadOnlyList<ConfigError> found)
    {
        var errors = new ConfigErrors();
        var policy = PolicyIntake.Take(source, document, signature, key, errors);
        found = errors.All;
        Assert.Equal(policy is null, found.Count > 0);
        return policy;
    }
}
