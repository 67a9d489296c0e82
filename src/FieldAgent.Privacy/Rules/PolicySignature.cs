using System.Buffers.Text;
using System.Security.Cryptography;

namespace FieldAgent.Privacy;

/// <summary>The detached signature of a policy: ECDSA over P-256 with SHA-256 of the document's very bytes, in DER, as base64 text. So it is made
/// with what everybody has: <c>openssl dgst -sha256 -sign key.pem policy.json | base64 -w0 &gt; policy.json.sig</c>.</summary>
public static class PolicySignature
{
    /// <summary>What is put behind the name of the document.</summary>
    public const string Extension = ".sig";

    /// <summary>A signature file is no larger: 72 bytes of DER as base64, with room for line feeds.</summary>
    public const int BytesMax = 1024;

    /// <summary>A public key in PEM is no larger.</summary>
    public const int KeyBytesMax = 8 * 1024;

    /// <summary>Signs a document, for those who publish policies.</summary>
    /// <param name="document">The document's bytes.</param>
    /// <param name="key">A P-256 key with its private part.</param>
    /// <returns>The content of the signature file, ending with a line feed.</returns>
    public static byte[] Sign(ReadOnlySpan<byte> document, ECDsa key)
    {
        var der = key.SignData(document, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return [.. System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(der)), (byte)'\n'];
    }

    /// <summary>Checks a signature. Never throws.</summary>
    /// <param name="document">The document's bytes.</param>
    /// <param name="signature">The content of the signature file.</param>
    /// <param name="publicKeyPem">The public key to trust, PEM (<c>BEGIN PUBLIC KEY</c>).</param>
    /// <param name="why">Why it does not hold, and what to do; empty when it does.</param>
    /// <returns>True when exactly this document was signed with that key.</returns>
    public static bool Verify(ReadOnlySpan<byte> document, ReadOnlySpan<byte> signature, string publicKeyPem, out string why)
    {
        using var key = TryKey(publicKeyPem, out why);
        if (key is null)
        {
            return false;
        }

        // White space is removed first: the decoder would take some of it, and encoders break lines.
        Span<byte> text = stackalloc byte[BytesMax];
        var length = 0;
        foreach (var b in signature.Length <= BytesMax ? signature : [])
        {
            if (b is not ((byte)'\n' or (byte)'\r' or (byte)' ' or (byte)'\t'))
            {
                text[length++] = b;
            }
        }

        if (length == 0 || Base64.DecodeFromUtf8InPlace(text[..length], out var derLength) != System.Buffers.OperationStatus.Done)
        {
            why = $"the signature is not base64 text of {BytesMax} bytes at most; make it with: "
                + "openssl dgst -sha256 -sign key.pem policy.json | base64 -w0 > policy.json.sig";
            return false;
        }

        try
        {
            if (key.VerifyData(document, text[..derLength], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence))
            {
                return true;
            }
        }
        catch (CryptographicException)
        {
            // Bytes that are no DER at all: as wrong as any other signature.
        }

        why = "the signature does not match: the document was changed after it was signed, or it was signed with another key";
        return false;
    }

    /// <summary>Says why <paramref name="publicKeyPem"/> cannot be trusted; null when it can.</summary>
    public static string? WhyNotAKey(string publicKeyPem)
    {
        using var key = TryKey(publicKeyPem, out var why);
        return key is null ? why : null;
    }

    private static ECDsa? TryKey(string pem, out string why)
    {
        why = "";
        var key = ECDsa.Create();
        try
        {
            if (pem.Length <= KeyBytesMax && pem.Contains("PUBLIC KEY", StringComparison.Ordinal))
            {
                key.ImportFromPem(pem);
                if (key.ExportParameters(false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value)
                {
                    return key;
                }
            }
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            // Said below.
        }

        key.Dispose();
        why = "the key is not a P-256 public key in PEM; make it with: openssl ec -in key.pem -pubout";
        return null;
    }
}
