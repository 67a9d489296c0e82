using FieldAgent.Core;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>What recipients may have without having acknowledged it (R78): sent, or about to be, and the answer is not noted for good. All under
/// the write lock.</summary>
/// <remarks>
/// <para>Before the first message of a rule (function, field) leaves for a recipient, one row says that items of it are on their way: it is in the
/// database before the message is on the wire, whenever the power goes. One transaction a rule, recipient and run of the courier, none an
/// item: which items exactly is known in memory as long as the agent lives, and after a cut every stored item of that rule may be one of
/// them. The answer makes each a delivery, in the transaction that deletes it. So the row adds nothing while everything is
/// answered, and is deleted when the courier ends in order.</para>
/// <para>What is left over is either still stored: then it is sent again, and answered (unclear); or it was erased, evicted, given up meanwhile:
/// that is noted in the transaction that takes it away, and stays for the term of deliveries (lasting). An answer that still comes
/// takes it out again.</para>
/// <para>A refusal by the broker is no proof that nobody has it: what was refused for good stays as lasting, too.</para>
/// </remarks>
internal sealed partial class PossibleLedger(StoreContext context, Catalogue catalogue, IReadOnlyList<SpoolReader> readers)
{
    // A row with its share of the tree.
    private const int PagesPerRow = 5;

    private const string Table = "possible_deliveries";

    private readonly PossibleRows _table = new(context, Table);
    private readonly List<(SpoolReader Reader, ItemInfo Item)> _moved = [];
    private readonly List<ItemInfo> _found = [];
    private bool _isFirst;
    private bool _hasIds;

    /// <summary>True when the card does not say what memory does.</summary>
    public bool HasUnsaved => _isFirst || _table.HasUnsaved;

    private List<PossibleRow> Rows => _table.Rows;

    /// <summary>Pages that writing fills, from above.</summary>
    /// <param name="givesUp">Items may be given up in the transaction.</param>
    public long PagesToWrite(bool givesUp)
    {
        var rows = _table.CountToWrite(row => givesUp && row.State != PossibleState.Lasting);
        return rows == 0 && !_isFirst ? 0 : 2 + (rows * PagesPerRow);
    }

    /// <summary>What recipients may have now, oldest first.</summary>
    public IReadOnlyList<PossibleDelivery> All()
    {
        lock (context.WriteLock)
        {
            var now = context.Clock.Now();
            var oldest = _table.OldestKept(now);
            var all = Rows.Where(row => row.State == PossibleState.Lasting ? row.LastNs >= oldest : row.State == PossibleState.Unclear && !IsAnswered(row))
                .Select(static row => row.Record()).ToList();
            foreach (var reader in readers)
            {
                all.AddRange(Sent(reader).Select(row => (row with { LastNs = now.WallUnixNs }).Record()));
            }

            return [.. all.OrderBy(static possible => possible.FirstWallUnixNs)];
        }
    }

    /// <summary>An item is about to be sent: from here on the recipient may have what is stored of its rule.</summary>
    /// <returns>True when that is to be written before it is sent.</returns>
    public bool Open(int bit, in ItemInfo item)
    {
        if (catalogue.Ground(item.Ground) is not { } ground)
        {
            return false;
        }

        var recipient = catalogue.RecipientWith(bit);
        var index = Rows.FindIndex(row => row.State == PossibleState.Open && row.IsOf(recipient, ground.Function, ground.Field));
        if (index < 0)
        {
            index = Rows.Count;
            Rows.Add(_table.New(PossibleState.Open, recipient, ground.Function, ground.Field, RangeOf(item), context.Clock.Now().WallUnixNs));
        }

        return Rows[index].IsUnsaved;
    }

    /// <summary>A reader ends in order: what it sent and nobody answered is noted exactly, and nothing else.</summary>
    public void Close(SpoolReader reader)
    {
        var recipient = catalogue.RecipientWith(reader.Bit);
        foreach (var sent in Sent(reader))
        {
            var index = Rows.FindIndex(row => row.State == PossibleState.Unclear && row.IsOf(recipient, sent.Function, sent.Field));
            if (index < 0)
            {
                Rows.Add(sent with { Id = _table.TakeId(), State = PossibleState.Unclear, Ids = [], IsUnsaved = true });
            }
            else
            {
                Rows[index] = Rows[index].With(RangeOf(sent), context.Clock.Now().WallUnixNs) with { Items = 0 };
            }
        }

        _table.Remove(row => row.State == PossibleState.Open && row.Recipient == recipient);
    }

    /// <summary>A transaction is prepared: what changes from here on is taken back when it fails.</summary>
    public void Begin()
    {
        _table.Begin();
        _moved.Clear();
        _hasIds = Rows.Exists(static row => !row.Ids.IsEmpty);
    }

