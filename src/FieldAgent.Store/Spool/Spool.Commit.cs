using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The transaction: deletes what is done with, inserts what is new. All under the write lock.</summary>
internal sealed partial class Spool
{
    // Acknowledgements in one transaction, for the same reason as the blocks of one.
    private const int OutcomesPerCommit = 1024;

    // Their descriptions are small.
    private const int ImagesPerCommit = 4;

    // The numbers of 64 sensors lie on a few pages of one table.
    private const int MemoryPages = 8;

    private readonly List<string> _filesToDelete = [];
    private long _oldestFrom;

    private FlushOutcome FlushWaiting()
    {
        ReopenIfMoved();
        _items.Boot = _catalogue.Note(_context.Clock.BootId, _context.Clock.WallOffsetNs, _context.Clock.Quality);
        var outcome = default(FlushOutcome);
        _space.HoldReserve();
        CallDue();
        while (_waiting.Count > 0 || _waitingImages.Count > 0 || _gaps.HasNew || _catalogue.HasUnsaved || _context.Memory.IsDue
            || HasDue)
        {
            var images = Math.Min(_waitingImages.Count, ImagesPerCommit);
            var more = CommitWithRecovery(MakeRoomForBatch(images), images);
            outcome = new FlushOutcome(outcome.Blocks + more.Blocks, outcome.Readings + more.Readings, outcome.Images + more.Images,
                outcome.PayloadBytes + more.PayloadBytes);
        }

        _losses.Tick();
        return outcome;
    }

    // A full disk: the reserve gives room for giving up something, and less is written at once. An I/O error: the file system may
    // have come back.
    private FlushOutcome CommitWithRecovery(int blocks, int images)
    {
        try
        {
            return CommitCounted(blocks, images);
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full)
        {
            return CommitOnFullDisk(blocks, images);
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Io)
        {
            Reopen(fault.Message);
            return CommitCounted(blocks, images);
        }
    }

    private FlushOutcome CommitOnFullDisk(int blocks, int images)
    {
        _space.ReleaseReserve();
        RestartLog();
        while (true)
        {
            blocks = Math.Min((blocks + 1) / 2, _waiting.Count);
            images = Math.Min(images, blocks > 0 ? 0 : 1);
            try
            {
                GiveUpForFullDisk(blocks);
                return CommitCounted(blocks, images);
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full && blocks > 1)
            {
                // half as much
            }
        }
    }

    private FlushOutcome CommitCounted(int blocks, int images)
    {
        long readings = 0, bytes = 0;
        for (var i = 0; i < blocks; i++)
        {
            readings += _waiting[i].Readings;
            bytes += _waiting[i].Length + DataKey.Overhead;
        }

        Commit(blocks, images, evict: null);
        return new FlushOutcome(blocks, readings, images, bytes);
    }

    // What evict deletes fills so many pages of the log at most.
    private void Commit(int blocks, int images, Action? evict, long evictPages = 0)
    {
        var database = _context.Database;
        var writer = database.Writer;
        var pages = PagesOfWaiting(blocks, images) + evictPages + (_context.Memory.IsChanged ? MemoryPages : 0);
        var allowance = _space.LogAllowance();
        foreach (var reader in _readers)
        {
            pages += reader.Plan(OutcomesPerCommit, Database.LogPagesIn(allowance) - pages);
        }

        _deliveries.Begin();
        _possible.Begin();
        var givesUp = evict is not null;
        foreach (var reader in _readers)
        {
            foreach (ref readonly var outcome in reader.PeekOutcomes())
            {
                givesUp |= outcome.GivenUp is not null;
                if (outcome.GivenUp is null)
                {
                    _deliveries.Note(reader.Bit, outcome.Item);
                    _possible.Answered(reader, outcome.Item);
                }
            }
        }

        pages += _deliveries.PagesToWrite + _possible.PagesToWrite(givesUp);
        PrepareLog(pages, allowance);
        var remembered = false;
        var written = database.PagesWritten;
        writer.Begin();
        _gaps.Begin();
        _keptBefore = _kept;
        try
        {
            evict?.Invoke();
            foreach (var reader in _readers)
            {
                foreach (ref readonly var outcome in reader.PeekOutcomes())
                {
                    Apply(outcome);
                }

                if (_readers.Count > 1 && reader.DoneTo is { } doneTo)
                {
                    _statements.PutDoneTo.Bind(1, reader.Bit).Bind(2, doneTo).Run();
                }
            }

            _catalogue.Save(writer);
            _gaps.Save(_items.Insert, _items.DeleteGap, TakeId);
            for (var i = 0; i < blocks; i++)
            {
                _items.Insert(TakeId(), _waiting[i]);
            }

            for (var i = 0; i < images; i++)
            {
                _items.Insert(TakeId(), _waitingImages[i]);
            }

            _keys.Save(_statements.InsertKey);
            _deliveries.Save(writer);
            _possible.Save(writer);
            _tally[TallyKind.NextId, 0] = _nextId;
            _tally[TallyKind.NextKey, 0] = _keys.NextId;
            _tally.Save(_statements);
            SaveKept(writer);
            remembered = SaveMemory(writer);
            writer.Commit();
        }
        catch
        {
            writer.Rollback();
            if (remembered)
            {
                _context.Memory.NotWritten();
            }

            _tally.Rollback();
            _kept = _keptBefore;
            _gaps.Failed();
            _deliveries.Failed();
            _possible.Failed();
            _filesToDelete.Clear();
            throw;
        }

        if (database.PagesWritten - written > pages)
        {
            // the cap's margin was used: it holds all the same, but the reckoning is wrong
            _context.Counters.Add("store.log-underestimated");
        }

        Committed(blocks, images);
    }

