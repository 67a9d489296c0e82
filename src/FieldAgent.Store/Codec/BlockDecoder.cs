using FieldAgent.Core;

namespace FieldAgent.Store.Codec;

/// <summary>Turns a block's bytes back into rows. Any bytes may be given to it: it answers false, and neither throws nor reads
/// or allocates beyond its bounds. The rows it hands out are its own and are used again by the next call. One thread.</summary>
internal sealed class BlockDecoder
{
    private readonly CodecScratch _scratch = new();
    private readonly Dictionary<uint, BlockRows> _rows = [];
    private readonly List<BlockRows> _sets = [];
    private ulong[] _present = [];

    /// <summary>The sets of the block decoded last, each once.</summary>
    public IReadOnlyList<BlockRows> Sets => _sets;

    /// <summary>Readings of the block decoded last.</summary>
    public long Readings { get; private set; }

    /// <summary>Decodes one block.</summary>
    /// <param name="padded">The bytes, followed by <see cref="BitReader.Padding"/> more.</param>
    /// <param name="length">Number of bytes of the block.</param>
    /// <param name="origin">The time kept beside the block.</param>
    /// <param name="dictionary">The set of a number, or null.</param>
    /// <param name="valuesMax">More values than this, present or not, are refused.</param>
    public bool TryDecode(ReadOnlySpan<byte> padded, int length, long origin, Func<uint, StreamSet?> dictionary, int valuesMax)
    {
        _sets.Clear();
        Readings = 0;
        var reader = new BitReader(padded, length);
        if (reader.Read(4) != BlockEncoder.Version)
        {
            return false;
        }

        long left = valuesMax;
        for (var sets = reader.ReadSmall(); sets > 0; sets--)
        {
            var id = reader.ReadSmall();
            var count = reader.ReadSmall();
            if (reader.Failed || Rows(id, dictionary) is not { } rows || _sets.Contains(rows))
            {
                return false;
            }

            left -= count * (long)(rows.Set.Streams.Length + 1);
            if (count == 0 || left < 0 || !Decode(ref reader, rows, (int)count, origin))
            {
                return false;
            }

            origin = rows.Columns.BootNs[0];
            _sets.Add(rows);
            Readings += rows.Columns.Readings;
        }

        return !reader.Failed;
    }

    /// <summary>Overwrites what was decoded last: personal data leaves no copy.</summary>
    public void Wipe()
    {
        _scratch.Wipe();
        foreach (var rows in _rows.Values)
        {
            rows.Columns.Clear(wipe: true);
        }
    }

    private BlockRows? Rows(uint id, Func<uint, StreamSet?> dictionary)
    {
        if (!_rows.TryGetValue(id, out var rows) && dictionary(id) is { } set)
        {
            rows = new BlockRows(set);
            _rows.Add(id, rows);
        }

        return rows;
    }

    private bool Decode(ref BitReader reader, BlockRows rows, int count, long origin)
    {
        var streams = rows.Set.Streams;
        var columns = rows.Columns;
        if (reader.ReadBit())
        {
            var times = columns.ResizeDense(count, rows.Set.AllPresent);
            if (!TimeColumn.Decode(ref reader, times, rows.Set.IntervalNs, origin))
            {
                return false;
            }

            for (var column = 0; column < streams.Length; column++)
            {
                if (!DoubleColumn.Decode(ref reader, columns.Writable(column), streams[column].Scale, _scratch))
                {
                    return false;
                }
            }

            return true;
        }

        return DecodeSparse(ref reader, rows, count, origin);
    }

    private bool DecodeSparse(ref BitReader reader, BlockRows rows, int count, long origin)
    {
        var streams = rows.Set.Streams;
        var columns = rows.Columns;
        if (_present.Length < count)
        {
            _present = new ulong[Math.Max(count, _present.Length * 2)];
        }

        var present = _present.AsSpan(0, count);
        var times = columns.ResizeDense(count, rows.Set.AllPresent);
        if (!PresenceColumn.DecodeSparse(ref reader, present, streams.Length)
            || !TimeColumn.Decode(ref reader, times, rows.Set.IntervalNs, origin))
        {
            return false;
        }

        // the masks can only be set row by row: the columns are filled once the rows are there
        var kept = _scratch.Residuals(count);
        for (var i = 0; i < count; i++)
        {
            kept[i] = (ulong)times[i];
        }

        columns.Clear();
        for (var i = 0; i < count; i++)
        {
            columns.AppendRow((long)kept[i], present[i]);
        }

        for (var column = 0; column < streams.Length; column++)
        {
            var some = 0;
            foreach (var mask in present)
            {
                some += (int)(mask >> column & 1);
            }

            if (some == 0)
            {
                continue;
            }

            var values = _scratch.Values(some);
            if (!DoubleColumn.Decode(ref reader, values, streams[column].Scale, _scratch))
            {
                return false;
            }

            var target = columns.Writable(column);
            var next = 0;
            for (var i = 0; i < count; i++)
            {
                if ((present[i] >> column & 1) != 0)
                {
                    target[i] = values[next++];
                }
            }
        }

        return true;
    }
}
