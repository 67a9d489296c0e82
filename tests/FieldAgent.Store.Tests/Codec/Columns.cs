using FieldAgent.Core;
using FieldAgent.Store.Codec;

namespace FieldAgent.Store.Tests;

/// <summary>Makes rows of every kind a sensor or an enemy could produce, from a seed.</summary>
internal static class Columns
{
    private static readonly double[] s_odd =
    [
        0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.MaxValue, double.MinValue, double.Epsilon,
        -double.Epsilon, BitConverter.UInt64BitsToDouble(0x7FF0000000000001), BitConverter.UInt64BitsToDouble(0xFFF8DEADBEEF1234),
        9007199254740992, 9007199254740993, -9007199254740994, 1e300, 1e-300, 0.1 + 0.2, 1.0 / 3,
    ];

    private static readonly double[] s_steps = [0, 0.01, 1e-7, 0.1, 1, 1000, 3.3 / 4096, 1e-300, 1e300, double.Epsilon, -1, double.NaN];

    public static double AnyDouble(Random random) => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));

    public static double AnyStep(Random random) => s_steps[random.Next(s_steps.Length)];

    public static double[] Values(Random random, int count, double step)
    {
        var usable = step > 0 && double.IsFinite(step) ? step : 0.001;
        var kind = random.Next(10);
        var level = random.Next(-100_000, 100_000);
        var values = new double[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = kind switch
            {
                0 => AnyDouble(random),
                1 => s_odd[random.Next(s_odd.Length)],
                2 => level * usable,
                3 => (level + random.Next(-8, 8)) * usable,
                4 => (level + (3 * i)) / Math.Round(1 / usable),
                5 => random.Next(20) == 0 ? AnyDouble(random) : (level + random.Next(-8, 8)) * usable,
                6 => random.Next(50) == 0 ? 1 : 0,
                7 => (float)Math.Sin(i * 0.1),
                8 => Math.Round(random.NextDouble() * 100, random.Next(1, 6)),
                _ => (level += random.Next(-2, 3)) * usable,
            };
        }

        return values;
    }

    public static long[] Times(Random random, int count, long interval)
    {
        var kind = random.Next(5);
        var times = new long[count];
        var at = random.NextInt64(0, 1L << 50);
        for (var i = 0; i < count; i++)
        {
            times[i] = kind switch
            {
                0 => random.NextInt64(long.MinValue, long.MaxValue),
                1 => at += interval,
                2 => (at += interval) + random.Next(-50_000, 50_000),
                3 => at += random.NextInt64(0, 3_000_000_000),
                _ => (at += 1_000_000 * random.NextInt64(900, 1100)),
            };
        }

        return times;
    }

    public static RowColumns Rows(Random random, StreamSet set, int count)
    {
        var columns = new RowColumns(set.Streams.Length);
        var times = Times(random, count, set.IntervalNs == 0 ? 1_000_000_000 : set.IntervalNs);
        var values = set.Streams.Select(stream => Values(random, count, stream.Scale)).ToArray();
        var presence = random.Next(4);
        var fixedMask = (ulong)random.NextInt64() & set.AllPresent;
        var row = new double[set.Streams.Length];
        for (var i = 0; i < count; i++)
        {
            for (var column = 0; column < row.Length; column++)
            {
                row[column] = values[column][i];
            }

            var mask = presence switch
            {
                0 or 1 => set.AllPresent,
                2 => fixedMask,
                _ => random.Next(5) == 0 ? (ulong)random.NextInt64() & set.AllPresent : set.AllPresent,
            };
            columns.Append(times[i], row, mask);
        }

        return columns;
    }

    public static StreamSet Set(Random random, string name, int? width = null, long? interval = null)
    {
        var streams = Enumerable.Range(0, width ?? random.Next(1, 65))
            .Select(i => new StreamInfo($"s{i}", "1", AnyStep(random)));
        return new StreamSet(name, "instrument.measurement", [.. streams], interval ?? (random.Next(2) * 1_000_000_000L));
    }

    /// <summary>True when every time, mask and present value has the same bits.</summary>
    public static void AssertSame(RowColumns expected, RowColumns actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(expected.Readings, actual.Readings);
        Assert.True(expected.BootNs.SequenceEqual(actual.BootNs), "times differ");
        Assert.True(expected.Present.SequenceEqual(actual.Present), "masks differ");
        for (var column = 0; column < expected.Width; column++)
        {
            for (var row = 0; row < expected.Count; row++)
            {
                if ((expected.Present[row] >> column & 1) != 0)
                {
                    var wanted = BitConverter.DoubleToInt64Bits(expected.Values(column)[row]);
                    var got = BitConverter.DoubleToInt64Bits(actual.Values(column)[row]);
                    Assert.True(wanted == got, $"column {column}, row {row}: {wanted:x16} became {got:x16}");
                }
            }
        }
    }

    public static byte[] Padded(ReadOnlySpan<byte> block)
    {
        var padded = new byte[block.Length + BitReader.Padding];
        block.CopyTo(padded);
        return padded;
    }
}
