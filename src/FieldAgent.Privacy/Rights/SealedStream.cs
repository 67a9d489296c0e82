using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FieldAgent.Privacy;

/// <summary>An export that only the owner of one key can open. Format, version 1:
/// the line <c>fieldagent-sealed/1</c>, a line of JSON (the head), then pieces until the last one.
/// <list type="bullet">
/// <item>Head for an EC key: <c>{"alg":"ECDH-ES+HKDF-SHA256","ephemeral":BASE64 SubjectPublicKeyInfo,"recipient":KEYID,"salt":BASE64}</c>; the data
/// key is HKDF-SHA-256 (RFC 5869) of the raw P-256 shared secret (SP 800-56A), with that salt and the info
/// <c>fieldagent-sealed/1</c>, 32 bytes.</item>
/// <item>Head for an RSA key: <c>{"alg":"RSA-OAEP-256","key":BASE64,"recipient":KEYID}</c>; the data key, 32 random bytes, is encrypted with RSAES-OAEP
/// and SHA-256 (RFC 8017).</item>
/// <item>Each piece: 4 bytes length of the plain part (big endian; the highest bit set in the last piece), the ciphertext of that length, 16 bytes
/// tag. AES-256-GCM; the nonce is the piece's number from 0 in 12 bytes, big endian; the associated data are the SHA-256 of the head's line and
/// the 4 bytes of length. So nothing can be cut off, left out or moved.</item>
/// </list>One thread.</summary>
public sealed class SealedStream : WriteOnlyStream
{
    /// <summary>First line of the file.</summary>
    public const string Magic = "fieldagent-sealed/1";

    private const int PieceBytes = 64 << 10;
    private const int TagBytes = 16;
    private const uint LastBit = 0x8000_0000;
    private const int HeadBytesMax = 8192;

    private readonly Stream _to;
    private readonly AesGcm _aes;
    private readonly byte[] _headHash;
    private readonly byte[] _plain = new byte[PieceBytes];
    private readonly byte[] _sealed = new byte[PieceBytes];
    private int _used;
    private long _number;
    private bool _finished;

