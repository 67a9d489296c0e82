using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>Starting on a database, and starting again on it after an I/O error.</summary>
internal sealed partial class Spool
{
    private void Start()
    {
        var database = _context.Database;
        LoadTables(database);
        var gone = _catalogue.Load(database.Writer, _context.Options.Recipients);
        _deliveries.Load(database.Writer);
        LoadPossible(database);
        _items.Boot = _catalogue.Note(_context.Clock.BootId, _context.Clock.WallOffsetNs, _context.Clock.Quality);
        foreach (var (name, bit) in gone)
        {
            RemoveRecipient(name, bit);
        }

        _nextIdAtStart = _nextId;
        LoadMemory(database.Writer);
        SweepImages();
        var termsChanged = _context.Terms.Load(database, _items.Boot);
        Commit(0, 0, termsChanged ? () => _context.Terms.Save(database) : null, TermPages);
        _space.MeasureOthers();
        _space.HoldReserve();
        TakeSnapshot();
    }

    // The row of a boot, and of the trusted moments.
    private const int TermPages = 6;

    private void LoadTables(Database database)
    {
        // keys without items are deleted here, so none of memory may be used on
        _keys.Forget();
        _tally.Load(database.Writer);
        _keys.Load(database.Writer, _tally);
        _gaps.Load(database.Writer);
        LoadKept(database);
        _space.NoteRows(_pages);
        _oldestFrom = 0;
        _nextId = Math.Max(_nextId, Math.Max(1, _tally[TallyKind.NextId, 0]));
        Array.Clear(_evictedTo);
    }

    // The path names another file, or none: somebody moved the database away. What was in it is out of reach.
    private void ReopenIfMoved()
    {
        if (_context.Database.IsClosed)
        {
            Reopen("an earlier error");
        }
        else if (_context.Database.WasMoved())
        {
            Reopen($"database {_context.Folder.Database} was moved or replaced while in use");
        }
    }

    /// <summary>Closes and opens the database once; what waits in memory stays.</summary>
    /// <exception cref="StoreFault">It stays closed until the next flush tries again.</exception>
    private void Reopen(string why)
    {
        lock (_context.ReadLock)
        {
            var old = _context.Database;
            var generation = old.Generation;
            old.Dispose();
            _context.Database = Database.Open(_context.Folder, _context.Options);
            _statements = new SpoolStatements(_context.Database.Writer);
            _items.Statements = _statements;
            StoreLog.Reopened(_context.Logger, why);
            _context.Counters.Add("store.reopened");
            Interlocked.Increment(ref _epoch);
            if (_context.Database.Generation == generation)
            {
                LoadTables(_context.Database);
                _deliveries.Load(_context.Database.Writer);
                return;
            }
        }

        BeginAnew();
    }

    // Another database: the numbers in memory stay valid, and are all written again.
    private void BeginAnew()
    {
        LoadTables(_context.Database);
        _deliveries.Load(_context.Database.Writer);
        _catalogue.WriteAgain(_context.Database.Writer);
        _context.Terms.Save(_context.Database);
        _context.Wraps.NoteGeneration(_context.Database);
        _possible.BeginAnew();
        foreach (var reader in _readers)
        {
            reader.BeginAnew();
        }

        _context.Database.SetMeta("identity", _context.Identity.Content);
        AnnounceReset(0, 0);
        Relinked?.Invoke();
    }

    /// <summary>Raised under the write lock when another database has taken the place of the old one.</summary>
    internal Action? Relinked { get; set; }

    /// <summary>Announces that stored data was lost with its database.</summary>
    internal void AnnounceReset(long blocks, long readings) =>
        _gaps.Add("", "", _catalogue.AllRecipients, new SpoolGap(GapReason.StoreReset, 0, 0, blocks, readings));

    // Its bit must be free everywhere before it can be another's. In chunks: a backlog may be large.
    private void RemoveRecipient(string name, int bit)
    {
        var writer = _context.Database.Writer;
        var deleted = 0L;
        using var next = writer.Once(
            $"SELECT {SpoolStatements.InfoColumns} FROM items WHERE id > ?1 AND pending & ?2 <> 0 ORDER BY id LIMIT ?3");
        var after = 0L;
        while (true)
        {
            _evicting.Clear();
            next.Bind(1, after).Bind(2, 1L << bit).Bind(3, _context.Limits.ItemsPerChunk);
            var pages = Collect(next, item => _pages.OfRow(item.Bytes));
            if (_evicting.Count == 0)
            {
                break;
            }

            after = _evicting[^1].Id;
            Commit(0, 0, () =>
            {
                foreach (var item in _evicting)
                {
                    deleted += item.Pending == 1u << bit ? 1 : 0;
                    Apply(new ItemOutcome(item, 1u << bit, null));
                }
            }, pages);
        }

        using var forget = writer.Once("DELETE FROM recipients WHERE name = ?1");
        forget.Bind(1, name).Run();
        _context.Counters.Add("dropped.recipient-removed", deleted);
        StoreLog.RecipientRemoved(_context.Logger, name, deleted);
    }

    // A picture is written before its row and deleted after it: a file without a row is left over, a row without a file is lost.
    private void SweepImages()
    {
        var rows = new HashSet<string>(StringComparer.Ordinal);
        var lost = new List<long>();
        var writer = _context.Database.Writer;
        using (var files = writer.Once("SELECT item, name FROM image_files"))
        {
            while (files.Step())
            {
                var path = _context.Folder.Image(files.Text(1));
                rows.Add(path);
                if (!File.Exists(path))
                {
                    lost.Add(files.Int(0));
                }
            }
        }

        foreach (var path in Directory.EnumerateFiles(_context.Folder.Images))
        {
            if (!rows.Contains(path))
            {
                _imageFiles.Remove(path);
                _context.Counters.Add("store.orphan-images");
            }
        }

        foreach (var id in lost)
        {
            using var row = writer.Once($"SELECT {SpoolStatements.InfoColumns} FROM items WHERE id = ?1");
            if (row.Bind(1, id).Step())
            {
                var item = ReadInfo(row);
                row.Reset();
                StoreLog.Unreadable(_context.Logger, _catalogue.Ground(item.Ground)?.Function ?? "?", "its file is gone");
                _context.Counters.Add("dropped.unreadable");
                Commit(0, 0, () =>
                {
                    GiveUp(item, GapReason.Unreadable);
                }, _pages.OfRow(item.Bytes));
            }
        }
    }

    // A database that takes the place of another keeps what is in memory.
    private void LoadMemory(Connection connection)
    {
        using var all = connection.Once("SELECT sensor, name, value FROM sensor_memory");
        while (all.Step())
        {
            if (_context.Memory.Of(all.Text(0)).Recall(all.Text(1)) == 0)
            {
                _context.Memory.Load(all.Text(0), all.Text(1), all.Int(2));
            }
        }
    }
}
