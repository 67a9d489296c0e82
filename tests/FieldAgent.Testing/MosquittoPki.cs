using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FieldAgent.Testing;

/// <summary>A certificate with its key, as PEM files.</summary>
/// <param name="CertificateFile">Path of the certificate.</param>
/// <param name="KeyFile">Path of its private key.</param>
public sealed record TestCertificate(string CertificateFile, string KeyFile);

/// <summary>Authorities and certificates, made anew for each test run and gone with it: no key is ever in the repository.</summary>
public sealed class TestPki : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DateTimeOffset _now = TimeProvider.System.GetUtcNow();
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _alien;

    public TestPki()
    {
        (_authority, Authority) = MakeAuthority("authority");
        (_alien, Alien) = MakeAuthority("alien");
        Server = MakeServer("server");
        OtherHost = MakeServer("other-host", "broker.example");
        Expired = Make("expired", _authority, ServerUse, -20, -10, "localhost");
        Future = Make("future", _authority, ServerUse, 10, 20, "localhost");
        AlienServer = Make("alien-server", _alien, ServerUse, -1, 30, "localhost");
        Client = Make("client", _authority, ClientUse, -1, 30, null);
        AlienClient = Make("alien-client", _alien, ClientUse, -1, 30, null);
        ExpiredClient = Make("expired-client", _authority, ClientUse, -20, -10, null);
    }

    private static string ServerUse => "1.3.6.1.5.5.7.3.1";

    private static string ClientUse => "1.3.6.1.5.5.7.3.2";

    /// <summary>The authority to trust.</summary>
    public TestCertificate Authority { get; }

    /// <summary>An authority that nobody trusts.</summary>
    public TestCertificate Alien { get; }

    /// <summary>For localhost and 127.0.0.1.</summary>
    public TestCertificate Server { get; }

    /// <summary>For broker.example only.</summary>
    public TestCertificate OtherHost { get; }

    /// <summary>For localhost, ended ten days ago.</summary>
    public TestCertificate Expired { get; }

    /// <summary>For localhost, begins in ten days.</summary>
    public TestCertificate Future { get; }

    /// <summary>For localhost, signed by <see cref="Alien"/>.</summary>
    public TestCertificate AlienServer { get; }

    /// <summary>A client of the authority.</summary>
    public TestCertificate Client { get; }

    /// <summary>A client of <see cref="Alien"/>.</summary>
    public TestCertificate AlienClient { get; }

    /// <summary>A client of the authority, ended ten days ago.</summary>
    public TestCertificate ExpiredClient { get; }

    /// <summary>A file of the same folder, for what a test makes itself.</summary>
    public string File(string name) => _folder.File(name);

    /// <summary>The client's key again, protected by a pass phrase.</summary>
    public string EncryptedClientKey()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(System.IO.File.ReadAllText(Client.KeyFile));
        var pem = key.ExportEncryptedPkcs8PrivateKeyPem(
            "pass phrase", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        return _folder.Write("client-encrypted.key", pem);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _alien.Dispose();
        _folder.Dispose();
    }

    private TestCertificate MakeServer(string name, params string[] hosts) =>
        Make(name, _authority, ServerUse, -1, 30, hosts.Length > 0 ? hosts[0] : "localhost");

    private (X509Certificate2 Certificate, TestCertificate Files) MakeAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test {name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var certificate = request.CreateSelfSigned(_now.AddDays(-30), _now.AddDays(60));
        return (certificate, Write(name, certificate, key));
    }

    private TestCertificate Make(string name, X509Certificate2 issuer, string use, int fromDays, int toDays, string? host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host ?? name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], false));
        if (host is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(host);
            if (host == "localhost")
            {
                names.AddIpAddress(IPAddress.Loopback);
            }

            request.CertificateExtensions.Add(names.Build());
        }

        using var certificate = request.Create(
            issuer, _now.AddDays(fromDays), _now.AddDays(toDays), RandomNumberGenerator.GetBytes(12));
        return Write(name, certificate, key);
    }

    private TestCertificate Write(string name, X509Certificate2 certificate, ECDsa key) => new(
        _folder.Write($"{name}.crt", certificate.ExportCertificatePem()),
        _folder.Write($"{name}.key", key.ExportPkcs8PrivateKeyPem()));
}
