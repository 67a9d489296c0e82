using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A signing key of this board, derived from its device key: one for each audience and epoch of the identity, so that neither two
/// recipients nor the time before and after a rotation can be linked through it. Any thread.</summary>
public sealed class DeviceSigner : IDeviceSigner, IDisposable
{
    /// <summary>The audience of documents that stay with the person at the board.</summary>
    public const string Board = "board";

    // The order of P-256 (SP 800-186, 3.2.1.3).
    private static readonly BigInteger Order = BigInteger.Parse(
        "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private readonly Lock _lock = new();
    private readonly IKeyStore _keys;
    private readonly string _audience;
    private readonly int? _fixedEpoch;
    private ECDsa? _key;
    private byte[] _publicKey = [];
    private string _keyId = "";
    private int _epoch;

    /// <summary>The key for <paramref name="audience"/>.</summary>
    /// <param name="keys">Holds the device key.</param>
    /// <param name="audience">A recipient's name, or <see cref="Board"/>.</param>
    /// <param name="epoch">How often the identity was changed. Null: as it is now, and another key as soon as it changes.</param>
    public DeviceSigner(IKeyStore keys, string audience, int? epoch = null)
    {
        _keys = keys;
        _audience = audience;
        _fixedEpoch = epoch;
        _ = Current();
    }

    /// <inheritdoc/>
    public string KeyId
    {
        get
        {
            lock (_lock)
            {
                _ = Current();
                return _keyId;
            }
        }
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> PublicKey
    {
        get
        {
            lock (_lock)
            {
                _ = Current();
                return _publicKey;
            }
        }
    }

    /// <summary>The short name of a public key, DER.</summary>
    public static string KeyIdOf(ReadOnlySpan<byte> publicKey) => Convert.ToHexStringLower(SHA256.HashData(publicKey).AsSpan(0, 8));

    /// <inheritdoc/>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            return Current().SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _key?.Dispose();

    private ECDsa Current()
    {
        var epoch = _fixedEpoch ?? _keys.Epoch;
        if (_key is null || epoch != _epoch)
        {
            _key?.Dispose();
            _key = Derive(_keys, string.Create(CultureInfo.InvariantCulture, $"signing/{_audience}/{epoch}"));
            _publicKey = _key.ExportSubjectPublicKeyInfo();
            _keyId = KeyIdOf(_publicKey);
            _epoch = epoch;
        }

        return _key;
    }

    // FIPS 186-5, A.2.2: candidates until one is a private key; the second is needed once in 2^32 boards.
    private static ECDsa Derive(IKeyStore keys, string purpose)
    {
        Span<byte> candidate = stackalloc byte[32];
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                keys.DeriveKey(string.Create(CultureInfo.InvariantCulture, $"{purpose}/{attempt}"), candidate);
                var d = new BigInteger(candidate, isUnsigned: true, isBigEndian: true);
                if (d > 0 && d < Order)
                {
                    return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = candidate.ToArray() });
                }
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(candidate);
        }
    }
}
