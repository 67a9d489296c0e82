using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>One recipient's way through the spool. Reads ahead on the reading connection by primary key, so a read costs the same
/// however much waits; never waits for a flush.</summary>
internal sealed partial class SpoolReader : ISpoolReader
{
    private readonly Spool _spool;
    private readonly StoreContext _context;
    private readonly uint _mask;
    private readonly ItemOpener _opener;
    private readonly Lock _outcomesLock = new();
    private readonly List<ItemOutcome> _outcomes = [];
    private readonly List<Sent> _sent = [];
    private readonly Prefetch _prefetch;
    private int _sentFrom;
    private ItemOutcome[] _peekedOutcomes = [];
    private int _peeked;
    private int _due;
    private int _epoch;
    private long _cursor;
    private long _skipAcknowledgedTo;
    private long _backlogBelow;
    private long _doneTo;

    // Not 0 when something was settled that lies before the reader: after a rewind.
    private int _settledAhead;

    // The item that is being opened; the largest number when there is none.
    private long _opening = long.MaxValue;

    // The first item that was passed over because nobody may read it now: a clock that is put right may give it back.
    private long _withheldFrom = long.MaxValue;

    public SpoolReader(Spool spool, int bit, long doneTo)
    {
        _spool = spool;
        _context = spool.Context;
        Bit = bit;
        _mask = 1u << bit;
        _opener = new ItemOpener(_context, spool.Catalogue);
        _prefetch = new Prefetch(_context.Limits);
        _cursor = doneTo;
        _doneTo = doneTo;
        _backlogBelow = spool.NextId;
        _epoch = spool.Epoch;
    }

    private record struct Sent(ItemInfo Item, bool Done);

    /// <summary>The recipient's bit.</summary>
    public int Bit { get; }

    /// <summary>True when something is decided and not yet written.</summary>
    public bool HasOutcomes
    {
        get
        {
            lock (_outcomesLock)
            {
                return _outcomes.Count > 0;
            }
        }
    }

    /// <summary>True while something is not yet written that was decided before <see cref="CallDue"/>.</summary>
    public bool HasDue
    {
        get
        {
            lock (_outcomesLock)
            {
                return _due > 0;
            }
        }
    }

    /// <summary>Everything up to this id is done with, and it is worth writing down; null otherwise. After <see cref="PeekOutcomes"/>.</summary>
    public long? DoneTo { get; private set; }

    /// <inheritdoc/>
    public bool TryRead(SpoolItem item)
    {
        _opener.WipePersonal();
        while (true)
        {
            var epoch = _spool.Epoch;
            if (epoch != _epoch)
            {
                // items were taken away, perhaps keys with them: what was read ahead is stale
                _prefetch.Clear();
                _opener.ForgetKeys();
                _epoch = epoch;
                LookAgain();
            }

            if (Interlocked.Exchange(ref _settledAhead, 0) != 0)
            {
                // among what was read ahead is something that is done with by now
                _prefetch.Clear();
            }

            if (_prefetch.IsEmpty && !Fetch())
            {
                return false;
            }

            ref readonly var row = ref _prefetch.Next();
            if ((row.Item.Pending & _mask) == 0 || IsAcknowledged(row.Item.Id) || row.Item.Id <= _spool.Bases.Items)
            {
                _cursor = row.Item.Id;
                continue;
            }

            lock (_outcomesLock)
            {
                if (Volatile.Read(ref _settledAhead) != 0)
                {
                    continue;
                }

                // until it is among those handed out, nobody may take it for done with
                _opening = row.Item.Id;
                _cursor = row.Item.Id;
            }

            item.Backlog = row.Item.Id < _backlogBelow;
            if (_opener.Fill(item, row, _prefetch.Payload(row), _spool.Bases) is { } why)
            {
                if (ReferenceEquals(why, ItemOpener.Withheld))
                {
                    Withhold(row.Item.Id);
                }
                else if (_spool.Epoch == _epoch)
                {
                    CannotRead(row.Item, why);
                }
                else
                {
                    // something was erased meanwhile, and keys may be wrapped otherwise now: once more from the database
                    _cursor = row.Item.Id - 1;
                }

                Volatile.Write(ref _opening, long.MaxValue);
                continue;
            }

            lock (_outcomesLock)
            {
                _sent.Add(new Sent(row.Item, false));
                _opening = long.MaxValue;
            }

            _spool.Handed(row.Item.Id);
            return true;
        }
    }

