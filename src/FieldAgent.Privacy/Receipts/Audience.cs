using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The board as one audience knows it: a name, a signing key and references that no other audience has, so that two of them
/// cannot find out that their documents are of one board. Any thread.</summary>
public sealed class Audience : IDisposable
{
    private const int ReferenceLength = 26;

    private readonly byte[] _referenceKey = new byte[32];
    private readonly DeviceSigner _signer;

    /// <summary>The board for one audience.</summary>
    /// <param name="keys">Holds the device key.</param>
    /// <param name="name">A recipient's name, or <see cref="DeviceSigner.Board"/>.</param>
    /// <param name="principalId">The pseudonym of the board, and of the person at it, for this audience.</param>
    /// <param name="epoch">How often the identity was rotated.</param>
    public Audience(IKeyStore keys, string name, string principalId, int epoch = 0)
    {
        Name = name;
        PrincipalId = principalId;
        _signer = new DeviceSigner(keys, name, epoch);
        keys.DeriveKey(string.Create(CultureInfo.InvariantCulture, $"references/{name}/{epoch}"), _referenceKey);
    }

    /// <summary>A recipient's name, or <see cref="DeviceSigner.Board"/> for the person at the board.</summary>
    public string Name { get; }

    /// <summary>Recipient that documents for this audience are about; null when they are for the person at the board.</summary>
    public string? Recipient => Name == DeviceSigner.Board ? null : Name;

    /// <summary>The pseudonym for this audience.</summary>
    public string PrincipalId { get; }

    /// <summary>Signs for this audience.</summary>
    public IDeviceSigner Signer => _signer;

    /// <summary>A name for document <paramref name="number"/> of a kind: 26 characters of a–z and 2–7. Always the same one, so that
    /// a document that is made again after a power cut is known to be the same; no one can guess it or link it with another audience's.</summary>
    public string Reference(string kind, long number)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_referenceKey, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind}/{number}")), hash);
        return Base32.Encode(hash, ReferenceLength);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_referenceKey);
        _signer.Dispose();
    }
}

/// <summary>The board's audiences, made when they are first needed. Any thread.</summary>
/// <param name="keys">Holds the device key.</param>
/// <param name="pseudonym">The pseudonym for an audience, at this moment.</param>
/// <param name="epoch">How often the identity was rotated, at this moment.</param>
public sealed class Audiences(IKeyStore keys, Func<string, string> pseudonym, Func<int> epoch) : IDisposable
{
    private readonly ConcurrentDictionary<(string Name, int Epoch), Audience> _made = new();

    /// <summary>The person at the board.</summary>
    public Audience Board => For(DeviceSigner.Board);

    /// <summary>A recipient, or <see cref="DeviceSigner.Board"/>.</summary>
    public Audience For(string name) =>
        _made.GetOrAdd((name, epoch()), key => new Audience(keys, key.Name, pseudonym(key.Name), key.Epoch));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var audience in _made.Values)
        {
            audience.Dispose();
        }
    }
}
