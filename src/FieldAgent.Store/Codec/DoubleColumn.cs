namespace FieldAgent.Store.Codec;

/// <summary>Codes one stream's values of one set of rows: as whole numbers of its step where they are (exactly), values that are
/// not beside them in full, and by <see cref="XorColumn"/> where there is no step.</summary>
internal static class DoubleColumn
{
    // One bit for the common case, three more for the others.
    private const ulong CodeMultiplyOdd = 0;
    private const ulong CodeDivide = 1;
    private const ulong CodeDivideOdd = 2;
    private const ulong CodeDecimal = 3;
    private const ulong CodeDecimalOdd = 4;
    private const ulong CodeXor = 5;

    /// <summary>Codes <paramref name="values"/>, at least one, any bits at all.</summary>
    public static void Encode(ref BitWriter writer, ReadOnlySpan<double> values, double step, CodecScratch scratch)
    {
        var grid = Quantizer.Probe(values, step);
        var decimals = -1;
        var parameter = step;
        if (grid == Grid.Divide)
        {
            parameter = Quantizer.Divisor(step);
        }
        else if (grid == Grid.None && (decimals = Quantizer.ProbeDecimals(values)) >= 0)
        {
            grid = Grid.Divide;
            parameter = Quantizer.Power(decimals);
        }

        var numbers = scratch.Numbers(values.Length);
        var oddMax = values.Length / 4;
        var odd = scratch.Odd(oddMax);
        var oddCount = grid == Grid.None ? int.MaxValue : Quantizer.Quantize(values, grid, parameter, numbers, odd);
        if (oddCount > oddMax)
        {
            writer.Put(CodeXor, 4);
            XorColumn.Encode(ref writer, values);
            return;
        }

        PutMode(ref writer, grid, decimals, oddCount > 0);
        if (oddCount > 0)
        {
            PutOdd(ref writer, values, odd[..oddCount]);
        }

        IntegerColumn.Encode(ref writer, numbers, scratch.Residuals(values.Length));
    }

    /// <summary>Decodes as many values as <paramref name="values"/> holds; false when the bits make no sense.</summary>
    public static bool Decode(ref BitReader reader, Span<double> values, double step, CodecScratch scratch)
    {
        var grid = Grid.Multiply;
        var parameter = step;
        var hasOdd = false;
        if (!reader.ReadBit())
        {
            var code = reader.Read(3);
            switch (code)
            {
                case CodeXor:
                    return XorColumn.Decode(ref reader, values);
                case CodeMultiplyOdd:
                    break;
                case CodeDivide or CodeDivideOdd:
                    grid = Grid.Divide;
                    parameter = Quantizer.Divisor(step);
                    break;
                case CodeDecimal or CodeDecimalOdd:
                    var decimals = (int)reader.Read(4);
                    if (decimals > Quantizer.DecimalsMax)
                    {
                        return reader.Fail();
                    }

                    grid = Grid.Divide;
                    parameter = Quantizer.Power(decimals);
                    break;
                default:
                    return reader.Fail();
            }

            hasOdd = code is CodeMultiplyOdd or CodeDivideOdd or CodeDecimalOdd;
        }

        var oddCount = 0;
        var odd = Span<int>.Empty;
        var oddBits = Span<ulong>.Empty;
        if (hasOdd)
        {
            oddCount = (int)Math.Min(reader.ReadSmall(), int.MaxValue);
            if (oddCount > values.Length)
            {
                return reader.Fail();
            }

            odd = scratch.Odd(oddCount);
            oddBits = scratch.OddBits(oddCount);
            if (!ReadOdd(ref reader, odd, oddBits, values.Length))
            {
                return false;
            }
        }

        var numbers = scratch.Numbers(values.Length);
        if (!IntegerColumn.Decode(ref reader, numbers))
        {
            return false;
        }

        if (grid == Grid.Multiply)
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = numbers[i] * parameter;
            }
        }
        else
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = numbers[i] / parameter;
            }
        }

        for (var i = 0; i < oddCount; i++)
        {
            values[odd[i]] = BitConverter.UInt64BitsToDouble(oddBits[i]);
        }

        return true;
    }

    private static void PutMode(ref BitWriter writer, Grid grid, int decimals, bool odd)
    {
        if (decimals >= 0)
        {
            writer.Put(odd ? CodeDecimalOdd : CodeDecimal, 4);
            writer.Put((ulong)decimals, 4);
        }
        else if (grid == Grid.Divide)
        {
            writer.Put(odd ? CodeDivideOdd : CodeDivide, 4);
        }
        else if (odd)
        {
            writer.Put(CodeMultiplyOdd, 4);
        }
        else
        {
            writer.Put(1, 1);
        }
    }

    private static void PutOdd(ref BitWriter writer, ReadOnlySpan<double> values, ReadOnlySpan<int> odd)
    {
        writer.PutSmall((uint)odd.Length);
        var last = -1;
        foreach (var index in odd)
        {
            writer.PutSmall((uint)(index - last - 1));
            writer.Put(BitConverter.DoubleToUInt64Bits(values[index]), 64);
            last = index;
        }
    }

    private static bool ReadOdd(ref BitReader reader, Span<int> odd, Span<ulong> bits, int length)
    {
        var last = -1L;
        for (var i = 0; i < odd.Length; i++)
        {
            last += 1L + reader.ReadSmall();
            bits[i] = reader.Read(64);
            if (reader.Failed || last >= length)
            {
                return reader.Fail();
            }

            odd[i] = (int)last;
        }

        return true;
    }
}
