using System.Buffers.Binary;
using System.Security.Cryptography;
using FieldAgent.Core;

namespace FieldAgent.Store.Keys;

/// <summary>The secrets in the effaceable memory: two slots, so that the next secret is whole before the last one is overwritten, and a
/// power cut in the middle of either leaves one.</summary>
/// <remarks>Slot: generation (4) · secret · first 4 bytes of the SHA-256 of both. The secret has 32 bytes, or what half the memory holds
/// beside them: 20 in the 56 bytes of a DS1307. A slot of zeros is empty.</remarks>
internal sealed class EffaceableRoot
{
    private const int GenerationBytes = 4;
    private const int CheckBytes = 4;

    // 160 bits and more; beneath that the secret would be the weakest part.
    private const int SecretBytesMin = 20;

    private readonly IEffaceableMemory _memory;
    private readonly int _secretBytes;

    /// <summary>Uses a memory.</summary>
    /// <exception cref="StoreFault">Refused: it is too small.</exception>
    public EffaceableRoot(IEffaceableMemory memory)
    {
        _memory = memory;
        _secretBytes = Math.Min(RootKey.Bytes, (memory.Bytes / 2) - GenerationBytes - CheckBytes);
        if (_secretBytes < SecretBytesMin)
        {
            throw new StoreFault(StoreFaultKind.Refused,
                $"key root memory {memory.Place} has {memory.Bytes} bytes, at least {2 * (SecretBytesMin + GenerationBytes + CheckBytes)} are needed",
                retry: false);
        }
    }

    /// <summary>Where it is.</summary>
    public string Place => _memory.Place;

    private int SlotBytes => GenerationBytes + _secretBytes + CheckBytes;

    /// <summary>The secret of a generation, or null when no slot holds it whole.</summary>
    /// <exception cref="StoreFault">The memory does not answer.</exception>
    public byte[]? Find(uint generation)
    {
        for (var slot = 0; slot < 2; slot++)
        {
            var content = Load(slot);
            if (GenerationOf(content) == generation && generation != 0)
            {
                return content.AsSpan(GenerationBytes, _secretBytes).ToArray();
            }
        }

        return null;
    }

    /// <summary>The highest generation that lies in a whole slot; 0 when none does.</summary>
    public uint Newest() => Math.Max(GenerationOf(Load(0)), GenerationOf(Load(1)));

    /// <summary>Makes the secret of a generation and writes it beside the one of <paramref name="keep"/>.</summary>
    /// <returns>The secret.</returns>
    /// <exception cref="StoreFault">It could not be written, or does not read back; nothing that was there is lost.</exception>
    public byte[] Put(uint generation, uint keep)
    {
        var slot = keep != 0 && GenerationOf(Load(0)) == keep ? 1 : 0;
        var secret = RandomNumberGenerator.GetBytes(_secretBytes);
        var content = new byte[SlotBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(content, generation);
        secret.CopyTo(content.AsSpan(GenerationBytes));
        Check(content).CopyTo(content.AsSpan(GenerationBytes + _secretBytes));
        Overwrite(slot, content);
        CryptographicOperations.ZeroMemory(content);
        return secret;
    }

    /// <summary>Overwrites every slot but that of <paramref name="keep"/>, whole or torn; those that are empty are left alone.</summary>
    /// <exception cref="StoreFault">The memory does not answer, or does not keep what is written.</exception>
    public void EffaceOthers(uint keep)
    {
        for (var slot = 0; slot < 2; slot++)
        {
            var content = Load(slot);
            if ((keep == 0 || GenerationOf(content) != keep) && content.AsSpan().ContainsAnyExcept((byte)0))
            {
                Overwrite(slot, new byte[SlotBytes]);
            }
        }
    }

    private void Overwrite(int slot, byte[] content)
    {
        _memory.Write(slot * SlotBytes, content);
        if (!Load(slot).AsSpan().SequenceEqual(content))
        {
            throw new StoreFault(StoreFaultKind.Io,
                $"key root memory {_memory.Place} does not keep what is written: check its write protection and its battery", retry: true);
        }
    }

    private byte[] Load(int slot)
    {
        var content = new byte[SlotBytes];
        _memory.Read(slot * SlotBytes, content);
        return content;
    }

    private uint GenerationOf(byte[] content) =>
        Check(content).SequenceEqual(content.AsSpan(GenerationBytes + _secretBytes, CheckBytes))
            ? BinaryPrimitives.ReadUInt32LittleEndian(content)
            : 0;

    private ReadOnlySpan<byte> Check(byte[] content) =>
        SHA256.HashData(content.AsSpan(0, GenerationBytes + _secretBytes)).AsSpan(0, CheckBytes);
}
