using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The cap on the state directory and the floor of free space. All under the write lock.</summary>
internal sealed partial class Spool
{
    // What a row costs beside its payload: columns, cell, its share of the tree.
    private const int RowOverheadBytes = 64;

    // Everything of an importance up to this id is gone, so that looking for the oldest never starts over.
    private readonly long[] _evictedTo = new long[3];
    private readonly List<ItemInfo> _evicting = [];
    private long _othersBytes;

    private enum Shortage
    {
        None,
        Cap,
        Disk,
    }

    private long UsedBytes() =>
        _othersBytes + _reserve.Bytes + _tally[TallyKind.ImageBytes, 0] + _waitingImages.Sum(static image => image.FileBytes)
        + _context.Database.FileBytes + Math.Max(_context.Database.LogBytes, _context.Limits.WalBytes);

    private void MeasureOthers()
    {
        _flushesSinceMeasure = 0;
        _othersBytes = _context.Folder.WeighOthers() - StateFolder.Weigh(_context.Folder.Reserve);
        _reserve.TryHold(_context.Folder.FreeBytes(), _context.Options.FreeBytesMin);
    }

    // How many of the waiting blocks the next transaction takes, after room was made for them.
    private int MakeRoomForBatch()
    {
        while (true)
        {
            var count = Math.Min(_waiting.Count, _context.Limits.BlocksPerCommitMax);
            long bytes = count == 0 ? 0 : 4 * Database.PageBytes;
            var importance = Importance.Low;
            for (var i = 0; i < count; i++)
            {
                bytes += _waiting[i].Length + Sealed.TagBytes + RowOverheadBytes;
                importance = (Importance)Math.Max((int)importance, (int)_waiting[i].Importance);
            }

            try
            {
                MakeRoom(bytes, 0, importance);
                return count;
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full && DropWaitingBelow(importance))
            {
                // what is stored is more important than part of what is new: that part goes, and the rest is tried again
            }
        }
    }

    // Gives up until so many bytes fit: set-aside databases, then free pages, then items up to an importance, oldest first.
    private void MakeRoom(long databaseBytes, long fileBytes, Importance importance)
    {
        if (databaseBytes + fileBytes == 0)
        {
            return;
        }

        var settled = false;
        while (true)
        {
            var free = _context.Database.FreeBytes;
            var shortage = Find(databaseBytes, fileBytes, free, out var missing);
            if (shortage == Shortage.None)
            {
                return;
            }

            if (!settled && _readers.Exists(static reader => reader.HasOutcomes))
            {
                // what was delivered makes room without any loss
                settled = true;
                CommitFreeing(null);
                continue;
            }

            if (DeleteOldestAside())
            {
                continue;
            }

            if (free - databaseBytes >= Database.PageBytes)
            {
                _context.Database.Shrink(Math.Min(free - databaseBytes, Math.Max(missing, 64 * Database.PageBytes)));
                _context.Database.CheckpointFully();
                if (_context.Database.FreeBytes < free)
                {
                    continue;
                }
            }

            var reason = shortage == Shortage.Cap ? GapReason.StorageCap : GapReason.DiskFull;
            var chunk = Math.Max(missing, _context.Options.StateBytesMax / 64);
            if (!Evict(chunk, importance, reason))
            {
                throw Faults.Full(shortage == Shortage.Cap
                    ? $"state directory {_context.Folder.Path} has reached its cap of {_context.Options.StateBytesMax} bytes with nothing less important to give up"
                    : $"file system of {_context.Folder.Path} is down to its floor of {_context.Options.FreeBytesMin} free bytes");
            }
        }
    }

    private Shortage Find(long databaseBytes, long fileBytes, long free, out long missing)
    {
        var growth = Math.Max(0, databaseBytes - free) + fileBytes;
        missing = UsedBytes() + growth - _context.Options.StateBytesMax;
        if (missing > 0)
        {
            return Shortage.Cap;
        }

        var disk = _context.Folder.FreeBytes();
        missing = _context.Options.FreeBytesMin + growth - disk;
        if (missing <= 0 || growth == 0)
        {
            missing = 0;
            return Shortage.None;
        }

        return Shortage.Disk;
    }

    // Gives up the least important and oldest items worth some bytes; false when there is nothing to give up.
    private bool Evict(long bytes, Importance importance, GapReason reason)
    {
        for (var level = 0; level <= (int)importance; level++)
        {
            while (_tally[TallyKind.Blocks, level] + _tally[TallyKind.Images, level] > 0)
            {
                var freed = 0L;
                CommitFreeing(() => (freed = EvictChunk(level, bytes, reason)) > 0);
                if (freed == 0)
                {
                    break;
                }

                FinishEviction(level, reason);
                return true;
            }
        }

        return false;
    }

    // A delete needs a little room too: on a full disk that is what the reserve is for.
    private void CommitFreeing(Func<bool>? evict)
    {
        try
        {
            Commit(0, 0, evict);
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full && _reserve.Release())
        {
            _context.Database.CheckpointFully();
            Commit(0, 0, evict);
        }
    }