    // Sensors' totals go with the rows that they belong to.
    private bool SaveMemory(Connection writer)
    {
        if (_context.Memory.TakeChanged() is not { } numbers)
        {
            return false;
        }

        using var put = writer.Once("INSERT OR REPLACE INTO sensor_memory(sensor, name, value) VALUES(?1, ?2, ?3)");
        foreach (var (sensor, name, value) in numbers)
        {
            put.Bind(1, sensor).Bind(2, name).Bind(3, value).Run();
        }

        return true;
    }

    private void Committed(int blocks, int images)
    {
        _tally.Commit();
        _catalogue.Saved();
        _keys.Saved();
        _gaps.Saved();
        _deliveries.Saved();
        Volatile.Write(ref _committedTo, _nextId - 1);
        foreach (var reader in _readers)
        {
            reader.OutcomesSettled();
        }

        _possible.Saved();

        ReleaseWaiting(blocks);
        _waitingImages.RemoveRange(0, images);
        foreach (var file in _filesToDelete)
        {
            _imageFiles.Delete(file);
        }

        _filesToDelete.Clear();
        if (!_space.IsReserveHeld && _context.Database.PendingGrowthBytes > 0)
        {
            FinishLog();
        }

        TakeSnapshot();
    }

    // Without the reserve nothing would be left to finish the log with when others take the space meanwhile.
    private void FinishLog()
    {
        try
        {
            RestartLog();
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full)
        {
            // what was committed is safe in the log; the next transaction tries again
            _context.Counters.Add("store.checkpoint-incomplete");
        }
    }

    private long TakeId() => _nextId++;

    private void Apply(in ItemOutcome outcome)
    {
        var changed = KeepOrDelete(outcome) || _statements.ClearBits.Bind(1, outcome.Item.Id).Bind(2, outcome.Bits).Run() > 0;
        if (outcome.Item.Kind == SpoolItemKind.Gap)
        {
            _gaps.Delivered(outcome.Item.Id, outcome.Bits);
        }
        else if (changed && outcome.GivenUp is { } reason && _catalogue.Ground(outcome.Item.Ground) is { } ground)
        {
            var sequence = outcome.Item.Sequence;
            Lose(ground.Function, ground.Field, outcome.Bits & outcome.Item.Pending,
                new SpoolGap(reason, sequence, sequence, 1, outcome.Item.Readings));
        }
    }

    // The row is gone: so are its counts, its file, and its key when it was the last under it.
    private void Removed(in ItemInfo item)
    {
        if (item.Pending == 0 && item.Kind != SpoolItemKind.Gap)
        {
            _kept = _kept.Add(item, FileBytes(item), -1);
        }

        if (item.Kind == SpoolItemKind.Gap)
        {
            _statements.DeleteGap.Bind(1, item.Id).Run();
            return;
        }

        if (item.Kind == SpoolItemKind.Image)
        {
            var file = _statements.SelectImageFile.Bind(1, item.Id);
            if (file.Step())
            {
                _filesToDelete.Add(file.Text(0));
                _tally.Add(TallyKind.ImageBytes, 0, -file.Int(1));
                file.Reset();
                _statements.DeleteImageFile.Bind(1, item.Id).Run();
            }

            _tally.Add(TallyKind.Images, item.Importance, -1);
        }
        else
        {
            _tally.Add(TallyKind.Blocks, item.Importance, -1);
            _tally.Add(TallyKind.Readings, item.Importance, -item.Readings);
        }

        if (_tally.Add(TallyKind.KeyUses, item.Key, -1) == 0 && !_keys.IsCurrent(item.Key))
        {
            _statements.DeleteKey.Bind(1, item.Key).Run();
        }
    }

    private void ReleaseWaiting(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _waiting[i].Release();
        }

        _waiting.RemoveRange(0, count);
    }

    private void TakeSnapshot()
    {
        _space.MeasureOthersNowAndThen();

        // nobody waits again for what was delivered: the next look begins here
        var oldest = 0L;
        var first = _statements.OldestTime.Bind(1, _oldestFrom);
        if (first.Step())
        {
            _oldestFrom = first.Int(0);
            oldest = (first.Int(2) * 1_000_000) + (_catalogue.Boot(first.Int(1))?.WallOffsetNs ?? 0);
            first.Reset();
        }
        else
        {
            _oldestFrom = _nextId;
        }

        Volatile.Write(ref _snapshot, new Snapshot(
            _tally.Sum(TallyKind.Blocks) - _kept.Blocks, _tally.Sum(TallyKind.Readings) - _kept.Readings,
            _tally.Sum(TallyKind.Images) - _kept.Images, _space.MeasuredBytes, oldest, _kept.Items));
    }
}
