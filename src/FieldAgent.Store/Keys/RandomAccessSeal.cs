using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FieldAgent.Store.Keys;

/// <summary>A picture's file: the mark of the key that its description is sealed with, then chunks of 64 KiB, each sealed under the
/// file's own random key with its number as nonce, so that any part can be read. The last chunk is marked, so a shortened file is
/// noticed.</summary>
internal static class RandomAccessSeal
{
    /// <summary>Plain bytes in a chunk.</summary>
    public const int ChunkBytes = 64 << 10;

    private const int SealedChunkBytes = ChunkBytes + Sealed.TagBytes;

    /// <summary>Size of the file of a picture of <paramref name="plainBytes"/>.</summary>
    public static long FileBytes(long plainBytes) => Canary.Bytes + plainBytes + (Chunks(plainBytes) * Sealed.TagBytes);

    /// <summary>Writes the whole picture.</summary>
    public static void Write(Stream file, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> key, ulong mark, byte[] buffer)
    {
        Canary.Write(buffer, mark);
        file.Write(buffer, 0, Canary.Bytes);
        using var aes = new AesGcm(key, Sealed.TagBytes);
        Span<byte> nonce = stackalloc byte[Sealed.NonceBytes];
        var chunks = Chunks(plain.Length);
        for (var chunk = 0L; chunk < chunks; chunk++)
        {
            var part = plain.Slice((int)(chunk * ChunkBytes), (int)Math.Min(ChunkBytes, plain.Length - (chunk * ChunkBytes)));
            Nonce(nonce, chunk, chunk == chunks - 1);
            aes.Encrypt(nonce, part, buffer.AsSpan(0, part.Length), buffer.AsSpan(part.Length, Sealed.TagBytes));
            file.Write(buffer, 0, part.Length + Sealed.TagBytes);
        }
    }

    /// <summary>Puts another mark at the head of a written picture, durably.</summary>
    public static void MarkAnew(FileStream file, ulong mark)
    {
        Span<byte> head = stackalloc byte[Canary.Bytes];
        Canary.Write(head, mark);
        file.Position = 0;
        file.Write(head);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Reads one chunk; <paramref name="markBytes"/> stand before the first.</summary>
    /// <returns>Plain bytes in it, or −1 when the file is damaged.</returns>
    public static int Read(Stream file, int markBytes, long plainBytes, long chunk, AesGcm key, byte[] sealedBuffer, byte[] plain)
    {
        var chunks = Chunks(plainBytes);
        var length = (int)Math.Min(ChunkBytes, plainBytes - (chunk * ChunkBytes));
        file.Position = markBytes + (chunk * SealedChunkBytes);
        if (file.ReadAtLeast(sealedBuffer.AsSpan(0, length + Sealed.TagBytes), length + Sealed.TagBytes, throwOnEndOfStream: false)
            < length + Sealed.TagBytes)
        {
            return -1;
        }

        Span<byte> nonce = stackalloc byte[Sealed.NonceBytes];
        Nonce(nonce, chunk, chunk == chunks - 1);
        try
        {
            key.Decrypt(nonce, sealedBuffer.AsSpan(0, length), sealedBuffer.AsSpan(length, Sealed.TagBytes), plain.AsSpan(0, length));
            return length;
        }
        catch (AuthenticationTagMismatchException)
        {
            return -1;
        }
    }

    private static long Chunks(long plainBytes) => Math.Max(1, (plainBytes + ChunkBytes - 1) / ChunkBytes);

    private static void Nonce(Span<byte> nonce, long chunk, bool last)
    {
        nonce.Clear();
        nonce[0] = last ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], chunk);
    }
}
