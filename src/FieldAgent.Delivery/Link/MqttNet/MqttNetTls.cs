using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FieldAgent.Core;
using MQTTnet;

namespace FieldAgent.Delivery;

/// <summary>TLS of one MQTTnet connection: reads the files, judges the broker's certificate, and remembers why it did not pass. A file of the
/// client certificate may hold its chain as well, but only the certificate itself is sent: the broker must know the authority above it.</summary>
internal sealed class MqttNetTls : IDisposable
{
    // OpenSSL's numbers for what can be wrong with a certificate (x509_vfy.h): TlsFaults has the words for them.
    private const int NotYetValid = 9;
    private const int HasExpired = 10;
    private const int SelfSignedInChain = 19;
    private const int Revoked = 23;
    private const int WrongPurpose = 26;
    private const int HostNameMismatch = 62;
    private const int UnspecifiedFault = 1;

    private readonly X509Certificate2Collection _certificates = [];
    private int _verifyResult;

    private MqttNetTls()
    {
    }

    /// <summary>For MQTTnet.</summary>
    public MqttClientTlsOptions Options { get; private set; } = new();

    /// <summary>Reads the files.</summary>
    /// <param name="link">The link's options; with TLS.</param>
    /// <param name="tls">To be disposed with the link.</param>
    /// <returns>Kind None, or Misconfigured with the file and what it should be.</returns>
    public static LinkFault Load(LinkOptions link, out MqttNetTls tls)
    {
        tls = new MqttNetTls();
        var files = link.Tls!;

        // The words that libmosquitto has for the same faults, so that both say the same to the technician.
        var step = "Unable to load CA certificates";
        try
        {
            X509Certificate2Collection? authorities = null;
            if (files.CaFile is { } ca)
            {
                authorities = [];
                authorities.ImportFromPemFile(ca);
            }

            if (files.CertificateFile is { } certificate)
            {
                step = "Unable to load client certificate";
                using (X509CertificateLoader.LoadCertificateFromFile(certificate))
                {
                    step = IsEncrypted(files.KeyFile!) ? "Unable to load client key" : "key values mismatch";
                    tls._certificates.Add(X509Certificate2.CreateFromPemFile(certificate, files.KeyFile));
                }
            }

            tls.Options = tls.Describe(link.Host, files.Alpn, authorities);
            return default;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            tls.Dispose();
            return TlsFaults.Explain(0, [step], 0, link) ?? new LinkFault(LinkFaultKind.Misconfigured, "TLS: a file cannot be read");
        }
    }

    /// <summary>What an exception of the connection means for TLS; null when nothing.</summary>
    /// <param name="e">The exception; null when the broker just closed the connection.</param>
    /// <param name="link">The link's options.</param>
    public LinkFault? Explain(Exception? e, LinkOptions link)
    {
        const int ErrnoProtocol = 71;
        var lines = new List<string>();
        for (var one = e; one is not null; one = one.InnerException)
        {
            // What .NET says where OpenSSL would say that it found no TLS record.
            lines.Insert(0, one is AuthenticationException && one.Message.Contains("frame size", StringComparison.Ordinal)
                ? "wrong version number"
                : one.Message);
        }

        return TlsFaults.Explain(_verifyResult, IsSocketFault(e) ? [] : lines, ErrnoProtocol, link);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var certificate in _certificates)
        {
            certificate.Dispose();
        }
    }

    private static bool IsSocketFault(Exception? e)
    {
        while (e is { InnerException: { } inner })
        {
            e = inner;
        }

        return e is System.Net.Sockets.SocketException;
    }

    private static bool IsEncrypted(string keyFile) =>
        File.ReadAllText(keyFile).Contains("ENCRYPTED", StringComparison.Ordinal);

    private MqttClientTlsOptions Describe(string host, string? alpn, X509Certificate2Collection? authorities) => new()
    {
        UseTls = true,
        TargetHost = host,
        SslProtocol = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        RevocationMode = X509RevocationMode.NoCheck,
        TrustChain = authorities,
        ClientCertificatesProvider = _certificates.Count > 0 ? new DefaultMqttCertificatesProvider(_certificates) : null,
        ApplicationProtocols = alpn is null ? null : [new SslApplicationProtocol(alpn)],
        CertificateValidationHandler = Judge,
    };

    private bool Judge(MqttClientCertificateValidationEventArgs seen)
    {
        if (seen.SslPolicyErrors == SslPolicyErrors.None)
        {
            return true;
        }

        var flags = seen.Chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, static (all, one) => all | one.Status) ?? X509ChainStatusFlags.NoError;
        _verifyResult =
            flags.HasFlag(X509ChainStatusFlags.NotTimeValid) ? (IsTooEarly(seen) ? NotYetValid : HasExpired)
            : (flags & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid)) != X509ChainStatusFlags.NoError
                ? SelfSignedInChain
            : flags.HasFlag(X509ChainStatusFlags.Revoked) ? Revoked
            : flags.HasFlag(X509ChainStatusFlags.NotValidForUsage) ? WrongPurpose
            : seen.SslPolicyErrors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? HostNameMismatch
            : UnspecifiedFault;
        return false;
    }

    // The time that the chain was judged by is in its policy.
    private static bool IsTooEarly(MqttClientCertificateValidationEventArgs seen) =>
        seen.Certificate is X509Certificate2 certificate && certificate.NotBefore > seen.Chain.ChainPolicy.VerificationTime;
}
