using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Ledgers;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store;

/// <content>Looks from outside, which write nothing.</content>
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

    /// <summary>Reads the consents of a state directory without opening the store: also while an agent runs on it. Nothing is
    /// written.</summary>
    /// <returns>The ledger, which cannot be appended to; empty where there is no store.</returns>
    /// <exception cref="StoreFault">It cannot be read, or was changed.</exception>
    public static IConsentLedger ReadConsents(StoreOptions options)
    {
        options.Validate();
        SqliteLibrary.Initialize(options.PreferSystemSqlite);
        using var folder = StateFolder.Peek(options.Directory);
        if (Identity.Load(folder) is not { } known || StateFolder.Weigh(folder.Database) == 0)
        {
            return new ReadConsentLedger([]);
        }

        using var root = RootKey.Load(options, folder, mayCreate: false);
        using var database = Connection.Open(folder.Database, readOnly: true);
        return new ReadConsentLedger(ConsentLedger.ReadAll(database, Identity.Read(known, root, folder.Identity)));
    }
}
