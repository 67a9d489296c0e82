using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FieldAgent.Core;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>How long the certificates are good for: the broker's with its chain, the board's, and the authorities'. Whether they are accepted is
/// the broker check's to say.</summary>
internal sealed class CertificateCheck : ICheck
{
    private const int WarnDays = 30;

    private static readonly TimeSpan Within = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public string Group => "certificate";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        var now = ClockExtensions.ToDate(view.Ports.Clock.Now().WallUnixNs);
        foreach (var recipient in view.Config?.Recipients.Where(static r => r.Link.Tls is not null) ?? [])
        {
            var tls = recipient.Link.Tls!;
            foreach (var (place, certificate) in OfBroker(recipient).Concat(OfFile("of the board", tls.CertificateFile)).Concat(OfFile("of the authority", tls.CaFile)))
            {
                using (certificate)
                {
                    yield return Judge($"certificate {place} ({recipient.Name})", certificate, now);
                }
            }
        }
    }

    private static Finding Judge(string place, X509Certificate2 certificate, DateTimeOffset now)
    {
        var (from, until) = (new DateTimeOffset(certificate.NotBefore.ToUniversalTime()), new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));
        return now > until
                ? Finding.Fail("certificate.expired", place, $"expired on {until:yyyy-MM-dd}", "get a new one, and put it in its place; first see that the board's clock is right")
            : now < from
                ? Finding.Fail("certificate.early", place, $"is valid from {from:yyyy-MM-dd} on only", "set the board's clock, or get another certificate")
            : until - now < TimeSpan.FromDays(WarnDays)
                ? Finding.Warn("certificate.ends", place, $"ends on {until:yyyy-MM-dd}", "get the next one now")
                : Finding.Ok("certificate.dates", place, $"good until {until:yyyy-MM-dd}");
    }

    private static List<(string, X509Certificate2)> OfFile(string place, string? path)
    {
        var found = new List<(string, X509Certificate2)>();
        try
        {
            if (path is not null)
            {
                var all = new X509Certificate2Collection();
                all.ImportFromPemFile(path);
                found.AddRange(all.Select(certificate => (place, certificate)));
            }
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            // The broker check names the file and what is wrong with it.
        }

        return found;
    }

    // Accepts nothing: the handshake ends with the certificate, and nothing is sent.
    private static List<(string, X509Certificate2)> OfBroker(Recipient recipient)
    {
        var shown = new List<(string, X509Certificate2)>();
        try
        {
            using var limit = new CancellationTokenSource(Within);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.ConnectAsync(recipient.Link.Host, recipient.Link.Port, limit.Token).AsTask().GetAwaiter().GetResult();
            using var stream = new SslStream(new NetworkStream(socket));
            stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = recipient.Link.Host,
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        if (certificate is not null)
                        {
                            shown.Add(("of the broker", X509CertificateLoader.LoadCertificate(certificate.GetRawCertData())));
                        }

                        return false;
                    },
                },
                limit.Token).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException or OperationCanceledException)
        {
            // The broker check says what stands in the way; what was shown until then counts.
        }

        return shown;
    }
}
