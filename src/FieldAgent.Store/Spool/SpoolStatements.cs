using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The spool's prepared statements on the writing connection.</summary>
internal sealed class SpoolStatements(Connection writer)
{
    /// <summary>Columns that make an <see cref="ItemInfo"/>, in its order.</summary>
    public const string InfoColumns = "id, kind, sequence, ground, key, pending, importance, readings, ifnull(length(payload), 0), boot, at_ms";

    /// <summary>The row of the table of items that holds the counts that changed lately; items have ids from 1.</summary>
    public const long CountsId = 0;

    // Neither block, picture nor gap: nobody waits for it, and it is never sent, given up or evicted.
    private const int CountsKind = 3;

    public Statement InsertItem { get; } = writer.Prepare(
        "INSERT INTO items(id, kind, sequence, ground, key, boot, pending, importance, readings, at_ms, payload) "
        + "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");

    public Statement InsertImageFile { get; } = writer.Prepare("INSERT INTO image_files(item, name, bytes) VALUES(?1, ?2, ?3)");

    public Statement SelectImageFile { get; } = writer.Prepare("SELECT name, bytes FROM image_files WHERE item = ?1");

    public Statement DeleteImageFile { get; } = writer.Prepare("DELETE FROM image_files WHERE item = ?1");

    public Statement InsertGap { get; } = writer.Prepare(
        "INSERT INTO gaps(item, function, field, reason, from_sequence, to_sequence, blocks, readings) "
        + "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");

    public Statement DeleteGap { get; } = writer.Prepare("DELETE FROM gaps WHERE item = ?1");

    public Statement DeleteItem { get; } = writer.Prepare("DELETE FROM items WHERE id = ?1");

    /// <summary>Deletes an item that nobody but the given bits waits for.</summary>
    public Statement DeleteDone { get; } = writer.Prepare("DELETE FROM items WHERE id = ?1 AND pending & ~?2 = 0 AND pending & ?2 <> 0");

    /// <summary>Keeps an item that nobody but the given bits waits for: nobody does from now on.</summary>
    public Statement KeepDone { get; } = writer.Prepare(
        "UPDATE items SET pending = 0 WHERE id = ?1 AND pending & ~?2 = 0 AND pending & ?2 <> 0");

    public Statement ClearBits { get; } = writer.Prepare("UPDATE items SET pending = pending & ~?2 WHERE id = ?1 AND pending & ?2 <> 0");

    /// <summary>Oldest items of one importance after an id: what goes first when room is needed.</summary>
    public Statement Oldest { get; } = writer.Prepare(
        $"SELECT {InfoColumns} FROM items WHERE id > ?1 AND importance = ?2 AND kind < 2 ORDER BY id LIMIT ?3");

    /// <summary>Oldest copies that are kept after their delivery.</summary>
    public Statement OldestKept { get; } = writer.Prepare(
        $"SELECT {InfoColumns} FROM items WHERE pending = 0 AND kind < 2 ORDER BY id LIMIT ?1");

    /// <summary>The oldest item that somebody waits for, from an id on.</summary>
    public Statement OldestTime { get; } = writer.Prepare(
        "SELECT id, boot, at_ms FROM items WHERE id >= ?1 AND kind < 2 AND pending <> 0 ORDER BY id LIMIT 1");

    public Statement InsertKey { get; } = writer.Prepare(
        "INSERT INTO keys(id, function, field, day, generation, wrapped) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

    public Statement DeleteKey { get; } = writer.Prepare("DELETE FROM keys WHERE id = ?1");

    public Statement PutCount { get; } = writer.Prepare("INSERT OR REPLACE INTO counts(kind, ref, value) VALUES(?1, ?2, ?3)");

    public Statement DeleteCount { get; } = writer.Prepare("DELETE FROM counts WHERE kind = ?1 AND ref = ?2");

    public Statement PutRecentCounts { get; } = writer.Prepare(
        "INSERT INTO items(id, kind, sequence, ground, key, boot, pending, importance, readings, at_ms, payload) "
        + $"VALUES({CountsId}, {CountsKind}, 0, 0, 0, 0, 0, 0, 0, 0, ?1) ON CONFLICT(id) DO UPDATE SET payload = excluded.payload");

    public Statement PutDoneTo { get; } = writer.Prepare("UPDATE recipients SET done_to = ?2 WHERE bit = ?1");
}
