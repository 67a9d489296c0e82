using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>A change of the pseudonym: nothing that was stored before goes out after it, and no number goes on.</summary>
internal sealed partial class Spool
{
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

    /// <summary>What numbers outside would count from if the pseudonym changed now. Changes nothing.</summary>
    /// <param name="lastConsent">The last consent event so far.</param>
    internal NumberBases BasesFromHere(long lastConsent)
    {
        lock (_context.WriteLock)
        {
            DrainIntake();
            var sequences = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var (name, function) in _catalogue.Functions)
            {
                var next = NextSequence(function);
                _nextSequence[function] = next;

                // What only memory holds was never sent: it goes out under the new pseudonym.
                var waiting = _waiting.Where(block => block.Ground.FunctionId == function).Select(static block => block.Sequence)
                    .Concat(_waitingImages.Where(image => image.Ground.FunctionId == function).Select(static image => image.Sequence));
                sequences[name] = waiting.Append(next).Min() - 1;
            }

            return new NumberBases(_nextId - 1, lastConsent, sequences);
        }
    }

    /// <summary>Forgets the announcements of losses made under an earlier pseudonym: whoever comes after must not be told of them.</summary>
    /// <param name="alsoNew">Those that are not written yet as well.</param>
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
                all.Bind(1, Bases.Items);
                while (all.Step())
                {
                    ids.Add(all.Int(0));
                }
            }

            if (ids.Count > 0)
            {
                // few: adjacent ones are merged, and their number is bounded
                Commit(0, 0, () => ids.ForEach(DeleteGap), evictPages: 4 + (2L * ids.Count));
                _gaps.Load(writer);
                Interlocked.Increment(ref _epoch);
            }
        }
    }
}
