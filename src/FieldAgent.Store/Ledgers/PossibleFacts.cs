using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>What recipients may have of the facts in documents without the broker having acknowledged them (R78): what <see cref="PossibleLedger"/> is
/// for blocks and pictures. All under the write lock.</summary>
/// <remarks>
/// <para>Before the first document of a rule leaves for a recipient in a run, one row says so; which documents exactly is known in memory as
/// long as the agent lives. After a cut every document of that rule which waits, from that one on, may be one of them; after an
/// orderly end those between the first and the last that were sent. It waits until the broker has it, so it is sent again and answered.</para>
/// <para>What is erased, replaced, given up or evicted after it was sent leaves a row that stays for the term of deliveries; an answer that still comes
/// takes it out again.</para>
/// </remarks>
internal sealed class PossibleFacts(StoreContext context)
{
    private const string Table = "possible_facts";

    private readonly PossibleRows _table = new(context, Table);

    // Sent, or about to be, and not answered.
    private Dictionary<long, HoldingNotice> _sent = [];
    private Dictionary<long, HoldingNotice> _sentBefore = [];

    // The same, but the board has it no more: the answer may still come.
    private Dictionary<long, HoldingNotice> _gone = [];
    private Dictionary<long, HoldingNotice> _goneBefore = [];
    private bool _isPrepared;
    private bool _hasOrphans;

    /// <summary>True when the card does not say what memory does.</summary>
    public bool HasUnsaved => _hasOrphans || _table.HasUnsaved;

    private List<PossibleRow> Rows => _table.Rows;

    /// <summary>Reads the rows, and finds the documents they mean.</summary>
    /// <exception cref="StoreFault">They do not read.</exception>
    public void Load(Connection connection)
    {
        var rows = _table.Read(connection);
        _sent = MayHaveLeft(OutboxContents.Read(connection), rows).ToDictionary(static notice => notice.Id);
        foreach (var row in rows)
        {
            if (row.State == PossibleState.Lasting)
            {
                Rows.Add(row);
            }
            else if (_sent.Values.Where(notice => Covers(row, notice)).ToList() is { Count: > 0 } meant)
            {
                Rows.Add(row with { State = PossibleState.Unclear, To = meant.Max(static notice => notice.Id), IsUnsaved = true });
            }
            else
            {
                // all of it is answered: what was sent and is gone was noted when it went
                _table.Drop(row);
            }
        }

        var now = context.Clock.Now().WallUnixNs;
        foreach (var notice in OutboxContents.Read(connection, gone: true))
        {
            _hasOrphans = true;
            Stays(notice, now);
        }
    }

    /// <summary>What recipients may have now.</summary>
    public List<PossibleDelivery> All()
    {
        var now = context.Clock.Now();
        var oldest = _table.OldestKept(now);
        var all = Rows.Where(row => row.State == PossibleState.Lasting && row.LastNs >= oldest).Select(static row => row.Record()).ToList();
        foreach (var of in Waiting().GroupBy(static one => (one.Notice.Recipient, one.Content.Function, one.Content.Field)))
        {
            var (recipient, function, field) = of.Key;
            var range = of.Select(static one => RangeOf(one.Notice.Id, one.Content)).Aggregate(static (a, b) => a.And(b));
            var since = Rows.Find(row => row.State != PossibleState.Lasting && row.IsOf(recipient, function, field))?.FirstNs ?? now.WallUnixNs;
            all.Add((_table.Make(0, PossibleState.Open, recipient, function, field, range, since) with { Items = of.Count(), LastNs = now.WallUnixNs }).Record());
        }

        return all;
    }

    /// <summary>A document of facts is about to be sent.</summary>
    public void Open(HoldingNotice notice) => Note(notice, PossibleState.Open);

    /// <summary>A document that waits may have been sent by a program that did not note it.</summary>
    public void Assume(HoldingNotice notice) => Note(notice, PossibleState.Unclear);

    /// <summary>Facts of a rule may have been sent by a program that did not note it, and nobody knows in which documents.</summary>
    /// <param name="recipient">To whom.</param>
    /// <param name="function">The function.</param>
    /// <param name="field">The field.</param>
    /// <param name="last">The last document there was.</param>
    public void Assume(string recipient, string function, string field, long last)
    {
        var now = context.Clock.Now().WallUnixNs;
        _table.Stays(recipient, function, field, new PossibleRange(1, last, 0, now, 0, 0), id: null, now);
    }

    /// <summary>What is known of a document that was sent in this run; null: it was not, or its answer has come.</summary>
    public HoldingNotice? Find(long id) => _sent.GetValueOrDefault(id) ?? _gone.GetValueOrDefault(id);

    /// <summary>The broker has acknowledged a document.</summary>
    public void Answered(HoldingNotice notice)
    {
        _sent.Remove(notice.Id);
        if (_gone.Remove(notice.Id))
        {
            _table.TakeOut(notice.Id, notice.Recipient);
        }
    }

    /// <summary>A document is deleted without an answer.</summary>
    public void Lost(long id)
    {
        if (!_sent.Remove(id, out var notice))
        {
            return;
        }

        Stays(notice, context.Clock.Now().WallUnixNs);
        if (_gone.Count >= context.Limits.NoticesMax)
        {
            _gone.Remove(_gone.Keys.Min());
        }

        _gone[id] = notice;
    }

