using FieldAgent.Core;
using FieldAgent.Store.Codec;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Store.Tests;

public class BlockCodecTests
{
    private const int ValuesMax = 1 << 22;

    [Fact]
    public void Any_rows_come_back_bit_for_bit()
    {
        var encoder = new BlockEncoder();
        var decoder = new BlockDecoder();
        for (var seed = 0; seed < 600; seed++)
        {
            var random = new Random(seed);
            var sets = new List<SetRows>();
            var originals = new List<RowColumns>();
            for (var i = random.Next(1, 5); i > 0; i--)
            {
                var set = Columns.Set(random, $"set{i}", random.Next(3) == 0 ? null : random.Next(1, 6));
                var columns = Columns.Rows(random, set, random.Next(1, random.Next(5) == 0 ? 1000 : 30));
                var rows = new SetRows(set, (uint)((seed * 10) + i));
                rows.Append(Admit.Rows(set, columns));
                sets.Add(rows);
                originals.Add(columns);
            }

            var origin = random.NextInt64();
            var buffer = new byte[BlockEncoder.BytesMax(sets)];
            var length = encoder.Encode(sets, origin, buffer);
            var known = sets.ToDictionary(rows => rows.Id, rows => rows.Set);
            Assert.True(
                decoder.TryDecode(Columns.Padded(buffer.AsSpan(0, length)), length, origin, known.GetValueOrDefault, ValuesMax),
                $"seed {seed} does not decode");
            Assert.Equal(sets.Count, decoder.Sets.Count);
            for (var i = 0; i < sets.Count; i++)
            {
                Columns.AssertSame(originals[i], decoder.Sets[i].Columns);
            }

            Assert.Equal(originals.Sum(columns => columns.Readings), decoder.Readings);
        }
    }

