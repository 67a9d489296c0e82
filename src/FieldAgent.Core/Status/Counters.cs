using System.Collections.Concurrent;

namespace FieldAgent.Core;

/// <summary>Named counts that <c>status</c> shows. Nothing in the agent is dropped, denied or skipped without one. Thread-safe.</summary>
public sealed class Counters
{
    private readonly ConcurrentDictionary<string, StrongBox> _counts = new(StringComparer.Ordinal);

    /// <summary>Adds to the count <paramref name="name"/> (<c>denied.not-granted</c>, <c>dropped.checksum</c>).
    /// Names come from code, never from input.</summary>
    public void Add(string name, long count = 1)
    {
        if (!_counts.TryGetValue(name, out var box))
        {
            box = _counts.GetOrAdd(name, static _ => new StrongBox());
        }

        Interlocked.Add(ref box.Count, count);
    }

    /// <summary>The count, 0 when it was never touched.</summary>
    public long this[string name] => _counts.TryGetValue(name, out var box) ? Volatile.Read(ref box.Count) : 0;

    /// <summary>All counts that begin with <paramref name="prefix"/>, by the rest of their name.</summary>
    public SortedDictionary<string, long> Snapshot(string prefix = "")
    {
        var copy = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, box) in _counts)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                copy[name[prefix.Length..]] = Volatile.Read(ref box.Count);
            }
        }

        return copy;
    }

    private sealed class StrongBox
    {
        public long Count;
    }
}