    /// <inheritdoc/>
    public int ReadImage(SpoolImage image, long offset, Span<byte> buffer) => _opener.ReadImage(image, offset, buffer);

    /// <inheritdoc/>
    public void Acknowledge(long id) => Decide(id, null);

    /// <inheritdoc/>
    public void GiveUp(long id, GapReason reason)
    {
        _context.Counters.Add(reason switch
        {
            GapReason.TermOver => "dropped.term-over",
            GapReason.ConsentWithdrawn => "dropped.consent-withdrawn",
            GapReason.Rejected => "dropped.rejected",
            _ => "dropped.given-up",
        });
        Decide(id, reason);
    }

    /// <inheritdoc/>
    public void Settle() => _spool.Settle();

    /// <inheritdoc/>
    public void Rewind()
    {
        lock (_outcomesLock)
        {
            _skipAcknowledgedTo = Math.Max(_cursor, _skipAcknowledgedTo);
            var withheldFrom = _withheldFrom;
            _withheldFrom = long.MaxValue;
            _cursor = Math.Min(Frontier(), withheldFrom - 1);
            _seenTo = 0;
            _sent.Clear();
            _sentFrom = 0;
        }

        _prefetch.Clear();
        _backlogBelow = _spool.NextId;
    }

    /// <summary>Starts at the beginning of another database.</summary>
    public void BeginAnew()
    {
        lock (_outcomesLock)
        {
            _outcomes.Clear();
            _due = 0;
            _sent.Clear();
            _sentFrom = 0;
            _cursor = 0;
            _doneTo = 0;
            _withheldFrom = long.MaxValue;
            ForgetSent();
        }
    }

    /// <summary>Marks what is decided up to now as due: what is decided while it is being written has its turn later.</summary>
    public void CallDue()
    {
        lock (_outcomesLock)
        {
            _due = _outcomes.Count;
        }
    }

    /// <summary>Chooses what the next transaction writes; the write lock is held.</summary>
    /// <param name="max">So many at most.</param>
    /// <param name="pagesMax">Pages of the log they may fill; the first is chosen in any case.</param>
    /// <returns>Pages they fill at most.</returns>
    public long Plan(int max, long pagesMax)
    {
        lock (_outcomesLock)
        {
            _peeked = 0;
            var pages = 0L;
            for (max = Math.Min(max, _outcomes.Count); _peeked < max; _peeked++)
            {
                var more = _spool.PagesFor(_outcomes[_peeked]);
                if (_peeked > 0 && pages + more > pagesMax)
                {
                    break;
                }

                pages += more;
            }

            return pages;
        }
    }