    /// <summary>A recipient has acknowledged an item. O(1) where nothing was taken away.</summary>
    public void Answered(SpoolReader reader, in ItemInfo item)
    {
        if (_hasIds)
        {
            _table.TakeOut(item.Id, catalogue.RecipientWith(reader.Bit));
        }
    }

    /// <summary>Stored items of a rule are given up or erased within the transaction: what of them was sent is noted in it.</summary>
    public void Lost(string function, string field, uint mask, SpoolGap gap)
    {
        if (mask == 0)
        {
            return;
        }

        var now = context.Clock.Now().WallUnixNs;
        foreach (var reader in readers)
        {
            if ((mask & (1u << reader.Bit)) == 0)
            {
                continue;
            }

            _found.Clear();
            reader.FindUnanswered(
                id => catalogue.Ground(id) is { } ground && ground.Function == function && ground.Field == field, gap.FromSequence, gap.ToSequence, _found);
            foreach (var item in _found)
            {
                _table.Stays(catalogue.RecipientWith(reader.Bit), function, field, RangeOf(item), item.Id, now);
                _moved.Add((reader, item));
            }
        }

        for (var i = 0; i < Rows.Count; i++)
        {
            var row = Rows[i];
            if (row.State == PossibleState.Unclear && row.Function == function && row.Field == field
                && catalogue.Recipient(row.Recipient) is var bit and >= 0 && (mask & (1u << bit)) != 0
                && row.Generation == context.Database.Generation && row.From <= gap.ToSequence && row.To >= gap.FromSequence)
            {
                var range = RangeOf(row) with { From = Math.Max(row.From, gap.FromSequence), To = Math.Min(row.To, gap.ToSequence) };
                _table.Stays(row.Recipient, function, field, range, null, now);
            }
        }
    }

    /// <summary>Writes what changed, within the caller's transaction and after its deletions.</summary>
    public void Save(Connection writer)
    {
        for (var i = Rows.Count - 1; i >= 0; i--)
        {
            var row = Rows[i];
            if (row.State == PossibleState.Unclear && readers.FirstOrDefault(reader => reader.Bit == catalogue.Recipient(row.Recipient)) is { } reader
                && reader.SettledTo >= row.ToItem)
            {
                Resolve(i, reader);
            }
        }

        if (!HasUnsaved)
        {
            return;
        }

        _table.Save(writer);
        if (_isFirst)
        {
            context.Database.SetMeta(NotedName, "1"u8);
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved()
    {
        _isFirst = false;
        _table.Saved();
        foreach (var (reader, item) in _moved)
        {
            reader.Lost(item);
        }

        _moved.Clear();
    }

    /// <summary>The transaction failed.</summary>
    public void Failed()
    {
        _table.Failed();
        _moved.Clear();
    }

    // Everything up to its end is answered: by an acknowledgement, or what was lost of it has a row of its own. What was stored under an
    // earlier pseudonym is passed over, and never answered.
    private void Resolve(int index, SpoolReader reader)
    {
        var row = Rows[index];
        if (row.ToItem <= reader.BeganAfter)
        {
            Rows[index] = row with { State = PossibleState.Lasting, IsUnsaved = true };
        }
        else
        {
            _table.RemoveAt(index);
        }
    }

    private bool IsAnswered(PossibleRow row) =>
        readers.FirstOrDefault(reader => reader.Bit == catalogue.Recipient(row.Recipient)) is { } reader && reader.IsSettledTo(row.ToItem)
        && row.ToItem > reader.BeganAfter;

    // What a reader sent and nobody answered: a row a rule.
    private List<PossibleRow> Sent(SpoolReader reader)
    {
        var recipient = catalogue.RecipientWith(reader.Bit);
        var rows = new List<PossibleRow>();
        foreach (var of in reader.Unanswered().GroupBy(item => catalogue.Ground(item.Ground) is { } ground ? (ground.Function, ground.Field) : default))
        {
            if (of.Key == default)
            {
                continue;
            }

            var range = RangeOf(of.First());
            foreach (var item in of)
            {
                range = range.And(RangeOf(item));
            }

            var first = Rows.Find(row => row.State == PossibleState.Open && row.IsOf(recipient, of.Key.Function, of.Key.Field))?.FirstNs
                ?? context.Clock.Now().WallUnixNs;
            rows.Add(_table.Make(0, PossibleState.Open, recipient, of.Key.Function, of.Key.Field, range, first) with { Items = of.Count() });
        }

        return rows;
    }

    private PossibleRange RangeOf(in ItemInfo item)
    {
        var readingNs = (item.AtMs * 1_000_000) + (catalogue.Boot(item.Boot)?.WallOffsetNs ?? 0);
        return new PossibleRange(item.Sequence, item.Sequence, readingNs, readingNs, item.Id, item.Id);
    }

    private static PossibleRange RangeOf(PossibleRow row) =>
        new(row.From, row.To, row.FromReadingNs, row.ToReadingNs, row.FromItem, row.ToItem);
}
