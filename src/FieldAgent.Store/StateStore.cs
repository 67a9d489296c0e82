using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Erasure;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Ledgers;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Store;

/// <summary>Everything the agent keeps: readings and pictures on their way out, consents, commands, and its identity. One a state
/// directory; thread-safe as far as its parts are.</summary>
public sealed partial class StateStore : IDisposable
{
    private readonly StoreContext _context;
    private readonly Spool _spool;
    private readonly ConsentLedger _consents;
    private readonly CommandLedger _commands;
    private readonly RequestLedger _requests;
    private readonly DocumentShelf _documents;
    private readonly OutboxLedger _outbox;
    private readonly AuditLedger _audit;
    private readonly IncidentLedger _incidents;
    private readonly List<StoreFinding> _findings = [];
    private readonly Eraser _eraser;
    private readonly SealedValues _values;
    private readonly IdentityStore _identity;
    private bool _disposed;

    private StateStore(StoreContext context, OpenOutcome outcome)
    {
        _context = context;
        OpenOutcome = outcome;
        _consents = new ConsentLedger(context);
        _values = new SealedValues(context);
        _audit = new AuditLedger(context);
        _incidents = new IncidentLedger(context);
        _spool = new Spool(context) { Bases = IdentityStore.BasesOf(_values, context.Identity.Epoch), Relinked = WriteAgain };
        _commands = new CommandLedger(context);
        _requests = new RequestLedger(context);
        _documents = new DocumentShelf(context);
        _outbox = new OutboxLedger(context, _values) { Deliveries = _spool.Deliveries };
        _spool.Deliveries.PossibleFacts = _outbox.Possible;
        _identity = new IdentityStore(context, _values, _spool, _consents, _commands, _outbox);
        Facts = new FactLedger(context);
        Budget = new BudgetLedger(context);
        if (_audit.Broken.Length > 0)
        {
            _findings.Add(new StoreFinding(IncidentKind.ChainBroken, _audit.Broken));
        }

        _eraser = new Eraser(context, _spool) { Outbox = _outbox };
        Sweeper = new Sweeper(context, _spool, _eraser) { Also = _outbox.DropExpired };
        _eraser.ResumeAtStart();
    }

