using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The board's names outside it, one a recipient: two recipients cannot tell that they know the same board, and nobody without
/// the device key can get from a name to the board (R19, R71). The same after a restart, a crash and an upgrade (R21).
/// Any thread.</summary>
public sealed class Pseudonym
{
    /// <summary>Characters of a pseudonym: 130 bits, so that no two boards share one.</summary>
    public const int Length = 26;

    private readonly IKeyStore _keys;
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

    /// <summary>The pseudonym for <paramref name="recipient"/>: 26 characters of a–z and 2–7.</summary>
    public string For(string recipient)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash("pseudonym/" + recipient, _identity, hash);
        return Base32.Encode(hash, Length);
    }

    /// <summary>Eight hexadecimal digits in place of an internal id (a boot id, the spool's generation), for one recipient: tells two values
    /// apart, and tells nobody the value or links it with another recipient's.</summary>
    public string ShortTag(string recipient, ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Hash("tag/" + recipient, value, hash);
        return Convert.ToHexStringLower(hash[..4]);
    }

    private void Hash(string purpose, ReadOnlySpan<byte> data, Span<byte> hash)
    {
        Span<byte> key = stackalloc byte[32];
        try
        {
            _keys.DeriveKey(purpose, key);
            HMACSHA256.HashData(key, data, hash);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
