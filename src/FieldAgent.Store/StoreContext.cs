using FieldAgent.Core;
using FieldAgent.Store.Erasure;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Store;

/// <summary>What the parts of one open store share.</summary>
internal sealed class StoreContext(
    StoreOptions options, StateFolder folder, RootKey root, KeyWraps wraps, Identity identity, Database database, IClock clock, Counters counters, ILogger logger)
{
    public StoreOptions Options { get; } = options;

    public StoreLimits Limits => Options.Limits;

    public StateFolder Folder { get; } = folder;

    public RootKey Root { get; } = root;

    /// <summary>What data keys are wrapped with.</summary>
    public KeyWraps Wraps { get; } = wraps;

    public Identity Identity { get; } = identity;

    /// <summary>The marks of data keys.</summary>
    public Canary Canary { get; } = new(identity);

    /// <summary>What is being erased: nobody may read it any more. Empty most times.</summary>
    public Doomed Doomed { get => Volatile.Read(ref _doomed); set => Volatile.Write(ref _doomed, value); }

    /// <summary>Replaced when the database is opened again after an I/O error; read it under one of the locks.</summary>
    public Database Database { get; set; } = database;

    public IClock Clock { get; } = clock;

    /// <summary>What sensors keep over restarts; written with the flush.</summary>
    public SensorMemory Memory { get; } = new();

    public Counters Counters { get; } = counters;

    public ILogger Logger { get; } = logger;

    /// <summary>Guards the writing connection and all bookkeeping. Taken before <see cref="ReadLock"/>.</summary>
    public Lock WriteLock { get; } = new();

    /// <summary>Gives back the space that is reserved for a full disk; false when there is none. Set by the spool.</summary>
    public Func<bool> ReleaseReserve { get; set; } = static () => false;

    /// <summary>Makes room in the directory for a write that is not the spool's, of so many bytes. Set by the spool.</summary>
    public Action<long> PrepareWrite { get; set; } = static _ => { };

    /// <summary>Runs a small write in a transaction; on a full disk once more with the reserved space, so that a withdrawn
    /// consent can always be noted.</summary>
    /// <param name="action">Writes.</param>
    /// <param name="bytes">Bytes it writes at most.</param>
    /// <exception cref="StoreFault">It was not written.</exception>
    public void Write(Action<Connection> action, long bytes = 4096)
    {
        lock (WriteLock)
        {
            try
            {
                PrepareWrite(bytes);
                WriteOnce(action);
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Full && ReleaseReserve())
            {
                WriteOnce(action);
            }
        }
    }

    private void WriteOnce(Action<Connection> action)
    {
        var writer = Database.Writer;
        writer.Begin();
        try
        {
            action(writer);
            writer.Commit();
        }
        catch
        {
            writer.Rollback();
            throw;
        }
    }

    /// <summary>How old stored items are.</summary>
    public TermBook Terms { get; } = new(clock);

    private Doomed _doomed = Doomed.Nothing;

    /// <summary>Guards the reading connection.</summary>
    public Lock ReadLock { get; } = new();
}
