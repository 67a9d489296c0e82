using System.Collections.Concurrent;

namespace FieldAgent.Core;

/// <summary>A few whole numbers that a sensor keeps over restarts, such as a meter's total. Any thread; no I/O.</summary>
public interface ISensorMemory
{
    /// <summary>What was remembered under <paramref name="name"/>; 0 when nothing was.</summary>
    long Recall(string name);

    /// <summary>Keeps a number. It becomes durable together with the rows written before it, at the next flush.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">The number.</param>
    /// <param name="alone">True: the next flush writes it also when there are no rows, which costs a disk write.</param>
    void Remember(string name, long value, bool alone = false);
}

/// <summary>The numbers of all sensors in memory; the store writes them with a flush. Any thread.</summary>
public sealed class SensorMemory
{
    private readonly ConcurrentDictionary<(string Sensor, string Name), long> _numbers = [];
    private const int Unchanged = 0;
    private const int Changed = 1;
    private const int ChangedAlone = 2;

    private int _changed;

    /// <summary>True when something changed since <see cref="TakeChanged"/>.</summary>
    public bool IsChanged => Volatile.Read(ref _changed) != Unchanged;

    /// <summary>True when something changed that does not wait for rows.</summary>
    public bool IsDue => Volatile.Read(ref _changed) == ChangedAlone;

    /// <summary>The numbers of one sensor.</summary>
    public ISensorMemory Of(string sensor) => new View(this, sensor);

    /// <summary>All numbers, when some changed since the last call; null when none did.</summary>
    public IReadOnlyList<(string Sensor, string Name, long Value)>? TakeChanged() =>
        Interlocked.Exchange(ref _changed, Unchanged) == Unchanged ? null : [.. _numbers.Select(static n => (n.Key.Sensor, n.Key.Name, n.Value))];

    /// <summary>What <see cref="TakeChanged"/> returned could not be written: it is changed still.</summary>
    public void NotWritten() => Volatile.Write(ref _changed, ChangedAlone);

    /// <summary>Puts a number that was written earlier in place.</summary>
    public void Load(string sensor, string name, long value) => _numbers[(sensor, name)] = value;

    private sealed class View(SensorMemory all, string sensor) : ISensorMemory
    {
        public long Recall(string name) => all._numbers.GetValueOrDefault((sensor, name));

        public void Remember(string name, long value, bool alone = false)
        {
            if (!all._numbers.TryGetValue((sensor, name), out var old) || old != value)
            {
                all._numbers[(sensor, name)] = value;
                if (alone)
                {
                    Volatile.Write(ref all._changed, ChangedAlone);
                }
                else
                {
                    Interlocked.CompareExchange(ref all._changed, Changed, Unchanged);
                }
            }
        }
    }
}
