using System.Text;
using SQLitePCL;

namespace FieldAgent.Store.Sqlite;

/// <summary>A prepared statement that is used again and again. No call allocates but <see cref="Text"/>. Always left reset: an
/// open one pins the write-ahead log (pitfall 26). The owner of its connection's lock uses it.</summary>
internal sealed class Statement(Connection connection, sqlite3_stmt statement, string sql) : IDisposable
{
    public Statement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(statement, index, value));
        return this;
    }

    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(statement, index, 0) : raw.sqlite3_bind_blob(statement, index, value));
        return this;
    }

    public Statement Bind(int index, string value)
    {
        Check(raw.sqlite3_bind_text(statement, index, value));
        return this;
    }

    public Statement Bind(int index, double value)
    {
        Check(raw.sqlite3_bind_double(statement, index, value));
        return this;
    }

    public Statement BindNull(int index)
    {
        Check(raw.sqlite3_bind_null(statement, index));
        return this;
    }

    /// <summary>The next row; false (and reset) at the end.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(statement);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        _ = raw.sqlite3_reset(statement);
        Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
        return false;
    }

    /// <summary>Runs to the end, ignoring rows.</summary>
    /// <returns>Rows changed.</returns>
    public int Run()
    {
        while (Step())
        {
        }

        return raw.sqlite3_changes(connection.Handle);
    }

    /// <summary>The first column of the first row, or <paramref name="otherwise"/>.</summary>
    public long Scalar(long otherwise = 0)
    {
        if (!Step())
        {
            return otherwise;
        }

        var value = Int(0);
        Reset();
        return value;
    }

    /// <summary>Ends a row loop before its end.</summary>
    public void Reset() => _ = raw.sqlite3_reset(statement);

    public long Int(int column) => raw.sqlite3_column_int64(statement, column);

    public double Real(int column) => raw.sqlite3_column_double(statement, column);

    /// <summary>Valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(statement, column);

    public string Text(int column) => Encoding.UTF8.GetString(raw.sqlite3_column_blob(statement, column));

    /// <summary>Steps of the virtual machine that went through a whole table since the last call; for tests.</summary>
    public int FullScanSteps() => raw.sqlite3_stmt_status(statement, raw.SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);

    /// <inheritdoc/>
    public void Dispose() => statement.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw connection.Fault(code, sql);
        }
    }
}
