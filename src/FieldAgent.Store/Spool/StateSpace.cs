using FieldAgent.Store.Files;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>What there is too little of.</summary>
internal enum Shortage
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The state directory may not hold more.</summary>
    Cap,

    /// <summary>The file system may not be filled further.</summary>
    Disk,
}

/// <summary>What the state directory holds and may hold: the cap on its bytes, the floor of the file system's free space, the reserve that is
/// kept back for a full disk, and the write-ahead log's share of them. Gives up nothing by itself. The write lock is held.</summary>
/// <param name="context">The open store.</param>
/// <param name="imageBytes">Bytes of the pictures' files, those without a row yet included.</param>
internal sealed class StateSpace(StoreContext context, Func<long> imageBytes)
{
    // A small transaction and its checkpoint, and a new database beside one that is set aside.
    private const long ReserveBytesMin = 96 << 10;

    // SQLite makes it of this size, and needs more only for a log of over 4 MB.
    private const long LogIndexBytesMin = 32 << 10;

    // The smallest log that giving up a few items fits in.
    private const long SmallestLogBytes = 48 << 10;

    // The file system hands out space in units of its own, per file.
    private const long DiskSlackBytes = 4 * 4096;

    // What settling, gaps and totals may add to the database before room is made again: rows of deliveries, and the pages they open.
    private const long BookkeepingBytes = 16 << 10;

    // Enough to meet a block of each kind that is stored.
    private const int RowsMeasured = 1_000;

    private readonly ReserveFile _reserve = new(context.Folder.Reserve, Math.Max(context.Database.LogBytesKept, ReserveBytesMin));
    private long _othersBytes;
    private int _measureIn;

    // Of the blocks since the start, and of the newest before.
    private long _largestRowPages;

    /// <summary>True while the reserve is in place.</summary>
    public bool IsReserveHeld => _reserve.IsHeld;

    /// <summary>Bytes that are in the directory, or may be at any time, beside the log.</summary>
    public long UsedBytes =>
        _othersBytes + _reserve.FullBytes + imageBytes() + context.Database.FileBytes
        + Math.Max(context.Database.LogIndexBytes, LogIndexBytesMin);

    /// <summary>Bytes that are in the directory now.</summary>
    public long MeasuredBytes =>
        _othersBytes + _reserve.Bytes + imageBytes() + context.Database.FileBytes + context.Database.LogBytes + context.Database.LogIndexBytes;

    /// <summary>Bytes that become fewer when something is given up.</summary>
    public long GivableBytes => imageBytes() + context.Database.FileBytes + _othersBytes;

    /// <summary>Bytes that are written to the database without asking for room, also when nothing new gets in any more: settling what others
    /// still wait for, or what is kept here, may write a row anew before it frees the old one.</summary>
    public long UnaskedBytes => BookkeepingBytes + (_largestRowPages * Database.PageBytes);

    /// <summary>Free bytes of the file system that are not promised to the database yet. What the log has already is not among them.</summary>
    public long DiskBytes => context.Folder.FreeBytes() - context.Database.PendingGrowthBytes - DiskSlackBytes;

    /// <summary>Measures the files that are neither the database's nor pictures.</summary>
    public void MeasureOthers()
    {
        _measureIn = context.Limits.FlushesPerMeasure;
        _othersBytes = context.Folder.WeighOthers() - StateFolder.Weigh(context.Folder.Reserve);
    }

    /// <summary>The same after every so many calls.</summary>
    public void MeasureOthersNowAndThen()
    {
        if (--_measureIn <= 0)
        {
            MeasureOthers();
        }
    }

    /// <summary>A row of so many pages is stored.</summary>
    public void NoteRow(long pages) => _largestRowPages = Math.Max(_largestRowPages, pages);

    /// <summary>Looks how large the rows are that are stored already.</summary>
    public void NoteRows(LogPages pages)
    {
        using var rows = context.Database.Writer.Once(
            $"SELECT ifnull(max(bytes), 0) FROM (SELECT length(payload) AS bytes FROM items WHERE kind < 2 ORDER BY id DESC LIMIT {RowsMeasured})");
        NoteRow(pages.OfRow(rows.Scalar()));
    }

    /// <summary>Takes the reserve as soon as there is room for it, before anything else takes that.</summary>
    public void HoldReserve()
    {
        if (!_reserve.IsHeld && UsedBytes + Math.Max(context.Database.LogBytes, context.Database.LogBytesKept) <= context.Options.StateBytesMax)
        {
            _reserve.TryHold(DiskBytes, context.Options.FreeBytesMin);
        }
    }

    /// <summary>Gives the reserve back.</summary>
    /// <returns>True when there was one.</returns>
    public bool ReleaseReserve() => _reserve.Release();

    /// <summary>Bytes the log may have at the end of the next transaction. What its file has already needs no room on the disk.</summary>
    public long LogAllowance()
    {
        var database = context.Database;
        var have = database.LogBytes;
        if (have >= database.LogBytesKept)
        {
            return database.LogBytesKept;
        }

        var spare = DiskBytes - context.Options.FreeBytesMin;
        var allowance = Math.Min(database.LogBytesKept, have + Math.Max(0, spare));
        if (allowance >= SmallestLogBytes)
        {
            return allowance;
        }

        // the log was cut to nothing and others took its place: this is what the reserve is for
        _reserve.Release();
        return Math.Clamp(have + Math.Max(0, DiskBytes), SmallestLogBytes, database.LogBytesKept);
    }

    /// <summary>True when the log may be so much longer than it is kept.</summary>
    public bool LogMayGrow(long bytes) =>
        bytes <= 0 || UsedBytes + bytes + Math.Max(context.Database.LogBytes, context.Database.LogBytesKept) <= context.Options.StateBytesMax;

    /// <summary>What is too small for something new.</summary>
    /// <param name="databaseBytes">Bytes of it in the database.</param>
    /// <param name="fileBytes">Bytes of it in files.</param>
    /// <param name="logBytes">Bytes of the log while it is written.</param>
    /// <param name="givenBack">Bytes that were given up for it already.</param>
    /// <param name="missing">Bytes that are missing.</param>
    public Shortage Find(long databaseBytes, long fileBytes, long logBytes, long givenBack, out long missing)
    {
        var database = context.Database;
        missing = UsedBytes + Math.Max(0, databaseBytes + UnaskedBytes - database.FreeBytes) + fileBytes
            + Math.Max(Math.Max(database.LogBytes, database.LogBytesKept), logBytes) - context.Options.StateBytesMax;
        if (missing > 0)
        {
            return Shortage.Cap;
        }

        // what is written unasked has the reserve, when the disk is full
        var growth = Math.Max(0, databaseBytes - database.FreeBytes) + fileBytes + Math.Max(0, logBytes - database.LogBytes);
        missing = 0;
        if (growth == 0)
        {
            return Shortage.None;
        }

        // where others passed the floor it is not for us to restore it: then nothing more is taken than was given back
        var disk = DiskBytes;
        missing = Math.Max(growth - disk, Math.Min(context.Options.FreeBytesMin + growth - disk, growth - givenBack));
        if (missing > 0)
        {
            return Shortage.Disk;
        }

        missing = 0;
        return Shortage.None;
    }
}
