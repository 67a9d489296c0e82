using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A document with the board's signature, which anybody can check without the board:
/// <c>{"document":{"type":…},"signature":{"alg":"ES256","keyId":…,"publicKey":…,"value":…}}</c>. The signature (ECDSA P-256, SHA-256) is over
/// the canonical form of <c>document</c>.</summary>
public sealed class SignedDocument
{
    /// <summary>A document larger than this is not read.</summary>
    public const int BytesMax = 1 << 20;

    private const string Algorithm = "ES256";

    private SignedDocument(JsonObject document, string keyId)
    {
        Document = document;
        KeyId = keyId;
    }

    /// <summary>What was signed.</summary>
    public JsonObject Document { get; }

    /// <summary>The key that signed it.</summary>
    public string KeyId { get; }

    /// <summary>Member <c>type</c> of the document: <c>consent-receipt</c>, <c>erasure-receipt</c> …; empty when it has none.</summary>
    public string Type => Document["type"] is JsonValue value && value.TryGetValue<string>(out var type) ? type : "";

    /// <summary>Signs <paramref name="document"/>.</summary>
    /// <returns>The signed document, canonical, UTF-8, without a line feed.</returns>
    /// <exception cref="ArgumentException">It holds a number that is not whole.</exception>
    public static byte[] Sign(IDeviceSigner signer, JsonObject document)
    {
        var signature = signer.Sign(CanonicalJson.Write(document));
        return CanonicalJson.Write(new JsonObject
        {
            ["document"] = document.DeepClone(),
            ["signature"] = new JsonObject
            {
                ["alg"] = Algorithm,
                ["keyId"] = signer.KeyId,
                ["publicKey"] = Convert.ToBase64String(signer.PublicKey.Span),
                ["value"] = Convert.ToBase64String(signature),
            },
        });
    }

    /// <summary>Reads a signed document and checks its signature against the key that it names.</summary>
    /// <param name="utf8">The file or message; <see cref="BytesMax"/> at most.</param>
    /// <param name="why">Why it does not hold; empty when it does.</param>
    /// <returns>Null when it does not hold. Whose key it is, is the caller's to know: compare <see cref="KeyId"/>.</returns>
    public static SignedDocument? TryVerify(ReadOnlySpan<byte> utf8, out string why)
    {
        try
        {
            why = utf8.Length > BytesMax ? $"it has more than {BytesMax} bytes" : "";
            if (why.Length > 0 || JsonNode.Parse(utf8, null, new JsonDocumentOptions { MaxDepth = 32 }) is not JsonObject outer
                || outer["document"] is not JsonObject document || outer["signature"] is not JsonObject signature)
            {
                why = why.Length > 0 ? why : "it is no signed document: \"document\" and \"signature\" are missing";
                return null;
            }

            if ((string?)signature["alg"] != Algorithm)
            {
                why = $"it is not signed with {Algorithm}";
                return null;
            }

            var publicKey = Convert.FromBase64String((string?)signature["publicKey"] ?? "");
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            if (key.KeySize != 256 || (string?)signature["keyId"] != DeviceSigner.KeyIdOf(publicKey)
                || !key.VerifyData(CanonicalJson.Write(document), Convert.FromBase64String((string?)signature["value"] ?? ""),
                    HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation))
            {
                why = "the signature does not match: the document or the signature was changed";
                return null;
            }

            return new SignedDocument((JsonObject)document.DeepClone(), DeviceSigner.KeyIdOf(publicKey));
        }
        catch (Exception e) when (e is JsonException or FormatException or CryptographicException or ArgumentException or InvalidOperationException
            or PlatformNotSupportedException)
        {
            why = $"it cannot be read: {e.Message}";
            return null;
        }
    }
}
