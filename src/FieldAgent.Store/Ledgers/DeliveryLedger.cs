using FieldAgent.Core;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>What was delivered to whom: one row a run of numbers. A row is written when its run begins and ends; what grows in between is
/// kept with the spool's counts, on a page that a flush writes anyway, and in the transaction that deletes the delivered item: so the
/// ledger costs the card next to nothing, and a power cut leaves it exact.</summary>
internal sealed partial class DeliveryLedger(StoreContext context, Catalogue catalogue, Tally tally, PossibleLedger possible) : IDeliveryLedger
{
    // Runs that grow at the same time: a few functions at a few recipients.
    private const int OpenMax = 32;

    // Runs of one ground at one recipient: more than one while acknowledgements arrive out of order.
    private const int OpenOfGroundMax = 4;

    // Rows begun in one transaction; beyond, numbers in no order go into one run.
    private const int NewMax = 8;

    // A row with its share of the tree; a table of small pages splits now and then.
    private const int PagesPerRow = 5;

    // With each new row more are forgotten than are added.
    private const int ForgetMax = 8;

    private const long NsPerDay = 86_400 * ClockExtensions.NsPerSecond;

    private readonly List<DeliveryRun> _open = [];
    private readonly List<DeliveryRun> _before = [];
    private readonly List<DeliveryRun> _closed = [];
    private readonly List<long> _merged = [];
    private long _nextId;
    private long _nextIdBefore;
    private int _begun;
    private long _now;
    private bool _changed;
    private bool _unsettled;

    /// <summary>Pages that writing what was noted fills, from above.</summary>
    public long PagesToWrite =>
        !_changed ? 0 : 2 + ((_closed.Count + _merged.Count + _open.Count(static run => run.IsNew || run.IsRowStale)) * PagesPerRow);

    /// <inheritdoc/>
    public IReadOnlyList<DeliveryRecord> All()
    {
        lock (context.WriteLock)
        {
            var now = context.Clock.Now();
            var oldest = now.Quality == ClockQuality.Unsynced ? long.MinValue : now.WallUnixNs - context.Limits.DeliveryTermNs;
            var all = DeliveryRows.Read(context.Database.Writer, openToo: false, oldest);
            foreach (var run in _open)
            {
                if (run.LastNs >= oldest)
                {
                    all.Add(run.Record());
                }
            }

            return [.. all.OrderBy(static record => record.FirstWallUnixNs)];
        }
    }

    /// <summary>Writes what readers have decided.</summary>
    public required Action SettleNow { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<PossibleDelivery> Possible() =>
        PossibleFacts() is { Count: > 0 } facts ? [.. possible.All().Concat(facts).OrderBy(static one => one.FirstWallUnixNs)] : possible.All();

    /// <inheritdoc/>
    public void Settle()
    {
        try
        {
            SettleNow();
        }
        catch (StoreFault)
        {
            // what is not noted as delivered stays possible
            context.Counters.Add("store.unsettled");
        }
    }

    /// <inheritdoc/>
    public DeliveryRecord? Find(string recipient, string function, long sequence)
    {
        var generation = context.Database.Generation;
        return All().Where(run => !run.IsFacts && run.Recipient == recipient && run.Function == function && run.Holds(sequence))
            .OrderByDescending(run => run.Generation == generation).ThenBy(static run => run.Step == 0)
            .ThenByDescending(static run => run.LastWallUnixNs).FirstOrDefault();
    }

    /// <summary>Reads what was growing. Tally and catalogue are loaded.</summary>
    public void Load(Connection connection)
    {
        _open.Clear();
        _nextId = connection.Scalar("SELECT ifnull(max(id), 0) FROM deliveries") + 1;
        var lastItem = tally[TallyKind.NextId, 0] - 1;
        foreach (var (recipient, _, run) in DeliveryRows.ReadOpen(connection, (kind, of) => tally[kind, of], lastItem))
        {
            _open.Add(run with { Bit = catalogue.Recipient(recipient) });
        }

        _unsettled = false;
    }

    /// <summary>A transaction is prepared: what is noted from here on is taken back when it fails.</summary>
    public void Begin()
    {
        if (_unsettled)
        {
            // the last one did not get as far as failing
            Failed();
        }

        _unsettled = true;
        _now = context.Clock.Now().WallUnixNs;
        _before.Clear();
        _before.AddRange(_open);
        _nextIdBefore = _nextId;
        _begun = 0;
        _changed = false;
    }

    /// <summary>A recipient has acknowledged an item. O(1).</summary>
    public void Note(int bit, in ItemInfo item)
    {
        if (item.Kind == SpoolItemKind.Gap)
        {
            return;
        }

        _changed = true;
        var readingNs = (item.AtMs * 1_000_000) + (catalogue.Boot(item.Boot)?.WallOffsetNs ?? 0);
        var one = DeliveryRun.Of(bit, item, readingNs, _now);
        var index = FindContinued(one);
        if (index < 0)
        {
            Open(one);
            return;
        }

        // it may have filled the hole between two
        for (var other = 0; other < _open.Count; other++)
        {
            if (other != index && IsAlike(_open[other], one) && _open[index].Continues(_open[other], evenApart: false, out var step))
            {
                var (kept, gone) = _open[index].Id < _open[other].Id ? (index, other) : (other, index);
                var run = _open[kept];
                run.Take(_open[gone], step);
                _open[kept] = run;
                Forget(gone);
                return;
            }
        }
    }

    /// <summary>Writes what was noted, within the caller's transaction and before its tally.</summary>
    public void Save(Connection writer)
    {
        if (!_changed)
        {
            return;
        }

        foreach (var id in _merged)
        {
            using var delete = writer.Once("DELETE FROM deliveries WHERE id = ?1");
            delete.Bind(1, id).Run();
            Count(new DeliveryRun { Id = id });
        }

        foreach (var run in _closed)
        {
            Write(writer, run, open: false);
            Count(new DeliveryRun { Id = run.Id });
        }

        for (var i = 0; i < _open.Count; i++)
        {
            var run = _open[i];
            if (run.IsNew || run.IsRowStale)
            {
                Write(writer, run, open: true);
                _open[i] = run with { IsNew = false, IsRowStale = false };
            }

            Count(run);
        }

        if (_begun > 0)
        {
            ForgetOld(writer);
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved() => End();

    /// <summary>The transaction failed: what it noted will be noted again.</summary>
    public void Failed()
    {
        _open.Clear();
        _open.AddRange(_before);
        _nextId = _nextIdBefore;
        End();
    }

    /// <summary>Carries the rows of a database that was set aside over.</summary>
    /// <exception cref="StoreFault">They do not read; those read so far are kept.</exception>
    public void Salvage(Connection old)
    {
        foreach (var chunk in DeliveryRows.Read(old, openToo: true, long.MinValue).Chunk(64))
        {
            lock (context.WriteLock)
            {
                context.Write(
                    writer =>
                    {
                        foreach (var record in chunk)
                        {
                            DeliveryRows.Write(writer, _nextId++, record, ground: 0, open: false);
                        }
                    },
                    chunk.Length * 1024);
            }
        }
    }

    private void End()
    {
        _unsettled = false;
        _closed.Clear();
        _merged.Clear();
        _begun = 0;
        _changed = false;
    }

    private static bool IsAlike(in DeliveryRun a, in DeliveryRun b) => a.Bit == b.Bit && a.Ground == b.Ground;

    // The run that an item continues, extended by it; a new day begins a new run. −1: none.
    private int FindContinued(in DeliveryRun one)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = 0; i < _open.Count; i++)
            {
                var run = _open[i];
                if (IsAlike(run, one) && run.FirstNs / NsPerDay == _now / NsPerDay && run.Continues(one, evenApart: pass > 0, out var step))
                {
                    run.Take(one, step);
                    _open[i] = run;
                    return i;
                }
            }
        }

        return -1;
    }

