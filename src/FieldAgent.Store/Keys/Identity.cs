using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Files;

namespace FieldAgent.Store.Keys;

/// <summary>The installation's id, its device key and the epoch of its pseudonym. They lie in a file of their own (and once more in the
/// database), so that the pseudonym outlives a damaged database, and a change of it is never undone by one (R21, R22).</summary>
/// <remarks>File: magic (8) · installation id (16) · device key and epoch sealed under the root key (64) · first 8 bytes of the SHA-256 of
/// all before, which tells a damaged file from a wrong root key. Files of the first kind have no epoch (60 sealed bytes): it is 0.</remarks>
internal sealed class Identity : IKeyStore
{
    private const int CheckBytes = 8;
    private const int HeadBytes = 24;
    private const int EpochBytes = 4;
    private const int BytesWithoutEpoch = HeadBytes + RootKey.Bytes + Sealed.Overhead + CheckBytes;
    private const int FileBytes = BytesWithoutEpoch + EpochBytes;

    private readonly RootKey _root;
    private readonly byte[] _deviceKey;
    private byte[] _content;
    private int _epoch;

    private Identity(Guid installationId, byte[] deviceKey, int epoch, byte[] content, RootKey root)
    {
        InstallationId = installationId;
        _deviceKey = deviceKey;
        _epoch = epoch;
        _content = content;
        _root = root;
    }

    private static ReadOnlySpan<byte> MagicWithoutEpoch => "FAident1"u8;

    private static ReadOnlySpan<byte> Magic => "FAident2"u8;

    /// <inheritdoc/>
    public Guid InstallationId { get; }

    /// <inheritdoc/>
    public int Epoch => Volatile.Read(ref _epoch);

    /// <summary>What the file holds.</summary>
    public byte[] Content => Volatile.Read(ref _content);

    /// <inheritdoc/>
    public void DeriveKey(string purpose, Span<byte> key) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _deviceKey, key, InstallationId.ToByteArray(), Encoding.UTF8.GetBytes(purpose));

    /// <summary>AES-256-GCM under a key for <paramref name="purpose"/> alone. The caller's, to be disposed of.</summary>
    public AesGcm CipherFor(string purpose)
    {
        Span<byte> key = stackalloc byte[RootKey.Bytes];
        DeriveKey(purpose, key);
        var cipher = new AesGcm(key, Sealed.TagBytes);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    /// <inheritdoc/>
    public void DeriveProvisionedKey(string purpose, Span<byte> key) => _root.Derive("identity/" + purpose, key);

    /// <summary>A new identity, not written yet.</summary>
    public static Identity Create(RootKey root)
    {
        var id = Guid.NewGuid();
        var key = RandomNumberGenerator.GetBytes(RootKey.Bytes);
        return new Identity(id, key, 0, Compose(id, key, 0, root), root);
    }

    /// <summary>What the file has to hold for the next epoch to begin.</summary>
    public byte[] ContentOfNextEpoch() => Compose(InstallationId, _deviceKey, checked(_epoch + 1), _root);

    /// <summary>The file holds <paramref name="content"/> now, from <see cref="ContentOfNextEpoch"/>: the next epoch has begun.</summary>
    public void BeginNextEpoch(byte[] content)
    {
        Volatile.Write(ref _content, content);
        Interlocked.Increment(ref _epoch);
    }

    /// <summary>True when the bytes are whole, whatever key sealed them.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> content) =>
        ((content.Length == FileBytes && content.StartsWith(Magic)) || (content.Length == BytesWithoutEpoch && content.StartsWith(MagicWithoutEpoch)))
        && SHA256.HashData(content[..^CheckBytes]).AsSpan(0, CheckBytes).SequenceEqual(content[^CheckBytes..]);

    /// <summary>Opens an identity that <see cref="IsWhole"/>.</summary>
    /// <exception cref="StoreFault">Refused: the root key is another. Nothing is changed.</exception>
    public static Identity Read(byte[] content, RootKey root, string place)
    {
        var box = content.AsSpan(HeadBytes..^CheckBytes);
        var plain = new byte[box.Length - Sealed.Overhead];
        if (!Sealed.TryOpen(root.Aes, box, plain, content.AsSpan(0, HeadBytes)))
        {
            throw new StoreFault(StoreFaultKind.Refused,
                $"root key {root.Place} does not open {place}: it is not the key the store was made with. Put the right key there, or "
                + "move the state directory away to start anew; nothing was changed", retry: false);
        }

        var epoch = plain.Length == RootKey.Bytes ? 0 : BinaryPrimitives.ReadInt32BigEndian(plain.AsSpan(RootKey.Bytes));
        return new Identity(new Guid(content.AsSpan(8, 16)), plain[..RootKey.Bytes], epoch, content, root);
    }

    /// <summary>The file's content when it is there and whole.</summary>
    public static byte[]? Load(StateFolder folder)
    {
        try
        {
            if (StateFolder.Weigh(folder.Identity) is not (FileBytes or BytesWithoutEpoch))
            {
                return null;
            }

            var content = File.ReadAllBytes(folder.Identity);
            return IsWhole(content) ? content : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"identity {folder.Identity}");
        }
    }

    private static byte[] Compose(Guid id, byte[] key, int epoch, RootKey root)
    {
        var content = new byte[FileBytes];
        Magic.CopyTo(content);
        id.TryWriteBytes(content.AsSpan(8));
        var plain = new byte[RootKey.Bytes + EpochBytes];
        key.CopyTo(plain, 0);
        BinaryPrimitives.WriteInt32BigEndian(plain.AsSpan(RootKey.Bytes), epoch);
        using (var cipher = root.NewCipher())
        {
            Sealed.Seal(cipher, plain, content.AsSpan(0, HeadBytes)).CopyTo(content.AsSpan(HeadBytes));
        }

        CryptographicOperations.ZeroMemory(plain);
        SHA256.HashData(content.AsSpan(0, FileBytes - CheckBytes)).AsSpan(0, CheckBytes).CopyTo(content.AsSpan(FileBytes - CheckBytes));
        return content;
    }
}
