using System.Security.Cryptography;

namespace FieldAgent.Delivery;

/// <summary>Writes what identifies a message: <c>{generation}.{item}</c>, and the boot. One thread.</summary>
/// <remarks>Generation and boot are random ids of the board. Sent as they are, two recipients could join the two pseudonyms of one
/// board over them; so each recipient sees a keyed hash under a key of its own. The generation's 48 bits also make the id as good
/// as unique among all devices; with the pseudonym, which every topic carries, it is unique. The pseudonym is not repeated in the
/// id: its 26 random characters would be an eighth of a compressed batch.</remarks>
internal sealed class MessageIds
{
    private readonly byte[] _key;
    private readonly byte[] _generationHex = new byte[12];
    private readonly byte[] _bootHex = new byte[8];
    private Guid? _generation;
    private Guid? _boot;

    /// <summary>Ids under <paramref name="key"/>, which belongs to one recipient.</summary>
    public MessageIds(ReadOnlySpan<byte> key) => _key = key.ToArray();

    /// <summary>Writes <c>{generation}.{item}</c>, or with <c>.{part}</c> behind it when <paramref name="part"/> is not
    /// negative.</summary>
    public void WriteId(PayloadBuffer buffer, Guid generation, long itemId, int part = -1)
    {
        if (_generation != generation)
        {
            Hash("generation"u8, generation, _generationHex);
            _generation = generation;
        }

        buffer.Raw(_generationHex);
        buffer.Raw((byte)'.');
        buffer.Number(itemId);
        if (part >= 0)
        {
            buffer.Raw((byte)'.');
            buffer.Number(part);
        }
    }

    /// <summary>Writes the 8 hexadecimal digits that stand for boot <paramref name="boot"/> at this recipient.</summary>
    public void WriteBoot(PayloadBuffer buffer, Guid boot)
    {
        if (_boot != boot)
        {
            Hash("boot"u8, boot, _bootHex);
            _boot = boot;
        }

        buffer.Raw(_bootHex);
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
