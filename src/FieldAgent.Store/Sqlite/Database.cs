using FieldAgent.Core;
using FieldAgent.Store.Files;
using Microsoft.Win32.SafeHandles;
using SQLitePCL;

namespace FieldAgent.Store.Sqlite;

/// <summary>The open database: a connection that writes and one that reads, so that a courier never waits for an fsync.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>Bytes of a page: small blocks, small writes (packages.md, storage measurements).</summary>
    public const int PageBytes = 1024;

    private readonly string _path;
    private readonly (ulong, ulong)? _file;
    private readonly SafeFileHandle? _index;
    private readonly Statement _pageCount;
    private readonly Statement _freePages;

    private const int FrameBytes = PageBytes + 24;
    private const int LogHeaderBytes = 32;

    private long _logPagesBefore;

    private Database(string path, Connection writer, Connection reader, bool isFresh, bool wasClean, long logBytes)
    {
        _path = path;
        LogBytesKept = logBytes;
        Writer = writer;
        Reader = reader;
        IsFresh = isFresh;
        WasClean = wasClean;
        _file = Posix.Identify(path);
        File = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        _index = System.IO.File.Exists(path + "-shm")
            ? System.IO.File.OpenHandle(path + "-shm", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)
            : null;
        _pageCount = writer.Prepare("PRAGMA page_count");
        _freePages = writer.Prepare("PRAGMA freelist_count");
        Generation = new Guid(GetMeta("generation") is { Length: 16 } id
            ? id
            : throw new StoreFault(StoreFaultKind.Corrupt, $"database {path} has no generation", retry: false));
    }

    /// <summary>Guarded by the store's write lock.</summary>
    public Connection Writer { get; }

    /// <summary>Guarded by the store's read lock.</summary>
    public Connection Reader { get; }

    /// <summary>True when it was made just now.</summary>
    public bool IsFresh { get; }

    /// <summary>True when it had been closed properly.</summary>
    public bool WasClean { get; }

    /// <summary>Random id, made with the file.</summary>
    public Guid Generation { get; }

    /// <summary>True once damage was seen: it is not marked as closed properly.</summary>
    public bool IsDamaged => Writer.IsDamaged || Reader.IsDamaged;

    /// <summary>Bytes of the file: what it is now, or will be after the next checkpoint, whichever is more.</summary>
    public long FileBytes => Math.Max(StateFolder.Weigh(_path), PageCount * PageBytes);

    /// <summary>Bytes by which the next checkpoint makes the file longer.</summary>
    public long PendingGrowthBytes => Math.Max(0, (PageCount * PageBytes) - StateFolder.Weigh(_path));

    /// <summary>Pages of the database.</summary>
    public long PageCount => _pageCount.Scalar();

    /// <summary>Bytes of it that new rows can use.</summary>
    public long FreeBytes => _freePages.Scalar() * PageBytes;

    /// <summary>Bytes of the log's file. Writing within them needs no room on the disk.</summary>
    public long LogBytes => StateFolder.Weigh(_path + "-wal");

    /// <summary>Bytes of the log's index.</summary>
    public long LogIndexBytes => StateFolder.Weigh(_path + "-shm");

    /// <summary>Bytes the log keeps from one transaction to the next, and that one transaction may fill where room is scarce.</summary>
    public long LogBytesKept { get; }

    /// <summary>Bytes at the beginning of the log that a checkpoint has to bring into the database before they can be used again.</summary>
    public long LogBytesUsed => _logPagesBefore + PagesWritten is var pages && pages > 0 ? LogBytesFor(pages) : 0;

    /// <summary>Bytes of a log that holds so many pages.</summary>
    public static long LogBytesFor(long pages) => LogHeaderBytes + (pages * FrameBytes);

    /// <summary>Pages that fit a log of so many bytes.</summary>
    public static long LogPagesIn(long bytes) => Math.Max(0, bytes - LogHeaderBytes) / FrameBytes;

    // Exact: pages this connection, the only one that writes, has put into the log since the count was last set to zero.
    internal long PagesWritten
    {
        get
        {
            if (Writer.IsClosed)
            {
                throw Writer.ClosedFault();
            }

            _ = raw.sqlite3_db_status(Writer.Handle, CacheWrite, out var pages, out _, 0);
            return pages;
        }
    }

    private const int CacheWrite = 9;

    /// <summary>Pages after which the log begins anew in ordinary times.</summary>
    public const int OrdinaryLogPages = 64;

    /// <summary>Opens or makes the database, brings its tables up to date, and checks it after an unclean end.</summary>
    /// <exception cref="StoreFault">Corrupt: set it aside. Others: leave it alone.</exception>
    public static Database Open(StateFolder folder, StoreOptions options)
    {
        var path = folder.Database;
        var logBytes = options.LogBytes(folder.TotalBytes());
        try
        {
            if (Directory.Exists(path))
            {
                throw new StoreFault(StoreFaultKind.Refused, $"database {path} is a directory: remove it", retry: false);
            }

            if (!System.IO.File.Exists(path))
            {
                // made before SQLite opens it, so that it and its log are private from the first byte (pitfall 35); a log without
                // its database is worthless and would be taken for the new one's
                System.IO.File.Delete(path + "-wal");
                System.IO.File.Delete(path + "-shm");
                StateFolder.Create(path).Dispose();
                Posix.SyncFolder(folder.Path);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"database {path}");
        }

        Connection? writer = null;
        Connection? reader = null;
        try
        {
            writer = Connection.Open(path, readOnly: false);
            if (StateFolder.Weigh(path) > 0)
            {
                Schema.RequireReadable(writer, path);
            }

            Configure(writer, logBytes);
            var isFresh = Schema.Migrate(writer, path);
            var wasClean = isFresh || CheckUnlessClean(writer, path);
            MarkOpen(writer, isFresh);
            reader = Connection.Open(path, readOnly: false);
            reader.Execute("PRAGMA query_only = ON; PRAGMA cache_size = -256; PRAGMA temp_store = MEMORY");
            var database = new Database(path, writer, reader, isFresh, wasClean, logBytes);
            database._logPagesBefore = LogPagesIn(database.LogBytes);
            database.RestartLog();
            database.FillLog();
            return database;
        }
        catch
        {
            reader?.Dispose();
            writer?.Dispose();
            throw;
        }
    }

    /// <summary>True when the path no longer names the file that is open (pitfall 32).</summary>
    /// <exception cref="StoreFault">The file system does not answer.</exception>
    public bool WasMoved()
    {
        try
        {
            return Posix.Identify(_path) != _file;
        }
        catch (IOException fault)
        {
            throw Faults.From(fault, $"database {_path}");
        }
    }

    /// <summary>True after a failed attempt to open it again.</summary>
    public bool IsClosed => Writer.IsClosed;

    /// <summary>A value of the meta table, or null.</summary>
    public byte[]? GetMeta(string name)
    {
        using var statement = Writer.Once("SELECT value FROM meta WHERE name = ?1");
        return statement.Bind(1, name).Step() ? Take(statement) : null;
    }

    /// <summary>Sets a value of the meta table; within the caller's transaction or in one of its own.</summary>
    public void SetMeta(string name, ReadOnlySpan<byte> value)
    {
        using var statement = Writer.Once("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
        statement.Bind(1, name).Bind(2, value).Run();
    }

    /// <summary>Brings the log into the database and empties it. Another program that reads from it is waited for only briefly, as the
    /// caller holds the locks.</summary>
    /// <returns>False when a reader kept part of it.</returns>
    public bool CheckpointFully()
    {
        using var statement = Writer.Once("PRAGMA wal_checkpoint(TRUNCATE)");
        Writer.SetPatience(Connection.Impatient);
        try
        {
            if (!statement.Step())
            {
                return false;
            }

            var done = statement.Int(0) == 0 && statement.Int(1) == statement.Int(2);
            statement.Reset();
            return done && ForgetLog();
        }
        finally
        {
            Writer.SetPatience(Connection.Patient);
        }
    }

    /// <summary>Brings the log into the database; the next transaction overwrites it from its beginning. Unlike
    /// <see cref="CheckpointFully"/> the file keeps its length, so that a small transaction can be written on a disk that is
    /// full to the last byte. The read lock is held: a reader would pin the log.</summary>
    /// <returns>False when another process reads from it.</returns>
    public bool RestartLog()
    {
        using var statement = Writer.Once("PRAGMA wal_checkpoint(RESTART)");
        if (!statement.Step())
        {
            return false;
        }

        var done = statement.Int(0) == 0 && statement.Int(1) == statement.Int(2);
        statement.Reset();
        return done && ForgetLog();
    }

    // A log that grows at every flush makes the file system's journal commit its new length at every flush: 134 bytes a reading on the
    // block device against 118 (eight streams at 1 Hz, flush 10 s). So it gets its ordinary length at once; zeros are no frames, and
    // SQLite's recovery ends at the first.
    private void FillLog()
    {
        var have = LogBytes;
        var missing = Math.Min(LogBytesFor(OrdinaryLogPages), LogBytesKept) - have;
        if (have == 0 || missing <= 0)
        {
            return;
        }

        try
        {
            using var log = new FileStream(_path + "-wal", FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, 0);
            log.Position = have;
            log.Write(new byte[missing]);
            log.Flush(flushToDisk: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Without it the log grows as it goes; only the card pays.
        }
    }

    private bool ForgetLog()
    {
        _ = raw.sqlite3_db_status(Writer.Handle, CacheWrite, out _, out _, 1);
        _logPagesBefore = 0;
        return true;
    }

    /// <summary>Gives up to <paramref name="bytes"/> of free pages back to the file system. One page a step (pitfall 31).</summary>
    public void Shrink(long bytes)
    {
        using var statement = Writer.Once($"PRAGMA incremental_vacuum({Math.Max(1, bytes / PageBytes)})");
        statement.Run();
    }

    /// <summary>Notes a proper end; not after damage, so that the next start checks.</summary>
    public void MarkClosed()
    {
        if (!IsDamaged && !IsClosed)
        {
            SetMeta("clean", "1"u8);
            CheckpointFully();
        }
    }

    /// <summary>The file itself, beside SQLite. Open as long as the connections are: closing any descriptor of it would drop the locks that
    /// SQLite holds (POSIX locks belong to the process).</summary>
    public SafeFileHandle File { get; }

    /// <summary>The descriptor of a file that must not be opened a second time; null for any other.</summary>
    public SafeFileHandle? Held(string path) => path == _path ? File : path == _path + "-shm" ? _index : null;

    /// <summary>Drops the pages that the connections keep in memory; both locks are held.</summary>
    public void DropCaches()
    {
        Writer.Execute("PRAGMA shrink_memory");
        Reader.Execute("PRAGMA shrink_memory");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Reader.Dispose();
        Writer.Dispose();
        File.Dispose();
        _index?.Dispose();
    }

    private static byte[] Take(Statement statement)
    {
        var value = statement.Blob(0).ToArray();
        statement.Reset();
        return value;
    }

    private static void Configure(Connection writer, long logBytes)
    {
        writer.Execute($"PRAGMA page_size = {PageBytes}; PRAGMA auto_vacuum = INCREMENTAL");
        using (var mode = writer.Once("PRAGMA journal_mode = WAL"))
        {
            if (!mode.Step() || mode.Text(0) != "wal")
            {
                mode.Reset();
                throw new StoreFault(StoreFaultKind.Refused,
                    "the state directory's file system cannot hold a write-ahead log (no shared memory): use a local one", retry: false);
            }

            mode.Reset();
        }

        writer.Execute(
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY; "
            + "PRAGMA cache_size = -1024; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; "
            + $"PRAGMA journal_size_limit = {logBytes}");
    }

    private static bool CheckUnlessClean(Connection writer, string path)
    {
        using var clean = writer.Once("SELECT value = CAST('1' AS BLOB) FROM meta WHERE name = 'clean'");
        if (clean.Scalar() == 1)
        {
            if (new FileInfo(path).Length < writer.Scalar("PRAGMA page_count") * PageBytes)
            {
                throw new StoreFault(StoreFaultKind.Corrupt, $"database {path} is cut short", retry: false);
            }

            return true;
        }

        using var check = writer.Once("PRAGMA quick_check(1)");
        var finding = check.Step() ? check.Text(0) : "no answer";
        check.Reset();
        return finding == "ok"
            ? false
            : throw new StoreFault(StoreFaultKind.Corrupt, $"database {path} fails its check: {finding}", retry: false);
    }

    private static void MarkOpen(Connection writer, bool isFresh)
    {
        using var mark = writer.Once("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
        if (isFresh)
        {
            mark.Bind(1, "generation").Bind(2, Guid.NewGuid().ToByteArray()).Run();
        }

        mark.Bind(1, "clean").Bind(2, "0"u8).Run();
    }
}
