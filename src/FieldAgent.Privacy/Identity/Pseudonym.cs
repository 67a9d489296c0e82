using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The board's names outside it, one a recipient and epoch: two recipients cannot tell that they know the same board, nobody without
/// the device key can get from a name to the board (R19, R71), and nobody can get from a name to the one that came before it (R22).
/// The same after a restart, a crash and an upgrade (R21). Any thread.</summary>
/// <remarks>Without supplements: HMAC-SHA-256 under a key derived from the device key, over installation id and machine id. With supplements
/// (R20): over them instead, under a key derived from the root key, so that a re-flash leaves the name as it is where the root key was
/// provisioned from outside. Supplements change what goes into the HMAC and nothing else.</remarks>
public sealed class Pseudonym
{
    /// <summary>Characters of a pseudonym: 130 bits, so that no two boards share one.</summary>
    public const int Length = 26;

    private readonly IKeyStore _keys;
    private readonly bool _provisioned;
    private readonly byte[] _identity;

    /// <summary>Pseudonyms of this board.</summary>
    /// <param name="keys">The device key and the installation id.</param>
    /// <param name="machineId">Content of <c>/etc/machine-id</c> (machine-id(5)); empty where there is none. White space around it does
    /// not count.</param>
    public Pseudonym(IKeyStore keys, string machineId)
    {
        _keys = keys;
        machineId = machineId.Trim();

        // The installation id has a fixed length, so the two cannot run into each other.
        _identity = new byte[16 + Encoding.UTF8.GetByteCount(machineId)];
        keys.InstallationId.TryWriteBytes(_identity, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(machineId, _identity.AsSpan(16));
    }

    /// <summary>Pseudonyms from supplements.</summary>
    /// <param name="keys">The root key.</param>
    /// <param name="supplements">Name and value of each, at least one.</param>
    public Pseudonym(IKeyStore keys, IReadOnlyList<KeyValuePair<string, string>> supplements)
    {
        ArgumentOutOfRangeException.ThrowIfZero(supplements.Count);
        _keys = keys;
        _provisioned = true;

        // The length first, so that no two lists have the same bytes.
        _identity = Encoding.UTF8.GetBytes(string.Concat(supplements.OrderBy(static s => s.Key, StringComparer.Ordinal)
            .Select(static s => string.Create(CultureInfo.InvariantCulture, $"{s.Key}:{s.Value.Length}:{s.Value}\n"))));
    }

    /// <summary>The pseudonym for <paramref name="recipient"/> in the present epoch: 26 characters of a–z and 2–7.</summary>
    public string For(string recipient) => For(recipient, _keys.Epoch);

    /// <summary>The pseudonym for <paramref name="recipient"/> in <paramref name="epoch"/>.</summary>
    public string For(string recipient, int epoch)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash("pseudonym/" + recipient, epoch, _identity, hash);
        return Base32.Encode(hash, Length);
    }

    /// <summary>The key that hides internal ids (the boot, the spool's generation) from one recipient in the present epoch.</summary>
    public static byte[] TagKey(IKeyStore keys, string recipient)
    {
        var key = new byte[32];
        keys.DeriveKey(Purpose("delivery/" + recipient, keys.Epoch), key);
        return key;
    }

    // Epoch 0 is written as it was before there were epochs: an upgrade keeps the name.
    private static string Purpose(string purpose, int epoch) =>
        epoch == 0 ? purpose : string.Create(CultureInfo.InvariantCulture, $"{purpose}/epoch/{epoch}");

    private void Hash(string purpose, int epoch, ReadOnlySpan<byte> data, Span<byte> hash)
    {
        Span<byte> key = stackalloc byte[32];
        try
        {
            if (_provisioned)
            {
                _keys.DeriveProvisionedKey(Purpose(purpose, epoch), key);
            }
            else
            {
                _keys.DeriveKey(Purpose(purpose, epoch), key);
            }

            HMACSHA256.HashData(key, data, hash);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
