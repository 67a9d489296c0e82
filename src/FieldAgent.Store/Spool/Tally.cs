using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>What is counted, and kept in one small table so that a flush touches one page for it.</summary>
internal enum TallyKind : byte
{
    /// <summary>The id the next item gets.</summary>
    NextId,

    /// <summary>Blocks waiting, by importance.</summary>
    Blocks,

    /// <summary>Readings waiting, by importance.</summary>
    Readings,

    /// <summary>Pictures waiting, by importance.</summary>
    Images,

    /// <summary>Bytes of the files of the pictures.</summary>
    ImageBytes,

    /// <summary>The number the next block or picture of a function gets.</summary>
    NextSequence,

    /// <summary>Items sealed with a key.</summary>
    KeyUses,

    /// <summary>The number the next key gets.</summary>
    NextKey,

    /// <summary>Last number of an open run of deliveries. What grows of a run lies here, on a page that a flush writes anyway.</summary>
    DeliveredTo = 32,

    /// <summary>Items in it.</summary>
    DeliveredItems,

    /// <summary>Readings in them.</summary>
    DeliveredReadings,

    /// <summary>Wall time of the last acknowledgement, ms.</summary>
    DeliveredAtMs,
}

/// <summary>Counters that change with the transaction they are written in. Under the write lock; the committed values of kinds
/// up to <see cref="TallyKind.ImageBytes"/> may be read by <c>status</c> through the spool's snapshot.</summary>
internal sealed class Tally
{
    private readonly Dictionary<(TallyKind, long), long> _committed = [];
    private readonly Dictionary<(TallyKind, long), long> _changed = [];

    public long this[TallyKind kind, long of]
    {
        get => _changed.TryGetValue((kind, of), out var value) ? value : _committed.GetValueOrDefault((kind, of));
        set => _changed[(kind, of)] = value;
    }

    /// <summary>The sum over all three importances.</summary>
    public long Sum(TallyKind kind) => this[kind, 0] + this[kind, 1] + this[kind, 2];

    /// <summary>Adds, within the transaction.</summary>
    public long Add(TallyKind kind, long of, long change) => this[kind, of] += change;

    /// <summary>Reads the table.</summary>
    public void Load(Connection connection)
    {
        _committed.Clear();
        _changed.Clear();
        using var all = connection.Once("SELECT kind, ref, value FROM counts");
        while (all.Step())
        {
            _committed[((TallyKind)all.Int(0), all.Int(1))] = all.Int(2);
        }
    }

    /// <summary>Writes what changed; a count of zero loses its row.</summary>
    public void Save(Statement put, Statement delete)
    {
        foreach (var ((kind, of), value) in _changed)
        {
            if (value == 0)
            {
                delete.Bind(1, (long)kind).Bind(2, of).Run();
            }
            else if (_committed.GetValueOrDefault((kind, of)) != value)
            {
                put.Bind(1, (long)kind).Bind(2, of).Bind(3, value).Run();
            }
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Commit()
    {
        foreach (var (key, value) in _changed)
        {
            if (value == 0)
            {
                _committed.Remove(key);
            }
            else
            {
                _committed[key] = value;
            }
        }

        _changed.Clear();
    }

    /// <summary>The transaction failed.</summary>
    public void Rollback() => _changed.Clear();
}
