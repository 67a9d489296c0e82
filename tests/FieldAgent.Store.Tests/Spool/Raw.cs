using Microsoft.Data.Sqlite;

namespace FieldAgent.Store.Tests;

/// <summary>Looks into a database from outside.</summary>
internal static class Raw
{
    public static SqliteConnection Open(string directory)
    {
        var connection = new SqliteConnection($"Data Source={Path.Join(directory, "state.db")};Pooling=False");
        connection.Open();
        return connection;
    }

    public static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    public static string Text(SqliteConnection connection, string sql, int column)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        return reader.Read() ? reader.GetString(column) : "";
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
