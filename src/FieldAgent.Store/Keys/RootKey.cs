using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Files;

namespace FieldAgent.Store.Keys;

/// <summary>The key everything else is wrapped with: from a systemd credential, a file named in the options, or a file of our own.</summary>
internal sealed class RootKey : IDisposable
{
    /// <summary>Bytes of a key.</summary>
    public const int Bytes = 32;

    private const string CredentialName = "fieldagent-root-key";

    private readonly byte[] _key;

    private RootKey(byte[] key, string place)
    {
        Place = place;
        _key = key;
        Aes = NewCipher();
    }

    /// <summary>Where it came from.</summary>
    public string Place { get; }

    /// <summary>The cipher. Not thread-safe: used under the store's lock, and while opening.</summary>
    public AesGcm Aes { get; }

    /// <summary>Another cipher, for another thread; the caller disposes it.</summary>
    public AesGcm NewCipher() => new(_key, Sealed.TagBytes);

    /// <summary>Derives a key that needs the root key and <paramref name="secret"/> alike (HKDF-SHA-256, the secret as salt).</summary>
    public void Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> purpose, Span<byte> key) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, key, secret, purpose);

    /// <summary>Reads the key, or makes it where it is the store's own and nothing was sealed yet.</summary>
    /// <param name="options">Names the file.</param>
    /// <param name="folder">The state directory.</param>
    /// <param name="mayCreate">False when something lies there that an earlier key sealed.</param>
    /// <exception cref="StoreFault">Missing or malformed.</exception>
    public static RootKey Load(StoreOptions options, StateFolder folder, bool mayCreate)
    {
        var credential = Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is { Length: > 0 } credentials
            ? Path.Join(credentials, CredentialName)
            : null;
        var place = options.RootKeyFile ?? (File.Exists(credential) ? credential : folder.RootKey);
        try
        {
            if (File.Exists(place))
            {
                return new RootKey(Parse(File.ReadAllBytes(place), place), place);
            }

            if (place != folder.RootKey)
            {
                throw new StoreFault(StoreFaultKind.Refused,
                    $"root key {place} is not there: make it with 'head -c 32 /dev/urandom', mode 0600, or correct its path", retry: false);
            }

            if (!mayCreate)
            {
                throw new StoreFault(StoreFaultKind.Refused,
                    $"root key {place} is gone, but {folder.Path} holds data sealed with it: put the key back (or the credential that "
                    + "was used), or move the directory away to start anew without that data", retry: false);
            }

            var key = RandomNumberGenerator.GetBytes(Bytes);
            StateFolder.WriteAtomically(place, key);
            return new RootKey(key, place);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"root key {place}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Aes.Dispose();
        CryptographicOperations.ZeroMemory(_key);
    }

    private static byte[] Parse(byte[] content, string place)
    {
        if (content.Length == Bytes)
        {
            return content;
        }

        var text = System.Text.Encoding.ASCII.GetString(content).Trim();
        if (text.Length == Bytes * 2 && text.All(char.IsAsciiHexDigit))
        {
            return Convert.FromHexString(text);
        }

        throw new StoreFault(StoreFaultKind.Refused,
            $"root key {place} has {content.Length} bytes: it must have {Bytes}, or {Bytes * 2} hexadecimal digits", retry: false);
    }
}
