using FieldAgent.Core;
using FieldAgent.Store.Erasure;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>What the eraser does with the spool, step by step. Each step may be done again.</summary>
internal sealed partial class Spool
{
    // A row of a table with short rows, from above.
    private const int RowsPerPage = 4;

    // The rows of a job beside its runs.
    private const int JobPages = 24;

    /// <summary>Erases; set once both are there.</summary>
    internal Eraser? Eraser { get; set; }

    /// <inheritdoc/>
    public long Erase(string function, string field, GapReason reason) =>
        (Eraser ?? throw new InvalidOperationException("the store is not open yet")).EraseReadable(function, field, reason);

    /// <summary>First step: chooses, notes the job and announces the gaps in one transaction; from here on nobody reads any of it. What
    /// waits in memory is wiped.</summary>
    /// <param name="job">The job without what is chosen.</param>
    /// <param name="choice">What.</param>
    /// <param name="open">Jobs that are not finished.</param>
    /// <param name="also">Writes more in the same transaction; called again when that is repeated.</param>
    /// <param name="alsoPages">Pages that this fills, from above.</param>
    internal void Doom(ErasureJob job, ErasureChoice choice, IReadOnlyCollection<ErasureJob> open, Action<Connection> also, long alsoPages)
    {
        lock (_context.WriteLock)
        {
            ReopenIfMoved();
            DrainIntake();
            WipeWaiting(job, choice);

            SettleFirst();
            var selection = Select(job, choice);
            var pages = JobPages + ((selection.Runs.Count + (2 * job.Scopes.Count)) / RowsPerPage * 2) + (selection.Gaps.Count * LogPages.PerGap);
            CommitErasing(() =>
            {
                foreach (var ((function, field, mask), gap) in selection.Gaps)
                {
                    Lose(function, field, mask, gap);
                }

                job.Runs.Clear();
                job.Runs.AddRange(selection.Runs);
                ErasureLedger.Insert(_context.Database.Writer, job);
                also(_context.Database.Writer);
            }, pages + alsoPages);
            _context.Doomed = new Doomed(open.SelectMany(static other => other.Runs).Concat(job.Runs));
            Interlocked.Increment(ref _epoch);
        }
    }

    /// <summary>Second step: the keys go, from the database and its log; those that stay are wrapped anew where there is an effaceable
    /// memory, and the old secret is overwritten.</summary>
    /// <returns>False when another program pins the log.</returns>
    internal bool DestroyKeys(ErasureJob job, Action<string> step)
    {
        lock (_context.WriteLock)
        {
            var database = _context.Database;
            var next = _context.Wraps.Prepare();
            step("secret-prepared");
            var count = database.Writer.Scalar("SELECT count(*) FROM keys");
            CommitErasing(() =>
            {
                foreach (var run in job.Runs)
                {
                    if (run.Whole)
                    {
                        _statements.DeleteKey.Bind(1, run.Key).Run();
                    }
                }

                _context.Wraps.Rewrap(database, next);
            }, JobPages + (count / RowsPerPage * 2));
            _context.Wraps.Adopt(next);
            step("keys-deleted");
            if (next != 0)
            {
                _keys.Forget();
            }
            else
            {
                _keys.Forget(job.Runs);
            }

            // pictures that wait for their row begin with the mark of a key that they will not be sealed with
            foreach (var image in _waitingImages)
            {
                _imageFiles.Mark(image, _items.KeyFor(image.Ground, image.AtMs));
            }

            Interlocked.Increment(ref _epoch);
            if (!Checkpoint())
            {
                return false;
            }

            step("keys-checkpointed");
            _context.Wraps.Efface();
            job.Effaced = _context.Wraps.Place ?? "";
            return true;
        }
    }

    /// <summary>Third step: rows and files go, in chunks; databases set aside too, which hold keys and data of their own.</summary>
    internal void DeleteDoomed(ErasureJob job, Action<string> step)
    {
        lock (_context.WriteLock)
        {
            var doomed = new Doomed(job.Runs);
            var first = job.Runs.Count == 0 ? 0 : job.Runs.Min(static run => run.From);
            var last = job.Runs.Count == 0 ? -1 : job.Runs.Max(static run => run.To);
            using var next = _context.Database.Writer.Once(
                $"SELECT {SpoolStatements.InfoColumns} FROM items WHERE id >= ?1 AND id <= ?2 AND kind < 2 ORDER BY id");
            while (CollectDoomed(next.Bind(1, first).Bind(2, last), doomed) is var pages && _evicting.Count > 0)
            {
                first = _evicting[^1].Id + 1;
                CommitErasing(() =>
                {
                    foreach (var item in _evicting)
                    {
                        _statements.DeleteItem.Bind(1, item.Id).Run();
                        Removed(item);
                    }
                }, pages);
                step("rows-deleted");
            }

            while (DeleteOldestAside())
            {
            }

            DeleteOrphanImages();
            Interlocked.Increment(ref _epoch);
        }
    }

