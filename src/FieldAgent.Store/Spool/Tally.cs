using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>What is counted. The numbers are stored: never change one.</summary>
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

    /// <summary>Items in it, where they do not follow from its numbers.</summary>
    DeliveredItems,

    /// <summary>Readings in them.</summary>
    DeliveredReadings,

    /// <summary>Wall time of the last acknowledgement, ms.</summary>
    DeliveredAtMs,
}

/// <summary>Counters that change with the transaction they are written in. Under the write lock; the committed values of kinds
/// up to <see cref="TallyKind.ImageBytes"/> may be read by <c>status</c> through the spool's snapshot.</summary>
/// <remarks>Each count is in one of two places. Those that changed lately are in one row of the table of items, which a flush writes
/// anyway: while little waits, a flush changes that page and no other (a page less a flush is a fifth of the bytes on the card). When
/// they become many, all of them move to the table of counts, and the row begins anew.</remarks>
internal sealed class Tally
{
    // As many as a few functions change, and few enough to leave the page to the items.
    private const int RecentMax = 40;

    private const int RecentBytesMax = RecentMax * (1 + (2 * VarintBytesMax));
    private const int VarintBytesMax = 10;

    private readonly Dictionary<(TallyKind, long), long> _committed = [];
    private readonly Dictionary<(TallyKind, long), long> _changed = [];
    private Dictionary<(TallyKind, long), long> _recent = [];
    private Dictionary<(TallyKind, long), long> _nextRecent = [];

    public long this[TallyKind kind, long of]
    {
        get => _changed.TryGetValue((kind, of), out var value) ? value : _committed.GetValueOrDefault((kind, of));
        set => _changed[(kind, of)] = value;
    }

    /// <summary>The sum over all three importances.</summary>
    public long Sum(TallyKind kind) => this[kind, 0] + this[kind, 1] + this[kind, 2];

    /// <summary>Adds, within the transaction.</summary>
    public long Add(TallyKind kind, long of, long change) => this[kind, of] += change;

    /// <summary>What a kind is counted of, as committed.</summary>
    public IEnumerable<long> CountedOf(TallyKind kind) =>
        _committed.Keys.Where(key => key.Item1 == kind).Select(static key => key.Item2);

    /// <summary>Reads the table and the row.</summary>
    /// <exception cref="StoreFault">Corrupt: the row does not decode.</exception>
    public void Load(Connection connection)
    {
        _committed.Clear();
        _changed.Clear();
        _recent.Clear();
        using var all = connection.Once("SELECT kind, ref, value FROM counts");
        while (all.Step())
        {
            _committed[((TallyKind)all.Int(0), all.Int(1))] = all.Int(2);
        }

        using var row = connection.Once($"SELECT payload FROM items WHERE id = {SpoolStatements.CountsId}");
        if (row.Step())
        {
            var isWhole = TryRead(row.Blob(0), _recent);
            row.Reset();
            if (!isWhole)
            {
                throw new StoreFault(StoreFaultKind.Corrupt, "the counts beside the items do not decode", retry: false);
            }
        }

        foreach (var (key, value) in _recent)
        {
            _committed[key] = value;
        }
    }

    /// <summary>Writes what changed; a count of zero is kept nowhere.</summary>
    public void Save(SpoolStatements statements)
    {
        _nextRecent.Clear();
        foreach (var (key, value) in _recent)
        {
            if (value != 0)
            {
                _nextRecent[key] = value;
            }
        }

        var differs = false;
        foreach (var (key, value) in _changed)
        {
            if (_committed.GetValueOrDefault(key) != value)
            {
                _nextRecent[key] = value;
                differs = true;
            }
        }

        if (!differs)
        {
            return;
        }

        var isFull = _nextRecent.Count > RecentMax;
        foreach (var (key, value) in _nextRecent)
        {
            var ((kind, of), isInTable) = (key, _committed.ContainsKey(key) && !_recent.ContainsKey(key));
            if (isFull && value != 0)
            {
                statements.PutCount.Bind(1, (long)kind).Bind(2, of).Bind(3, value).Run();
            }
            else if (isInTable)
            {
                statements.DeleteCount.Bind(1, (long)kind).Bind(2, of).Run();
            }
        }

        if (isFull)
        {
            _nextRecent.Clear();
        }

        Span<byte> bytes = stackalloc byte[RecentBytesMax];
        statements.PutRecentCounts.Bind(1, Write(_nextRecent, bytes)).Run();
    }

    /// <summary>The transaction succeeded.</summary>
    public void Commit()
    {
        var differs = false;
        foreach (var (key, value) in _changed)
        {
            differs |= _committed.GetValueOrDefault(key) != value;
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
        if (differs)
        {
            (_recent, _nextRecent) = (_nextRecent, _recent);
        }
    }

    /// <summary>The transaction failed.</summary>
    public void Rollback() => _changed.Clear();

    // Kind, then what it is counted of and the count, both as bytes of seven bits with the least first. Zeros are left out.
    private static ReadOnlySpan<byte> Write(Dictionary<(TallyKind, long), long> counts, Span<byte> bytes)
    {
        var at = 0;
        foreach (var ((kind, of), value) in counts)
        {
            if (value != 0)
            {
                bytes[at++] = (byte)kind;
                at = WriteNumber(bytes, at, of);
                at = WriteNumber(bytes, at, value);
            }
        }

        return bytes[..at];
    }

    private static bool TryRead(ReadOnlySpan<byte> bytes, Dictionary<(TallyKind, long), long> counts)
    {
        while (!bytes.IsEmpty)
        {
            var kind = (TallyKind)bytes[0];
            bytes = bytes[1..];
            if (!Enum.IsDefined(kind) || !TryReadNumber(ref bytes, out var of) || !TryReadNumber(ref bytes, out var value))
            {
                return false;
            }

            counts[(kind, of)] = value;
        }

        return true;
    }

    private static int WriteNumber(Span<byte> bytes, int at, long number)
    {
        var rest = (ulong)number;
        for (; rest >= 0x80; rest >>= 7)
        {
            bytes[at++] = (byte)(rest | 0x80);
        }

        bytes[at++] = (byte)rest;
        return at;
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> bytes, out long number)
    {
        var all = 0UL;
        for (var i = 0; i < Math.Min(bytes.Length, VarintBytesMax); i++)
        {
            all |= (ulong)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                number = (long)all;
                return true;
            }
        }

        number = 0;
        return false;
    }
}
