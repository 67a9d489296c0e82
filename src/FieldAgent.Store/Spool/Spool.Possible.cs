using FieldAgent.Core;
using FieldAgent.Store.Ledgers;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>What recipients may have without having acknowledged it: see <see cref="PossibleLedger"/>.</summary>
internal sealed partial class Spool
{
    private int _takenAway;
    private long _committedTo;

    /// <summary>Changes whenever items are about to be taken away from under the readers.</summary>
    internal int TakenAway => Volatile.Read(ref _takenAway);

    /// <summary>The last id of those that are stored for sure.</summary>
    internal long CommittedTo => Volatile.Read(ref _committedTo);

    internal PossibleLedger Possible => _possible;

    /// <summary>Notes durably that a rule's items are on their way from here on, unless that is noted already.</summary>
    /// <returns>False when the item is not stored any more: it must not be sent.</returns>
    /// <exception cref="StoreFault">It could not be noted.</exception>
    internal bool NoteSending(SpoolReader reader, in ItemInfo item)
    {
        lock (_context.WriteLock)
        {
            if (!IsWaiting(item.Id, 1u << reader.Bit))
            {
                return false;
            }

            reader.AddUnanswered(item);
            try
            {
                if (_possible.Open(reader.Bit, item))
                {
                    _ = CommitWithRecovery(0, 0);
                }

                reader.Noted(item.Ground);
                return true;
            }
            catch (StoreFault)
            {
                reader.NotSent(item.Id);
                throw;
            }
        }
    }

    private bool IsWaiting(long id, uint bit)
    {
        using var row = _context.Database.Writer.Once("SELECT key, pending FROM items WHERE id = ?1");
        return row.Bind(1, id).Step() && ((uint)row.Int(1) & bit) != 0 && !_context.Doomed.Covers(row.Int(0), id);
    }

    // Something stored is given up or erased before those recipients acknowledged it: announced as a gap, and remembered where it was sent.
    private void Lose(string function, string field, uint mask, SpoolGap gap)
    {
        // first, so that nobody sends what was not looked at: see SpoolReader.Sending
        Interlocked.Increment(ref _takenAway);
        _possible.Lost(function, field, mask, gap);
        _gaps.Add(function, field, mask, gap);
    }

    private void LoadPossible(Database database)
    {
        Volatile.Write(ref _committedTo, _nextId - 1);
        _possible.Load(database, _nextId - 1, function =>
            _catalogue.Functions.TryGetValue(function, out var id) ? Math.Max(1, _tally[TallyKind.NextSequence, id]) - 1 : 0);
    }

    // Best effort: what is not written now is written with the next transaction, and until then the card says more than is so, not less.
    private void SavePossible()
    {
        if (!_possible.HasUnsaved || _context.Database.IsClosed)
        {
            return;
        }

        try
        {
            _ = CommitWithRecovery(0, 0);
        }
        catch (StoreFault)
        {
            _context.Counters.Add("store.unsettled");
        }
    }
}