    /// <summary>What is decided, for the transaction that writes it and was planned; the write lock is held.</summary>
    public ReadOnlySpan<ItemOutcome> PeekOutcomes()
    {
        lock (_outcomesLock)
        {
            var frontier = Frontier();
            DoneTo = _peeked == _outcomes.Count && frontier > _doneTo ? frontier : null;

            // a copy: the courier may add while the transaction runs
            if (_peekedOutcomes.Length < _peeked)
            {
                _peekedOutcomes = new ItemOutcome[Math.Max(_peeked, _context.Limits.SettleAfter)];
            }

            SettledTo = _peeked == _outcomes.Count ? AnsweredTo() : 0;
            CollectionsMarshal.AsSpan(_outcomes)[.._peeked].CopyTo(_peekedOutcomes);
            return _peekedOutcomes.AsSpan(0, _peeked);
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void OutcomesSettled()
    {
        lock (_outcomesLock)
        {
            Answered(CollectionsMarshal.AsSpan(_outcomes)[.._peeked]);
            _outcomes.RemoveRange(0, _peeked);
            _due = Math.Max(0, _due - _peeked);
            _peeked = 0;
            _doneTo = DoneTo ?? _doneTo;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Settle();
        }
        catch (StoreFault)
        {
            // delivered again at the next start; the receiver removes duplicates
            _context.Counters.Add("store.unsettled");
        }

        _spool.Remove(this);
        lock (_context.ReadLock)
        {
            _prefetch.Dispose();
        }

        _opener.Dispose();
    }

    private bool Fetch()
    {
        lock (_context.ReadLock)
        {
            var connection = _context.Database.Reader;
            NoteFetch();
            return !connection.IsClosed && (_prefetch.Fill(connection, _cursor, _mask) || NothingThere());
        }
    }

    // Everything up to here is done with: what is before the oldest item still under way.
    private long Frontier()
    {
        while (_sentFrom < _sent.Count && _sent[_sentFrom].Done)
        {
            _sentFrom++;
        }

        if (_sentFrom > 1024 || _sentFrom == _sent.Count)
        {
            _sent.RemoveRange(0, _sentFrom);
            _sentFrom = 0;
        }

        return Math.Min(Math.Min(_sentFrom < _sent.Count ? _sent[_sentFrom].Item.Id - 1 : _cursor, _withheldFrom - 1), _opening - 1);
    }

    private bool IsAcknowledged(long id)
    {
        if (id > _skipAcknowledgedTo)
        {
            return false;
        }

        lock (_outcomesLock)
        {
            return _outcomes.Exists(outcome => outcome.Item.Id == id);
        }
    }

    private void Decide(long id, GapReason? reason)
    {
        int waiting;
        lock (_outcomesLock)
        {
            var index = Find(id);
            if (index >= 0 && !_sent[index].Done)
            {
                var item = _sent[index].Item;
                _sent[index] = new Sent(item, true);
                _outcomes.Add(new ItemOutcome(item, _mask, reason));
                _ = Frontier();
            }
            else if (reason is not null || !_lost.Remove(id, out var lost))
            {
                // acknowledged twice, or after a rewind: it is simply sent again
                return;
            }
            else
            {
                // it was erased on the board meanwhile, and is never read again
                _outcomes.Add(new ItemOutcome(lost, _mask, null));
            }

            waiting = _outcomes.Count;
        }

        if (waiting >= _context.Limits.UnsettledMax)
        {
            _spool.Settle();
        }
        else if (waiting >= _context.Limits.SettleAfter)
        {
            _spool.SettleUnlessBusy();
        }
    }

    private int Find(long id)
    {
        int low = _sentFrom, high = _sent.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = _sent[middle].Item.Id;
            if (found == id)
            {
                return middle;
            }

            (low, high) = found < id ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    // What was withheld may be readable again: the clock was put right. Not while something is under way, so that order holds.
    private void LookAgain()
    {
        lock (_outcomesLock)
        {
            if (_withheldFrom <= _cursor && _sentFrom == _sent.Count)
            {
                _skipAcknowledgedTo = Math.Max(_cursor, _skipAcknowledgedTo);
                _cursor = _withheldFrom - 1;
                _seenTo = 0;
                _withheldFrom = long.MaxValue;
            }
        }
    }

    private void Withhold(long id)
    {
        lock (_outcomesLock)
        {
            _withheldFrom = Math.Min(_withheldFrom, id);
        }

        _context.Counters.Add("withheld.items");
    }

    private void CannotRead(in ItemInfo item, string why)
    {
        StoreLog.Unreadable(_context.Logger, _spool.Catalogue.Ground(item.Ground)?.Function ?? "?", why);
        _context.Counters.Add("dropped.unreadable", Math.Max(1, item.Readings));
        lock (_outcomesLock)
        {
            // nobody can read it: it goes for all recipients
            _outcomes.Add(new ItemOutcome(item, uint.MaxValue, GapReason.Unreadable));
        }
    }
}