    private SealedStream(Stream to, byte[] key, string head)
    {
        _to = to;
        _aes = new AesGcm(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
        _headHash = SHA256.HashData(Encoding.UTF8.GetBytes(head));
        _to.Write(Encoding.UTF8.GetBytes($"{Magic}\n{head}\n"));
    }

    /// <summary>A stream that seals what is written into it for the owner of a key.</summary>
    /// <param name="to">Where the sealed bytes go; stays open.</param>
    /// <param name="publicKeyPem">EC P-256 or RSA (2048 bits at least) public key, PEM.</param>
    /// <exception cref="CryptographicException">It is no such key.</exception>
    public static SealedStream For(Stream to, string publicKeyPem)
    {
        if (TryEc(publicKeyPem) is { } ec)
        {
            using (ec)
            {
                return ForEc(to, ec);
            }
        }

        using var rsa = Rsa(publicKeyPem);
        var key = RandomNumberGenerator.GetBytes(32);
        var head = new JsonObject
        {
            ["alg"] = "RSA-OAEP-256",
            ["key"] = Convert.ToBase64String(rsa.Encrypt(key, RSAEncryptionPadding.OaepSHA256)),
            ["recipient"] = DeviceSigner.KeyIdOf(rsa.ExportSubjectPublicKeyInfo()),
        };
        return new SealedStream(to, key, Encoding.UTF8.GetString(CanonicalJson.Write(head)));
    }

    /// <summary>Opens what was sealed.</summary>
    /// <param name="from">The sealed bytes.</param>
    /// <param name="to">Gets the plain bytes; what came before a damage is in it already when this throws.</param>
    /// <param name="privateKeyPem">The key, PEM without a password.</param>
    /// <exception cref="CryptographicException">Another key, or the file was changed or cut short.</exception>
    public static void Open(Stream from, Stream to, string privateKeyPem)
    {
        if (ReadLine(from, Magic.Length) != Magic)
        {
            throw new CryptographicException($"it is no sealed export: its first line is not '{Magic}'");
        }

        var head = ReadLine(from, HeadBytesMax);
        var key = DataKey(head, privateKeyPem);
        using var aes = new AesGcm(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
        var headHash = SHA256.HashData(Encoding.UTF8.GetBytes(head));
        var sealedPiece = new byte[PieceBytes];
        var plain = new byte[PieceBytes];
        Span<byte> tag = stackalloc byte[TagBytes];
        Span<byte> size = stackalloc byte[4];
        Span<byte> nonce = stackalloc byte[12];
        for (long number = 0; ; number++)
        {
            ReadExactly(from, size);
            var word = BinaryPrimitives.ReadUInt32BigEndian(size);
            var length = (int)(word & ~LastBit);
            if (length > PieceBytes)
            {
                throw new CryptographicException("the file was changed");
            }

            ReadExactly(from, sealedPiece.AsSpan(0, length));
            ReadExactly(from, tag);
            aes.Decrypt(Nonce(number, nonce), sealedPiece.AsSpan(0, length), tag, plain.AsSpan(0, length), [.. headHash, .. size]);
            to.Write(plain, 0, length);
            if ((word & LastBit) != 0)
            {
                CryptographicOperations.ZeroMemory(plain);
                return;
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_used == PieceBytes)
            {
                Put(last: false);
            }

            var count = Math.Min(buffer.Length, PieceBytes - _used);
            buffer[..count].CopyTo(_plain.AsSpan(_used));
            _used += count;
            buffer = buffer[count..];
        }
    }

    /// <summary>Writes the last piece; without it the file counts as cut short.</summary>
    public void Finish()
    {
        if (!_finished)
        {
            _finished = true;
            Put(last: true);
            _to.Flush();
        }
    }

    /// <inheritdoc/>
    public override void Flush() => _to.Flush();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(_plain);
        base.Dispose(disposing);
    }

    private void Put(bool last)
    {
        Span<byte> size = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(size, (uint)_used | (last ? LastBit : 0));
        Span<byte> tag = stackalloc byte[TagBytes];
        _aes.Encrypt(Nonce(_number++, stackalloc byte[12]), _plain.AsSpan(0, _used), _sealed.AsSpan(0, _used), tag, [.. _headHash, .. size]);
        _to.Write(size);
        _to.Write(_sealed.AsSpan(0, _used));
        _to.Write(tag);
        _used = 0;
    }

    private static SealedStream ForEc(Stream to, ECDiffieHellman ec)
    {
        using var ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var salt = RandomNumberGenerator.GetBytes(32);
        var key = Derive(ephemeral, ec.PublicKey, salt);
        var head = new JsonObject
        {
            ["alg"] = "ECDH-ES+HKDF-SHA256",
            ["ephemeral"] = Convert.ToBase64String(ephemeral.ExportSubjectPublicKeyInfo()),
            ["recipient"] = DeviceSigner.KeyIdOf(ec.ExportSubjectPublicKeyInfo()),
            ["salt"] = Convert.ToBase64String(salt),
        };
        return new SealedStream(to, key, Encoding.UTF8.GetString(CanonicalJson.Write(head)));
    }

    private static byte[] DataKey(string head, string privateKeyPem)
    {
        try
        {
            if (JsonNode.Parse(head) is not JsonObject members)
            {
                throw new CryptographicException("the head of the file cannot be read");
            }

            if ((string?)members["alg"] == "RSA-OAEP-256")
            {
                using var rsa = Rsa(privateKeyPem);
                return rsa.Decrypt(Convert.FromBase64String((string?)members["key"] ?? ""), RSAEncryptionPadding.OaepSHA256);
            }

            using var own = TryEc(privateKeyPem) ?? throw new CryptographicException("the file is sealed for an EC key, and this is none on P-256");
            using var ephemeral = ECDiffieHellman.Create();
            ephemeral.ImportSubjectPublicKeyInfo(Convert.FromBase64String((string?)members["ephemeral"] ?? ""), out _);
            return Derive(own, ephemeral.PublicKey, Convert.FromBase64String((string?)members["salt"] ?? ""));
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or PlatformNotSupportedException or ArgumentException)
        {
            throw new CryptographicException("the head of the file cannot be read", e);
        }
    }

    private static byte[] Derive(ECDiffieHellman own, ECDiffieHellmanPublicKey other, byte[] salt)
    {
        var secret = own.DeriveRawSecretAgreement(other);
        try
        {
            return HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, salt, Encoding.ASCII.GetBytes(Magic));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static ECDiffieHellman? TryEc(string pem)
    {
        var key = ECDiffieHellman.Create();
        try
        {
            key.ImportFromPem(pem);
            if (key.KeySize == 256)
            {
                return key;
            }
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or PlatformNotSupportedException)
        {
            // then it may be an RSA key
        }

        key.Dispose();
        return null;
    }

    private static RSA Rsa(string pem)
    {
        var key = RSA.Create();
        try
        {
            key.ImportFromPem(pem);
            return key.KeySize >= 2048 ? key : throw new CryptographicException("an RSA key needs 2048 bits at least");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or PlatformNotSupportedException)
        {
            key.Dispose();
            throw new CryptographicException("the file holds no key that can be used: PEM, EC on P-256 or RSA of 2048 bits at least, without a password", e);
        }
    }

    private static Span<byte> Nonce(long number, Span<byte> nonce)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], number);
        return nonce;
    }

    private static string ReadLine(Stream from, int max)
    {
        var line = new List<byte>();
        for (int b; (b = from.ReadByte()) is not (-1 or '\n') && line.Count <= max;)
        {
            line.Add((byte)b);
        }

        return Encoding.UTF8.GetString([.. line]);
    }

    private static void ReadExactly(Stream from, Span<byte> buffer)
    {
        if (from.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw new CryptographicException("the file is cut short");
        }
    }
}
