using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

public sealed class BatchEncoderTests
{
    private readonly PayloadBuffer _buffer = new();
    private readonly BatchEncoder _encoder = new(new MessageIds(Blocks.TagKey, Blocks.Pseudonym), asSteps: false);
    private readonly BatchEncoder _steps = new(new MessageIds(Blocks.TagKey, Blocks.Pseudonym), asSteps: true);

    private JsonElement Encode(SpoolItem item, bool backlog = false, BatchPart? part = null)
    {
        _encoder.Encode(item, backlog, part ?? BatchPart.Whole, _buffer);
        return JsonDocument.Parse(_buffer.Written.ToArray()).RootElement;
    }

    [Fact]
    public void Ten_rows_of_eight_noisy_series_take_at_most_12_bytes_a_reading_and_about_5_compressed()
    {
        // Of a publish on a known topic: fixed header, empty topic, packet id, properties' length, topic alias, content-encoding.
        const int Publish = 3 + 2 + 2 + 1 + 3;
        const int Encoding = 1 + 2 + 16 + 2 + 2;
        var compressor = new Compressor();
        for (var seed = 1; seed <= 20; seed++)
        {
            _encoder.Encode(Blocks.EightNoisySeries(10, seed), false, BatchPart.Whole, _buffer);
            var plain = Publish + _buffer.Length;
            _steps.Encode(Blocks.EightNoisySeries(10, seed), false, BatchPart.Whole, _buffer);
            var compressed = Publish + Encoding + compressor.Compress(_buffer.Written, new CourierLimits().BrotliQualityLive).Length;
            TestContext.Current.TestOutputHelper?.WriteLine($"{plain} {compressed}");
            Assert.True(plain <= 960, $"{plain} bytes plain, seed {seed}");
            Assert.True(compressed <= 410, $"{compressed} bytes compressed, seed {seed}");
        }
    }

