using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FieldAgent.Privacy;

/// <summary>A file of an export, as its manifest lists it.</summary>
/// <param name="Path">Relative path.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Sha256">SHA-256, lower-case hexadecimal.</param>
public sealed record ExportedFile(string Path, long Bytes, string Sha256);

/// <summary>Writes files one after the other as a tar archive (POSIX ustar) into a stream that need not seek; mode 0600, no owner, no name of
/// anybody. One thread.</summary>
public sealed class ExportArchive : IDisposable
{
    private const int BlockBytes = 512;
    private const int PathMax = 100;

    private readonly Stream _to;
    private readonly long _timeSeconds;
    private readonly List<ExportedFile> _files = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private string _path = "";
    private long _bytes;
    private long _left;

    /// <summary>Begins an archive.</summary>
    /// <param name="to">Where it goes; stays open.</param>
    /// <param name="timeWallUnixNs">Time of all its files.</param>
    public ExportArchive(Stream to, long timeWallUnixNs)
    {
        _to = to;
        _timeSeconds = Math.Max(0, timeWallUnixNs / 1_000_000_000);
    }

    /// <summary>The files so far.</summary>
    public IReadOnlyList<ExportedFile> Files => _files;

    /// <summary>Adds a whole file.</summary>
    /// <exception cref="IOException">The stream refuses.</exception>
    public void Add(string path, ReadOnlySpan<byte> content)
    {
        Begin(path, content.Length);
        Append(content);
        End();
    }

    /// <summary>Begins a file of exactly so many bytes.</summary>
    /// <exception cref="IOException">The stream refuses.</exception>
    public void Begin(string path, long bytes)
    {
        _path = path;
        _bytes = bytes;
        _left = bytes;
        Span<byte> header = stackalloc byte[BlockBytes];
        header.Clear();
        var name = Encoding.UTF8.GetBytes(path);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, PathMax);
        name.CopyTo(header);
        Octal(header.Slice(100, 8), 0b110_000_000);
        Octal(header.Slice(108, 8), 0);
        Octal(header.Slice(116, 8), 0);
        Octal(header.Slice(124, 12), bytes);
        Octal(header.Slice(136, 12), _timeSeconds);
        header.Slice(148, 8).Fill((byte)' ');
        header[156] = (byte)'0';
        "ustar\000"u8.CopyTo(header[257..]);
        var sum = 0;
        foreach (var b in header)
        {
            sum += b;
        }

        Octal(header.Slice(148, 7), sum);
        _to.Write(header);
    }

    /// <summary>Adds bytes to the file that was begun.</summary>
    /// <exception cref="IOException">The stream refuses.</exception>
    public void Append(ReadOnlySpan<byte> content)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, _left);
        _left -= content.Length;
        _hash.AppendData(content);
        _to.Write(content);
    }

    /// <summary>Ends the file; what is missing of it is filled with zeros (a picture whose file was erased meanwhile).</summary>
    /// <exception cref="IOException">The stream refuses.</exception>
    public void End()
    {
        Span<byte> zeros = stackalloc byte[BlockBytes];
        zeros.Clear();
        while (_left > 0)
        {
            Append(zeros[..(int)Math.Min(_left, BlockBytes)]);
        }

        _files.Add(new ExportedFile(_path, _bytes, Convert.ToHexStringLower(_hash.GetHashAndReset())));
        Pad(_bytes);
    }

    /// <summary>Ends the archive.</summary>
    /// <exception cref="IOException">The stream refuses.</exception>
    public void Finish()
    {
        Span<byte> end = stackalloc byte[2 * BlockBytes];
        end.Clear();
        _to.Write(end);
        _to.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Pad(long bytes)
    {
        Span<byte> zeros = stackalloc byte[BlockBytes];
        zeros.Clear();
        _to.Write(zeros[..(int)((BlockBytes - (bytes % BlockBytes)) % BlockBytes)]);
    }

    private static void Octal(Span<byte> to, long value)
    {
        var text = Convert.ToString(value, 8).PadLeft(to.Length - 1, '0');
        if (text.Length >= to.Length)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"a file of {value} bytes does not fit a tar archive"));
        }

        Encoding.ASCII.GetBytes(text, to);
        to[^1] = 0;
    }
}
