using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Store;

/// <summary>What the parts of one open store share.</summary>
internal sealed class StoreContext(
    StoreOptions options, StateFolder folder, RootKey root, Identity identity, Database database, IClock clock, Counters counters, ILogger logger)
{
    public StoreOptions Options { get; } = options;

    public StoreLimits Limits => Options.Limits;

    public StateFolder Folder { get; } = folder;

    public RootKey Root { get; } = root;

    public Identity Identity { get; } = identity;

    /// <summary>Replaced when the database is opened again after an I/O error; read it under one of the locks.</summary>
    public Database Database { get; set; } = database;

    public IClock Clock { get; } = clock;

    public Counters Counters { get; } = counters;

    public ILogger Logger { get; } = logger;

    /// <summary>Guards the writing connection and all bookkeeping. Taken before <see cref="ReadLock"/>.</summary>
    public Lock WriteLock { get; } = new();

    /// <summary>Guards the reading connection.</summary>
    public Lock ReadLock { get; } = new();
}
