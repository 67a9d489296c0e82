using FieldAgent.Core;

namespace FieldAgent.Agent.Facts;

/// <summary>Texts that sensors saw (codes) and that wait for the gate. Any thread adds, one takes.</summary>
/// <param name="counters">Counts what there was no room for.</param>
internal sealed class SeenFacts(Counters counters)
{
    /// <summary>Texts that may wait: several pictures full of codes.</summary>
    private const int CountMax = 64;

    private readonly Lock _lock = new();
    private readonly Queue<RawFact> _waiting = new();

    /// <summary>Raised after each addition, on the adding thread.</summary>
    public event Action? Arrived;

    /// <summary>Adds a text; drops and counts it when too many wait.</summary>
    public void Add(RawFact fact)
    {
        lock (_lock)
        {
            if (_waiting.Count >= CountMax)
            {
                counters.Add("dropped.fact-queue-full");
                return;
            }

            _waiting.Enqueue(fact);
        }

        Arrived?.Invoke();
    }

    /// <summary>The oldest text, which stays.</summary>
    public bool TryPeek(out RawFact fact)
    {
        lock (_lock)
        {
            return _waiting.TryPeek(out fact);
        }
    }

    /// <summary>Takes the oldest text away, unless it was erased since it was looked at.</summary>
    public void Remove(in RawFact oldest)
    {
        lock (_lock)
        {
            if (_waiting.TryPeek(out var first) && first == oldest)
            {
                _waiting.Dequeue();
            }
        }
    }

    /// <summary>Erases what waits of some fields.</summary>
    public void Erase(Predicate<string> field)
    {
        lock (_lock)
        {
            for (var left = _waiting.Count; left > 0; left--)
            {
                var fact = _waiting.Dequeue();
                if (!field(fact.Field))
                {
                    _waiting.Enqueue(fact);
                }
            }
        }
    }
}
