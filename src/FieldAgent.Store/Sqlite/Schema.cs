using FieldAgent.Core;

namespace FieldAgent.Store.Sqlite;

/// <summary>The tables, as numbered migrations: each runs once, in a transaction of its own.</summary>
internal static class Schema
{
    /// <summary>Marks the file as ours ("FAgt").</summary>
    public const int ApplicationId = 0x46416774;

    /// <summary>The oldest <see cref="Newest"/> of a program that can still use a database which this program has brought up to date: what a
    /// rollback to that program finds. A migration that only adds tables leaves it as it is; any other one raises it to its own number.
    /// Below 11 a program would not know of the epoch, and publish under a name that was given up.</summary>
    public const int ReadableFrom = 11;

    private const string ReadableFromName = "readable_from";

    private static readonly (string Name, string Sql)[] s_migrations =
    [
        ("first tables",
            """
            CREATE TABLE meta(name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
            CREATE TABLE counts(kind INTEGER, ref INTEGER, value INTEGER NOT NULL, PRIMARY KEY(kind, ref)) STRICT, WITHOUT ROWID;
            CREATE TABLE recipients(bit INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, done_to INTEGER NOT NULL) STRICT;
            CREATE TABLE functions(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
            CREATE TABLE grounds(id INTEGER PRIMARY KEY, function INTEGER NOT NULL, field TEXT NOT NULL, purpose TEXT NOT NULL,
                basis INTEGER NOT NULL, precision INTEGER NOT NULL, term_ns INTEGER NOT NULL, recipients INTEGER NOT NULL,
                consent_id INTEGER NOT NULL, policy_version TEXT NOT NULL, policy_hash TEXT NOT NULL,
                personal INTEGER NOT NULL) STRICT;
            CREATE TABLE sets(id INTEGER PRIMARY KEY, name TEXT NOT NULL, field TEXT NOT NULL, interval_ns INTEGER NOT NULL,
                urgent INTEGER NOT NULL, importance INTEGER NOT NULL) STRICT;
            CREATE TABLE set_streams(set_id INTEGER, position INTEGER, name TEXT NOT NULL, unit TEXT NOT NULL, scale REAL NOT NULL,
                PRIMARY KEY(set_id, position)) STRICT, WITHOUT ROWID;
            CREATE TABLE boots(id INTEGER PRIMARY KEY, boot_id BLOB NOT NULL UNIQUE, wall_offset_ns INTEGER NOT NULL,
                quality INTEGER NOT NULL) STRICT;
            CREATE TABLE keys(id INTEGER PRIMARY KEY, function TEXT NOT NULL, field TEXT NOT NULL, day INTEGER NOT NULL,
                wrapped BLOB NOT NULL) STRICT;
            CREATE TABLE items(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, sequence INTEGER NOT NULL, ground INTEGER NOT NULL,
                key INTEGER NOT NULL, boot INTEGER NOT NULL, pending INTEGER NOT NULL, importance INTEGER NOT NULL,
                readings INTEGER NOT NULL, at_ms INTEGER NOT NULL, payload BLOB) STRICT;
            CREATE TABLE image_files(item INTEGER PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT;
            CREATE TABLE gaps(item INTEGER PRIMARY KEY, function TEXT NOT NULL, field TEXT NOT NULL, reason INTEGER NOT NULL,
                from_sequence INTEGER NOT NULL, to_sequence INTEGER NOT NULL, blocks INTEGER NOT NULL,
                readings INTEGER NOT NULL) STRICT;
            CREATE TABLE consents(id INTEGER PRIMARY KEY, action INTEGER NOT NULL, function TEXT NOT NULL, field TEXT NOT NULL,
                scope TEXT NOT NULL, role TEXT NOT NULL, method TEXT NOT NULL, policy_version TEXT NOT NULL,
                policy_hash TEXT NOT NULL, boot_id BLOB NOT NULL, boot_ns INTEGER NOT NULL, wall_ns INTEGER NOT NULL,
                quality INTEGER NOT NULL, mac BLOB NOT NULL) STRICT;
            CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents
                BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;
            CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents
                BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;
            CREATE TABLE commands(id TEXT PRIMARY KEY, name TEXT NOT NULL, state INTEGER NOT NULL, result BLOB NOT NULL,
                expires_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            CREATE INDEX commands_expiry ON commands(expires_ns);
            """),
        ("what a consent rests on",
            """
            ALTER TABLE consents ADD COLUMN notice_hash TEXT NOT NULL DEFAULT '';
            ALTER TABLE consents ADD COLUMN language TEXT NOT NULL DEFAULT '';
            ALTER TABLE consents ADD COLUMN controller_id TEXT NOT NULL DEFAULT '';
            ALTER TABLE consents ADD COLUMN reason TEXT NOT NULL DEFAULT '';
            ALTER TABLE consents ADD COLUMN reference TEXT NOT NULL DEFAULT '';
            ALTER TABLE consents ADD COLUMN expires_ns INTEGER NOT NULL DEFAULT 0;
            """),
        ("counts that changed lately beside the items",
            "-- row 0 of items, written with the first flush; a program that does not know it would count wrong"),
        ("what was delivered to whom",
            """
            CREATE TABLE deliveries(id INTEGER PRIMARY KEY, open INTEGER NOT NULL, generation BLOB NOT NULL, recipient TEXT NOT NULL,
                ground INTEGER NOT NULL, function TEXT NOT NULL, field TEXT NOT NULL, from_sequence INTEGER NOT NULL,
                to_sequence INTEGER NOT NULL, step INTEGER NOT NULL, items INTEGER NOT NULL, readings INTEGER NOT NULL,
                first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, from_item INTEGER NOT NULL, to_item INTEGER NOT NULL,
                from_reading_ns INTEGER NOT NULL, to_reading_ns INTEGER NOT NULL, purpose TEXT NOT NULL, basis INTEGER NOT NULL,
                precision INTEGER NOT NULL, term_ns INTEGER NOT NULL, consent_id INTEGER NOT NULL, policy_version TEXT NOT NULL,
                policy_hash TEXT NOT NULL) STRICT;
            """),
        ("requests of persons",
            """
            CREATE TABLE requests(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, state INTEGER NOT NULL, reference TEXT NOT NULL UNIQUE,
                function TEXT NOT NULL, field TEXT NOT NULL, channel TEXT NOT NULL, verification TEXT NOT NULL, ground TEXT NOT NULL,
                received BLOB NOT NULL, verified BLOB NOT NULL, answered BLOB NOT NULL, text BLOB NOT NULL, answer BLOB NOT NULL) STRICT;
            CREATE TABLE corrections(id INTEGER PRIMARY KEY, function TEXT NOT NULL, field TEXT NOT NULL, from_ns INTEGER NOT NULL,
                to_ns INTEGER NOT NULL, reference TEXT NOT NULL UNIQUE, at BLOB NOT NULL, statement BLOB NOT NULL) STRICT;
            CREATE TABLE subject_keys(key_id TEXT PRIMARY KEY, label TEXT NOT NULL, public_key BLOB NOT NULL, at BLOB NOT NULL) STRICT;
            """),
        ("documents on their way out",
            """
            CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, kind INTEGER NOT NULL,
                reference TEXT NOT NULL, until_acknowledged INTEGER NOT NULL, document BLOB NOT NULL,
                UNIQUE(recipient, reference)) STRICT;
            """),
        ("audit and incidents",
            """
            CREATE TABLE audit(number INTEGER PRIMARY KEY, boot_id BLOB NOT NULL, boot_ns INTEGER NOT NULL, wall_ns INTEGER NOT NULL,
                quality INTEGER NOT NULL, salt BLOB NOT NULL, entry BLOB NOT NULL, commitment BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
            CREATE TABLE audit_head(one INTEGER PRIMARY KEY CHECK(one = 1), first INTEGER NOT NULL, base BLOB NOT NULL,
                last INTEGER NOT NULL, hash BLOB NOT NULL, mac BLOB NOT NULL) STRICT;
            CREATE TABLE audit_checkpoints(number INTEGER PRIMARY KEY, document BLOB NOT NULL) STRICT;
            CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
                WHEN length(NEW.salt) + length(NEW.entry) > 0 OR NEW.number IS NOT OLD.number OR NEW.hash IS NOT OLD.hash
                    OR NEW.commitment IS NOT OLD.commitment OR NEW.wall_ns IS NOT OLD.wall_ns OR NEW.boot_ns IS NOT OLD.boot_ns
                    OR NEW.boot_id IS NOT OLD.boot_id OR NEW.quality IS NOT OLD.quality
                BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
            CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
                WHEN OLD.number >= ifnull((SELECT first FROM audit_head), 0)
                BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
            CREATE TABLE incidents(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, place TEXT NOT NULL,
                boot_id BLOB NOT NULL, boot_ns INTEGER NOT NULL, wall_ns INTEGER NOT NULL, quality INTEGER NOT NULL,
                times INTEGER NOT NULL, UNIQUE(kind, place)) STRICT;
            """),
        ("erasures, and what terms are measured by",
            """
            ALTER TABLE keys ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
            CREATE TABLE erasures(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, reason INTEGER NOT NULL, ground TEXT NOT NULL,
                blocks INTEGER NOT NULL, images INTEGER NOT NULL, readings INTEGER NOT NULL, keys INTEGER NOT NULL,
                unmarked INTEGER NOT NULL, effaced TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
                remains INTEGER NOT NULL, begun BLOB NOT NULL, verified BLOB NOT NULL) STRICT;
            CREATE TABLE erasure_scopes(erasure INTEGER, position INTEGER, function TEXT NOT NULL, field TEXT NOT NULL,
                before_ns INTEGER NOT NULL, images_only INTEGER NOT NULL, held INTEGER NOT NULL, to_item INTEGER NOT NULL,
                PRIMARY KEY(erasure, position)) STRICT, WITHOUT ROWID;
            CREATE TABLE erasure_runs(erasure INTEGER, key INTEGER, from_item INTEGER, to_item INTEGER NOT NULL,
                whole INTEGER NOT NULL, PRIMARY KEY(erasure, key, from_item)) STRICT, WITHOUT ROWID;
            CREATE TABLE board_times(boot INTEGER PRIMARY KEY, base_ns INTEGER NOT NULL, floor_ns INTEGER) STRICT;
            """),
        ("documents that the board keeps",
            """
            CREATE TABLE documents(id INTEGER PRIMARY KEY, type TEXT NOT NULL, audience TEXT NOT NULL, about INTEGER NOT NULL,
                reference TEXT NOT NULL, document BLOB NOT NULL, UNIQUE(type, audience, about, reference)) STRICT;
            """),
        ("what sensors keep over restarts",
            """
            CREATE TABLE sensor_memory(sensor TEXT, name TEXT, value INTEGER NOT NULL, PRIMARY KEY(sensor, name)) STRICT, WITHOUT ROWID;
            """),
        ("small sealed values",
            """
            CREATE TABLE sealed_values(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
            """),
        ("what recipients were told of facts",
            "CREATE TABLE facts_told(recipient TEXT, function TEXT, digest BLOB NOT NULL, PRIMARY KEY(recipient, function)) STRICT, WITHOUT ROWID"),
        ("bytes sent, by recipient and day",
            "CREATE TABLE traffic(recipient TEXT, day INTEGER, bytes INTEGER NOT NULL, PRIMARY KEY(recipient, day)) STRICT, WITHOUT ROWID"),
        ("how long documents may wait",
            """
            CREATE TABLE outbox_terms(notice INTEGER PRIMARY KEY, term_ns INTEGER NOT NULL, board_ns INTEGER NOT NULL, wall_ns INTEGER NOT NULL,
                quality INTEGER NOT NULL, floor_ns INTEGER NOT NULL) STRICT;
            CREATE TABLE outbox_unanswered(recipient TEXT, reference TEXT, PRIMARY KEY(recipient, reference)) STRICT, WITHOUT ROWID;
            """),
        ("what recipients may have without having acknowledged it",
            """
            CREATE TABLE possible_deliveries(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, generation BLOB NOT NULL, recipient TEXT NOT NULL,
                function TEXT NOT NULL, field TEXT NOT NULL, from_sequence INTEGER NOT NULL, to_sequence INTEGER NOT NULL,
                items INTEGER NOT NULL, from_reading_ns INTEGER NOT NULL, to_reading_ns INTEGER NOT NULL, from_item INTEGER NOT NULL,
                to_item INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL) STRICT;
            """),
        ("what documents hold, and what recipients may have of it",
            """
            CREATE TABLE outbox_contents(notice INTEGER, field TEXT, recipient TEXT NOT NULL, kind INTEGER NOT NULL, function TEXT NOT NULL,
                purpose TEXT NOT NULL, basis INTEGER NOT NULL, precision INTEGER NOT NULL, term_ns INTEGER NOT NULL,
                consent_id INTEGER NOT NULL, policy_version TEXT NOT NULL, policy_hash TEXT NOT NULL, at_ns INTEGER NOT NULL,
                PRIMARY KEY(notice, field)) STRICT, WITHOUT ROWID;
            CREATE TABLE possible_facts(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, generation BLOB NOT NULL, recipient TEXT NOT NULL,
                function TEXT NOT NULL, field TEXT NOT NULL, from_sequence INTEGER NOT NULL, to_sequence INTEGER NOT NULL,
                items INTEGER NOT NULL, from_reading_ns INTEGER NOT NULL, to_reading_ns INTEGER NOT NULL, from_item INTEGER NOT NULL,
                to_item INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL) STRICT;
            """),
    ];

