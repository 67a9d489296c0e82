using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Which rows of a block go into one message. A block that fits one message is sent whole.</summary>
/// <param name="Index">Number of the part, from 0.</param>
/// <param name="Count">Parts in all; 1 means whole.</param>
internal readonly record struct BatchPart(int Index, int Count)
{
    public static BatchPart Whole => new(0, 1);
}

/// <summary>Turns a block into the JSON of <c>contract/batch.schema.json</c>, column by column. No allocation once the buffer has
/// its working size. One thread.</summary>
/// <param name="ids">Writes the ids.</param>
/// <param name="asSteps">True: a column of steps is written as whole numbers above its smallest (<c>o</c>), for recipients
/// that get compressed payloads: a fifth less after brotli. False: as plain values (<c>s</c>), for people's eyes.</param>
internal sealed class BatchEncoder(MessageIds ids, bool asSteps)
{
    private long[] _steps = new long[64];

    /// <summary>Writes <paramref name="item"/> into <paramref name="buffer"/>, which is cleared first;
    /// <paramref name="backlog"/> says that the readings are older than the connection, <paramref name="part"/> which rows.</summary>
    public void Encode(SpoolItem item, bool backlog, BatchPart part, PayloadBuffer buffer)
    {
        MessageHead.Of(item).Write(buffer, ids, part, backlog);
        buffer.Raw(",\"sets\":["u8);

        var first = true;
        var sets = item.Sets;
        for (var i = 0; i < sets.Count; i++)
        {
            var rows = sets[i];
            var from = (int)((long)rows.Columns.Count * part.Index / part.Count);
            var to = (int)((long)rows.Columns.Count * (part.Index + 1) / part.Count);
            if (to == from)
            {
                continue;
            }

            if (!first)
            {
                buffer.Raw((byte)',');
            }

            first = false;
            WriteSet(rows, from, to, item.WallOffsetNs, buffer);
        }

        buffer.Raw("]}"u8);
    }

    private void WriteSet(BlockRows rows, int from, int to, long wallOffsetNs, PayloadBuffer buffer)
    {
        var set = rows.Set;
        buffer.Raw("{\"set\":"u8);
        buffer.Text(set.Name);
        WriteTimes(rows.Columns.BootNs[from..to], wallOffsetNs, set.IntervalNs, buffer);
        var dense = rows.Columns.IsDense;
        var written = asSteps && dense ? WriteStepColumns(rows, from, to, buffer) : 0UL;
        if (written != set.AllPresent)
        {
            WriteValueColumns(rows, from, to, dense, written, buffer);
        }

        buffer.Raw((byte)'}');
    }

    // "o":{"temperature":[2,2149,4,2,0]}: decimals, or the scale, then the smallest value in steps, then steps above it.
    private ulong WriteStepColumns(BlockRows rows, int from, int to, PayloadBuffer buffer)
    {
        var written = 0UL;
        for (var column = 0; column < rows.Set.Streams.Length; column++)
        {
            var stream = rows.Set.Streams[column];
            var values = rows.Columns.Values(column)[from..to];
            var decimals = NumberWriter.DecimalsOf(stream.Scale, values[0]);
            var isDecimal = TryGetSteps(values, decimals, 0, out var smallest);
            if (!isDecimal && !(NumberWriter.IsMultiplier(stream.Scale) && TryGetSteps(values, -1, stream.Scale, out smallest)))
            {
                continue;
            }

            buffer.Raw(written == 0 ? ",\"o\":{"u8 : ","u8);
            written |= 1UL << column;
            buffer.Text(stream.Name);
            buffer.Raw(":["u8);
            if (isDecimal)
            {
                buffer.Number(decimals);
            }
            else
            {
                buffer.Advance(NumberWriter.Write(stream.Scale, -1, buffer.Room(NumberWriter.BytesMax)));
            }

            buffer.Raw((byte)',');
            buffer.Number(smallest);
            for (var i = 0; i < values.Length; i++)
            {
                buffer.Raw((byte)',');
                buffer.Number(_steps[i] - smallest);
            }

            buffer.Raw((byte)']');
        }

        if (written != 0)
        {
            buffer.Raw((byte)'}');
        }

        return written;
    }