    [Fact]
    public void Every_value_reads_back_with_the_same_bits()
    {
        const int Seed = 20260101;
        var random = new Random(Seed);
        double[] scales = [0, 1, 0.01, 0.1, 0.5, 1e-7, 0.0625, 0.0001875, 1e-3, 100, 1.0 / 3];
        double[] special =
            [0, -0.0, double.MaxValue, double.MinValue, double.Epsilon, -double.Epsilon, 1e22, 1e23, 9_007_199_254_740_993, 0.1 + 0.2, 1e-5, 123456789012345680];
        for (var round = 0; round < 300; round++)
        {
            var scale = scales[random.Next(scales.Length)];
            var set = new StreamSet("s", "instrument.measurement", [new StreamInfo("x", "1", scale)]);
            var rows = new BlockRows(set);
            var values = new double[random.Next(1, 80)];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = random.Next(5) switch
                {
                    0 => special[random.Next(special.Length)],
                    1 => Finite(random),
                    2 => random.NextInt64(-1_000_000, 1_000_000) * (scale == 0 ? 1 : scale),
                    3 => Blocks.Step((random.NextDouble() - 0.5) * 1000, 0.01),
                    _ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-12, 18)),
                };
                rows.Columns.Append(i, [values[i]], 1);
            }

            var item = Blocks.Item([rows]);
            var column = Encode(item).GetProperty("sets")[0].GetProperty("s").GetProperty("x");
            var steps = StepsOf(item);
            for (var i = 0; i < values.Length; i++)
            {
                Assert.True(
                    BitConverter.DoubleToInt64Bits(values[i]) == BitConverter.DoubleToInt64Bits(column[i].GetDouble()),
                    $"seed {Seed}, round {round}: {values[i]:R} was written {column[i].GetRawText()} at scale {scale}");
                Assert.True(
                    BitConverter.DoubleToInt64Bits(values[i]) == BitConverter.DoubleToInt64Bits(steps[i]),
                    $"seed {Seed}, round {round}: {values[i]:R} became {steps[i]:R} by steps at scale {scale}");
            }
        }
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.0625)]
    [InlineData(0.000244140625)]
    [InlineData(1e-6)]
    [InlineData(1.0 / 3)]
    [InlineData(2.5)]
    [InlineData(4)]
    public void A_column_of_multiples_of_its_scale_goes_as_steps(double scale)
    {
        const int Seed = 11;
        var random = new Random(Seed);
        var rows = new BlockRows(new StreamSet("s", "instrument.measurement", [new StreamInfo("x", "1", scale)]));
        var values = new double[200];
        for (var i = 0; i < values.Length; i++)
        {
            // As a driver's raw number becomes a value.
            values[i] = random.NextInt64(1, 100_000) * scale;
            rows.Columns.Append(i, [values[i]], 1);
        }

        var item = Blocks.Item([rows]);
        Assert.Equal(values, StepsOf(item));
        using var batch = JsonDocument.Parse(_buffer.Written.ToArray());
        Assert.False(batch.RootElement.GetProperty("sets")[0].TryGetProperty("s", out _));
        Assert.Equal(200, new ContractReader(strict: true).ReadBatch(batch.RootElement, Blocks.Pseudonym).Readings);
    }

    [Fact]
    public void A_value_that_JSON_has_no_number_for_is_a_string_and_an_absent_one_is_null()
    {
        var set = new StreamSet("s", "instrument.measurement", [new StreamInfo("x", "1"), new StreamInfo("y", "1", 0.1)]);
        var rows = new BlockRows(set);
        rows.Columns.Append(0, [double.NaN, 1.5], 0b11);
        rows.Columns.Append(1, [double.PositiveInfinity, 7], 0b01);
        rows.Columns.Append(2, [double.NegativeInfinity, -2.5], 0b11);

        var s = Encode(Blocks.Item([rows])).GetProperty("sets")[0].GetProperty("s");

        Assert.Equal("""["NaN","Infinity","-Infinity"]""", s.GetProperty("x").GetRawText());
        Assert.Equal("[1.5,null,-2.5]", s.GetProperty("y").GetRawText());
    }

    [Fact]
    public void Times_are_wall_microseconds_as_residuals_to_the_nominal_grid()
    {
        const int Seed = 7;
        var random = new Random(Seed);
        for (var round = 0; round < 200; round++)
        {
            var interval = random.Next(3) == 0 ? 0 : random.NextInt64(1, 3_000_000_000);
            var rows = new BlockRows(new StreamSet("s", "instrument.measurement", [new StreamInfo("x", "1")], interval));
            var times = new long[random.Next(1, 50)];
            var now = random.NextInt64(0, 1_000_000_000_000);
            for (var i = 0; i < times.Length; i++)
            {
                times[i] = now;
                rows.Columns.Append(now, [1], 1);
                now += round % 4 == 0 && interval > 0 ? interval : random.NextInt64(0, 5_000_000_000);
            }

            var set = Encode(Blocks.Item([rows])).GetProperty("sets")[0];
            var t0 = set.GetProperty("t0").GetInt64();
            var dt = set.GetProperty("dt").GetInt64();
            var hasResiduals = set.TryGetProperty("r", out var residuals);
            for (var i = 0; i < times.Length; i++)
            {
                var time = t0 + (i * dt) + (hasResiduals ? residuals[i].GetInt64() : 0);
                Assert.True(time == (times[i] + Blocks.WallOffsetNs) / 1000, $"seed {Seed}, round {round}, row {i}");
            }
        }
    }

    [Fact]
    public void Rows_exactly_on_the_grid_need_no_residuals()
    {
        var rows = new BlockRows(new StreamSet("s", "instrument.measurement", [new StreamInfo("x", "1")], 100_000_000));
        for (var i = 0; i < 5; i++)
        {
            rows.Columns.Append(i * 100_000_000L, [i], 1);
        }

        Assert.False(Encode(Blocks.Item([rows])).GetProperty("sets")[0].TryGetProperty("r", out _));
    }

    [Fact]
    public void The_parts_of_a_split_block_have_ids_of_their_own_and_hold_every_row_once()
    {
        var item = Blocks.EightNoisySeries(103, 5);
        var whole = Values(Encode(item));
        var parts = new List<double>();
        var ids = new HashSet<string>();
        for (var part = 0; part < 4; part++)
        {
            var root = Encode(item, part: new BatchPart(part, 4));
            Assert.Equal(4, root.GetProperty("parts").GetInt32());
            Assert.True(ids.Add(root.GetProperty("id").GetString()!));
            parts.AddRange(Values(root));
        }

        Assert.Equal(whole, parts);

        static List<double> Values(JsonElement root) =>
            [.. root.GetProperty("sets")[0].GetProperty("s").GetProperty("temperature").EnumerateArray().Select(v => v.GetDouble())];
    }

    [Fact]
    [Promise("R19")]
    public void Neither_boot_id_nor_generation_leaves_the_board_and_two_recipients_see_different_ones()
    {
        var item = Blocks.EightNoisySeries(1, 1);
        var here = Encode(item);
        var there = new PayloadBuffer();
        new BatchEncoder(new MessageIds(new byte[32], Blocks.Pseudonym), false).Encode(item, false, BatchPart.Whole, there);
        var other = JsonDocument.Parse(there.Written.ToArray()).RootElement;

        foreach (var text in new[] { here.GetRawText(), other.GetRawText() })
        {
            Assert.DoesNotContain("5eed5eed", text, StringComparison.OrdinalIgnoreCase);
        }

        var hereId = here.GetProperty("id").GetString()!.Split('.');
        var otherId = other.GetProperty("id").GetString()!.Split('.');
        Assert.Equal([Blocks.Pseudonym.Length, 8, 4, 5], hereId.Select(level => level.Length));
        Assert.Equal((Blocks.Pseudonym, "48213"), (hereId[0], hereId[3]));
        Assert.NotEqual(hereId[1], otherId[1]);
        Assert.NotEqual(hereId[2], otherId[2]);
    }

    [Fact]
    public void Encoding_allocates_nothing_once_the_buffer_has_its_size()
    {
        var item = Blocks.EightNoisySeries(100, 3);
        var compressor = new Compressor();
        void Once()
        {
            _encoder.Encode(item, false, BatchPart.Whole, _buffer);
            _steps.Encode(item, false, BatchPart.Whole, _buffer);
            compressor.Compress(_buffer.Written, 9);
        }

        for (var i = 0; i < 3; i++)
        {
            Once();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Once();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // As contract/README.md tells a consumer to do it.
    private double[] StepsOf(SpoolItem item)
    {
        _steps.Encode(item, false, BatchPart.Whole, _buffer);
        var set = JsonDocument.Parse(_buffer.Written.ToArray()).RootElement.GetProperty("sets")[0];
        if (set.TryGetProperty("o", out var columns))
        {
            var step = columns.GetProperty("x")[0].GetDouble();
            var numbers = columns.GetProperty("x").EnumerateArray().Select((n, i) => i == 0 ? 0 : n.GetInt64()).ToArray();
            return [.. numbers[2..].Select(n => double.IsInteger(step) ? (numbers[1] + n) / Math.Pow(10, step) : (numbers[1] + n) * step)];
        }

        return [.. set.GetProperty("s").GetProperty("x").EnumerateArray().Select(n => n.GetDouble())];
    }

    private static double Finite(Random random)
    {
        while (true)
        {
            var value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsFinite(value))
            {
                return value;
            }
        }
    }
}
