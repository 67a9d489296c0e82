using System.IO.Compression;

namespace FieldAgent.Delivery;

/// <summary>Brotli (RFC 7932) of one payload at a time, into a buffer that is reused. One thread.</summary>
internal sealed class Compressor
{
    // 2^16: larger than most payloads; a larger window costs memory and time and gains nothing on them.
    private const int WindowBits = 16;

    private byte[] _compressed = new byte[4096];

    /// <summary>Compresses <paramref name="payload"/> with a <paramref name="quality"/> of 0 to 11.</summary>
    /// <returns>The compressed bytes, valid until the next call; empty when they would not be smaller.</returns>
    public ReadOnlySpan<byte> Compress(ReadOnlySpan<byte> payload, int quality)
    {
        if (_compressed.Length < payload.Length)
        {
            _compressed = new byte[Math.Max(payload.Length, _compressed.Length * 2)];
        }

        // The destination ends one byte before the payload's size: what does not fit is not smaller.
        return BrotliEncoder.TryCompress(payload, _compressed.AsSpan(0, Math.Max(0, payload.Length - 1)), out var written, quality, WindowBits)
            ? _compressed.AsSpan(0, written)
            : default;
    }

    /// <summary>Overwrites what the last call left (personal data).</summary>
    public void Wipe() => _compressed.AsSpan().Clear();
}
