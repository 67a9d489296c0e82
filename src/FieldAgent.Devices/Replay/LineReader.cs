using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Devices;

/// <summary>Reads a file of any size line by line through one small buffer; no allocation a line. One thread.</summary>
internal sealed class LineReader(SafeFileHandle file, int lineBytesMax) : IDisposable
{
    private readonly byte[] _buffer = new byte[Math.Max(64 * 1024, 4 * lineBytesMax)];
    private long _offset;
    private int _start;
    private int _end;
    private bool _atEnd;

    /// <summary>Number of the line read last, from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>True when that line was longer than the limit; its text is then of no use.</summary>
    public bool IsOverlong { get; private set; }

    /// <summary>Begins again at the first line.</summary>
    public void Rewind()
    {
        _offset = 0;
        _start = _end = 0;
        _atEnd = false;
        LineNumber = 0;
    }

    /// <summary>Reads the next line, without its end.</summary>
    /// <param name="line">Valid until the next call.</param>
    /// <returns>False at the end of the file.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        IsOverlong = false;
        var scanned = 0;
        while (true)
        {
            var length = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n');
            if (length >= 0 || (_atEnd && _end > _start))
            {
                length = length >= 0 ? length + scanned : _end - _start;
                line = _buffer.AsSpan(_start, length);
                _start = Math.Min(_end, _start + length + 1);
                LineNumber++;
                IsOverlong |= length > lineBytesMax;
                line = IsOverlong ? line[..Math.Min(length, lineBytesMax)] : line;
                line = line.EndsWith("\r"u8) ? line[..^1] : line;
                return true;
            }

            if (_atEnd)
            {
                line = default;
                return false;
            }

            if (_end - _start > lineBytesMax)
            {
                // Give up the line's text, keep looking for its end.
                IsOverlong = true;
                _start = _end - 1;
            }

            scanned = _end - _start;
            Fill();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private void Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        var n = RandomAccess.Read(file, _buffer.AsSpan(_end), _offset);
        _offset += n;
        _end += n;
        _atEnd = n == 0;
    }
}
