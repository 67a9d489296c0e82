using FieldAgent.Core;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>What a start finds: the rows of a run that ended in order, or was cut off, or of another program or database.</summary>
internal sealed partial class PossibleLedger
{
    // There from the first start on of a program that notes what it sends.
    private const string NotedName = "sends-noted";

    // Items looked at after a cut, for what still waits of a rule: the oldest, where a courier begins. Beyond, it may be so.
    private const int ItemsPerLook = 4096;

    /// <summary>Reads the rows. What was open was cut off: all that still waits of it may have been sent. Catalogue and counts are loaded.</summary>
    /// <param name="database">The database.</param>
    /// <param name="lastItem">The last stored item.</param>
    /// <param name="lastSequence">The last number of a function.</param>
    public void Load(Database database, long lastItem, Func<string, long> lastSequence)
    {
        var rows = _table.Read(database.Writer);
        _isFirst = database.GetMeta(NotedName) is null;
        if (_isFirst && !database.IsFresh)
        {
            rows.AddRange(OfEarlierProgram(database));
        }

        foreach (var ofRecipient in rows.GroupBy(static row => row.Recipient))
        {
            var isKnown = catalogue.Recipient(ofRecipient.Key) >= 0;
            var waits = isKnown && ofRecipient.Any(static row => row.State == PossibleState.Open) ? Waiting(database.Writer, ofRecipient.Key) : null;
            foreach (var row in ofRecipient)
            {
                if (row.State == PossibleState.Lasting || (row.State == PossibleState.Unclear && isKnown))
                {
                    Rows.Add(row);
                }
                else if (!isKnown)
                {
                    // it will never answer
                    Rows.Add(row with { State = PossibleState.Lasting, To = Math.Max(row.To, lastSequence(row.Function)), IsUnsaved = true });
                }
                else if (waits!.TryGetValue((row.Function, row.Field), out var first))
                {
                    Rows.Add(Cut(row, first, lastItem, lastSequence(row.Function)));
                }
                else if (waits.ContainsKey(default))
                {
                    Rows.Add(Cut(row, null, lastItem, lastSequence(row.Function)));
                }
                else
                {
                    // all of it is answered: what was sent and is gone was noted when it went
                    _table.Drop(row);
                }
            }
        }
    }

    /// <summary>Another database has taken the place of the one the rows are in: they are all written again, and what was sent from the old one
    /// is out of reach.</summary>
    public void BeginAnew()
    {
        var now = context.Clock.Now().WallUnixNs;
        var sent = readers.SelectMany(Sent).ToList();
        _table.WriteAll(row => row with
        {
            State = row.State == PossibleState.Unclear ? PossibleState.Lasting : row.State,
            Generation = row.State == PossibleState.Open ? context.Database.Generation : row.Generation,
        });
        Rows.AddRange(sent.Select(row => row with { Id = _table.TakeId(), State = PossibleState.Lasting, LastNs = now, Ids = [], IsUnsaved = true }));
        _isFirst = true;
    }

    /// <summary>Carries the rows of a database that was set aside over: nothing of it is answered any more.</summary>
    /// <exception cref="StoreFault">They do not read.</exception>
    public void Salvage(Connection old)
    {
        if (old.Scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'possible_deliveries'") == 0)
        {
            return;
        }

        var last = old.Scalar("SELECT ifnull(max(sequence), 0) FROM items");
        lock (context.WriteLock)
        {
            Rows.AddRange(PossibleRow.ReadAll(old, Table).Select(row => row with
            {
                Id = _table.TakeId(),
                To = row.State == PossibleState.Open ? Math.Max(row.To, last) : row.To,
                Items = row.State == PossibleState.Open ? 0 : row.Items,
                State = PossibleState.Lasting,
                IsUnsaved = true,
            }));
        }
    }

    // The work was cut off: from the first that waits, or the first that was ever sent, to the last one stored.
    private PossibleRow Cut(PossibleRow row, PossibleRange? first, long lastItem, long lastSequence) => row with
    {
        State = PossibleState.Unclear,
        From = first?.From ?? row.From,
        FromItem = first?.FromItem ?? row.FromItem,
        FromReadingNs = first?.FromReadingNs ?? row.FromReadingNs,
        To = Math.Max(row.To, lastSequence),
        ToItem = Math.Max(row.ToItem, lastItem),
        ToReadingNs = Math.Max(row.ToReadingNs, context.Clock.Now().WallUnixNs),
        Items = 0,
        LastNs = context.Clock.Now().WallUnixNs,
        IsUnsaved = true,
    };

    // The first item of each rule that waits for a recipient; with an entry for no rule at all when there are more than were looked at.
    private Dictionary<(string Function, string Field), PossibleRange> Waiting(Connection connection, string recipient)
    {
        var first = new Dictionary<(string, string), PossibleRange>();
        using var oldest = connection.Once(
            $"SELECT {SpoolStatements.InfoColumns} FROM items WHERE id > (SELECT done_to FROM recipients WHERE name = ?1) AND kind < 2 ORDER BY id LIMIT ?2");
        oldest.Bind(1, recipient).Bind(2, ItemsPerLook);
        var bit = catalogue.Recipient(recipient);
        var looked = 0;
        while (oldest.Step())
        {
            looked++;
            var item = Spool.ReadInfo(oldest);
            if ((item.Pending & (1u << bit)) != 0 && catalogue.Ground(item.Ground) is { } ground)
            {
                first.TryAdd((ground.Function, ground.Field), RangeOf(item));
            }
        }

        if (looked == ItemsPerLook)
        {
            first.TryAdd(default, default);
        }

        return first;
    }

    // A program that noted nothing has left a backlog: it may have sent any of it.
    private List<PossibleRow> OfEarlierProgram(Database database)
    {
        var rows = new Dictionary<(string, string, string), PossibleRow>();
        using var all = database.Writer.Once($"SELECT {SpoolStatements.InfoColumns} FROM items WHERE kind < 2 AND pending <> 0 ORDER BY id");
        var now = context.Clock.Now().WallUnixNs;
        while (all.Step())
        {
            var item = Spool.ReadInfo(all);
            if (catalogue.Ground(item.Ground) is not { } ground)
            {
                continue;
            }

            foreach (var recipient in catalogue.RecipientsIn(item.Pending))
            {
                var key = (recipient, ground.Function, ground.Field);
                rows[key] = rows.TryGetValue(key, out var row)
                    ? row.With(RangeOf(item), now)
                    : _table.New(PossibleState.Unclear, recipient, ground.Function, ground.Field, RangeOf(item), now);
            }
        }

        return [.. rows.Values];
    }
}
