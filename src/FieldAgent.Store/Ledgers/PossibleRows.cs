using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>A table of what recipients may have, as it is in memory, with what the card does not say yet. All under the write lock.</summary>
internal sealed class PossibleRows(StoreContext context, string table)
{
    private const long NsPerDay = 86_400 * ClockExtensions.NsPerSecond;

    private readonly List<PossibleRow> _before = [];
    private readonly List<long> _deleted = [];
    private readonly List<long> _deletedBefore = [];
    private long _nextId = 1;

    /// <summary>The rows; whoever changes one marks it as unsaved.</summary>
    public List<PossibleRow> Rows { get; } = [];

    /// <summary>True when the card does not say what memory does.</summary>
    public bool HasUnsaved => _deleted.Count > 0 || Rows.Exists(static row => row.IsUnsaved);

    /// <summary>Rows that writing touches, from above.</summary>
    /// <param name="others">Rows that may change until then.</param>
    public int CountToWrite(Predicate<PossibleRow> others) => _deleted.Count + Rows.Count(row => row.IsUnsaved || others(row));

    /// <summary>Reads what is on the card; the caller decides which of it stays.</summary>
    /// <exception cref="StoreFault">It does not read.</exception>
    public List<PossibleRow> Read(Connection connection)
    {
        Rows.Clear();
        _deleted.Clear();
        var rows = PossibleRow.ReadAll(connection, table);
        _nextId = rows.Count == 0 ? 1 : rows[^1].Id + 1;
        return rows;
    }

    /// <summary>A row of the card that is not in <see cref="Rows"/> is to go.</summary>
    public void Drop(PossibleRow row) => _deleted.Add(row.Id);

    /// <summary>The number of the next row.</summary>
    public long TakeId() => _nextId++;

    /// <summary>Another database has taken the place of the one the rows were in: there is nothing to delete, and all is written.</summary>
    /// <param name="change">What becomes of each.</param>
    public void WriteAll(Func<PossibleRow, PossibleRow> change)
    {
        _deleted.Clear();
        for (var i = 0; i < Rows.Count; i++)
        {
            Rows[i] = change(Rows[i]) with { IsUnsaved = true };
        }
    }

    /// <summary>A row that has a number and is to be written; not added.</summary>
    public PossibleRow New(PossibleState state, string recipient, string function, string field, in PossibleRange range, long now) =>
        Make(TakeId(), state, recipient, function, field, range, now) with { IsUnsaved = true };

    /// <summary>A row of the present database.</summary>
    public PossibleRow Make(long id, PossibleState state, string recipient, string function, string field, in PossibleRange range, long now) =>
        new(id, state, context.Database.Generation, recipient, function, field)
        {
            From = range.From, To = range.To, FromReadingNs = range.FromReadingNs, ToReadingNs = range.ToReadingNs, FromItem = range.FromItem,
            ToItem = range.ToItem, FirstNs = now, LastNs = now,
        };

    /// <summary>Notes what was sent and is no longer on the board: a row a rule, recipient and day.</summary>
    /// <param name="recipient">Who may have it.</param>
    /// <param name="function">The function.</param>
    /// <param name="field">The field.</param>
    /// <param name="range">What.</param>
    /// <param name="id">Which one, when that is known; an answer that still comes takes it out again.</param>
    /// <param name="now">Wall time.</param>
    public void Stays(string recipient, string function, string field, in PossibleRange range, long? id, long now)
    {
        var index = Rows.FindIndex(row => row.State == PossibleState.Lasting && row.IsOf(recipient, function, field)
            && row.Generation == context.Database.Generation && row.FirstNs / NsPerDay == now / NsPerDay && row.Ids.IsEmpty == id is null);
        if (index < 0)
        {
            Rows.Add(New(PossibleState.Lasting, recipient, function, field, range, now) with
            {
                Ids = id is { } one ? [one] : [], Items = id is null ? 0 : 1,
            });
        }
        else
        {
            var ids = id is { } one ? Rows[index].Ids.Add(one) : Rows[index].Ids;
            Rows[index] = Rows[index].With(range, now) with { Ids = ids, Items = ids.Count };
        }
    }

    /// <summary>The answer came after all: takes one item out of what stays.</summary>
    /// <param name="id">The item.</param>
    /// <param name="recipient">Whose answer.</param>
    public void TakeOut(long id, string recipient)
    {
        for (var i = Rows.Count - 1; i >= 0; i--)
        {
            var row = Rows[i];
            if (row.Ids.IsEmpty || !row.Ids.Contains(id) || row.Recipient != recipient)
            {
                continue;
            }

            var left = row.Ids.Remove(id);
            if (left.IsEmpty)
            {
                RemoveAt(i);
            }
            else
            {
                Rows[i] = row with { Ids = left, Items = left.Count, IsUnsaved = true };
            }
        }
    }

    /// <summary>Takes a row away.</summary>
    public void RemoveAt(int index)
    {
        _deleted.Add(Rows[index].Id);
        Rows.RemoveAt(index);
    }

    /// <summary>Takes rows away.</summary>
    public void Remove(Predicate<PossibleRow> which)
    {
        for (var i = Rows.Count - 1; i >= 0; i--)
        {
            if (which(Rows[i]))
            {
                RemoveAt(i);
            }
        }
    }

    /// <summary>The wall time before which a row that stays is over. By a clock nobody has set, nothing is.</summary>
    public long OldestKept(in Stamp now) =>
        now.Quality == ClockQuality.Unsynced ? long.MinValue : now.WallUnixNs - context.Limits.DeliveryTermNs;

    /// <summary>A transaction is prepared: what changes from here on is taken back when it fails.</summary>
    public void Begin()
    {
        _before.Clear();
        _before.AddRange(Rows);
        _deletedBefore.Clear();
        _deletedBefore.AddRange(_deleted);
    }

    /// <summary>Writes what changed, within the caller's transaction.</summary>
    public void Save(Connection writer)
    {
        var oldest = OldestKept(context.Clock.Now());
        Remove(row => row.State == PossibleState.Lasting && row.LastNs < oldest);
        foreach (var id in _deleted)
        {
            using var delete = writer.Once($"DELETE FROM {table} WHERE id = ?1");
            delete.Bind(1, id).Run();
        }

        foreach (var row in Rows)
        {
            if (row.IsUnsaved)
            {
                row.Write(writer, table);
            }
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved()
    {
        _deleted.Clear();
        for (var i = 0; i < Rows.Count; i++)
        {
            if (Rows[i].IsUnsaved)
            {
                Rows[i] = Rows[i] with { IsUnsaved = false };
            }
        }
    }

    /// <summary>The transaction failed.</summary>
    public void Failed()
    {
        Rows.Clear();
        Rows.AddRange(_before);
        _deleted.Clear();
        _deleted.AddRange(_deletedBefore);
    }
}
