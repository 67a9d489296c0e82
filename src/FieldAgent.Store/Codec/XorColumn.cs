using System.Numerics;

namespace FieldAgent.Store.Codec;

/// <summary>Codes doubles that are no whole steps of anything: each as the difference of its bits from the last
/// (Pelkonen et al., "Gorilla", VLDB 2015), or as they are where that does not help.</summary>
internal static class XorColumn
{
    /// <summary>Codes <paramref name="values"/>, any bits at all.</summary>
    public static void Encode(ref BitWriter writer, ReadOnlySpan<double> values)
    {
        var mark = writer;
        var start = writer.Bits;
        writer.Put(1, 1);
        var previous = 0UL;
        int leading = 64, length = 0;
        foreach (var value in values)
        {
            var bits = BitConverter.DoubleToUInt64Bits(value);
            var difference = bits ^ previous;
            previous = bits;
            if (difference == 0)
            {
                writer.Put(0, 1);
                continue;
            }

            var zeros = BitOperations.LeadingZeroCount(difference);
            var trailing = BitOperations.TrailingZeroCount(difference);
            if (zeros >= leading && trailing >= 64 - leading - length)
            {
                writer.Put(2, 2);
            }
            else
            {
                leading = zeros;
                length = 64 - zeros - trailing;
                writer.Put((3UL << 12) | ((ulong)(uint)leading << 6) | (uint)(length - 1), 14);
            }

            writer.Put(difference >> (64 - leading - length), length);
        }

        if (writer.Bits - start <= values.Length * 64)
        {
            return;
        }

        writer = mark;
        writer.Put(0, 1);
        foreach (var value in values)
        {
            writer.Put(BitConverter.DoubleToUInt64Bits(value), 64);
        }
    }

    /// <summary>Decodes as many doubles as <paramref name="values"/> holds; false when the bits make no sense.</summary>
    public static bool Decode(ref BitReader reader, Span<double> values)
    {
        if (!reader.ReadBit())
        {
            for (var i = 0; i < values.Length && !reader.Failed; i++)
            {
                values[i] = BitConverter.UInt64BitsToDouble(reader.Read(64));
            }

            return !reader.Failed;
        }

        var previous = 0UL;
        int leading = 64, length = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (reader.ReadBit())
            {
                if (reader.ReadBit())
                {
                    leading = (int)reader.Read(6);
                    length = (int)reader.Read(6) + 1;
                }

                if (leading + length > 64 || length == 0)
                {
                    return reader.Fail();
                }

                previous ^= reader.Read(length) << (64 - leading - length);
            }

            if (reader.Failed)
            {
                return false;
            }

            values[i] = BitConverter.UInt64BitsToDouble(previous);
        }

        return true;
    }
}
