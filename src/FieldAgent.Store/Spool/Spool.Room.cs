using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The cap on the state directory and the floor of free space. All under the write lock.</summary>
internal sealed partial class Spool
{
    // Items given up at once when the disk is full to the last byte.
    private const int ItemsPerSmallChunk = 4;

    // Moving a page writes it, what points to it, and two pages of the reverse map.
    private const int PagesPerMove = 5;

    // Everything of an importance up to this id is gone, so that looking for the oldest never starts over.
    private readonly long[] _evictedTo = new long[3];
    private readonly List<ItemInfo> _evicting = [];

    // Items that a legal hold keeps are passed over; when nothing else is left they are looked at again, now and then: a hold may have ended.
    private static readonly long s_heldAgainNs = TimeSpan.FromMinutes(1).ToNs();
    private bool _passedOverHeld;
    private long _heldLookedNs = long.MinValue;

    // How many of the waiting blocks the next transaction takes, after room was made for them.
    private int MakeRoomForBatch(int images)
    {
        while (true)
        {
            var pagesMax = Database.LogPagesIn(_space.LogAllowance());
            var pages = PagesOfWaiting(0, images);
            var count = 0;
            var bytes = pages * Database.PageBytes;
            var importance = images > 0 ? Importance.Normal : Importance.Low;
            for (; count < Math.Min(_waiting.Count, _context.Limits.BlocksPerCommitMax); count++)
            {
                var more = _pages.OfRow(_waiting[count].Length);
                if (count > 0 && pages + more > pagesMax)
                {
                    break;
                }

                pages += more;
                _space.NoteRow(more);
                bytes += _waiting[count].Length + DataKey.Overhead + LogPages.RowOverheadBytes;
                importance = (Importance)Math.Max((int)importance, (int)_waiting[count].Importance);
            }

            try
            {
                if (count + images > 0)
                {
                    MakeRoom(bytes, 0, Database.LogBytesFor(pages), importance);
                }

                return count;
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full && DropWaitingBelow(importance))
            {
                // what is stored is more important than part of what is new: that part goes, and the rest is tried again
            }
        }
    }

