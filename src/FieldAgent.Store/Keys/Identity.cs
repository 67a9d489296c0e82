using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Files;

namespace FieldAgent.Store.Keys;

/// <summary>The installation's id and device key. They lie in a file of their own (and once more in the database), so that the
/// pseudonym outlives a damaged database (R21).</summary>
/// <remarks>File: magic (8) · installation id (16) · device key sealed under the root key (60) · first 8 bytes of the SHA-256 of
/// all before, which tells a damaged file from a wrong root key.</remarks>
internal sealed class Identity : IKeyStore
{
    /// <summary>Bytes of the file.</summary>
    public const int FileBytes = 8 + 16 + RootKey.Bytes + Sealed.Overhead + CheckBytes;

    private const int CheckBytes = 8;
    private readonly byte[] _deviceKey;

    private Identity(Guid installationId, byte[] deviceKey, byte[] content)
    {
        InstallationId = installationId;
        _deviceKey = deviceKey;
        Content = content;
    }

    private static ReadOnlySpan<byte> Magic => "FAident1"u8;

    /// <inheritdoc/>
    public Guid InstallationId { get; }

    /// <summary>What the file holds.</summary>
    public byte[] Content { get; }

    /// <inheritdoc/>
    public void DeriveKey(string purpose, Span<byte> key) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _deviceKey, key, InstallationId.ToByteArray(), Encoding.UTF8.GetBytes(purpose));

    /// <summary>A new identity, not written yet.</summary>
    public static Identity Create(RootKey root)
    {
        var id = Guid.NewGuid();
        var key = RandomNumberGenerator.GetBytes(RootKey.Bytes);
        var content = new byte[FileBytes];
        Magic.CopyTo(content);
        id.TryWriteBytes(content.AsSpan(8));
        Sealed.Seal(root.Aes, key, content.AsSpan(0, 24)).CopyTo(content.AsSpan(24));
        SHA256.HashData(content.AsSpan(0, FileBytes - CheckBytes)).AsSpan(0, CheckBytes).CopyTo(content.AsSpan(FileBytes - CheckBytes));
        return new Identity(id, key, content);
    }

    /// <summary>True when the bytes are whole, whatever key sealed them.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> content) =>
        content.Length == FileBytes && content.StartsWith(Magic)
        && SHA256.HashData(content[..^CheckBytes]).AsSpan(0, CheckBytes).SequenceEqual(content[^CheckBytes..]);

    /// <summary>Opens an identity that <see cref="IsWhole"/>.</summary>
    /// <exception cref="StoreFault">Refused: the root key is another. Nothing is changed.</exception>
    public static Identity Read(byte[] content, RootKey root, string place)
    {
        var key = new byte[RootKey.Bytes];
        if (!Sealed.TryOpen(root.Aes, content.AsSpan(24, RootKey.Bytes + Sealed.Overhead), key, content.AsSpan(0, 24)))
        {
            throw new StoreFault(StoreFaultKind.Refused,
                $"root key {root.Place} does not open {place}: it is not the key the store was made with. Put the right key there, or "
                + "move the state directory away to start anew; nothing was changed", retry: false);
        }

        return new Identity(new Guid(content.AsSpan(8, 16)), key, content);
    }

    /// <summary>The file's content when it is there and whole.</summary>
    public static byte[]? Load(StateFolder folder)
    {
        try
        {
            if (StateFolder.Weigh(folder.Identity) != FileBytes)
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
}