    // Steps of a power of ten, or with decimals below 0 of the scale.
    private bool TryGetSteps(ReadOnlySpan<double> values, int decimals, double scale, out long smallest)
    {
        if (_steps.Length < values.Length)
        {
            _steps = new long[Math.Max(values.Length, _steps.Length * 2)];
        }

        smallest = long.MaxValue;
        for (var i = 0; i < values.Length; i++)
        {
            var isExact = decimals >= 0
                ? NumberWriter.TryGetSteps(values[i], decimals, out var steps)
                : NumberWriter.TryGetMultiple(values[i], scale, out steps);
            if (!isExact)
            {
                return false;
            }

            _steps[i] = steps;
            smallest = Math.Min(smallest, steps);
        }

        return true;
    }

    private static void WriteValueColumns(BlockRows rows, int from, int to, bool dense, ulong written, PayloadBuffer buffer)
    {
        buffer.Raw(",\"s\":{"u8);
        var first = true;
        for (var column = 0; column < rows.Set.Streams.Length; column++)
        {
            if ((written >> column & 1) != 0)
            {
                continue;
            }

            if (!first)
            {
                buffer.Raw((byte)',');
            }

            first = false;
            var stream = rows.Set.Streams[column];
            buffer.Text(stream.Name);
            buffer.Raw(":["u8);
            var values = rows.Columns.Values(column)[from..to];
            WriteValues(values, dense ? default : rows.Columns.Present[from..to], column, stream.Scale, buffer);
            buffer.Raw((byte)']');
        }

        buffer.Raw((byte)'}');
    }

    private static void WriteTimes(ReadOnlySpan<long> bootNs, long wallOffsetNs, long intervalNs, PayloadBuffer buffer)
    {
        var t0 = Micros(bootNs[0] + wallOffsetNs);
        // A set without a nominal interval gets its mean: small residuals are short.
        var dt = intervalNs > 0 ? intervalNs / 1000
            : bootNs.Length > 1 ? (Micros(bootNs[^1] + wallOffsetNs) - t0) / (bootNs.Length - 1)
            : 0;
        buffer.Raw(",\"t0\":"u8);
        buffer.Number(t0);
        buffer.Raw(",\"dt\":"u8);
        buffer.Number(dt);

        var onGrid = true;
        for (var i = 1; i < bootNs.Length && onGrid; i++)
        {
            onGrid = Micros(bootNs[i] + wallOffsetNs) == t0 + (i * dt);
        }

        if (onGrid)
        {
            return;
        }

        buffer.Raw(",\"r\":["u8);
        for (var i = 0; i < bootNs.Length; i++)
        {
            if (i > 0)
            {
                buffer.Raw((byte)',');
            }

            buffer.Number(Micros(bootNs[i] + wallOffsetNs) - t0 - (i * dt));
        }

        buffer.Raw((byte)']');
    }

    private static void WriteValues(ReadOnlySpan<double> values, ReadOnlySpan<ulong> present, int column, double scale, PayloadBuffer buffer)
    {
        var decimals = NumberWriter.DecimalsOf(scale, values[0]);
        var room = buffer.Room(values.Length * (NumberWriter.BytesMax + 1));
        var at = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (present.IsEmpty || (present[i] >> column & 1) != 0)
            {
                at += NumberWriter.Write(values[i], decimals, room[at..]);
            }
            else
            {
                "null"u8.CopyTo(room[at..]);
                at += 4;
            }

            room[at++] = (byte)',';
        }

        buffer.Advance(at - 1);
    }

    // Toward the past, so that a time before 1970 or a negative remainder does not jump.
    private static long Micros(long unixNs) => Math.DivRem(unixNs, 1000, out var rest) - (rest < 0 ? 1 : 0);
}
