using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The write-ahead log's share of the room: how much one transaction may write into it, and when it begins anew. What a
/// transaction writes is reckoned before it begins, from above: the cap holds while it runs too. All under the write lock.</summary>
internal sealed partial class Spool
{
    // In ordinary times the log begins anew before it outgrows the length it was made with. Large transactions share a checkpoint.
    private const int RestartTransactions = 4;

    /// <summary>Pages of the log that settling an outcome fills, from above.</summary>
    internal long PagesFor(in ItemOutcome outcome) =>
        (outcome.Item.Pending & ~outcome.Bits) == 0 && !MayBeKept(outcome) ? _pages.OfDelete(outcome.Item)
        : _pages.OfRow(outcome.Item.Bytes) + (outcome.GivenUp is null ? 0 : 1);

    private long BasePages() =>
        LogPages.Fixed + (_gaps.NewCount * LogPages.PerGap) + (_catalogue.UnsavedCount * LogPages.PerCatalogueRow) + _pages.Map;

    private long PagesOfWaiting(int blocks, int images)
    {
        var pages = BasePages() + (images * LogPages.PerImage);
        for (var i = 0; i < blocks; i++)
        {
            pages += _pages.OfRow(_waiting[i].Length);
        }

        return pages;
    }

    // Pages that deleting may fill.
    private long PagesToSpare() => Math.Max(1, Database.LogPagesIn(_space.LogAllowance()) - BasePages());

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
        if (!_space.LogMayGrow(growth))
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
            bytes += item.Bytes + LogPages.RowOverheadBytes;
            _evicting.Add(item);
        }

        query.Reset();
        return pages;
    }

    // For a write that is not the spool's: a consent, a command.
    private void PrepareWrite(long bytes)
    {
        var pages = BasePages() + (_pages.OfRow(bytes) * 2);
        MakeRoom(bytes * 2, 0, Database.LogBytesFor(pages), Importance.High);
        PrepareLog(pages, _space.LogAllowance());
    }

    private bool ReleaseReserve()
    {
        if (!_space.ReleaseReserve())
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
