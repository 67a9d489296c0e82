namespace FieldAgent.Core;

/// <summary>Signs documents as this board: ECDSA P-256 with SHA-256 (FIPS 186-5), the key derived from the device key, so that it is
/// never stored and outlives a restart, a crash and an upgrade. Any thread.</summary>
public interface IDeviceSigner
{
    /// <summary>Short name of the key: the first 16 hexadecimal digits of the SHA-256 of <see cref="PublicKey"/>. Says nothing about
    /// the board to whom the key is unknown.</summary>
    string KeyId { get; }

    /// <summary>The public key as SubjectPublicKeyInfo (RFC 5480), DER.</summary>
    ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>Signs <paramref name="data"/>: 64 bytes, r and s (IEEE P1363).</summary>
    byte[] Sign(ReadOnlySpan<byte> data);
}
