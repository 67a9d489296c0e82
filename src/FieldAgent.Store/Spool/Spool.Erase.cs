using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>Erasing one rule's data: first its keys, durably, then what they sealed.</summary>
internal sealed partial class Spool
{
    /// <inheritdoc/>
    public long Erase(string function, string field, GapReason reason)
    {
        lock (_context.WriteLock)
        {
            DrainIntake();
            var grounds = _catalogue.Grounds(function, field);
            var erased = EraseWaiting(grounds, reason);
            lock (_context.ReadLock)
            {
                erased += EraseStored(function, field, grounds, reason);
            }

            Interlocked.Increment(ref _epoch);
            StoreLog.Erased(_context.Logger, erased, function, field);
            return erased;
        }
    }

    // Keys are small, and there is one a rule and day.
    private const int KeyPages = 16;

    private long EraseWaiting(HashSet<long> grounds, GapReason reason)
    {
        var erased = 0L;
        _waiting.RemoveAll(block =>
        {
            if (!grounds.Contains(block.Ground.Id))
            {
                return false;
            }

            erased += block.Readings;
            _gaps.Add(block.Ground.Function, block.Ground.Field, block.Ground.Mask,
                new SpoolGap(reason, block.Sequence, block.Sequence, 1, block.Readings));
            block.Plain.AsSpan(0, block.Length).Clear();
            block.Release();
            return true;
        });
        _waitingImages.RemoveAll(image =>
        {
            if (!grounds.Contains(image.Ground.Id))
            {
                return false;
            }

            erased++;
            _gaps.Add(image.Ground.Function, image.Ground.Field, image.Ground.Mask,
                new SpoolGap(reason, image.Sequence, image.Sequence, 1, 0));
            Array.Clear(image.Description);
            DeleteFile(_context.Folder.Image(image.Name));
            return true;
        });
        return erased;
    }

    private long EraseStored(string function, string field, HashSet<long> grounds, GapReason reason)
    {
        var database = _context.Database;
        database.Writer.Execute("PRAGMA secure_delete = ON");
        try
        {
            // first: in one transaction the keys go and the gap is announced; from here on nothing can be read any more
            var erased = 0L;
            _keys.Forget(function, field);
            CommitErasing(() =>
            {
                erased = 0;
                ForEachItem(grounds, item =>
                {
                    erased += item.Kind == SpoolItemKind.Image ? 1 : item.Readings;
                    _gaps.Add(function, field, item.Pending, new SpoolGap(reason, item.Sequence, item.Sequence, 1, item.Readings));
                });
                using var delete = database.Writer.Once("DELETE FROM keys WHERE function = ?1 AND field = ?2");
                delete.Bind(1, function).Bind(2, field).Run();
                database.SetMeta("erasing", "1"u8);
            }, KeyPages);
            Checkpoint();

            // then the remains, in chunks; a start after a power cut goes on with them
            DeleteKeyless();

            // a database set aside holds keys and data of its own
            while (DeleteOldestAside())
            {
            }

            Checkpoint();
            return erased;
        }
        finally
        {
            database.Writer.Execute("PRAGMA secure_delete = FAST");
        }
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

    private void FinishErasing()
    {
        if (_context.Database.GetMeta("erasing") is { } flag && flag.AsSpan().SequenceEqual("1"u8))
        {
            DeleteKeyless();
        }
    }

    private void DeleteKeyless()
    {
        using var next = _context.Database.Writer.Once(
            $"SELECT {SpoolStatements.InfoColumns} FROM items WHERE id > ?1 AND kind < 2 AND key NOT IN (SELECT id FROM keys) "
            + "ORDER BY id LIMIT ?2");
        var after = 0L;
        do
        {
            // every page is overwritten on its way out
            _evicting.Clear();
            next.Bind(1, after).Bind(2, _context.Limits.ItemsPerChunk);
            var pages = Collect(next, item => PagesOf(item.Bytes));

            CommitErasing(() =>
            {
                foreach (var item in _evicting)
                {
                    _statements.DeleteItem.Bind(1, item.Id).Run();
                    Removed(item);
                    after = item.Id;
                }

                if (_evicting.Count == 0)
                {
                    _context.Database.SetMeta("erasing", "0"u8);
                }
            }, pages);
        }
        while (_evicting.Count > 0);
    }

    private void ForEachItem(HashSet<long> grounds, Action<ItemInfo> action)
    {
        using var all = _context.Database.Writer.Once($"SELECT {SpoolStatements.InfoColumns} FROM items WHERE kind < 2 ORDER BY id");
        while (all.Step())
        {
            if (grounds.Contains(all.Int(3)))
            {
                action(ReadInfo(all));
            }
        }
    }

    private void Checkpoint()
    {
        if (!TryCheckpoint() && !(ReleaseReserve() && TryCheckpoint()))
        {
            _context.Counters.Add("store.checkpoint-incomplete");
            StoreLog.CheckpointIncomplete(_context.Logger);
        }
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
