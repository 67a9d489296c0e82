using System.Numerics;

namespace FieldAgent.Store.Codec;

/// <summary>Codes whole numbers: the best of four predictors, then Rice codes of what the predictor missed. A residual far out
/// is written in full, so one odd value costs itself only; a column without residuals costs its header only; long runs of
/// zeros are counted.</summary>
internal static class IntegerColumn
{
    private const int PredictMean = 0;
    private const int PredictLast = 1;
    private const int PredictLine = 2;
    private const int PredictSmooth = 3;

    private const int RiceMax = RiceCode.ParameterMax;
    private const int RunsMark = 62;
    private const int ZeroMark = 63;

    private const int Escape = RiceCode.Escape;

    /// <summary>Signed to unsigned, small magnitudes first.</summary>
    public static ulong Fold(long value) => (ulong)((value << 1) ^ (value >> 63));

    /// <summary>The inverse of <see cref="Fold"/>.</summary>
    public static long Unfold(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    /// <summary>Codes <paramref name="values"/> (any at all; at least one).</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="values">The numbers.</param>
    /// <param name="scratch">At least as long as <paramref name="values"/>.</param>
    public static void Encode(ref BitWriter writer, ReadOnlySpan<long> values, Span<ulong> scratch)
    {
        var centre = Centre(values);
        var predictor = Choose(values, centre);
        var first = predictor == PredictMean ? centre : values[0];
        var residuals = Residuals(values, predictor, centre, scratch);
        Span<int> histogram = stackalloc int[65];
        var zeros = Histogram(residuals, histogram);

        writer.Put((ulong)predictor, 2);
        if (zeros == residuals.Length)
        {
            writer.Put(ZeroMark, 6);
            writer.PutWide(Fold(first));
            return;
        }

        if (residuals.Length >= 16 && zeros * 8 > residuals.Length * 7)
        {
            // what is counted in runs leaves the histogram; the others are coded less one
            histogram[0] = 0;
            var rice = RiceCode.Choose(histogram, residuals.Length - zeros);
            writer.Put(RunsMark, 6);
            writer.Put((ulong)rice, 6);
            writer.PutWide(Fold(first));
            PutRuns(ref writer, residuals, rice);
            return;
        }

        var k = RiceCode.Choose(histogram, residuals.Length);
        writer.Put((ulong)k, 6);
        writer.PutWide(Fold(first));
        foreach (var residual in residuals)
        {
            PutRice(ref writer, residual, k);
        }
    }

    /// <summary>Decodes as many numbers as <paramref name="values"/> holds; false when the bits make no sense.</summary>
    public static bool Decode(ref BitReader reader, Span<long> values)
    {
        var predictor = (int)reader.Read(2);
        var k = (int)reader.Read(6);
        var rice = k == RunsMark ? (int)reader.Read(6) : k;
        var first = Unfold(reader.ReadWide());
        if (reader.Failed)
        {
            return false;
        }

        var residuals = predictor == PredictMean ? values : values[1..];
        if (predictor != PredictMean)
        {
            values[0] = first;
        }

        if (k == ZeroMark)
        {
            residuals.Clear();
        }
        else if (rice > RiceMax)
        {
            return reader.Fail();
        }
        else if (k == RunsMark ? !ReadRuns(ref reader, residuals, rice) : !ReadRice(ref reader, residuals, rice))
        {
            return false;
        }

        Integrate(values, predictor, first);
        return true;
    }

    private static void Integrate(Span<long> values, int predictor, long first)
    {
        switch (predictor)
        {
            case PredictMean:
                foreach (ref var value in values)
                {
                    value += first;
                }

                break;
            case PredictLast:
                var last = first;
                foreach (ref var value in values[1..])
                {
                    last += value;
                    value = last;
                }

                break;
            case PredictLine:
                var at = first;
                var step = 0L;
                foreach (ref var value in values[1..])
                {
                    step += value;
                    at += step;
                    value = at;
                }

                break;
            default:
                var smooth = first << 2;
                foreach (ref var value in values[1..])
                {
                    var predicted = smooth >> 2;
                    smooth += value;
                    value += predicted;
                }

                break;
        }
    }

    // The mean without the lowest and the highest, so that a single spike does not move it; in wrapping arithmetic any
    // result would decode, it would only cost more.
    private static long Centre(ReadOnlySpan<long> values)
    {
        double sum = 0;
        long low = long.MaxValue, high = long.MinValue;
        foreach (var value in values)
        {
            sum += value;
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        var mean = values.Length > 4 ? (sum - low - high) / (values.Length - 2) : sum / values.Length;
        return (long)Math.Round(mean);
    }

    // By the sum of the residuals' bit lengths: close to what they cost, and not ruled by a single spike.
    private static int Choose(ReadOnlySpan<long> values, long centre)
    {
        if (values.Length < 3)
        {
            return PredictLast;
        }

        var mean = Length(values[0] - centre);
        long last = 0, line = 0, smoothed = 0;
        var previous = values[0];
        var smooth = previous << 2;
        var step = 0L;
        for (var i = 1; i < values.Length; i++)
        {
            var value = values[i];
            var difference = value - previous;
            mean += Length(value - centre);
            last += Length(difference);
            line += Length(difference - step);
            var miss = value - (smooth >> 2);
            smoothed += Length(miss);
            smooth += miss;
            step = difference;
            previous = value;
        }

        var best = PredictLast;
        var cost = last;
        if (line < cost)
        {
            best = PredictLine;
            cost = line;
        }

        if (smoothed < cost)
        {
            best = PredictSmooth;
            cost = smoothed;
        }

        return mean < cost ? PredictMean : best;
    }

    private static long Length(long residual) => 64 - BitOperations.LeadingZeroCount(Fold(residual));

    private static Span<ulong> Residuals(ReadOnlySpan<long> values, int predictor, long centre, Span<ulong> residuals)
    {
        if (predictor == PredictMean)
        {
            residuals = residuals[..values.Length];
            for (var i = 0; i < residuals.Length; i++)
            {
                residuals[i] = Fold(values[i] - centre);
            }

            return residuals;
        }

        var previous = values[0];
        values = values[1..];
        residuals = residuals[..values.Length];
        switch (predictor)
        {
            case PredictLast:
                for (var i = 0; i < residuals.Length; i++)
                {
                    residuals[i] = Fold(values[i] - previous);
                    previous = values[i];
                }

                break;
            case PredictLine:
                var step = 0L;
                for (var i = 0; i < residuals.Length; i++)
                {
                    var difference = values[i] - previous;
                    residuals[i] = Fold(difference - step);
                    step = difference;
                    previous = values[i];
                }

                break;
            default:
                var smooth = previous << 2;
                for (var i = 0; i < residuals.Length; i++)
                {
                    var miss = values[i] - (smooth >> 2);
                    residuals[i] = Fold(miss);
                    smooth += miss;
                }

                break;
        }

        return residuals;
    }

    private static int Histogram(ReadOnlySpan<ulong> residuals, Span<int> histogram)
    {
        foreach (var residual in residuals)
        {
            histogram[64 - BitOperations.LeadingZeroCount(residual)]++;
        }

        return histogram[0];
    }

    private static void PutRice(ref BitWriter writer, ulong value, int k)
    {
        var quotient = value >> k;
        if (quotient < Escape)
        {
            writer.Put((1UL << k) | (value & ((1UL << k) - 1)), (int)quotient + 1 + k);
            return;
        }

        var length = 64 - BitOperations.LeadingZeroCount(value);
        writer.Put((ulong)(length - 1), Escape + 6);
        writer.Put(value & ((1UL << (length - 1)) - 1), length - 1);
    }

    private static void PutRuns(ref BitWriter writer, ReadOnlySpan<ulong> residuals, int rice)
    {
        while (!residuals.IsEmpty)
        {
            var run = residuals.IndexOfAnyExcept(0UL);
            if (run < 0)
            {
                writer.PutSmall((uint)residuals.Length);
                return;
            }

            writer.PutSmall((uint)run);
            PutRice(ref writer, residuals[run] - 1, rice);
            residuals = residuals[(run + 1)..];
        }
    }

    private static bool ReadRice(ref BitReader reader, scoped Span<long> residuals, int k)
    {
        var position = reader.Position;
        var end = reader.End;
        for (var i = 0; i < residuals.Length; i++)
        {
            if (position >= end)
            {
                return reader.Fail();
            }

            var word = reader.Peek(position);
            var quotient = BitOperations.LeadingZeroCount(word);
            if (quotient < Escape)
            {
                // at most 20 + 1 + 32 bits: all in the word
                var low = (word << (quotient + 1)) >> 1 >> (63 - k);
                residuals[i] = Unfold(((ulong)quotient << k) | low);
                position += quotient + 1 + k;
                continue;
            }

            reader.Position = position;
            residuals[i] = Unfold(ReadEscaped(ref reader));
            position = reader.Position;
        }

        reader.Position = position;
        return !reader.Failed;
    }

    private static ulong ReadEscaped(ref BitReader reader)
    {
        var length = (int)reader.Read(Escape + 6) + 1;
        return (1UL << (length - 1)) | reader.Read(length - 1);
    }

    private static bool ReadRuns(ref BitReader reader, Span<long> residuals, int rice)
    {
        Span<long> one = stackalloc long[1];
        while (!residuals.IsEmpty)
        {
            var run = reader.ReadSmall();
            if (reader.Failed || run > (uint)residuals.Length)
            {
                return reader.Fail();
            }

            residuals[..(int)run].Clear();
            residuals = residuals[(int)run..];
            if (residuals.IsEmpty)
            {
                return true;
            }

            if (!ReadRice(ref reader, one, rice))
            {
                return false;
            }

            residuals[0] = Unfold(Fold(one[0]) + 1);
            residuals = residuals[1..];
        }

        return true;
    }
}
