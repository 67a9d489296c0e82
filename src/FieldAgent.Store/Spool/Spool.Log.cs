using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The write-ahead log's share of the room: how much one transaction may write into it, and when it begins anew. What a
/// transaction writes is reckoned before it begins, from above: the cap holds while it runs too. All under the write lock.</summary>
internal sealed partial class Spool
{
    // Bytes of payload in a page of its own, and pages that one page of the reverse map of an auto-vacuum database covers.
    private const int PageContentBytes = Database.PageBytes - 4;
    private const int PagesPerMapPage = (Database.PageBytes / 5) - 1;

    // Header, counts, keys, the rightmost leaves, and the pages of the free list that are taken up and put down.
    private const int FixedPages = 20;
    private const int PagesPerGap = 6;
    private const int PagesPerCatalogueRow = 6;
    private const int PagesPerImage = 5;

    // In ordinary times the log begins anew before it outgrows the length it was made with. Large transactions share a checkpoint.
    private const int RestartTransactions = 4;

    // The smallest log that giving up a few items fits in.
    private const long SmallestLogBytes = 48 << 10;

    // The file system hands out space in units of its own, per file.
    private const long DiskSlackBytes = 4 * 4096;

    /// <summary>Pages of the log that settling an outcome fills, from above.</summary>
    internal long PagesFor(in ItemOutcome outcome) =>
        (outcome.Item.Pending & ~outcome.Bits) == 0 && !MayBeKept(outcome) ? PagesToDelete(outcome.Item)
        : PagesOf(outcome.Item.Bytes) + (outcome.GivenUp is null ? 0 : 1);

    // A delete writes the leaf and its neighbour; what lay on pages of its own only goes to the free list.
    private long PagesToDelete(in ItemInfo item) => 2 + (IsScattered() ? item.Bytes / PageContentBytes : 0);

    // A row that is written, or overwritten because its length changes.
    private long PagesOf(long bytes) =>
        ((((bytes + DataKey.Overhead + RowOverheadBytes) / PageContentBytes) + 1) * (IsScattered() ? 2 : 1)) + 2;

    // Each page that is taken or freed is noted in the reverse map: all of it in the worst case, or a page for each.
    private long MapPages() => (_context.Database.PageCount / PagesPerMapPage) + 2;

    private bool IsScattered() => MapPages() > Database.LogPagesIn(_context.Database.LogBytesKept) / 3;

    private long BasePages() =>
        FixedPages + (_gaps.NewCount * PagesPerGap) + (_catalogue.UnsavedCount * PagesPerCatalogueRow)
        + (IsScattered() ? 2 : MapPages());

    private long PagesOfWaiting(int blocks, int images)
    {
        var pages = BasePages() + (images * PagesPerImage);
        for (var i = 0; i < blocks; i++)
        {
            pages += PagesOf(_waiting[i].Length);
        }

        return pages;
    }

    // Bytes the log may have at the end of the next transaction. What its file has already needs no room on the disk.
    private long LogAllowance()
    {
        var database = _context.Database;
        var have = database.LogBytes;
        if (have >= database.LogBytesKept)
        {
            return database.LogBytesKept;
        }

        var spare = DiskBytes() - _context.Options.FreeBytesMin;
        var allowance = Math.Min(database.LogBytesKept, have + Math.Max(0, spare));
        if (allowance >= SmallestLogBytes)
        {
            return allowance;
        }

        // the log was cut to nothing and others took its place: this is what the reserve is for
        _reserve.Release();
        return Math.Clamp(have + Math.Max(0, DiskBytes()), SmallestLogBytes, database.LogBytesKept);
    }

    // Free bytes of the file system that are not promised to the database yet. What the log has already is not among them.
    private long DiskBytes() => _context.Folder.FreeBytes() - _context.Database.PendingGrowthBytes - DiskSlackBytes;

    // Pages that deleting may fill.
    private long PagesToSpare() => Math.Max(1, Database.LogPagesIn(LogAllowance()) - BasePages());

    // Begins the log anew where the transaction would not fit behind what is in it, or where it has grown long for what is written.
    private void PrepareLog(long pages, long allowance)
    {
        var database = _context.Database;
        var used = database.LogBytesUsed;
        var bytes = Database.LogBytesFor(pages);
        var fits = used + bytes <= allowance;
        var isShort = used < Math.Max(Database.LogBytesFor(Database.OrdinaryLogPages - 1) - bytes, bytes * RestartTransactions);
        if (used == 0 || (fits && isShort) || RestartLog() || fits)
        {
            return;
        }

        var growth = used + bytes - Math.Max(database.LogBytes, database.LogBytesKept);
        if (growth > 0 && UsedBytes() + growth + Math.Max(database.LogBytes, database.LogBytesKept) > _context.Options.StateBytesMax)
        {
            throw new StoreFault(StoreFaultKind.Busy,
                $"database {_context.Folder.Database} is being read by another program, and its log cannot grow within the cap: close that program",
                retry: true);
        }
    }

    private bool RestartLog()
    {
        lock (_context.ReadLock)
        {
            return _context.Database.RestartLog();
        }
    }

    private bool TruncateLog()
    {
        lock (_context.ReadLock)
        {
            return _context.Database.CheckpointFully();
        }
    }

    // Takes what is deleted next from a query, as much as fits a transaction and at least one; leaves the query reset.
    private long Collect(Statement query, Func<ItemInfo, long> pagesOf, long bytesMax = long.MaxValue, int itemsMax = int.MaxValue)
    {
        _evicting.Clear();
        var pagesMax = PagesToSpare();
        long pages = 0, bytes = 0;
        while (bytes < bytesMax && _evicting.Count < itemsMax && query.Step())
        {
            var item = ReadInfo(query);
            var more = pagesOf(item);
            if (_evicting.Count > 0 && pages + more > pagesMax)
            {
                break;
            }

            pages += more;
            bytes += item.Bytes + RowOverheadBytes;
            _evicting.Add(item);
        }

        query.Reset();
        return pages;
    }

    // For a write that is not the spool's: a consent, a command.
    private void PrepareWrite(long bytes)
    {
        var pages = BasePages() + (PagesOf(bytes) * 2);
        MakeRoom(bytes * 2, 0, Database.LogBytesFor(pages), Importance.High);
        PrepareLog(pages, LogAllowance());
    }

    private bool ReleaseReserve()
    {
        if (!_reserve.Release())
        {
            return false;
        }

        if (!_context.Database.IsClosed)
        {
            RestartLog();
        }

        return true;
    }
}
