using FieldAgent.Core;
using FieldAgent.Store.Files;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FieldAgent.Store.Sqlite;

/// <summary>One connection, opened by Microsoft.Data.Sqlite; statements are prepared on its handle. One thread at a time.</summary>
internal sealed class Connection : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly List<Statement> _statements = [];
    private readonly string _path;
    private readonly Statement _begin;
    private readonly Statement _commit;

    private Connection(string path, SqliteConnection connection)
    {
        _path = path;
        _connection = connection;
        Handle = connection.Handle ?? throw new InvalidOperationException("connection is not open");
        _ = raw.sqlite3_extended_result_codes(Handle, 1);
        SetPatience(Patient);
        _begin = Prepare("BEGIN IMMEDIATE");
        _commit = Prepare("COMMIT");
    }

    /// <summary>Milliseconds to wait for another program, ordinarily and while others wait for us.</summary>
    public const int Patient = 5000;

    /// <inheritdoc cref="Patient"/>
    public const int Impatient = 250;

    /// <summary>How long to wait for another program's lock, ms.</summary>
    public void SetPatience(int milliseconds)
    {
        if (!IsClosed)
        {
            _ = raw.sqlite3_busy_timeout(Handle, milliseconds);
        }
    }

    /// <summary>SQLite's own handle.</summary>
    public sqlite3 Handle { get; }

    /// <summary>True once SQLite reported damage.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>True once it was disposed: after an I/O error, until the next flush opens the database again.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Opens <paramref name="path"/>, which must exist.</summary>
    /// <exception cref="StoreFault">It cannot be opened.</exception>
    public static Connection Open(string path, bool readOnly)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = readOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWrite,
            Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            return new Connection(path, connection);
        }
        catch (SqliteException cause)
        {
            connection.Dispose();
            throw Map(cause.SqliteExtendedErrorCode, path, "open", cause.Message);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Prepares a statement that lives as long as the connection.</summary>
    public Statement Prepare(string sql)
    {
        if (IsClosed)
        {
            throw ClosedFault();
        }

        var code = raw.sqlite3_prepare_v3(Handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle);
        if (code != raw.SQLITE_OK)
        {
            throw Fault(code, sql);
        }

        var statement = new Statement(this, handle, sql);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs statements that are used once.</summary>
    public void Execute(string sql)
    {
        if (IsClosed)
        {
            throw ClosedFault();
        }

        var code = raw.sqlite3_exec(Handle, sql);
        if (code != raw.SQLITE_OK)
        {
            throw Fault(code, sql);
        }
    }

    /// <summary>The number that a statement used once yields.</summary>
    public long Scalar(string sql)
    {
        using var statement = Once(sql);
        return statement.Scalar();
    }

    /// <summary>A statement to be disposed by the caller.</summary>
    public Statement Once(string sql)
    {
        var statement = Prepare(sql);
        _statements.Remove(statement);
        return statement;
    }

    /// <summary>Ends a prepared statement before the connection does.</summary>
    public void Release(Statement statement)
    {
        if (_statements.Remove(statement))
        {
            statement.Dispose();
        }
    }

    public void Begin() => _begin.Run();

    public void Commit() => _commit.Run();

    /// <summary>Ends a failed transaction; never throws (SQLite may have ended it itself).</summary>
    public void Rollback()
    {
        if (IsClosed)
        {
            return;
        }

        foreach (var statement in _statements)
        {
            statement.Reset();
        }

        if (raw.sqlite3_get_autocommit(Handle) == 0)
        {
            _ = raw.sqlite3_exec(Handle, "ROLLBACK");
        }
    }

    /// <summary>The fault of using it after it was closed.</summary>
    public StoreFault ClosedFault() => new(StoreFaultKind.Io,
        $"database {_path} is closed after an error; the next flush opens it again", retry: true);

    /// <summary>The store's fault for one of SQLite's result codes.</summary>
    public StoreFault Fault(int code, string what)
    {
        var fault = Map(code, _path, what.Length > 60 ? what[..60] : what, raw.sqlite3_errmsg(Handle).utf8_to_string());
        IsDamaged |= fault.Kind == StoreFaultKind.Corrupt;
        return fault;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (IsClosed)
        {
            return;
        }

        IsClosed = true;
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }

        _connection.Dispose();
    }

    private static StoreFault Map(int code, string path, string what, string text)
    {
        var place = $"database {path}";
        return (code & 0xff) switch
        {
            raw.SQLITE_FULL => Faults.Full(place),
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => Damaged(place, text),
            raw.SQLITE_ERROR when ContradictsWhatWeMade(text) => Damaged(place, text),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new StoreFault(StoreFaultKind.Busy,
                $"{place} is locked by another program: close it (a database browser?)", retry: true),
            raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_CANTOPEN or raw.SQLITE_AUTH => Faults.Refused(place),
            _ => new StoreFault(StoreFaultKind.Io, $"{place}: {text} (code {code}, {what}); check the card and the kernel log",
                retry: true),
        };
    }

    private static StoreFault Damaged(string place, string text) =>
        new(StoreFaultKind.Corrupt, $"{place} is damaged ({text}); it is set aside at the next start", retry: false);

    // Damage to the text of the schema shows as tables and columns that are not there, damage to the list of migrations as ones that are
    // there already: the migrations made all that is asked for, once.
    private static bool ContradictsWhatWeMade(string text) =>
        text.StartsWith("duplicate column name", StringComparison.Ordinal) || text.EndsWith("already exists", StringComparison.Ordinal)
        || text.StartsWith("no such column", StringComparison.Ordinal) || text.StartsWith("no such table", StringComparison.Ordinal)
        || text.Contains("has no column", StringComparison.Ordinal);
}
