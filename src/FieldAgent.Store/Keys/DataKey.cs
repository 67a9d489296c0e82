using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FieldAgent.Store.Keys;

/// <summary>The key of one rule's data of one day and one run of the agent. A nonce is the item's id, which never repeats within
/// a run; a new run begins new keys, so a restored old database cannot repeat one either (pitfall 59).</summary>
internal sealed class DataKey(long id, string function, string field, long day, ReadOnlySpan<byte> key, ulong mark) : IDisposable
{
    /// <summary>Bytes that sealing adds: the mark before, the tag behind.</summary>
    public const int Overhead = Canary.Bytes + Sealed.TagBytes;

    private readonly AesGcm _aes = new(key, Sealed.TagBytes);

    public long Id { get; } = id;

    public string Function { get; } = function;

    public string Field { get; } = field;

    public long Day { get; } = day;

    /// <summary>What stands before everything it seals; 0 for a key from before there were marks.</summary>
    public ulong Mark { get; } = mark;

    /// <summary>Bytes before what it sealed.</summary>
    public int MarkBytes => Mark == 0 ? 0 : Canary.Bytes;

    /// <summary>Seals into <paramref name="sealedBytes"/>, which is <see cref="Overhead"/> longer.</summary>
    public void Seal(long item, ReadOnlySpan<byte> plain, Span<byte> sealedBytes, ReadOnlySpan<byte> context)
    {
        Span<byte> nonce = stackalloc byte[Sealed.NonceBytes];
        Nonce(nonce, item);
        Canary.Write(sealedBytes, Mark);
        sealedBytes = sealedBytes[Canary.Bytes..];
        _aes.Encrypt(nonce, plain, sealedBytes[..plain.Length], sealedBytes.Slice(plain.Length, Sealed.TagBytes), context);
    }

    /// <summary>Opens what <see cref="Seal"/> made; false when it was changed or belongs elsewhere.</summary>
    public bool TryOpen(long item, ReadOnlySpan<byte> sealedBytes, Span<byte> plain, ReadOnlySpan<byte> context)
    {
        if (sealedBytes.Length < MarkBytes + Sealed.TagBytes || (Mark != 0 && Canary.Read(sealedBytes) != Mark))
        {
            return false;
        }

        sealedBytes = sealedBytes[MarkBytes..];

        Span<byte> nonce = stackalloc byte[Sealed.NonceBytes];
        Nonce(nonce, item);
        try
        {
            _aes.Decrypt(nonce, sealedBytes[..^Sealed.TagBytes], sealedBytes[^Sealed.TagBytes..], plain, context);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>What binds a wrapped key to its row.</summary>
    public static byte[] Context(long id, string function, string field, long day) =>
        System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"data-key\n{id}\n{function}\n{field}\n{day}"));

    /// <inheritdoc/>
    public void Dispose() => _aes.Dispose();

    private static void Nonce(Span<byte> nonce, long item)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], item);
    }
}
