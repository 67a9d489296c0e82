namespace FieldAgent.Devices.Gnss;

/// <summary>Counts of what a stream of NMEA held, by reason. One thread.</summary>
internal struct NmeaCounts
{
    /// <summary>Good sentences.</summary>
    public long Good;

    /// <summary>Proprietary and AIS sentences: not ours, and no fault.</summary>
    public long Foreign;

    /// <summary>Sentences with a wrong checksum.</summary>
    public long Checksum;

    /// <summary>Sentences that are none, or that broke off.</summary>
    public long Malformed;

    /// <summary>Runs of bytes outside any sentence: binary protocols, line noise, a wrong baud rate.</summary>
    public long Garbage;

    /// <summary>Sentences longer than <see cref="GnssLimits.SentenceBytesMax"/>.</summary>
    public long Overlong;

    /// <summary>All that was skipped as faulty.</summary>
    public readonly long Faulty => Checksum + Malformed + Garbage + Overlong;
}

/// <summary>Finds sentences in a stream of bytes. Keeps at most one unfinished sentence; allocates nothing once made. Recorder's
/// notes (<c>#</c> at the start of a line) are passed over. Not thread-safe.</summary>
internal sealed class NmeaLineReader
{
    private readonly byte[] _line = new byte[GnssLimits.SentenceBytesMax];
    private int _length;
    private State _state = State.LineStart;

    /// <summary>What was skipped.</summary>
    public NmeaCounts Counts;

    private enum State : byte
    {
        LineStart,
        Outside,
        Garbage,
        Note,
        Sentence,
        Overlong,
    }

    /// <summary>Takes bytes from <paramref name="data"/> until a sentence is complete or the bytes are used up.</summary>
    /// <param name="data">The bytes read; what is used is cut off.</param>
    /// <param name="line">The sentence from <c>$</c> or <c>!</c>, without line end; valid until the next call.</param>
    /// <returns>True when a sentence is complete.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> data, out ReadOnlySpan<byte> line)
    {
        for (var i = 0; i < data.Length; i++)
        {
            if (Take(data[i]))
            {
                // What is not a line end belongs to what follows, and is looked at again.
                data = data[(_state == State.LineStart ? i + 1 : i)..];
                line = _line.AsSpan(0, _length);
                return true;
            }
        }

        data = default;
        line = default;
        return false;
    }

    /// <summary>At the end of a recording: the last sentence, which may lack its line end.</summary>
    public bool TryFinish(out ReadOnlySpan<byte> line)
    {
        var isWhole = Take((byte)'\n');
        line = isWhole ? _line.AsSpan(0, _length) : default;
        return isWhole;
    }

    /// <returns>True when the sentence in <see cref="_line"/> is complete.</returns>
    private bool Take(byte c)
    {
        var isLineEnd = c is (byte)'\n' or (byte)'\r';
        switch (_state)
        {
            case State.Note when !isLineEnd && (c >= ' ' || c == '\t'):
                return false;
            case State.Sentence when c is >= (byte)' ' and < 0x7f and not (byte)'$':
                if (_length < _line.Length)
                {
                    _line[_length++] = c;
                }
                else
                {
                    Counts.Overlong++;
                    _state = State.Overlong;
                }

                return false;
            case State.Sentence when IsWhole(isLineEnd):
                _state = isLineEnd ? State.LineStart : State.Outside;
                return true;
            case State.Sentence:
                // Some receivers begin with two dollars (Teseo); that is no sentence lost.
                Counts.Malformed += _length > 1 ? 1 : 0;
                _state = State.Outside;
                Begin(c, isLineEnd);
                return false;
            default:
                Begin(c, isLineEnd);
                return false;
        }
    }

    /// <summary>A sentence ends with its line; one that noise or another sentence follows at once is whole when its checksum is there.</summary>
    private bool IsWhole(bool isLineEnd)
    {
        while (_length > 1 && _line[_length - 1] == ' ')
        {
            _length--;
        }

        return isLineEnd || (_length > 3 && _line[_length - 3] == '*');
    }

    private void Begin(byte c, bool isLineEnd)
    {
        if (isLineEnd)
        {
            _state = State.LineStart;
        }
        else if (c == '$' || (c == '!' && _state == State.LineStart))
        {
            _line[0] = c;
            _length = 1;
            _state = State.Sentence;
        }
        else if (c == '#' && _state == State.LineStart)
        {
            _state = State.Note;
        }
        else if (_state is State.Overlong or State.Garbage)
        {
            // One run of garbage is counted once.
        }
        else if (c is not ((byte)' ' or (byte)'\t' or 0))
        {
            Counts.Garbage++;
            _state = State.Garbage;
        }
    }
}
