using System.Security.Cryptography;

namespace FieldAgent.Delivery;

/// <summary>Writes what identifies a message: <c>{pseudonym}.{generation}.{boot}.{item}[.{part}]</c>. One thread.</summary>
/// <remarks>Generation and boot are random ids of the board. Sent as they are, two recipients could join the two pseudonyms of one
/// board over them; so each recipient sees a few digits of a keyed hash under a key of its own. They only have to tell apart the
/// stores and boots of one pseudonym: 32 bits for the few stores of a device's life, on which de-duplication rests, and 16 bits for
/// boots, of which it is enough that neighbours differ.</remarks>
internal sealed class MessageIds
{
    /// <summary>Hexadecimal digits that stand for the store's generation.</summary>
    public const int GenerationDigits = 8;

    /// <summary>Hexadecimal digits that stand for the boot.</summary>
    public const int BootDigits = 4;

    private readonly byte[] _key;
    private readonly string _pseudonym;
    private readonly byte[] _generationHex = new byte[GenerationDigits];
    private readonly byte[] _bootHex = new byte[BootDigits];
    private Guid? _generation;
    private Guid? _boot;

    /// <summary>Ids of the device <paramref name="pseudonym"/>, under <paramref name="key"/>; both belong to one recipient.</summary>
    public MessageIds(ReadOnlySpan<byte> key, string pseudonym)
    {
        _key = key.ToArray();
        _pseudonym = pseudonym;
    }

    /// <summary>Writes the id, with <c>.{part}</c> behind it when <paramref name="part"/> is not negative.</summary>
    public void Write(PayloadBuffer buffer, Guid generation, Guid boot, long itemId, int part = -1)
    {
        if (_generation != generation)
        {
            Hash("generation"u8, generation, _generationHex);
            _generation = generation;
        }

        if (_boot != boot)
        {
            Hash("boot"u8, boot, _bootHex);
            _boot = boot;
        }

        buffer.Ascii(_pseudonym);
        buffer.Raw((byte)'.');
        buffer.Raw(_generationHex);
        buffer.Raw((byte)'.');
        buffer.Raw(_bootHex);
        buffer.Raw((byte)'.');
        buffer.Number(itemId);
        if (part >= 0)
        {
            buffer.Raw((byte)'.');
            buffer.Number(part);
        }
    }

    private void Hash(ReadOnlySpan<byte> purpose, Guid id, Span<byte> hex)
    {
        Span<byte> input = stackalloc byte[32];
        purpose.CopyTo(input);
        id.TryWriteBytes(input[16..]);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, input, mac);
        Convert.TryToHexStringLower(mac[..(hex.Length / 2)], hex, out _);
    }
}