    [Fact]
    public void Any_double_comes_back_bit_for_bit_whatever_the_declared_step()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<double[], double>((values, step) =>
            SameDoubles(values, step) && SameDoubles(values, Math.Abs(step) / 1000) && SameDoubles(values, 0.01)));
    }

    [Fact]
    public void Any_whole_number_comes_back()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<long[]>(values => SameLongs(values)));
        var extremes = new[] { 0, 1, -1, long.MaxValue, long.MinValue, 1L << 62, -(1L << 33), (1L << 32) - 1 };
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var bits = random.Next(1, 64);
            Assert.True(SameLongs([.. Enumerable.Range(0, random.Next(1, 200)).Select(_ => random.Next(3) == 0
                ? extremes[random.Next(extremes.Length)]
                : random.NextInt64(long.MinValue, long.MaxValue) >> bits)]));
        }
    }

    [Fact]
    public void Arbitrary_bytes_are_refused_and_never_crash_the_decoder()
    {
        var random = new Random(7);
        var set = Columns.Set(random, "set", 5, 1_000_000_000);
        var rows = new SetRows(set, 3);
        rows.Append(Admit.Rows(set, Columns.Rows(random, set, 100)));
        var valid = new byte[BlockEncoder.BytesMax([rows])];
        var length = new BlockEncoder().Encode([rows], 0, valid);
        var decoder = new BlockDecoder();
        var refused = 0;
        for (var round = 0; round < 30_000; round++)
        {
            byte[] bytes;
            if (round % 2 == 0)
            {
                bytes = new byte[random.Next(0, 200)];
                random.NextBytes(bytes);
                if (bytes.Length > 0 && round % 4 == 0)
                {
                    bytes[0] = 0x14;
                }
            }
            else
            {
                bytes = valid.AsSpan(0, random.Next(1, length + 1)).ToArray();
                for (var flips = random.Next(0, 4); flips > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }
            }

            refused += decoder.TryDecode(Columns.Padded(bytes), bytes.Length, 0, id => id < 16 ? set : null, 100_000) ? 0 : 1;
            Assert.True(decoder.Readings <= 100_000);
        }

        Assert.True(refused > 10_000);
    }

    [Fact]
    public void A_block_that_claims_more_values_than_allowed_is_refused_before_memory_is_taken()
    {
        var set = new StreamSet("s", "f", [new StreamInfo("v", "1", 1)], 1000);
        var rows = new SetRows(set, 1);
        var columns = new RowColumns(1);
        for (var i = 0; i < 5000; i++)
        {
            columns.Append(i * 1000, [7], 1);
        }

        rows.Append(Admit.Rows(set, columns));
        var buffer = new byte[BlockEncoder.BytesMax([rows])];
        var length = new BlockEncoder().Encode([rows], 0, buffer);
        Assert.True(length < 40, $"a constant column of 5,000 takes {length} bytes");
        Assert.False(new BlockDecoder().TryDecode(Columns.Padded(buffer.AsSpan(0, length)), length, 0, _ => set, 9_999));
        Assert.True(new BlockDecoder().TryDecode(Columns.Padded(buffer.AsSpan(0, length)), length, 0, _ => set, 10_000));
    }

    [Theory]
    [InlineData(10, 1.6)]
    [InlineData(1000, 0.9)]
    public void Eight_noisy_streams_sampled_together_stay_small(int rowCount, double bytesPerReadingMax)
    {
        double[] steps = [0.01, 0.1, 1, 3.3 / 4096, 0.001, 0.5, 0.01, 1e-3];
        var set = new StreamSet("board", "instrument.measurement", [.. steps.Select((s, i) => new StreamInfo($"s{i}", "1", s))], 1_000_000_000);
        var encoder = new BlockEncoder();
        double bytes = 0;
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var columns = new RowColumns(8);
            var values = new double[8];
            for (var row = 0; row < rowCount; row++)
            {
                for (var i = 0; i < 8; i++)
                {
                    var noise = random.NextDouble() + random.NextDouble() + random.NextDouble() + random.NextDouble() - 2;
                    values[i] = Math.Round(2000 + (50 * Math.Sin(row * 0.01 * (i + 1))) + (noise * 6)) * steps[i];
                }

                columns.Append(5_000_000_000 + (row * 1_000_000_000L) + random.Next(0, 60_000), values, 255);
            }

            var rows = new SetRows(set, 1);
            rows.Append(Admit.Rows(set, columns));
            var buffer = new byte[BlockEncoder.BytesMax([rows])];
            bytes += encoder.Encode([rows], 5_000_000_000, buffer) + 16;
        }

        var each = bytes / 20 / (8 * rowCount);
        Assert.True(each <= bytesPerReadingMax, $"{each:F3} bytes a reading");
        TestContext.Current.SendDiagnosticMessage($"{rowCount} rows: {each:F3} bytes a reading, tag included");
    }

    [Fact]
    public void One_odd_value_costs_only_itself()
    {
        var values = Enumerable.Range(0, 1000).Select(i => (2000 + (i % 7)) * 0.01).ToArray();
        var plain = Size(values, 0.01);
        values[500] = double.NaN;
        Assert.True(Size(values, 0.01) <= plain + 16);
        values[500] = 1e9;
        Assert.True(Size(values, 0.01) <= plain + 24);
    }

    private static int Size(double[] values, double step)
    {
        var writer = new BitWriter(new byte[(values.Length * 24) + 100]);
        DoubleColumn.Encode(ref writer, values, step, new CodecScratch());
        return writer.Finish();
    }

    private static bool SameDoubles(double[] values, double step)
    {
        if (values.Length == 0)
        {
            return true;
        }

        var buffer = new byte[(values.Length * 24) + 100];
        var writer = new BitWriter(buffer);
        DoubleColumn.Encode(ref writer, values, step, new CodecScratch());
        var length = writer.Finish();
        var reader = new BitReader(buffer, length);
        var decoded = new double[values.Length];
        return DoubleColumn.Decode(ref reader, decoded, step, new CodecScratch())
            && values.Select(BitConverter.DoubleToInt64Bits).SequenceEqual(decoded.Select(BitConverter.DoubleToInt64Bits));
    }

    private static bool SameLongs(long[] values)
    {
        if (values.Length == 0)
        {
            return true;
        }

        var buffer = new byte[(values.Length * 16) + 100];
        var writer = new BitWriter(buffer);
        IntegerColumn.Encode(ref writer, values, new ulong[values.Length]);
        var length = writer.Finish();
        var reader = new BitReader(buffer, length);
        var decoded = new long[values.Length];
        return IntegerColumn.Decode(ref reader, decoded) && values.SequenceEqual(decoded);
    }
}
