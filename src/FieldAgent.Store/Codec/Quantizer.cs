namespace FieldAgent.Store.Codec;

/// <summary>How a column's doubles become whole numbers and come back, bit for bit.</summary>
internal enum Grid : byte
{
    /// <summary>value = n × step.</summary>
    Multiply,

    /// <summary>value = n ÷ (1 / step): what parsing a decimal text gives.</summary>
    Divide,

    /// <summary>No such grid.</summary>
    None,
}

/// <summary>Finds the grid of a column, and puts values on it.</summary>
internal static class Quantizer
{
    /// <summary>Powers of ten that are exact as doubles and useful as a resolution.</summary>
    public const int DecimalsMax = 12;

    // 2^53: every whole number up to it is exact as a double, and the predictors cannot overflow.
    private const long Largest = 1L << 53;

    private const int Probes = 8;

    private static readonly double[] s_powers = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];

    /// <summary>10 to the power of <paramref name="decimals"/> (0 to <see cref="DecimalsMax"/>).</summary>
    public static double Power(int decimals) => s_powers[decimals];

    /// <summary>The whole number that stands for 1 / <paramref name="step"/>, or 0 when there is none.</summary>
    public static double Divisor(double step)
    {
        var inverse = Math.Round(1 / step);
        return inverse is >= 1 and <= Largest && 1 / inverse == step ? inverse : 0;
    }

    /// <summary>Does the declared step fit most of the column, and how?</summary>
    public static Grid Probe(ReadOnlySpan<double> values, double step)
    {
        if (!(step > 0) || !double.IsFinite(step))
        {
            return Grid.None;
        }

        var divisor = Divisor(step);
        int multiplied = 0, divided = 0, seen = 0;
        var stride = Math.Max(1, values.Length / Probes);
        for (var i = 0; i < values.Length; i += stride)
        {
            seen++;
            var value = values[i];
            if (OnMultiples(value, step, out _))
            {
                multiplied++;
            }

            if (divisor > 0 && OnQuotients(value, divisor, out _))
            {
                divided++;
            }
        }

        var best = Math.Max(multiplied, divided);
        return best * 4 < seen * 3 ? Grid.None : multiplied >= divided ? Grid.Multiply : Grid.Divide;
    }

    /// <summary>The fewest decimals that most of the column has, or −1.</summary>
    public static int ProbeDecimals(ReadOnlySpan<double> values)
    {
        var stride = Math.Max(1, values.Length / Probes);
        for (var decimals = 0; decimals <= DecimalsMax; decimals++)
        {
            int seen = 0, fit = 0;
            for (var i = 0; i < values.Length; i += stride)
            {
                seen++;
                if (OnQuotients(values[i], s_powers[decimals], out _))
                {
                    fit++;
                }
                else if (seen - fit > 2)
                {
                    break;
                }
            }

            if (fit * 4 >= seen * 3)
            {
                return decimals;
            }
        }

        return -1;
    }

    /// <summary>Puts <paramref name="values"/> on the grid; where one does not lie on it, its neighbour's number is written, and
    /// its index is noted.</summary>
    /// <returns>Number of values that do not lie on the grid; more than <paramref name="odd"/> holds means: use another coding.</returns>
    public static int Quantize(ReadOnlySpan<double> values, Grid grid, double parameter, Span<long> numbers, Span<int> odd)
    {
        numbers = numbers[..values.Length];
        var count = 0;
        var last = 0L;
        var firstGood = -1;
        for (var i = 0; i < values.Length; i++)
        {
            if (grid == Grid.Multiply ? OnMultiples(values[i], parameter, out var number)
                : OnQuotients(values[i], parameter, out number))
            {
                last = number;
                if (firstGood < 0)
                {
                    firstGood = i;
                }
            }
            else
            {
                if (count == odd.Length)
                {
                    return count + 1;
                }

                odd[count++] = i;
            }

            numbers[i] = last;
        }

        if (firstGood > 0)
        {
            numbers[..firstGood].Fill(numbers[firstGood]);
        }

        return count;
    }

    // The number is turned back just as the decoder will, so −0.0, NaN and infinities fail here and are kept as they are.
    private static bool OnMultiples(double value, double step, out long number)
    {
        number = (long)Math.Round(value / step);
        return BitConverter.DoubleToInt64Bits(number * step) == BitConverter.DoubleToInt64Bits(value)
            && number is <= Largest and >= -Largest;
    }

    private static bool OnQuotients(double value, double divisor, out long number)
    {
        number = (long)Math.Round(value * divisor);
        return BitConverter.DoubleToInt64Bits(number / divisor) == BitConverter.DoubleToInt64Bits(value)
            && number is <= Largest and >= -Largest;
    }
}