    /// <summary>Opens the state directory, or makes it. A damaged database is set aside and announced as a gap; consents are
    /// carried over when all of them read, and the identity lies beside the database. Blocks for the disk; after an unclean end
    /// for the time it takes to check the database.</summary>
    /// <exception cref="StoreFault">Busy: another process uses it. Refused: permissions, a read-only file system, a wrong or missing
    /// root key, or a database of a newer program that this one cannot follow; nothing was changed. Full and Io: the disk; retry when <see cref="StoreFault.Retry"/>.</exception>
    public static StateStore Open(StoreOptions options, IClock clock, Counters counters, ILogger logger)
    {
        options.Validate();
        SqliteLibrary.Initialize(options.PreferSystemSqlite);
        var folder = StateFolder.Open(options.Directory);
        RootKey? root = null;
        var holdsData = false;
        try
        {
            var known = Identity.Load(folder);
            holdsData = known is not null || StateFolder.Weigh(folder.Identity) > 0 || StateFolder.Weigh(folder.Database) > 0;
            root = RootKey.Load(options, folder, mayCreate: !holdsData);
            WarnOfOpenKey(root.Place, logger);

            // a wrong root key is found before anything is touched
            var identity = known is null ? null : Identity.Read(known, root, folder.Identity);
            var store = OpenStore(options, folder, root, identity, clock, counters, logger);
            StoreLog.Opened(logger, store.OpenOutcome.Text, SqliteLibrary.Description);
            if (File.Exists(folder.KeyWasMissing))
            {
                store._findings.Add(new StoreFinding(IncidentKind.KeyMissing, "root key"));
            }

            return store;
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Refused && holdsData && !Opens(options, folder))
        {
            RememberMissingKey(folder);
            root?.Dispose();
            folder.Dispose();
            throw;
        }
        catch
        {
            root?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Loads the library that seals, so that opening the store finds it ready; touches no state directory. Any thread.</summary>
    public static void WarmUpSeal()
    {
        using var aes = new AesGcm(new byte[RootKey.Bytes], Sealed.TagBytes);
        var bytes = SHA256.HashData("warm"u8);
        _ = Sealed.Seal(aes, bytes, bytes);
        _ = HKDF.DeriveKey(HashAlgorithmName.SHA256, bytes, RootKey.Bytes);
    }

    /// <summary>Loads the database's library and runs through it once in memory, so that opening the store finds it ready; touches
    /// no state directory. Any thread.</summary>
    /// <exception cref="StoreFault">It does not work; opening the store says why.</exception>
    public static void WarmUpDatabase()
    {
        SqliteLibrary.Initialize(preferSystem: true);
        using var connection = Connection.Open(":memory:", readOnly: false);
        connection.Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, value ANY) STRICT");
        connection.Begin();
        using (var insert = connection.Once("INSERT INTO t(id, value) VALUES(?1, ?2)"))
        {
            insert.Bind(1, 1).Bind(2, "warm"u8).Run();
        }

        connection.Commit();
        using var select = connection.Once("SELECT value, 'warm' FROM t WHERE id = ?1");
        if (select.Bind(1, 1).Step())
        {
            _ = select.Blob(0).Length + select.Text(1).Length;
            select.Reset();
        }
    }

    /// <summary>Closes the store properly. What was taken and not flushed is lost and counted: flush before.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Sweeper.NoteTime();
        _spool.Dispose();
        _commands.Dispose();
        _requests.Dispose();
        _documents.Dispose();
        _outbox.Dispose();
        _audit.Dispose();
        _values.Dispose();
        lock (_context.WriteLock)
        {
            lock (_context.ReadLock)
            {
                try
                {
                    _context.Database.MarkClosed();
                }
                catch (StoreFault)
                {
                    // then the next start checks the database, which is all that is lost
                    _context.Counters.Add("store.unclean-close");
                }

                _context.Database.Dispose();
            }
        }

        _context.Root.Dispose();
        _context.Folder.Dispose();
    }

    private static StateStore OpenStore(
        StoreOptions options, StateFolder folder, RootKey root, Identity? identity, IClock clock, Counters counters, ILogger logger)
    {
        string? aside = null;
        var why = "";
        var lost = (Blocks: 0L, Readings: 0L);
        var tampered = false;
        while (true)
        {
            Database? database = null;
            try
            {
                database = OpenDatabase(folder, options);
                var settled = Settle(identity, database, folder, root, logger);
                var wraps = KeyWraps.Open(root, options.KeyRoot, database, out var isLost);
                if (isLost)
                {
                    counters.Add("store.key-root-lost");
                    StoreLog.KeyRootLost(logger, wraps.Place!);
                }

                var context = new StoreContext(options, folder, root, wraps, settled, database, clock, counters, logger);
                var store = new StateStore(context, Outcome(database, folder, aside, why));
                if (aside is not null)
                {
                    store.TakeOver(aside, lost, tampered);
                }

                return store;
            }
            catch (StoreFault fault) when (fault.Kind is StoreFaultKind.Corrupt or StoreFaultKind.Tampered && aside is null)
            {
                lost = Waiting(database);
                database?.Dispose();
                aside = SetAside(folder, clock, options.Limits, fault.Message, counters, logger);
                why = fault.Message;
                tampered = fault.Kind == StoreFaultKind.Tampered;
            }
            catch
            {
                database?.Dispose();
                throw;
            }
        }
    }

    // Opening writes a little. On a full disk that is what the reserve is for, and what was set aside.
    private static Database OpenDatabase(StateFolder folder, StoreOptions options)
    {
        while (true)
        {
            try
            {
                return Database.Open(folder, options);
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full)
            {
                var made = StateFolder.Weigh(folder.Reserve) > 0;
                File.Delete(folder.Reserve);
                if (!made)
                {
                    throw;
                }
            }
        }
    }

