using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FieldAgent.Store.Keys;

/// <summary>Marks that let a scan of the raw files find whatever a data key sealed. Each key has one; it stands in the clear before every
/// payload the key sealed, at the head of every picture's file, and before the wrapped key itself. All marks of a store begin alike, so that
/// one pass over the files finds them all, and nobody without the device key can tell them from noise or forge one.</summary>
internal sealed class Canary
{
    /// <summary>Bytes of a mark: 0.1 a reading in blocks of 80. By chance one occurs in 2^64 bytes.</summary>
    public const int Bytes = 8;

    /// <summary>Bytes that all marks of a store begin with.</summary>
    public const int PrefixBytes = 3;

    private readonly byte[] _key = new byte[32];
    private readonly byte[] _prefix;

    /// <summary>The marks of one installation.</summary>
    public Canary(Identity identity)
    {
        identity.DeriveKey("erasure-canary", _key);
        _prefix = HMACSHA256.HashData(_key, "prefix"u8)[..PrefixBytes];
    }

    /// <summary>What all marks begin with.</summary>
    public ReadOnlySpan<byte> Prefix => _prefix;

    /// <summary>The mark of a key, as its bytes read little-endian; never 0.</summary>
    public ulong Of(long key)
    {
        Span<byte> content = stackalloc byte[sizeof(long)];
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        BinaryPrimitives.WriteInt64BigEndian(content, key);
        HMACSHA256.HashData(_key, content, hash);
        _prefix.CopyTo(hash);
        var mark = BinaryPrimitives.ReadUInt64LittleEndian(hash);
        return mark == 0 ? 1UL << 63 : mark;
    }

    /// <summary>Writes a mark.</summary>
    public static void Write(Span<byte> into, ulong mark) => BinaryPrimitives.WriteUInt64LittleEndian(into, mark);

    /// <summary>Reads a mark.</summary>
    public static ulong Read(ReadOnlySpan<byte> from) => BinaryPrimitives.ReadUInt64LittleEndian(from);
}
