using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>Blocks for tests, from seeds.</summary>
internal static class Blocks
{
    public static readonly Guid Boot = new("5eed5eed-0000-4000-8000-000000000001");
    public static readonly Guid Generation = new("5eed5eed-0000-4000-8000-000000000002");
    public const string Pseudonym = "abcdefghijklmnopqrstuvwx23";
    public static readonly byte[] TagKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    public const long WallOffsetNs = 1_767_225_600_000_000_000;

    /// <summary>Eight noisy 1 Hz series of an ordinary instrument, sampled together with a little jitter.</summary>
    public static SpoolItem EightNoisySeries(int rows, int seed)
    {
        var random = new Random(seed);
        (string Name, string Unit, double Scale, double Start, double Walk, double Noise)[] series =
        [
            ("temperature", "Cel", 0.01, 21.5, 0.01, 0.02), ("humidity", "%", 0.01, 45.2, 0.02, 0.05),
            ("pressure", "Pa", 1, 101_325, 1, 3), ("voltage", "V", 0.001, 12.1, 0.001, 0.004),
            ("current", "A", 0.001, 0.85, 0.002, 0.006), ("light", "lx", 1, 320, 1, 3),
            ("co2", "[ppm]", 1, 612, 1, 2), ("load", "1", 0.01, 0.42, 0.01, 0.02),
        ];
        var set = new StreamSet("env", "instrument.measurement", [.. series.Select(s => new StreamInfo(s.Name, s.Unit, s.Scale))], 1_000_000_000);
        var block = new BlockRows(set);
        var level = series.Select(s => s.Start).ToArray();
        var row = new double[series.Length];
        for (var i = 0; i < rows; i++)
        {
            for (var c = 0; c < row.Length; c++)
            {
                level[c] += Gauss(random) * series[c].Walk;
                row[c] = Step(level[c] + (Gauss(random) * series[c].Noise), series[c].Scale);
            }

            block.Columns.Append(5_000_000_000 + (i * 1_000_000_000L) + (long)(Gauss(random) * 80_000), row, set.AllPresent);
        }

        return Item([block]);
    }

    public static SpoolItem Item(IReadOnlyList<BlockRows> sets, long id = 48_213, long sequence = 31_877, string function = "telemetry") => new()
    {
        Kind = SpoolItemKind.Block, Id = id, Sequence = sequence, Generation = Generation, Function = function,
        Field = "instrument.measurement", Purpose = "operation", PolicyVersion = "1.0.0", BootId = Boot, WallOffsetNs = WallOffsetNs,
        Quality = ClockQuality.Ntp, Sets = sets, Readings = sets.Sum(s => s.Columns.Readings),
    };

    /// <summary>The number of decimal steps next to <paramref name="value"/>, as a sensor reports it: n divided by a power of ten.</summary>
    public static double Step(double value, double scale)
    {
        var perUnit = Math.Round(1 / scale);
        return Math.Round(value * perUnit) / perUnit;
    }

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
