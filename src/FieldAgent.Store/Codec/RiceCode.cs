namespace FieldAgent.Store.Codec;

/// <summary>Chooses the parameter of Rice codes from the lengths of the numbers to be coded.</summary>
internal static class RiceCode
{
    /// <summary>The largest parameter: with it, the longest code without escape is 53 bits, which one load of the reader covers.</summary>
    public const int ParameterMax = 32;

    /// <summary>Longer unary parts than this are cut off and the number is written in full: 20 zeros, six bits of length, the bits.</summary>
    public const int Escape = 20;

    /// <summary>The parameter for numbers with this histogram of bit lengths: the best lies close to their mean, so the few around
    /// it are costed.</summary>
    public static int Choose(ReadOnlySpan<int> histogram, int count)
    {
        long sum = 0;
        int low = 64, high = 0;
        for (var bits = 0; bits < histogram.Length; bits++)
        {
            if (histogram[bits] != 0)
            {
                sum += (long)bits * histogram[bits];
                low = Math.Min(low, bits);
                high = bits;
            }
        }

        var middle = count == 0 ? 0 : (int)(sum / count);
        var best = 0;
        var bestCost = double.MaxValue;
        for (var k = Math.Max(0, middle - 3); k <= Math.Min(ParameterMax, middle + 2); k++)
        {
            double cost = 0;
            for (var bits = low; bits <= high; bits++)
            {
                cost += histogram[bits] * Cost(bits, k);
            }

            if (cost < bestCost)
            {
                bestCost = cost;
                best = k;
            }
        }

        // nothing in range: numbers of 35 bits and more, which the escape writes in full
        return best;
    }

    // A number of so many bits is on average three quarters of the next power of two.
    private static double Cost(int bits, int k)
    {
        if (bits <= k)
        {
            return k + 1;
        }

        var quotient = bits == k + 1 ? 1 : 0.75 * (1L << Math.Min(bits - k, 40));
        return quotient < Escape ? quotient + k + 1 : Escape + 6 + bits - 1;
    }
}
