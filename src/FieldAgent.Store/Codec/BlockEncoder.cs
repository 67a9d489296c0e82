namespace FieldAgent.Store.Codec;

/// <summary>Turns the rows of several sets into the bytes of one block. Bit-exact for every double, time and mask; allocates
/// only while its buffers grow. One thread.</summary>
/// <remarks>Layout, bits most significant first: version (4) · number of sets · for each set: its number in the dictionary,
/// number of rows, presence, times, one column a stream that has values.</remarks>
internal sealed class BlockEncoder
{
    /// <summary>Version of the layout.</summary>
    public const ulong Version = 1;

    private readonly CodecScratch _scratch = new();

    /// <summary>A buffer of this many bytes holds any block of these rows.</summary>
    public static int BytesMax(IReadOnlyList<SetRows> sets)
    {
        long bytes = 64;
        for (var i = 0; i < sets.Count; i++)
        {
            var set = sets[i];
            // worst cases: a time 12 bytes and its mask 9; a value 13 (escaped) and 18 when odd; headers of a column 32
            bytes += 64 + (set.Count * 24L) + (set.Readings * 20L) + (set.Set.Streams.Length * 64L);
        }

        return checked((int)bytes);
    }

    /// <summary>Encodes every set that has rows.</summary>
    /// <param name="sets">The rows.</param>
    /// <param name="origin">A time near the first row, kept beside the block.</param>
    /// <param name="buffer">At least <see cref="BytesMax"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public int Encode(IReadOnlyList<SetRows> sets, long origin, Span<byte> buffer)
    {
        var writer = new BitWriter(buffer);
        writer.Put(Version, 4);
        uint filled = 0;
        for (var i = 0; i < sets.Count; i++)
        {
            filled += sets[i].Count > 0 ? 1u : 0;
        }

        writer.PutSmall(filled);
        for (var i = 0; i < sets.Count; i++)
        {
            if (sets[i].Count > 0)
            {
                Encode(ref writer, sets[i], origin);
                origin = sets[i].Times[0];
            }
        }

        return writer.Finish();
    }

    /// <summary>Overwrites the working buffers after personal data.</summary>
    public void Wipe() => _scratch.Wipe();

    private void Encode(ref BitWriter writer, SetRows rows, long origin)
    {
        var streams = rows.Set.Streams;
        writer.PutSmall(rows.Id);
        writer.PutSmall((uint)rows.Count);
        PresenceColumn.Encode(ref writer, rows.Present, streams.Length, rows.IsDense);
        TimeColumn.Encode(ref writer, rows.Times, rows.Set.IntervalNs, origin, _scratch);
        for (var column = 0; column < streams.Length; column++)
        {
            var values = rows.IsDense ? rows.Values(column) : Gather(rows, column);
            if (!values.IsEmpty)
            {
                DoubleColumn.Encode(ref writer, values, streams[column].Scale, _scratch);
            }
        }
    }

    private ReadOnlySpan<double> Gather(SetRows rows, int column)
    {
        var gathered = _scratch.Values(rows.Count);
        var values = rows.Values(column);
        var present = rows.Present;
        var count = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if ((present[i] >> column & 1) != 0)
            {
                gathered[count++] = values[i];
            }
        }

        return gathered[..count];
    }
}
