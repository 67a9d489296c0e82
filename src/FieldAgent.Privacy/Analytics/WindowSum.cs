using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Sums up the readings of one stream: count, extremes, mean, and a sample of bounded size for the percentiles (algorithm R; Vitter,
/// ACM TOMS 11, 1985). No allocation after it was made. One thread.</summary>
internal sealed class WindowSum(Random random)
{
    private readonly double[] _sample = new double[AnalyticsLimits.SampleMax];
    private double _mean;
    private double _min;
    private double _max;

    /// <summary>Readings so far.</summary>
    public long Count { get; private set; }

    /// <summary>Takes a reading; one that is no finite number is left out.</summary>
    public void Add(double value)
    {
        if (!double.IsFinite(value))
        {
            return;
        }

        if (Count == 0)
        {
            (_mean, _min, _max) = (0, value, value);
        }

        var place = Count < _sample.Length ? Count : random.NextInt64(Count + 1);
        if (place < _sample.Length)
        {
            _sample[place] = value;
        }

        Count++;
        _mean += (value - _mean) / Count;
        _min = Math.Min(_min, value);
        _max = Math.Max(_max, value);
    }

    /// <summary>The numbers; at least one reading was taken. Sorts the sample.</summary>
    public WindowFigures Figures()
    {
        var sample = _sample.AsSpan(0, (int)Math.Min(Count, _sample.Length));
        sample.Sort();
        return new WindowFigures(Count, _min, _mean, _max, Rank(sample, 0.05), Rank(sample, 0.5), Rank(sample, 0.95));
    }

    /// <summary>Forgets all, and overwrites the sample.</summary>
    public void Clear()
    {
        Count = 0;
        (_mean, _min, _max) = (0, 0, 0);
        Array.Clear(_sample);
    }

    // Nearest rank: a value that was there.
    private static double Rank(ReadOnlySpan<double> sorted, double part) => sorted[Math.Max(0, (int)Math.Ceiling(part * sorted.Length) - 1)];
}
