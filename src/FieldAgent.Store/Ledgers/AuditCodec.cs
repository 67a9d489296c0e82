using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Store.Ledgers;

/// <summary>The one form of an entry that is committed to, and the hashes over it.</summary>
/// <remarks>Entry: a byte of its kind, then What, Function, Field, Detail, Actor, each as a length (two bytes, big-endian) and UTF-8. Commitment:
/// SHA-256(salt ‖ entry). Hash: SHA-256(previous hash ‖ number ‖ boot id ‖ boot-time ‖ wall time ‖ clock quality ‖ commitment), numbers as
/// eight bytes big-endian, the quality as one.</remarks>
internal static class AuditCodec
{
    public const int HashBytes = SHA256.HashSizeInBytes;
    public const int SaltBytes = 16;
    private const int TextCharsMax = 64;

    /// <summary>What stands before the first entry.</summary>
    public static byte[] Genesis { get; } = new byte[HashBytes];

    public static byte[] Encode(AuditEntry entry, int detailCharsMax)
    {
        using var bytes = new MemoryStream();
        bytes.WriteByte((byte)entry.Kind);
        Write(bytes, entry.What, TextCharsMax);
        Write(bytes, entry.Function, TextCharsMax);
        Write(bytes, entry.Field, TextCharsMax);
        Write(bytes, entry.Detail, detailCharsMax);
        Write(bytes, entry.Actor, TextCharsMax);
        return bytes.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote, and nothing else: its bytes came through a seal.</summary>
    public static AuditEntry Decode(ReadOnlySpan<byte> bytes)
    {
        var kind = (AuditKind)bytes[0];
        bytes = bytes[1..];
        return new AuditEntry(kind, Next(ref bytes), Next(ref bytes), Next(ref bytes), Next(ref bytes), Next(ref bytes));
    }

    public static byte[] Commit(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(salt);
        hash.AppendData(entry);
        return hash.GetHashAndReset();
    }

    public static byte[] Chain(ReadOnlySpan<byte> previous, long number, Stamp at, ReadOnlySpan<byte> commitment)
    {
        Span<byte> text = stackalloc byte[HashBytes + 8 + 16 + 8 + 8 + 1 + HashBytes];
        previous.CopyTo(text);
        BinaryPrimitives.WriteInt64BigEndian(text[HashBytes..], number);
        at.BootId.TryWriteBytes(text[(HashBytes + 8)..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(text[(HashBytes + 24)..], at.BootNs);
        BinaryPrimitives.WriteInt64BigEndian(text[(HashBytes + 32)..], at.WallUnixNs);
        text[HashBytes + 40] = (byte)at.Quality;
        commitment.CopyTo(text[(HashBytes + 41)..]);
        return SHA256.HashData(text);
    }

    // Never in the middle of a surrogate pair.
    private static void Write(MemoryStream to, string text, int charsMax)
    {
        var length = Math.Min(text.Length, charsMax);
        length -= length > 0 && length < text.Length && char.IsHighSurrogate(text[length - 1]) ? 1 : 0;
        var bytes = Encoding.UTF8.GetBytes(text, 0, length);
        to.WriteByte((byte)(bytes.Length >> 8));
        to.WriteByte((byte)bytes.Length);
        to.Write(bytes);
    }

    private static string Next(ref ReadOnlySpan<byte> bytes)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        var text = Encoding.UTF8.GetString(bytes.Slice(2, length));
        bytes = bytes[(2 + length)..];
        return text;
    }
}