    // The identity's file is the one that counts; the copy in the database repairs it; only where there is neither is it made.
    private static Identity Settle(Identity? known, Database database, StateFolder folder, RootKey root, ILogger logger)
    {
        var copy = database.GetMeta("identity");
        if (known is null && copy is not null && Identity.IsWhole(copy))
        {
            known = Identity.Read(copy, root, folder.Database);
            StoreLog.IdentityRestored(logger);
        }

        if (known is null && StateFolder.Weigh(folder.Identity) > 0)
        {
            StoreLog.IdentityLost(logger);
            RememberMissingKey(folder);
        }

        known ??= Identity.Create(root);
        try
        {
            if (Identity.Load(folder) is not { } content || !content.AsSpan().SequenceEqual(known.Content))
            {
                StateFolder.WriteAtomically(folder.Identity, known.Content);
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"identity {folder.Identity}");
        }

        if (copy is null || !copy.AsSpan().SequenceEqual(known.Content))
        {
            database.SetMeta("identity", known.Content);
        }

        return known;
    }

    private static OpenOutcome Outcome(Database database, StateFolder folder, string? aside, string why) =>
        aside is not null ? new OpenOutcome(OpenKind.Reset, $"{why}; it was set aside as {aside} and a new one was begun")
        : database.IsFresh ? new OpenOutcome(OpenKind.Fresh, $"{folder.Database} was made")
        : database.WasClean ? new OpenOutcome(OpenKind.Existing, $"{folder.Database} was closed properly")
        : new OpenOutcome(OpenKind.AfterUncleanShutdown, $"{folder.Database} was not closed properly and is whole");

    private static (long, long) Waiting(Database? database)
    {
        if (database is null)
        {
            return default;
        }

        try
        {
            var tally = new Tally();
            tally.Load(database.Writer);
            return (tally.Sum(TallyKind.Blocks) + tally.Sum(TallyKind.Images), tally.Sum(TallyKind.Readings));
        }
        catch (StoreFault)
        {
            return default;
        }
    }

    private static string SetAside(StateFolder folder, IClock clock, StoreLimits limits, string why, Counters counters, ILogger logger)
    {
        try
        {
            var aside = folder.SetAside(clock.Now().WallUnixNs);
            counters.Add("store.set-aside");
            StoreLog.SetAside(logger, aside, why);
            foreach (var old in folder.Asides().SkipLast(limits.AsideMax))
            {
                StateFolder.DeleteAside(old);
                counters.Add("evicted.aside");
            }

            return aside;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"database {folder.Database}");
        }
    }

    private static void WarnOfOpenKey(string place, ILogger logger)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if ((File.GetUnixFileMode(place) & others) != UnixFileMode.None)
        {
            StoreLog.KeyTooOpen(logger, place);
        }
    }

    private void TakeOverDeliveries(string aside)
    {
        try
        {
            using var old = Connection.Open(aside, readOnly: true);
            _spool.Deliveries.Salvage(old);
            _spool.Possible.Salvage(old);
        }
        catch (StoreFault)
        {
            _context.Counters.Add("store.deliveries-lost");
        }
    }

    // What can be saved of the old database: consents, or none of them; and the word that the rest is lost.
    private void TakeOver(string aside, (long Blocks, long Readings) lost, bool tampered)
    {
        if (tampered)
        {
            _findings.Add(new StoreFinding(IncidentKind.StoreTampered, "consent ledger"));
        }

        try
        {
            using var old = Connection.Open(aside, readOnly: true);
            SalvageAccounts(old);
        }
        catch (StoreFault)
        {
            _context.Counters.Add("store.audit-lost");
        }

        try
        {
            using var old = Connection.Open(aside, readOnly: true);
            var count = _consents.Salvage(old);
            StoreLog.ConsentsSalvaged(_context.Logger, count);
        }
        catch (StoreFault fault)
        {
            _context.Counters.Add("store.consents-lost");
            StoreLog.ConsentsLost(_context.Logger, fault.Message);
        }

        TakeOverDeliveries(aside);

        lock (_context.WriteLock)
        {
            _spool.AnnounceReset(lost.Blocks, lost.Readings);
        }

        _spool.Flush();
    }
}
