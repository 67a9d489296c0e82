namespace FieldAgent.Devices.Exec;

/// <summary>Cuts a stream of bytes into lines of limited length. Allocates nothing once made. One thread.</summary>
/// <param name="lineBytesMax">A longer line is passed over and counted.</param>
internal sealed class LineSplitter(int lineBytesMax)
{
    private readonly byte[] _line = new byte[lineBytesMax];
    private int _length;
    private bool _isOverlong;

    /// <summary>Lines that were too long.</summary>
    public long Overlong { get; private set; }

    /// <summary>Takes bytes from <paramref name="data"/> until a line is complete or they are used up.</summary>
    /// <param name="data">What was read; what is used is cut off.</param>
    /// <param name="line">The line without its end; valid until the next call.</param>
    /// <returns>True when a line is complete. An empty one is not given.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> data, out ReadOnlySpan<byte> line)
    {
        while (data.Length > 0)
        {
            var end = data.IndexOf((byte)'\n');
            var part = end < 0 ? data : data[..end];
            data = end < 0 ? default : data[(end + 1)..];
            if (_isOverlong || _length + part.Length > lineBytesMax)
            {
                _isOverlong = true;
            }
            else
            {
                part.CopyTo(_line.AsSpan(_length));
                _length += part.Length;
            }

            if (end < 0)
            {
                break;
            }

            var complete = !_isOverlong;
            Overlong += _isOverlong ? 1 : 0;
            line = _line.AsSpan(0, _length).TrimEnd((byte)'\r');
            _isOverlong = false;
            _length = 0;
            if (complete && line.Length > 0)
            {
                return true;
            }
        }

        line = default;
        return false;
    }

    /// <summary>The last line, where the output ended without an end of line.</summary>
    /// <returns>False when there is none; an overlong one is counted.</returns>
    public bool TryReadLast(out ReadOnlySpan<byte> line)
    {
        line = _line.AsSpan(0, _length).TrimEnd((byte)'\r');
        Overlong += _isOverlong ? 1 : 0;
        var complete = !_isOverlong && line.Length > 0;
        _isOverlong = false;
        _length = 0;
        return complete;
    }
}
