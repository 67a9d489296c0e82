using System.Collections.Immutable;
using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>How much is known of what a recipient may have. The numbers are stored: never change one.</summary>
internal enum PossibleState : byte
{
    /// <summary>A reader is at work: what it knows is exact. Found at a start, its work was cut off.</summary>
    Open,

    /// <summary>Sent, not answered, and still stored: it is sent again, and answered then.</summary>
    Unclear,

    /// <summary>Sent, not answered, and no longer on the board: nobody will ever know.</summary>
    Lasting,
}

/// <summary>A row of a table of what recipients may have: <c>possible_deliveries</c>, of items of the spool, or <c>possible_facts</c>, of documents
/// of the outbox, which are in no spool: their item is 0.</summary>
internal sealed record PossibleRow(long Id, PossibleState State, Guid Generation, string Recipient, string Function, string Field)
{
    private const string Columns =
        "id, state, generation, recipient, function, field, from_sequence, to_sequence, items, from_reading_ns, to_reading_ns, from_item, to_item, "
        + "first_ns, last_ns";

    public long From { get; init; }

    public long To { get; init; }

    /// <summary>How many; 0 when nobody knows.</summary>
    public long Items { get; init; }

    public long FromReadingNs { get; init; }

    public long ToReadingNs { get; init; }

    public long FromItem { get; init; }

    public long ToItem { get; init; }

    public long FirstNs { get; init; }

    public long LastNs { get; init; }

    /// <summary>Of a lasting one: its items, when all of them were sent in this run, so that a late answer can take them out again.</summary>
    public ImmutableHashSet<long> Ids { get; init; } = [];

    /// <summary>True while the card does not say so.</summary>
    public bool IsUnsaved { get; init; }

    /// <summary>True when it is about that rule at that recipient.</summary>
    public bool IsOf(string recipient, string function, string field) => Recipient == recipient && Function == function && Field == field;

    /// <summary>The row with more in it.</summary>
    public PossibleRow With(in PossibleRange more, long nowNs) => this with
    {
        From = Math.Min(From, more.From),
        To = Math.Max(To, more.To),
        FromReadingNs = Math.Min(FromReadingNs, more.FromReadingNs),
        ToReadingNs = Math.Max(ToReadingNs, more.ToReadingNs),
        FromItem = Math.Min(FromItem, more.FromItem),
        ToItem = Math.Max(ToItem, more.ToItem),
        LastNs = Math.Max(LastNs, nowNs),
        IsUnsaved = true,
    };

    /// <summary>As others see it.</summary>
    public PossibleDelivery Record() =>
        new(Recipient, Function, Field, From, To, Items, FromReadingNs, ToReadingNs, FirstNs, LastNs)
        {
            Generation = Generation, FromItem = FromItem, ToItem = ToItem, IsFacts = FromItem == 0,
        };

    /// <summary>Writes it, in place of an older one with its number.</summary>
    public void Write(Connection writer, string table)
    {
        using var put = writer.Once(
            $"INSERT OR REPLACE INTO {table}({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
        put.Bind(1, Id).Bind(2, (long)State).Bind(3, Generation.ToByteArray()).Bind(4, Recipient).Bind(5, Function).Bind(6, Field).Bind(7, From)
            .Bind(8, To).Bind(9, Items).Bind(10, FromReadingNs).Bind(11, ToReadingNs).Bind(12, FromItem).Bind(13, ToItem).Bind(14, FirstNs)
            .Bind(15, LastNs).Run();
    }

    /// <summary>All rows.</summary>
    /// <exception cref="StoreFault">Corrupt: they do not read.</exception>
    public static List<PossibleRow> ReadAll(Connection connection, string table)
    {
        var rows = new List<PossibleRow>();
        using var all = connection.Once($"SELECT {Columns} FROM {table} ORDER BY id");
        while (all.Step())
        {
            if (all.Blob(2).Length != 16)
            {
                throw new StoreFault(StoreFaultKind.Corrupt, "the ledger of what recipients may have does not read", retry: false);
            }

            rows.Add(new PossibleRow(all.Int(0), (PossibleState)all.Int(1), new Guid(all.Blob(2)), all.Text(3), all.Text(4), all.Text(5))
            {
                From = all.Int(6),
                To = all.Int(7),
                Items = all.Int(8),
                FromReadingNs = all.Int(9),
                ToReadingNs = all.Int(10),
                FromItem = all.Int(11),
                ToItem = all.Int(12),
                FirstNs = all.Int(13),
                LastNs = all.Int(14),
            });
        }

        return rows;
    }
}

/// <summary>Numbers, items and times that a recipient may have.</summary>
internal readonly record struct PossibleRange(long From, long To, long FromReadingNs, long ToReadingNs, long FromItem, long ToItem)
{
    /// <summary>Both together.</summary>
    public PossibleRange And(in PossibleRange other) => new(
        Math.Min(From, other.From), Math.Max(To, other.To), Math.Min(FromReadingNs, other.FromReadingNs),
        Math.Max(ToReadingNs, other.ToReadingNs), Math.Min(FromItem, other.FromItem), Math.Max(ToItem, other.ToItem));
}
