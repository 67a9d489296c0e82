using System.Text;
using SQLitePCL;

namespace FieldAgent.Store.Sqlite;

/// <summary>A prepared statement that is used again and again. No call allocates but <see cref="Text"/>. Always left reset: an
/// open one pins the write-ahead log (pitfall 26). The owner of its connection's lock uses it.</summary>
internal sealed class Statement(Connection connection, sqlite3_stmt statement, string sql) : IDisposable
{
    public Statement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(Open, index, value));
        return this;
    }

    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(Open, index, 0) : raw.sqlite3_bind_blob(Open, index, value));
        return this;
    }

    public Statement Bind(int index, string value)
    {
        Check(raw.sqlite3_bind_text(Open, index, value));
        return this;
    }

    public Statement Bind(int index, double value)
    {
        Check(raw.sqlite3_bind_double(Open, index, value));
        return this;
    }

    public Statement BindNull(int index)
    {
        Check(raw.sqlite3_bind_null(Open, index));
        return this;
    }

    /// <summary>The next row; false (and reset) at the end.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(Open);
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
    public void Reset()
    {
        if (!connection.IsClosed)
        {
            _ = raw.sqlite3_reset(statement);
        }
    }

    public long Int(int column) => raw.sqlite3_column_int64(statement, column);

    public double Real(int column) => raw.sqlite3_column_double(statement, column);

    /// <summary>Valid until the next step or reset.</summary>
    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(statement, column);

    public string Text(int column) => Encoding.UTF8.GetString(raw.sqlite3_column_blob(statement, column));

    /// <inheritdoc/>
    public void Dispose() => statement.Dispose();

    // In C a closed handle would be a crash; here it is a fault that passes when the database is open again.
    private sqlite3_stmt Open => connection.IsClosed ? throw connection.ClosedFault() : statement;

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw connection.Fault(code, sql);
        }
    }
}