    private void Open(DeliveryRun one)
    {
        int alike = 0, oldestAlike = -1, last = -1;
        for (var i = 0; i < _open.Count; i++)
        {
            if (IsAlike(_open[i], one))
            {
                alike++;
                oldestAlike = oldestAlike < 0 || _open[i].LastNs < _open[oldestAlike].LastNs ? i : oldestAlike;
                last = i;
            }
        }

        if (_begun >= NewMax && last >= 0)
        {
            var run = _open[last];
            run.IsRowStale |= run.Step != 0;
            run.Take(one, step: 0);
            _open[last] = run;
            return;
        }

        if (oldestAlike >= 0 && (alike >= OpenOfGroundMax || _open[oldestAlike].FirstNs / NsPerDay != _now / NsPerDay))
        {
            Close(oldestAlike);
        }
        else if (_open.Count >= OpenMax)
        {
            Close(LeastRecent());
        }

        if (catalogue.Ground(one.Ground) is not { } ground)
        {
            return;
        }

        one.Id = _nextId++;
        one.Fixed = DeliveryRun.FixedOf(catalogue.RecipientWith(one.Bit), ground, context.Database.Generation);
        _begun++;
        _open.Add(one);
    }

    private int LeastRecent()
    {
        var least = 0;
        for (var i = 1; i < _open.Count; i++)
        {
            least = _open[i].LastNs < _open[least].LastNs ? i : least;
        }

        return least;
    }

    private void Close(int index)
    {
        _closed.Add(_open[index]);
        _open.RemoveAt(index);
    }

    private void Forget(int index)
    {
        if (!_open[index].IsNew)
        {
            _merged.Add(_open[index].Id);
        }

        _open.RemoveAt(index);
    }

    private void Count(in DeliveryRun run)
    {
        tally[TallyKind.DeliveredTo, run.Id] = run.To;
        tally[TallyKind.DeliveredItems, run.Id] = run.Step == 0 ? run.Items : 0;
        tally[TallyKind.DeliveredReadings, run.Id] = run.Readings;
        tally[TallyKind.DeliveredAtMs, run.Id] = run.LastNs / 1_000_000;
    }

    private static void Write(Connection writer, in DeliveryRun run, bool open) =>
        DeliveryRows.Write(writer, run.Id, run.Record(), run.Ground, open);

    // By a clock nobody has set, nothing is over.
    private void ForgetOld(Connection writer)
    {
        var now = context.Clock.Now();
        if (now.Quality > ClockQuality.Unsynced)
        {
            using var over = writer.Once(
                "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE open = 0 AND last_ns < ?1 ORDER BY id LIMIT ?2)");
            over.Bind(1, now.WallUnixNs - context.Limits.DeliveryTermNs).Bind(2, ForgetMax + _begun).Run();
        }

        var beyond = writer.Scalar("SELECT count(*) FROM deliveries") - context.Limits.DeliveriesMax;
        if (beyond > 0)
        {
            using var first = writer.Once("DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE open = 0 ORDER BY id LIMIT ?1)");
            context.Counters.Add("dropped.deliveries-forgotten", first.Bind(1, beyond).Run());
        }
    }
}