    /// <summary>Fourth step: the log is empty.</summary>
    /// <returns>False when another program pins it.</returns>
    internal bool EmptyLog()
    {
        lock (_context.WriteLock)
        {
            return Checkpoint();
        }
    }

    /// <summary>Last step: overwrites the database's unused space and reads every byte of the directory.</summary>
    /// <returns>What was found; null when another program pins the log.</returns>
    internal ScanFinding? Verify(ErasureJob job)
    {
        lock (_context.WriteLock)
        {
            lock (_context.ReadLock)
            {
                if (!Checkpoint())
                {
                    return null;
                }

                var database = _context.Database;
                FreeSpace.Overwrite(database.File);
                database.DropCaches();
                return RemainsScan.Scan(_context.Folder, _context.Canary.Prefix, Expected(job), path => database.Held(path) ?? _context.Folder.Held(path));
            }
        }
    }

    /// <summary>Writes how far a job is.</summary>
    internal void Note(ErasureJob job)
    {
        lock (_context.WriteLock)
        {
            CommitErasing(() => ErasureLedger.Put(_context.Database.Writer, job), JobPages + (job.IsOpen ? 0 : job.Runs.Count));
        }
    }

    /// <summary>Shows every stored item, with what its term is counted from. The write lock is taken for a part of them at a time, so that no
    /// flush waits long; when the caller holds it, nothing changes in between.</summary>
    internal void ForEachItem(ItemAction action)
    {
        long after = 0;
        while (ForEachItem(after, action) is var last && last > after)
        {
            after = last;
        }
    }

    // Items looked at without a pause: some milliseconds.
    private const int ItemsPerLook = 4096;

    private long ForEachItem(long after, ItemAction action)
    {
        lock (_context.WriteLock)
        {
            using var all = _context.Database.Writer.Once(
                $"SELECT {SpoolStatements.InfoColumns}, boot, at_ms FROM items WHERE id > ?1 AND kind < 2 ORDER BY id LIMIT ?2");
            all.Bind(1, after).Bind(2, ItemsPerLook);
            while (all.Step())
            {
                after = all.Int(0);
                if (_catalogue.Ground(all.Int(3)) is { } ground && _catalogue.Boot(all.Int(9)) is { } boot)
                {
                    action(ReadInfo(all), ground, _context.Terms.Start(boot, all.Int(10)));
                }
            }

            return after;
        }
    }

    private Selection Select(ErasureJob job, ErasureChoice choice)
    {
        var selection = new Selection();
        ForEachItem((in ItemInfo item, Ground ground, in TermStart start) =>
        {
            if (_context.Doomed.Covers(item.Key, item.Id) || !choice.Takes(item, ground, start))
            {
                selection.Pass(item);
                return;
            }

            selection.Take(item, ground, job.Reason);
            job.Blocks += item.Kind == SpoolItemKind.Block ? 1 : 0;
            job.Images += item.Kind == SpoolItemKind.Image ? 1 : 0;
            job.Readings += item.Readings;
        });
        foreach (var key in KeyRow.All(_context.Database.Writer))
        {
            var uses = _tally[TallyKind.KeyUses, key.Id];
            if (selection.Close(key.Id, uses, choice.TakesAll(key.Function, key.Field)))
            {
                job.Keys++;
                job.Unmarked += key.IsMarked ? 0 : 1;
            }
        }

        selection.CloseRest();
        return selection;
    }

    // What is delivered is not erased before it was sent. Not written now, it is counted among that, and stays what the recipient may have.
    private void SettleFirst()
    {
        try
        {
            SettleOutcomes();
        }
        catch (StoreFault)
        {
            _context.Counters.Add("store.unsettled");
        }
    }