    /// <summary>The newest version this program knows.</summary>
    public static int Newest => s_migrations.Length;

    /// <summary>The statements of each migration, by number from 1.</summary>
    public static string Sql(int number) => s_migrations[number - 1].Sql;

    /// <summary>Brings a database that may be empty up to <see cref="Newest"/>. One of a newer program is used as it is when that program said
    /// that this one can.</summary>
    /// <returns>True when it was empty, or its making was cut off.</returns>
    /// <exception cref="StoreFault">Corrupt: not ours. Refused: whole, and from a newer program that this one cannot follow; nothing was
    /// changed.</exception>
    public static bool Migrate(Connection connection, string path)
    {
        var tables = connection.Scalar("SELECT count(*) FROM sqlite_schema");
        var application = connection.Scalar("PRAGMA application_id");
        if (tables > 0 && application != ApplicationId)
        {
            throw new StoreFault(StoreFaultKind.Corrupt, $"database {path} is not a FieldAgent store", retry: false);
        }

        if (tables == 0)
        {
            // in this order: cut off in between, the file still counts as empty
            connection.Execute($"PRAGMA application_id = {ApplicationId}");
            connection.Execute("CREATE TABLE migrations(number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT");
        }

        var version = connection.Scalar("SELECT ifnull(max(number), 0) FROM migrations");
        if (version > Newest)
        {
            RequireReadable(connection, path);
            return false;
        }

        for (var number = (int)version + 1; number <= Newest; number++)
        {
            var (name, sql) = s_migrations[number - 1];
            connection.Begin();
            try
            {
                connection.Execute(sql);
                using var note = connection.Once("INSERT INTO migrations(number, name) VALUES(?1, ?2)");
                note.Bind(1, number).Bind(2, name).Run();
                if (number == Newest)
                {
                    SetReadableFrom(connection);
                }

                connection.Commit();
            }
            catch
            {
                connection.Rollback();
                throw;
            }
        }

        if (version == Newest && OldestReader(connection) != ReadableFrom)
        {
            SetReadableFrom(connection);
        }

        return version == 0;
    }