    private long EvictChunk(int level, long bytes, GapReason reason)
    {
        _evicting.Clear();
        var oldest = _statements.Oldest.Bind(1, _evictedTo[level]).Bind(2, level).Bind(3, _context.Limits.ItemsPerChunk);
        var freed = 0L;
        while (freed < bytes && oldest.Step())
        {
            _evicting.Add(ReadInfo(oldest));
            freed += oldest.Int(8) + RowOverheadBytes;
        }

        oldest.Reset();
        var files = _filesToDelete.Count;
        foreach (var item in _evicting)
        {
            GiveUp(item, reason);
        }

        return _evicting.Count + _filesToDelete.Count - files;
    }

    private void FinishEviction(int level, GapReason reason)
    {
        var readings = 0L;
        foreach (var item in _evicting)
        {
            readings += item.Kind == SpoolItemKind.Image ? 1 : item.Readings;
        }

        _evictedTo[level] = _evicting[^1].Id;
        Interlocked.Add(ref _evicted, readings);
        _context.Counters.Add(reason == GapReason.StorageCap ? "dropped.storage-cap" : "dropped.disk-full", readings);
        _context.Counters.Add(reason == GapReason.StorageCap ? "evicted.storage-cap" : "evicted.disk-full", _evicting.Count);
        StoreLog.Evicted(_context.Logger, reason == GapReason.StorageCap ? "the state directory's cap is reached" : "the disk is full",
            _evicting.Count, readings);
        Interlocked.Increment(ref _epoch);
    }

    private void GiveUp(in ItemInfo item, GapReason reason)
    {
        if (_statements.DeleteItem.Bind(1, item.Id).Run() == 0)
        {
            return;
        }

        Removed(item);
        if (_catalogue.Ground(item.Ground) is { } ground)
        {
            _gaps.Add(ground.Function, ground.Field, item.Pending,
                new SpoolGap(reason, item.Sequence, item.Sequence, 1, item.Readings));
        }
    }

    private static ItemInfo ReadInfo(Statement row) =>
        new(row.Int(0), (SpoolItemKind)row.Int(1), row.Int(2), row.Int(3), row.Int(4), (uint)row.Int(5), (int)row.Int(6), row.Int(7));

    private bool DeleteOldestAside()
    {
        var asides = _context.Folder.Asides();
        if (asides.Count == 0)
        {
            return false;
        }

        StateFolder.DeleteAside(asides[0]);
        MeasureOthers();
        _context.Counters.Add("evicted.aside");
        return true;
    }

    // The disk is full although it should not be: others write to it too. The reserve is free by now.
    private void GiveUpForFullDisk(int blocks)
    {
        var importance = Importance.Low;
        long bytes = 16 * Database.PageBytes;
        for (var i = 0; i < blocks; i++)
        {
            bytes += _waiting[i].Length + RowOverheadBytes;
            importance = (Importance)Math.Max((int)importance, (int)_waiting[i].Importance);
        }

        _context.Database.CheckpointFully();
        while (_context.Database.FreeBytes < bytes && Evict(bytes, importance, GapReason.DiskFull))
        {
        }

        _context.Database.CheckpointFully();
    }

    private bool DropWaitingBelow(Importance importance)
    {
        var lowest = _waiting.Count == 0 ? importance : _waiting.Min(static block => block.Importance);
        return lowest < importance && DropWaiting(block => block.Importance == lowest, GapReason.StorageCap);
    }

    // Nothing can be written and memory is bounded: the least important and oldest of what waits goes.
    private void DropBeyondBound()
    {
        var bytes = _waiting.Sum(static block => (long)block.Length);
        for (var level = Importance.Low; level <= Importance.High && bytes > _context.Limits.PendingBytesMax; level++)
        {
            DropWaiting(
                block =>
                {
                    var goes = block.Importance == level && bytes > _context.Limits.PendingBytesMax;
                    bytes -= goes ? block.Length : 0;
                    return goes;
                },
                GapReason.DiskFull);
        }
    }

    private bool DropWaiting(Predicate<ReadyBlock> which, GapReason reason)
    {
        var readings = 0L;
        var dropped = _waiting.RemoveAll(block =>
        {
            if (!which(block))
            {
                return false;
            }

            readings += block.Readings;
            _gaps.Add(block.Ground.Function, block.Ground.Field, block.Ground.Mask,
                new SpoolGap(reason, block.Sequence, block.Sequence, 1, block.Readings));
            block.Release();
            return true;
        });
        if (dropped > 0)
        {
            Interlocked.Add(ref _evicted, readings);
            _context.Counters.Add(reason == GapReason.StorageCap ? "dropped.storage-cap" : "dropped.disk-full", readings);
            StoreLog.Evicted(_context.Logger, "nothing can be stored", dropped, readings);
        }

        return dropped > 0;
    }
}