    // Gives up until so many bytes fit: set-aside databases, then free pages, then items up to an importance, oldest first.
    private void MakeRoom(long databaseBytes, long fileBytes, long logBytes, Importance importance)
    {
        var settled = false;
        var before = _space.GivableBytes;
        while (true)
        {
            var database = _context.Database;
            var free = database.FreeBytes;
            var shortage = _space.Find(databaseBytes, fileBytes, logBytes, before - _space.GivableBytes, out var missing);
            if (shortage == Shortage.None)
            {
                return;
            }

            if (!settled && _readers.Exists(static reader => reader.HasOutcomes))
            {
                // what was delivered makes room without any loss
                settled = true;
                SettleOutcomes();
                continue;
            }

            if (database.LogBytes > Math.Max(database.LogBytesKept, logBytes) && TruncateLog())
            {
                continue;
            }

            if (DeleteOldestAside())
            {
                continue;
            }

            var spare = free - databaseBytes - (shortage == Shortage.Cap ? _space.UnaskedBytes : 0);
            if (spare >= Database.PageBytes)
            {
                Shrink(Math.Min(spare, Math.Max(missing, 64 * Database.PageBytes)));
                if (database.FreeBytes < free)
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
                        + (_passedOverHeld ? "; a legal hold keeps what is left: release it ('fieldagent hold list'), or raise the cap" : "")
                    : $"file system of {_context.Folder.Path} is down to its floor of {_context.Options.FreeBytesMin} free bytes");
            }
        }
    }

    // Moves pages from the end of the file into free ones, which the log has to hold, and cuts the file.
    private void Shrink(long bytes)
    {
        RestartLog();
        _context.Database.Shrink(Math.Min(bytes, Math.Max(4, PagesToSpare() / PagesPerMove) * Database.PageBytes));
        RestartLog();
    }

    // Gives up the least important and oldest items worth some bytes; false when there is nothing to give up.
    private bool Evict(long bytes, Importance importance, GapReason reason)
    {
        do
        {
            for (var level = 0; level <= (int)importance; level++)
            {
                if (_tally[TallyKind.Blocks, level] + _tally[TallyKind.Images, level] > 0 && EvictOnFullDisk(items => TryEvict(level, bytes, items, reason)))
                {
                    FinishEviction(level, reason);
                    return true;
                }
            }
        }
        while (LookAtHeldAgain());
        return EvictKept(bytes, reason);
    }

    private bool LookAtHeldAgain()
    {
        var nowNs = _context.Clock.BootNs;
        if (!_passedOverHeld || (_heldLookedNs != long.MinValue && nowNs - _heldLookedNs < s_heldAgainNs))
        {
            return false;
        }

        _heldLookedNs = nowNs;
        _passedOverHeld = false;
        Array.Clear(_evictedTo);
        return true;
    }

    // A delete needs a little room too: on a full disk that is what the reserve is for, and a few items at a time.
    private bool EvictOnFullDisk(Func<int, bool> evict)
    {
        try
        {
            return evict(_context.Limits.ItemsPerChunk);
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full)
        {
            _space.ReleaseReserve();
            RestartLog();
            return evict(ItemsPerSmallChunk);
        }
    }

    private bool TryEvict(int level, long bytes, int items, GapReason reason)
    {
        long pages;
        while (true)
        {
            var oldest = _statements.Oldest.Bind(1, _evictedTo[level]).Bind(2, level).Bind(3, items);
            pages = Collect(oldest, item => _pages.OfDelete(item) + 1, bytes, items);
            if (_evicting.Count == 0)
            {
                return false;
            }

            var last = _evicting[^1].Id;
            _passedOverHeld |= _evicting.RemoveAll(item => IsHeld(item)) > 0;
            if (_evicting.Count > 0)
            {
                break;
            }

            _evictedTo[level] = last;
        }

        return CommitEviction(pages, reason);
    }

    private bool CommitEviction(long pages, GapReason reason)
    {
        Commit(0, 0, () =>
        {
            foreach (var item in _evicting)
            {
                GiveUp(item, reason);
            }
        }, pages + LogPages.PerGap);
        return true;
    }

    private void FinishEviction(int level, GapReason reason)
    {
        _evictedTo[level] = _evicting[^1].Id;
        Interlocked.Increment(ref _epoch);

        // a copy whose hold has ended is no loss: its recipients have it
        var readings = 0L;
        var items = 0;
        foreach (var item in _evicting)
        {
            if (item.Pending != 0)
            {
                readings += item.Kind == SpoolItemKind.Image ? 1 : item.Readings;
                items++;
            }
        }

        if (items == 0)
        {
            return;
        }

        Interlocked.Add(ref _evicted, readings);
        _context.Counters.Add(reason == GapReason.StorageCap ? "dropped.storage-cap" : "dropped.disk-full", readings);
        _context.Counters.Add(reason == GapReason.StorageCap ? "evicted.storage-cap" : "evicted.disk-full", items);
        _losses.Note(reason == GapReason.StorageCap ? "the state directory's cap is reached" : "the disk is full", items, readings);
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
            Lose(ground.Function, ground.Field, item.Pending,
                new SpoolGap(reason, item.Sequence, item.Sequence, 1, item.Readings));
        }
    }

    internal static ItemInfo ReadInfo(Statement row) =>
        new(row.Int(0), (SpoolItemKind)row.Int(1), row.Int(2), row.Int(3), row.Int(4), (uint)row.Int(5), (int)row.Int(6), row.Int(7), row.Int(8),
            row.Int(9), row.Int(10));

    private bool DeleteOldestAside()
    {
        var asides = _context.Folder.Asides();
        if (asides.Count == 0)
        {
            return false;
        }

        StateFolder.DeleteAside(asides[0]);
        _space.MeasureOthers();
        _context.Counters.Add("evicted.aside");
        return true;
    }

    // The disk is full although it should not be: others write to it too. Free pages of the database need no room on it.
    private void GiveUpForFullDisk(int blocks)
    {
        var importance = Importance.Low;
        long bytes = LogPages.Fixed * Database.PageBytes;
        for (var i = 0; i < blocks; i++)
        {
            bytes += _pages.OfRow(_waiting[i].Length) * Database.PageBytes;
            importance = (Importance)Math.Max((int)importance, (int)_waiting[i].Importance);
        }

        while (_context.Database.FreeBytes < bytes && Evict(bytes, importance, GapReason.DiskFull))
        {
        }

        RestartLog();
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
            _losses.Note(reason == GapReason.StorageCap ? "what is stored matters more" : "nothing can be stored", dropped, readings);
        }

        return dropped > 0;
    }
}
