using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>Looks at all that is held, a few rows at a time on the reading connection.</summary>
internal sealed class SpoolView : ISpoolView
{
    // A chunk holds up neither a courier nor a checkpoint.
    private const int RowsPerLook = 2000;

    private readonly Spool _spool;
    private readonly StoreContext _context;
    private readonly ItemOpener _opener;
    private readonly Prefetch _prefetch;
    private readonly long _end;
    private int _epoch;
    private long _cursor;

    public SpoolView(Spool spool)
    {
        _spool = spool;
        _context = spool.Context;
        _opener = new ItemOpener(_context, spool.Catalogue);
        _prefetch = new Prefetch(_context.Limits);
        _end = spool.NextId;
        _epoch = spool.Epoch;
    }

    /// <inheritdoc/>
    public bool TryRead(SpoolItem item, out HeldItem held)
    {
        _opener.WipePersonal();
        if (_spool.Epoch is var epoch && epoch != _epoch)
        {
            // items were taken away, perhaps keys with them
            _prefetch.Clear();
            _opener.ForgetKeys();
            _epoch = epoch;
        }

        if (_prefetch.IsEmpty && !Fetch())
        {
            held = new HeldItem("", default, default, default, "", [], 0);
            return false;
        }

        ref readonly var row = ref _prefetch.Next();
        _cursor = row.Item.Id;
        if (_cursor >= _end)
        {
            held = new HeldItem("", default, default, default, "", [], 0);
            return false;
        }

        var why = Fill(item, row) ?? "";
        var ground = _spool.Catalogue.Ground(row.Item.Ground);
        var wall = (row.AtMs * 1_000_000) + (_spool.Catalogue.Boot(row.Boot)?.WallOffsetNs ?? 0);
        var term = TimeSpan.FromTicks((ground?.Terms.TermNs ?? 0) / 100);
        if (why.Length == 0 && ground is not null && wall + ground.Terms.TermNs < _context.Clock.Now().WallUnixNs)
        {
            why = "its retention term is over";
            item.Sets = [];
            item.Image = null;
        }

        held = new HeldItem(why, ground?.Terms.Basis ?? default, ground?.Terms.Precision ?? default, term, ground?.Terms.PolicyHash ?? "",
            _spool.Catalogue.RecipientsIn(row.Item.Pending), wall);
        return true;
    }

    /// <inheritdoc/>
    public int ReadImage(SpoolImage image, long offset, Span<byte> buffer) => _opener.ReadImage(image, offset, buffer);

    /// <inheritdoc/>
    public IReadOnlyList<HeldSummary> Summarize()
    {
        var sums = new Dictionary<(long Ground, SpoolItemKind Kind), Sum>();
        for (long after = 0, before; ; )
        {
            before = after;
            lock (_context.ReadLock)
            {
                using var rows = Reader().Once(
                    "SELECT id, kind, ground, boot, pending, readings, ifnull(length(payload), 0), at_ms FROM items "
                    + "WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3");
                rows.Bind(1, after).Bind(2, _end).Bind(3, RowsPerLook);
                while (rows.Step())
                {
                    after = rows.Int(0);
                    if (rows.Int(1) < (long)SpoolItemKind.Gap)
                    {
                        Add(sums, rows);
                    }
                }
            }

            if (after == before)
            {
                break;
            }
        }

        return [.. sums.Select(sum => Summary(sum.Key, sum.Value)).OfType<HeldSummary>()
            .OrderBy(static s => s.Function, StringComparer.Ordinal).ThenBy(static s => s.Field, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_context.ReadLock)
        {
            _prefetch.Dispose();
        }

        _opener.Dispose();
    }

    private string? Fill(SpoolItem item, in Prefetch.Row row)
    {
        var why = _opener.Fill(item, row, _prefetch.Payload(row));
        if (why is not null && row.Item.Kind != SpoolItemKind.Gap && _spool.Catalogue.Ground(row.Item.Ground) is { } ground)
        {
            item.Function = ground.Function;
            item.Field = ground.Field;
            item.Purpose = ground.Purpose;
            item.PolicyVersion = ground.PolicyVersion;
            item.ConsentId = ground.ConsentId;
        }

        return why;
    }

    private Connection Reader() =>
        _context.Database.Reader is { IsClosed: false } reader ? reader : throw _context.Database.Reader.ClosedFault();

    private bool Fetch()
    {
        lock (_context.ReadLock)
        {
            return _prefetch.Fill(Reader(), _cursor, uint.MaxValue);
        }
    }

    private sealed class Sum
    {
        public long Items, Readings, Bytes, OldestNs = long.MaxValue, NewestNs = long.MinValue;
        public readonly Dictionary<string, long> Pending = new(StringComparer.Ordinal);
    }

    private void Add(Dictionary<(long Ground, SpoolItemKind Kind), Sum> sums, Statement row)
    {
        var key = (row.Int(2), (SpoolItemKind)row.Int(1));
        if (!sums.TryGetValue(key, out var sum))
        {
            sums.Add(key, sum = new Sum());
        }

        var wall = (row.Int(7) * 1_000_000) + (_spool.Catalogue.Boot(row.Int(3))?.WallOffsetNs ?? 0);
        sum.Items++;
        sum.Readings += row.Int(5);
        sum.Bytes += row.Int(6);
        sum.OldestNs = Math.Min(sum.OldestNs, wall);
        sum.NewestNs = Math.Max(sum.NewestNs, wall);
        foreach (var recipient in _spool.Catalogue.RecipientsIn((uint)row.Int(4)))
        {
            sum.Pending[recipient] = sum.Pending.GetValueOrDefault(recipient) + 1;
        }
    }

    private HeldSummary? Summary((long Ground, SpoolItemKind Kind) key, Sum sum) =>
        _spool.Catalogue.Ground(key.Ground) is { } ground
            ? new HeldSummary(ground.Function, ground.Field, ground.Purpose, ground.Terms.Basis, ground.Terms.Precision,
                TimeSpan.FromTicks(ground.Terms.TermNs / 100), ground.ConsentId, ground.PolicyVersion, key.Kind, sum.Items, sum.Readings,
                sum.Bytes, sum.OldestNs, sum.NewestNs, sum.Pending)
            : null;
}
