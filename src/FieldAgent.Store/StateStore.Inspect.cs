using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store;

/// <content>A look from outside.</content>
public sealed partial class StateStore
{
    /// <summary>Looks whether the database of a state directory is whole, without opening the store and without a key. For a board on which
    /// no agent runs. Reads the whole database.</summary>
    /// <returns>Null when there is no database; empty when it is whole; else what SQLite found.</returns>
    /// <exception cref="StoreFault">It cannot be read.</exception>
    public static string? Inspect(StoreOptions options)
    {
        options.Validate();
        SqliteLibrary.Initialize(options.PreferSystemSqlite);
        using var folder = StateFolder.Peek(options.Directory);
        if (StateFolder.Weigh(folder.Database) == 0)
        {
            return null;
        }

        using var database = Connection.Open(folder.Database, readOnly: true);
        using var check = database.Once("PRAGMA quick_check(1)");
        var found = check.Step() ? check.Text(0) : "no answer";
        return found == "ok" ? "" : found;
    }
}
