using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Spooling;

/// <summary>An open picture: decrypts the parts that are asked for. One thread.</summary>
internal sealed class ImageSource(string path, SpoolImage image, ReadOnlySpan<byte> key, int markBytes) : IDisposable
{
    private readonly AesGcm _aes = new(key, Sealed.TagBytes);
    private readonly byte[] _sealed = new byte[RandomAccessSeal.ChunkBytes + Sealed.TagBytes];
    private readonly byte[] _plain = new byte[RandomAccessSeal.ChunkBytes];
    private FileStream? _file;
    private long _chunk = -1;
    private int _chunkBytes;

    /// <summary>Which picture it is.</summary>
    public string Id => image.ImageId;

    /// <summary>Reads from <paramref name="offset"/>; less than asked only at the end.</summary>
    /// <exception cref="StoreFault">Gone or damaged.</exception>
    public int Read(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var done = 0;
        while (done < buffer.Length && offset < image.Bytes)
        {
            Load(offset / RandomAccessSeal.ChunkBytes);
            var start = (int)(offset % RandomAccessSeal.ChunkBytes);
            var count = Math.Min(buffer.Length - done, _chunkBytes - start);
            _plain.AsSpan(start, count).CopyTo(buffer[done..]);
            done += count;
            offset += count;
        }

        return done;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _aes.Dispose();
        _file?.Dispose();
        Array.Clear(_plain);
    }

    private void Load(long chunk)
    {
        if (chunk == _chunk)
        {
            return;
        }

        try
        {
            _file ??= new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            _chunk = -1;
            _chunkBytes = RandomAccessSeal.Read(_file, markBytes, image.Bytes, chunk, _aes, _sealed, _plain);
        }
        catch (FileNotFoundException fault)
        {
            throw new StoreFault(StoreFaultKind.Corrupt, $"the file of picture {image.ImageId} is gone", retry: false, fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"the file of picture {image.ImageId}");
        }

        if (_chunkBytes < 0)
        {
            throw new StoreFault(StoreFaultKind.Corrupt, $"the file of picture {image.ImageId} is damaged", retry: false);
        }

        _chunk = chunk;
    }
}
