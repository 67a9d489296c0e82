using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>What the recipient may have: items of which something was sent, and whose acknowledgement is not noted for good yet.</summary>
internal sealed partial class SpoolReader
{
    // By id; under the lock of the outcomes. As many as a courier's window holds and one transaction settles, and what broken connections left.
    private readonly Dictionary<long, ItemInfo> _unanswered = [];

    // Sent, and then erased or given up on the board: the answer may still come.
    private readonly Dictionary<long, ItemInfo> _lost = [];

    // Permits of the rules that the ledger says may be on their way.
    private readonly HashSet<long> _noted = [];

    // What the spool had taken away when the rows at hand were read.
    private int _takenAwayAtFetch;

    // Nothing up to here waits for the recipient that was not read.
    private long _seenTo;
    private long _committedAtFetch;

    /// <summary>Everything up to this id is answered, and the transaction at hand writes all of it; 0 when it does not. After
    /// <see cref="PeekOutcomes"/>.</summary>
    public long SettledTo { get; private set; }

    /// <summary>What is not above this id was stored under an earlier pseudonym, and is passed over.</summary>
    public long BeganAfter => _spool.Bases.Items;

    /// <inheritdoc/>
    public bool Sending(long id)
    {
        ItemInfo item;
        lock (_outcomesLock)
        {
            if (Find(id) is not (var index and >= 0) || _sent[index].Done)
            {
                // another database has taken the place of the one it was read from
                return false;
            }

            item = _sent[index].Item;

            // Whatever is taken away meanwhile is counted first and looked for among these afterwards, under the same lock.
            if (_takenAwayAtFetch == _spool.TakenAway && _noted.Contains(item.Ground))
            {
                _unanswered[id] = item;
                return true;
            }
        }

        if (_spool.NoteSending(this, item))
        {
            return true;
        }

        lock (_outcomesLock)
        {
            if (Find(id) is var index and >= 0)
            {
                // nobody waits for it any more
                _sent[index] = _sent[index] with { Done = true };
            }
        }

        return false;
    }

    /// <summary>An item is about to be sent; the write lock is held.</summary>
    public void AddUnanswered(in ItemInfo item)
    {
        lock (_outcomesLock)
        {
            _unanswered[item.Id] = item;
        }
    }

    /// <summary>The ledger says durably that items under a permit may be on their way.</summary>
    public void Noted(long ground)
    {
        lock (_outcomesLock)
        {
            _noted.Add(ground);
        }
    }

    /// <summary>It was not noted, and is not sent.</summary>
    public void NotSent(long id)
    {
        lock (_outcomesLock)
        {
            _unanswered.Remove(id);
        }
    }

    /// <summary>What may have arrived, in no order.</summary>
    public List<ItemInfo> Unanswered()
    {
        lock (_outcomesLock)
        {
            return [.. _unanswered.Values];
        }
    }

    /// <summary>Adds what may have arrived of some permits' items with numbers in a range; the write lock is held.</summary>
    public void FindUnanswered(Func<long, bool> ofGround, long fromSequence, long toSequence, List<ItemInfo> found)
    {
        lock (_outcomesLock)
        {
            foreach (var item in _unanswered.Values)
            {
                if (item.Sequence >= fromSequence && item.Sequence <= toSequence && ofGround(item.Ground) && !IsDeliveredNow(item.Id))
                {
                    found.Add(item);
                }
            }
        }
    }

    /// <summary>The board has an item no more, and the ledger says that the recipient may have it.</summary>
    public void Lost(in ItemInfo item)
    {
        lock (_outcomesLock)
        {
            if (_unanswered.Remove(item.Id))
            {
                _lost[item.Id] = item;
            }
        }
    }

    /// <summary>True when everything up to an id is answered, and that is written.</summary>
    public bool IsSettledTo(long id)
    {
        lock (_outcomesLock)
        {
            return _outcomes.Count == 0 && AnsweredTo() >= id;
        }
    }

    // The outcomes' lock is held.
    private void Answered(ReadOnlySpan<ItemOutcome> outcomes)
    {
        foreach (ref readonly var outcome in outcomes)
        {
            _unanswered.Remove(outcome.Item.Id);
            _lost.Remove(outcome.Item.Id);
            if (outcome.Item.Id > _cursor)
            {
                Volatile.Write(ref _settledAhead, 1);
            }
        }
    }

    // The transaction at hand writes that the recipient has it.
    private bool IsDeliveredNow(long id)
    {
        for (var i = 0; i < _peeked; i++)
        {
            if (_outcomes[i].Item.Id == id && _outcomes[i].GivenUp is null)
            {
                return true;
            }
        }

        return false;
    }

    private long AnsweredTo()
    {
        var frontier = Frontier();
        return _sentFrom == _sent.Count ? Math.Min(Math.Min(Math.Max(frontier, _seenTo), _withheldFrom - 1), _opening - 1) : frontier;
    }

    private void ForgetSent()
    {
        _unanswered.Clear();
        _lost.Clear();
        _seenTo = 0;
    }

    // Before the rows are read: what is taken away from here on may be among them.
    private void NoteFetch()
    {
        _committedAtFetch = _spool.CommittedTo;
        lock (_outcomesLock)
        {
            _takenAwayAtFetch = _spool.TakenAway;
        }
    }

    // Always false: nothing after the cursor waits for the recipient.
    private bool NothingThere()
    {
        lock (_outcomesLock)
        {
            _seenTo = Math.Max(_seenTo, _committedAtFetch);
        }

        return false;
    }
}
