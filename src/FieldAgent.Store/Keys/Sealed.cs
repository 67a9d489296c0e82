using System.Security.Cryptography;

namespace FieldAgent.Store.Keys;

/// <summary>Small secrets under another key: random nonce (12), ciphertext, tag (16). Few of them, so random nonces are safe
/// (NIST SP 800-38D, 8.3: under 2^32).</summary>
internal static class Sealed
{
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    /// <summary>Bytes that sealing adds.</summary>
    public const int Overhead = NonceBytes + TagBytes;

    /// <summary>Seals <paramref name="plain"/>; <paramref name="context"/> must be the same to open it.</summary>
    public static byte[] Seal(AesGcm key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> context)
    {
        var result = new byte[plain.Length + Overhead];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceBytes));
        key.Encrypt(result.AsSpan(0, NonceBytes), plain, result.AsSpan(NonceBytes, plain.Length), result.AsSpan(NonceBytes + plain.Length), context);
        return result;
    }

    /// <summary>Opens what <see cref="Seal"/> made; false when it is not that, or the key is another.</summary>
    public static bool TryOpen(AesGcm key, ReadOnlySpan<byte> box, Span<byte> plain, ReadOnlySpan<byte> context)
    {
        if (box.Length != plain.Length + Overhead)
        {
            return false;
        }

        try
        {
            key.Decrypt(box[..NonceBytes], box.Slice(NonceBytes, plain.Length), box[^TagBytes..], plain, context);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}