    /// <summary>Looks at a database that is not empty, before anything of it is touched. A newer one holds what nobody has delivered yet: it
    /// is never set aside for being newer, only for being broken.</summary>
    /// <exception cref="StoreFault">As <see cref="Migrate"/>.</exception>
    public static void RequireReadable(Connection connection, string path)
    {
        if (connection.Scalar("PRAGMA application_id") != ApplicationId
            || connection.Scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'") == 0
            || connection.Scalar("SELECT ifnull(max(number), 0) FROM migrations") is not (var version and > 0) || version <= Newest)
        {
            return;
        }

        if (connection.Scalar("SELECT count(*) FROM migrations") != version)
        {
            throw new StoreFault(StoreFaultKind.Corrupt, $"database {path} does not say which program made it", retry: false);
        }

        if (OldestReader(connection) is var oldest && oldest > Newest)
        {
            throw new StoreFault(
                StoreFaultKind.Refused,
                $"database {path} comes from a newer FieldAgent (tables {version}, readable from {oldest}; this program knows {Newest}); nothing was "
                    + "changed: install that release again, or move the state directory away to begin anew",
                retry: false);
        }
    }

    // Who says nothing about it is not followed.
    private static long OldestReader(Connection connection)
    {
        using var statement = connection.Once("SELECT ifnull((SELECT value FROM meta WHERE name = ?1), ?2)");
        return statement.Bind(1, ReadableFromName).Bind(2, long.MaxValue).Scalar();
    }

    private static void SetReadableFrom(Connection connection)
    {
        using var note = connection.Once("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
        note.Bind(1, ReadableFromName).Bind(2, ReadableFrom).Run();
    }
}
