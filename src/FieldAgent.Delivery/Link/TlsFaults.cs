using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Says what went wrong with TLS, from OpenSSL's verification result (<c>X509_V_ERR_*</c> in <c>x509_vfy.h</c>) and the
/// error lines that libmosquitto logged.</summary>
internal static class TlsFaults
{
    private const int ErrnoProtocol = 71;

    /// <summary>The fault, or null when neither source speaks of one.</summary>
    /// <param name="verifyResult">OpenSSL's verification result, 0 when passed or not known.</param>
    /// <param name="lines">Error lines logged during the connect.</param>
    /// <param name="errno">The errno with it; libmosquitto makes it EPROTO where TLS failed.</param>
    /// <param name="options">How the broker was to be reached.</param>
    public static LinkFault? Explain(int verifyResult, IReadOnlyList<string> lines, int errno, LinkOptions options)
    {
        if (options.Tls is not { } tls)
        {
            return null;
        }

        if (FromFiles(lines, tls) is { } fileFault)
        {
            return fileFault;
        }

        var detail = FromVerification(verifyResult, lines, options, tls) ?? FromAlert(lines, options, tls);
        return detail is not null
            ? new LinkFault(LinkFaultKind.Tls, detail)
            : lines.Count > 0
                ? new LinkFault(LinkFaultKind.Tls, $"TLS with {Endpoint.Name(options)} failed: {Reason(lines[0])}")
            : errno == ErrnoProtocol
                ? new LinkFault(LinkFaultKind.Tls, ClosedUnexplained(options, tls))
                : null;
    }

    /// <summary>The broker's alert was lost in the reset that followed it.</summary>
    private static string ClosedUnexplained(LinkOptions options, LinkTls tls) =>
        $"{Endpoint.Name(options)} closed the connection right after TLS, most likely because "
        + (tls.CertificateFile is null
            ? "it requires a client certificate; name one in the configuration"
            : $"it does not accept the client certificate {tls.CertificateFile}; see that it is valid, and from an authority that the broker trusts");

    private static LinkFault? FromFiles(IReadOnlyList<string> lines, LinkTls tls) =>
        Any(lines, "Unable to load CA certificates")
            ? new(LinkFaultKind.Misconfigured, $"{tls.CaFile}: holds no certificate that OpenSSL can read; it must be PEM")
        : Any(lines, "Unable to load client certificate")
            ? new(LinkFaultKind.Misconfigured, $"{tls.CertificateFile}: not a certificate that OpenSSL can read; it must be PEM")
        : Any(lines, "certificate/key are inconsistent") || Any(lines, "key values mismatch")
            ? new(LinkFaultKind.Misconfigured, $"{tls.KeyFile}: not the key of {tls.CertificateFile}")
        : Any(lines, "Unable to load client key")
            ? new(LinkFaultKind.Misconfigured, $"{tls.KeyFile}: not a private key that OpenSSL can read; it must be PEM without a pass phrase")
        : null;

    private static string? FromVerification(
        int verifyResult, IReadOnlyList<string> lines, LinkOptions options, LinkTls tls)
    {
        var broker = Endpoint.Name(options);
        if (verifyResult == 62 || Any(lines, "host name verification failed"))
        {
            return $"host name mismatch: the certificate of {broker} is not made out to '{options.Host}'; "
                + "use the name in the certificate, or correct the certificate";
        }

        var missing = tls.CaFile is { } file
            ? $"put that authority's certificate into {file}" : "name that authority's certificate in 'tls.ca': the system's store (package ca-certificates) does not hold it";
        return verifyResult switch
        {
            0 => null,
            9 => $"the certificate of {broker} is not valid yet; is the board's clock right?",
            10 => $"the certificate of {broker}, or that of its authority, has expired; renew it at the broker, or set the board's clock if that is wrong",
            2 or 7 or 18 or 19 or 20 or 21 or 24 or 30 or 34 =>
                $"the certificate of {broker} comes from an unknown authority; {missing}",
            23 => $"the certificate of {broker} has been revoked",
            26 => $"the certificate of {broker} is not meant for a server",
            66 or 67 or 68 => $"the certificate of {broker} uses too weak a key or digest",
            _ => $"the certificate of {broker} is not accepted (OpenSSL verification code {verifyResult})",
        };
    }

    private static string? FromAlert(IReadOnlyList<string> lines, LinkOptions options, LinkTls tls)
    {
        var broker = Endpoint.Name(options);
        var without = tls.CertificateFile is null;
        return Any(lines, "alert certificate required") || (without && Any(lines, "alert handshake failure"))
                ? $"{broker} requires a client certificate; name one in the configuration"
            : Any(lines, "alert handshake failure")
                ? $"{broker} found no common way of encryption, or does not accept the client certificate"
            : Any(lines, "alert unknown ca")
                ? $"{broker} does not know the authority of the client certificate {tls.CertificateFile}; get one from an authority that the broker trusts"
            : Any(lines, "alert certificate expired")
                ? $"{broker} says that the client certificate {tls.CertificateFile} has expired; get a new one"
            : Any(lines, "alert certificate revoked")
                ? $"{broker} says that the client certificate {tls.CertificateFile} has been revoked; get a new one"
            : Any(lines, "alert bad certificate") || Any(lines, "alert certificate unknown") || Any(lines, "alert access denied")
                ? $"{broker} does not accept the client certificate {tls.CertificateFile}"
            : Any(lines, "alert no application protocol")
                ? $"{broker} does not offer the application protocol '{tls.Alpn}' (ALPN)"
            : Any(lines, "alert protocol version") || Any(lines, "unsupported protocol")
                ? $"{broker} speaks no TLS 1.2 or newer"
            : Any(lines, "wrong version number") || Any(lines, "packet length too long") || Any(lines, "unknown protocol")
                ? $"{broker} does not speak TLS on this port; correct the port"
            : Any(lines, "certificate verify failed")
                ? $"the certificate of {broker} is not accepted"
            : Any(lines, "unexpected eof")
                ? $"{broker} closed the connection during TLS; is it the broker's TLS port?"
            : null;
    }

    private static bool Any(IReadOnlyList<string> lines, string part)
    {
        foreach (var line in lines)
        {
            if (line.Contains(part, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The last part of <c>error:0A000086:SSL routines::certificate verify failed</c>.</summary>
    private static string Reason(string line)
    {
        var colon = line.LastIndexOf(':');
        return colon >= 0 && colon < line.Length - 1 ? line[(colon + 1)..].Trim() : line;
    }
}
