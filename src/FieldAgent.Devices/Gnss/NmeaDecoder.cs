namespace FieldAgent.Devices.Gnss;

/// <summary>From bytes to fixes: the line reader and the assembler in one. Allocates nothing per sentence. Not thread-safe.</summary>
/// <param name="notBeforeDay">As for <see cref="EpochAssembler"/>.</param>
internal sealed class NmeaDecoder(int notBeforeDay = NmeaDate.NoDay) : INmeaDecoder
{
    private readonly NmeaLineReader _lines = new();
    private readonly EpochAssembler _epochs = new(notBeforeDay);

    /// <summary>What came so far.</summary>
    public NmeaCounts Counts
    {
        get
        {
            var counts = _epochs.Counts;
            counts.Malformed += _lines.Counts.Malformed;
            counts.Garbage = _lines.Counts.Garbage;
            counts.Overlong = _lines.Counts.Overlong;
            return counts;
        }
    }

    /// <summary>Sentences of an epoch that had been reported already: the receiver pauses within its epochs.</summary>
    public long LateSentences => _epochs.LateSentences;

    /// <summary>Takes bytes from <paramref name="data"/> until a fix is complete or the bytes are used up.</summary>
    public bool TryRead(ref ReadOnlySpan<byte> data, out GnssFix fix)
    {
        while (_lines.TryRead(ref data, out var line))
        {
            if (_epochs.Push(line, out fix))
            {
                return true;
            }
        }

        fix = default;
        return false;
    }

    /// <summary>The line is quiet: the epoch that waits is complete, if any.</summary>
    public bool TryComplete(out GnssFix fix) => _epochs.Complete(out fix);

    /// <summary>The end of a recording: call until false.</summary>
    public bool TryFinish(out GnssFix fix) =>
        (_lines.TryFinish(out var line) && _epochs.Push(line, out fix)) || _epochs.Complete(out fix);
}
