namespace FieldAgent.Delivery;

/// <summary>A set of numbers as sorted ranges: small while few are missing. Not thread-safe.</summary>
internal sealed class SequenceRanges(int rangesMax)
{
    private readonly List<(long From, long To)> _ranges = [];

    /// <summary>Numbers in the set.</summary>
    public long Count { get; private set; }

    /// <summary>Smallest number; only when <see cref="Count"/> is not 0.</summary>
    public long First => _ranges[0].From;

    /// <summary>Largest number; only when <see cref="Count"/> is not 0.</summary>
    public long Last => _ranges[^1].To;

    /// <summary>Holes that were closed to stay within the limit.</summary>
    public long Closed { get; private set; }

    /// <summary>True when the number is in the set.</summary>
    public bool Contains(long number)
    {
        var at = Find(number);
        return at >= 0 && _ranges[at].To >= number;
    }

    /// <summary>Adds a number.</summary>
    /// <returns>False when it was there.</returns>
    public bool Add(long number)
    {
        if (Contains(number))
        {
            return false;
        }

        AddRange(number, number);
        return true;
    }

    /// <summary>Adds <paramref name="from"/> to <paramref name="to"/>, both included.</summary>
    public void AddRange(long from, long to)
    {
        if (to < from)
        {
            return;
        }

        // Everything that overlaps or touches becomes one.
        var first = Find(from);
        if (first < 0 || (_ranges[first].To < from && _ranges[first].To + 1 != from))
        {
            first++;
        }

        var end = first;
        while (end < _ranges.Count && (_ranges[end].From <= to || _ranges[end].From - 1 == to))
        {
            from = Math.Min(from, _ranges[end].From);
            to = Math.Max(to, _ranges[end].To);
            Count -= _ranges[end].To - _ranges[end].From + 1;
            end++;
        }

        if (end > first)
        {
            _ranges[first] = (from, to);
            _ranges.RemoveRange(first + 1, end - first - 1);
        }
        else
        {
            _ranges.Insert(first, (from, to));
        }

        Count += to - from + 1;
        if (_ranges.Count > rangesMax)
        {
            CloseOldestHole();
        }
    }

    /// <summary>Numbers from <paramref name="from"/> to the largest that are not in the set, as ranges.</summary>
    public IEnumerable<(long From, long To)> Holes(long from)
    {
        var next = from;
        foreach (var range in _ranges)
        {
            if (range.From > next)
            {
                yield return (next, range.From - 1);
            }

            next = Math.Max(next, range.To + 1);
        }
    }

    // Index of the last range that begins at or before the number; −1 when none does.
    private int Find(long number)
    {
        // Nearly always the last one.
        if (_ranges.Count > 0 && _ranges[^1].From <= number)
        {
            return _ranges.Count - 1;
        }

        var low = 0;
        var high = _ranges.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].From <= number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high;
    }

    private void CloseOldestHole()
    {
        var hole = _ranges[1].From - _ranges[0].To - 1;
        Closed += hole;
        Count += hole;
        _ranges[0] = (_ranges[0].From, _ranges[1].To);
        _ranges.RemoveAt(1);
    }
}