    private ItemInfo Unstored(SpoolItemKind kind, Ground ground) => new(_nextId, kind, 0, ground.Id, 0, ground.Mask, 0, 0, 0, 0, 0);

    private void WipeWaiting(ErasureJob job, ErasureChoice choice)
    {
        var boot = _catalogue.Boot(_catalogue.Note(_context.Clock.BootId, _context.Clock.WallOffsetNs, _context.Clock.Quality))!;
        _waiting.RemoveAll(block =>
        {
            if (!choice.Takes(Unstored(SpoolItemKind.Block, block.Ground), block.Ground, _context.Terms.Start(boot, block.AtMs)))
            {
                return false;
            }

            job.Blocks++;
            job.Readings += block.Readings;
            _gaps.Add(block.Ground.Function, block.Ground.Field, block.Ground.Mask,
                new SpoolGap(job.Reason, block.Sequence, block.Sequence, 1, block.Readings));
            block.Plain.AsSpan(0, block.Length).Clear();
            block.Release();
            return true;
        });
        _waitingImages.RemoveAll(image =>
        {
            if (!choice.Takes(Unstored(SpoolItemKind.Image, image.Ground), image.Ground, _context.Terms.Start(boot, image.AtMs)))
            {
                return false;
            }

            job.Images++;
            _gaps.Add(image.Ground.Function, image.Ground.Field, image.Ground.Mask,
                new SpoolGap(job.Reason, image.Sequence, image.Sequence, 1, 0));
            Array.Clear(image.Description);
            _imageFiles.Delete(image.Name);
            return true;
        });
    }

    private long CollectDoomed(Statement query, Doomed doomed)
    {
        _evicting.Clear();
        var pagesMax = PagesToSpare();
        long pages = 0;
        while (query.Step())
        {
            var item = ReadInfo(query);
            if (!doomed.Covers(item.Key, item.Id))
            {
                continue;
            }

            var more = _pages.OfDelete(item);
            if (_evicting.Count > 0 && pages + more > pagesMax)
            {
                break;
            }

            pages += more;
            _evicting.Add(item);
        }

        query.Reset();
        return pages;
    }

    // Files that no row names and that wait for none: what a crash left between a row and its file.
    private void DeleteOrphanImages()
    {
        var known = _waitingImages.Select(image => _context.Folder.Image(image.Name)).ToHashSet(StringComparer.Ordinal);
        using (var rows = _context.Database.Writer.Once("SELECT name FROM image_files"))
        {
            while (rows.Step())
            {
                known.Add(_context.Folder.Image(rows.Text(0)));
            }
        }

        foreach (var path in Directory.EnumerateFiles(_context.Folder.Images))
        {
            if (!known.Contains(path))
            {
                _imageFiles.Remove(path);
            }
        }

        Posix.SyncFolder(_context.Folder.Images);
    }

    // How often the mark of each key must be in the files: never when it is destroyed; else once a row of its own, item and picture's file.
    private Dictionary<ulong, long> Expected(ErasureJob job)
    {
        var expected = new Dictionary<ulong, long>();
        foreach (var run in job.Runs)
        {
            var mark = _context.Canary.Of(run.Key);
            expected[mark] = 0;
            if (run.Whole)
            {
                continue;
            }

            using var row = _context.Database.Writer.Once("SELECT count(*) FROM keys WHERE id = ?1");
            using var files = _context.Database.Writer.Once(
                "SELECT count(*) FROM image_files f JOIN items i ON i.id = f.item WHERE i.key = ?1");
            expected[mark] = row.Bind(1, run.Key).Scalar() + _tally[TallyKind.KeyUses, run.Key] + files.Bind(1, run.Key).Scalar()
                + _waitingImages.Count(image => image.Mark == mark);
        }

        return expected;
    }

    // On a full disk too: that is what the reserve is for.
    private void CommitErasing(Action action, long pages)
    {
        try
        {
            Commit(0, 0, action, pages);
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full && ReleaseReserve())
        {
            Commit(0, 0, action, pages);
        }
    }

    private bool Checkpoint()
    {
        if (TryCheckpoint() || (ReleaseReserve() && TryCheckpoint()))
        {
            return true;
        }

        _context.Counters.Add("store.checkpoint-incomplete");
        StoreLog.CheckpointIncomplete(_context.Logger);
        return false;
    }

    private bool TryCheckpoint()
    {
        try
        {
            return TruncateLog();
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full)
        {
            return false;
        }
    }
}
