namespace FieldAgent.Store.Codec;

/// <summary>Codes the times of a set's rows as what they miss the nominal grid by; one column for all streams of the set.</summary>
internal static class TimeColumn
{
    private static readonly long[] s_units = [1, 1_000, 1_000_000, 1_000_000_000];

    /// <summary>Codes <paramref name="times"/> (any numbers, at least one).</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="times">Nanoseconds.</param>
    /// <param name="interval">The set's nominal interval; 0 when not known: then the mean one is used and written.</param>
    /// <param name="origin">A time close to the first, known to the decoder.</param>
    /// <param name="scratch">Buffers.</param>
    public static void Encode(ref BitWriter writer, ReadOnlySpan<long> times, long interval, long origin, CodecScratch scratch)
    {
        writer.PutWide(IntegerColumn.Fold(times[0] - origin));
        if (times.Length == 1)
        {
            return;
        }

        if (interval == 0)
        {
            interval = (times[^1] - times[0]) / (times.Length - 1);
            writer.PutWide(IntegerColumn.Fold(interval));
        }

        var misses = scratch.Numbers(times.Length);
        var at = times[0];
        for (var i = 0; i < misses.Length; i++)
        {
            misses[i] = times[i] - at;
            at += interval;
        }

        // clocks often tick in micro- or milliseconds: then the misses are multiples
        var unit = 0;
        while (unit + 1 < s_units.Length && AllMultiples(misses, s_units[unit + 1]))
        {
            unit++;
        }

        if (unit > 0)
        {
            foreach (ref var miss in misses)
            {
                miss /= s_units[unit];
            }
        }

        writer.Put((ulong)unit, 2);
        IntegerColumn.Encode(ref writer, misses, scratch.Residuals(times.Length));
    }

    /// <summary>Decodes as many times as <paramref name="times"/> holds; false when the bits make no sense.</summary>
    public static bool Decode(ref BitReader reader, Span<long> times, long interval, long origin)
    {
        var at = origin + IntegerColumn.Unfold(reader.ReadWide());
        if (times.Length == 1)
        {
            times[0] = at;
            return !reader.Failed;
        }

        if (interval == 0)
        {
            interval = IntegerColumn.Unfold(reader.ReadWide());
        }

        var unit = s_units[(int)reader.Read(2)];
        if (!IntegerColumn.Decode(ref reader, times))
        {
            return false;
        }

        foreach (ref var time in times)
        {
            time = (time * unit) + at;
            at += interval;
        }

        return true;
    }

    private static bool AllMultiples(ReadOnlySpan<long> misses, long unit)
    {
        foreach (var miss in misses)
        {
            if (miss % unit != 0)
            {
                return false;
            }
        }

        return true;
    }
}
