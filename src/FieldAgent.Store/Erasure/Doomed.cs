namespace FieldAgent.Store.Erasure;

/// <summary>Items of one key that are erased together: all from one id to another.</summary>
/// <param name="Key">The key's number.</param>
/// <param name="From">First item.</param>
/// <param name="To">Last item.</param>
/// <param name="Whole">True when the key goes with them: nothing else is sealed with it.</param>
internal readonly record struct DoomedRun(long Key, long From, long To, bool Whole);

/// <summary>What is being erased. From the moment an erasure is noted until it is verified nobody may read any of it. Immutable.</summary>
internal sealed class Doomed
{
    private readonly Dictionary<long, List<DoomedRun>> _byKey = [];

    /// <summary>These runs.</summary>
    public Doomed(IEnumerable<DoomedRun> runs)
    {
        foreach (var run in runs)
        {
            if (!_byKey.TryGetValue(run.Key, out var list))
            {
                _byKey.Add(run.Key, list = []);
            }

            list.Add(run);
        }
    }

    /// <summary>Nothing is being erased.</summary>
    public static Doomed Nothing { get; } = new([]);

    /// <summary>True when there is nothing.</summary>
    public bool IsEmpty => _byKey.Count == 0;

    /// <summary>True when an item is being erased.</summary>
    public bool Covers(long key, long item)
    {
        if (_byKey.Count == 0 || !_byKey.TryGetValue(key, out var runs))
        {
            return false;
        }

        foreach (var run in runs)
        {
            if (run.Whole || (run.From <= item && item <= run.To))
            {
                return true;
            }
        }

        return false;
    }
}
