using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>A change of the pseudonym: nothing that was stored before goes out after it, and no number goes on.</summary>
internal sealed partial class Spool
{
    private long _nextIdAtStart;
    private long _handedTo;
    private NumberBases _bases = NumberBases.None;

    /// <summary>What numbers outside count from. What is not above it was stored under an earlier pseudonym and is not delivered.</summary>
    internal NumberBases Bases
    {
        get => Volatile.Read(ref _bases);
        set => Volatile.Write(ref _bases, value);
    }

    /// <summary>Erases all that waits, also in memory.</summary>
    /// <returns>Readings and pictures erased.</returns>
    internal long EraseAll()
    {
        lock (_context.WriteLock)
        {
            DrainIntake();
            var erased = 0L;
            foreach (var (function, field) in _catalogue.Rules())
            {
                erased += Erase(function, field, GapReason.ConsentWithdrawn);
            }

            return erased;
        }
    }

    /// <summary>What numbers outside would count from if the pseudonym changed now: all that a courier may have sent lies below. Changes
    /// nothing.</summary>
    /// <param name="lastConsent">The last consent event so far.</param>
    /// <param name="mayWait">Something may still wait: what a legal hold keeps stays, and never goes out.</param>
    /// <exception cref="StoreFault">Refused: some of what may have been sent was not acknowledged.</exception>
    internal NumberBases BasesFromHere(long lastConsent, bool mayWait)
    {
        lock (_context.WriteLock)
        {
            DrainIntake();
            var last = mayWait ? _nextId - 1 : Math.Max(_nextIdAtStart - 1, Interlocked.Read(ref _handedTo));
            var writer = _context.Database.Writer;
            using (var waiting = writer.Once("SELECT count(*), ifnull(sum(readings), 0) FROM items WHERE id > 0 AND id <= ?1 AND kind < 2"))
            {
                if (!mayWait && waiting.Bind(1, last).Step() && waiting.Int(0) is var items and > 0)
                {
                    var readings = waiting.Int(1);
                    waiting.Reset();
                    throw new StoreFault(StoreFaultKind.Refused, string.Create(CultureInfo.InvariantCulture,
                        $"{items} blocks and pictures with {readings} readings wait that may have been sent under the present pseudonym"), retry: true);
                }
            }

            return new NumberBases(last, lastConsent, LastSequences(last));
        }
    }

    /// <summary>An item was given to a courier: it may have been sent. Any thread.</summary>
    internal void Handed(long id)
    {
        long before;
        do
        {
            before = Interlocked.Read(ref _handedTo);
        }
        while (id > before && Interlocked.CompareExchange(ref _handedTo, id, before) != before);
    }

    // What comes after was never sent, and goes out under the new pseudonym: its numbers begin at 1.
    private Dictionary<string, long> LastSequences(long lastItem)
    {
        var first = new Dictionary<long, long>();
        foreach (var (_, function) in _catalogue.Functions)
        {
            var next = NextSequence(function);
            _nextSequence[function] = next;
            first[function] = next;
        }

        foreach (var block in _waiting)
        {
            First(block.Ground.FunctionId, block.Sequence);
        }

        foreach (var image in _waitingImages)
        {
            First(image.Ground.FunctionId, image.Sequence);
        }

        using var stored = _context.Database.Writer.Once("SELECT ground, min(sequence) FROM items WHERE id > ?1 AND kind < 2 GROUP BY ground");
        stored.Bind(1, lastItem);
        while (stored.Step())
        {
            if (_catalogue.Ground(stored.Int(0)) is { } ground)
            {
                First(ground.FunctionId, stored.Int(1));
            }
        }

        return _catalogue.Functions.ToDictionary(static f => f.Key, f => first[f.Value] - 1, StringComparer.Ordinal);

        void First(long function, long sequence) => first[function] = Math.Min(first[function], sequence);
    }

    /// <summary>Forgets the announcements of losses made under an earlier pseudonym: whoever comes after must not be told of them.</summary>
    /// <param name="alsoNew">All there are, those that are not written yet as well: the pseudonym changes now.</param>
    internal void ForgetOldGaps(bool alsoNew)
    {
        lock (_context.WriteLock)
        lock (_context.ReadLock)
        {
            if (alsoNew)
            {
                _gaps.ForgetNew();
            }

            var ids = new List<long>();
            var writer = _context.Database.Writer;
            using (var all = writer.Once("SELECT item FROM gaps WHERE item <= ?1 ORDER BY item"))
            {
                all.Bind(1, alsoNew ? long.MaxValue : Bases.Items);
                while (all.Step())
                {
                    ids.Add(all.Int(0));
                }
            }

            if (ids.Count > 0)
            {
                // few: adjacent ones are merged, and their number is bounded
                Commit(0, 0, () => ids.ForEach(_items.DeleteGap), evictPages: 4 + (2L * ids.Count));
                _gaps.Load(writer);
                Interlocked.Increment(ref _epoch);
            }
        }
    }
}
