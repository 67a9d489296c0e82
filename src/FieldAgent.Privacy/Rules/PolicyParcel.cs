using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>A policy document on its way in one text: Brotli (RFC 7932), then base64. A document of 30 kB comes to 9 kB.</summary>
public static class PolicyParcel
{
    /// <summary>Characters at most: 48 KiB compressed, seven times the shipped policy, in one command message.</summary>
    public const int LengthMax = 64 * 1024;

    private const int Quality = 11;
    private const int WindowBits = 22;

    /// <summary>Packs a document.</summary>
    /// <exception cref="ArgumentException">It is too large even so.</exception>
    public static string Pack(ReadOnlySpan<byte> document)
    {
        var packed = new byte[BrotliEncoder.GetMaxCompressedLength(document.Length)];
        return BrotliEncoder.TryCompress(document, packed, out var written, Quality, WindowBits) && Base64Length(written) <= LengthMax
            ? Convert.ToBase64String(packed.AsSpan(0, written))
            : throw new ArgumentException("the policy is too large to be sent in one message", nameof(document));
    }

    /// <summary>Unpacks one; what it expands to is bounded, whatever it claims. Never throws.</summary>
    public static bool TryUnpack(string parcel, [NotNullWhen(true)] out byte[]? document)
    {
        document = null;
        var packed = new byte[parcel.Length];
        if (parcel.Length is 0 or > LengthMax || !Convert.TryFromBase64String(parcel, packed, out var length))
        {
            return false;
        }

        var plain = ArrayPool<byte>.Shared.Rent(ConfigNode.BytesMax);
        try
        {
            if (!BrotliDecoder.TryDecompress(packed.AsSpan(0, length), plain.AsSpan(0, ConfigNode.BytesMax), out var written))
            {
                return false;
            }

            document = plain[..written];
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private static int Base64Length(int bytes) => (bytes + 2) / 3 * 4;
}