    /// <summary>The store ends in order: what was sent and nobody answered is noted exactly, and nothing else.</summary>
    public void Close()
    {
        for (var i = Rows.Count - 1; i >= 0; i--)
        {
            var row = Rows[i];
            if (row.State == PossibleState.Lasting)
            {
                continue;
            }

            var ids = _sent.Values.Where(notice => Of(notice, row) is not null).Select(static notice => notice.Id).ToList();
            if (ids.Count == 0)
            {
                _table.RemoveAt(i);
            }
            else if (row.State == PossibleState.Open || row.From != ids.Min() || row.To != ids.Max())
            {
                Rows[i] = row with { State = PossibleState.Unclear, From = ids.Min(), To = ids.Max(), IsUnsaved = true };
            }
        }
    }

    /// <summary>Another database has taken the place of the one the rows are in, without the documents.</summary>
    public void BeginAnew()
    {
        foreach (var id in _sent.Keys.ToList())
        {
            Lost(id);
        }

        // the other database counts its documents from 1
        _gone.Clear();
        _table.Remove(static row => row.State != PossibleState.Lasting);
        _table.WriteAll(static row => row);
    }

    /// <summary>Carries the rows of a database that was set aside over: its documents of facts are not.</summary>
    /// <exception cref="StoreFault">They do not read.</exception>
    public void Salvage(Connection old)
    {
        if (old.Scalar($"SELECT count(*) FROM sqlite_schema WHERE name = '{Table}'") == 0)
        {
            return;
        }

        var rows = PossibleRow.ReadAll(old, Table);
        var left = MayHaveLeft(OutboxContents.Read(old), rows);
        foreach (var row in rows)
        {
            if (row.State == PossibleState.Lasting)
            {
                Rows.Add(row with { Id = _table.TakeId(), IsUnsaved = true });
            }
            else if (left.FindLast(notice => Covers(row, notice)) is { } last)
            {
                Rows.Add(row with
                {
                    Id = _table.TakeId(), State = PossibleState.Lasting, To = Math.Max(row.To, last.Id), Items = 0, LastNs = context.Clock.Now().WallUnixNs, IsUnsaved = true,
                });
            }
        }
    }

    /// <summary>A transaction is prepared, or once more: what changes from here on is taken back when it fails.</summary>
    public void Begin()
    {
        Failed();
        _table.Begin();
        (_sentBefore, _goneBefore) = (new(_sent), new(_gone));
        _isPrepared = true;
    }

    /// <summary>Writes what changed, within the caller's transaction.</summary>
    public void Save(Connection writer)
    {
        if (!HasUnsaved)
        {
            return;
        }

        if (_hasOrphans)
        {
            writer.Execute("DELETE FROM outbox_contents WHERE notice NOT IN (SELECT id FROM outbox)");
        }

        _table.Save(writer);
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved()
    {
        _isPrepared = false;
        _hasOrphans = false;
        _table.Saved();
    }

    /// <summary>The transaction failed.</summary>
    public void Failed()
    {
        if (_isPrepared)
        {
            _isPrepared = false;
            (_sent, _gone) = (_sentBefore, _goneBefore);
            _table.Failed();
        }
    }

    private void Note(HoldingNotice notice, PossibleState state)
    {
        var now = context.Clock.Now().WallUnixNs;
        foreach (var one in notice.Holds)
        {
            var range = RangeOf(notice.Id, one);
            var index = Rows.FindIndex(row => row.State != PossibleState.Lasting && row.IsOf(notice.Recipient, one.Function, one.Field));
            if (index < 0)
            {
                Rows.Add(_table.New(state, notice.Recipient, one.Function, one.Field, range, now));
            }
            else if (Rows[index].From > notice.Id || (state == PossibleState.Open ? Rows[index].State != state : Rows[index].To < notice.Id))
            {
                Rows[index] = Rows[index].With(range, now) with { State = state == PossibleState.Open ? state : Rows[index].State };
            }
        }

        _sent[notice.Id] = notice;
    }

    private void Stays(HoldingNotice notice, long now)
    {
        foreach (var one in notice.Kind == NoticeKind.Facts ? notice.Holds : [])
        {
            _table.Stays(notice.Recipient, one.Function, one.Field, RangeOf(notice.Id, one), notice.Id, now);
        }
    }

    private IEnumerable<(HoldingNotice Notice, NoticeContent Content)> Waiting() =>
        _sent.Values.SelectMany(static notice => notice.Holds.Select(one => (notice, one)));

    // Before a document leaves there is a row for each field in it.
    private static List<HoldingNotice> MayHaveLeft(IEnumerable<HoldingNotice> waiting, List<PossibleRow> rows) => [.. waiting.Where(notice =>
        notice.Kind == NoticeKind.Facts && notice.Holds.All(one => rows.Exists(row => row.IsOf(notice.Recipient, one.Function, one.Field) && Covers(row, notice))))];

    private static bool Covers(PossibleRow row, HoldingNotice notice) => row.State != PossibleState.Lasting && notice.Id >= row.From
        && (row.State == PossibleState.Open || notice.Id <= row.To) && Of(notice, row) is not null;

    private static NoticeContent? Of(HoldingNotice notice, PossibleRow row) =>
        notice.Recipient == row.Recipient ? notice.Holds.FirstOrDefault(one => one.Function == row.Function && one.Field == row.Field) : null;

    private static PossibleRange RangeOf(long id, NoticeContent content) => new(id, id, content.AtWallUnixNs, content.AtWallUnixNs, 0, 0);
}
