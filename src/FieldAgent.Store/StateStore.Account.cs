using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store;

/// <summary>Audit and incidents of the store, and what it finds about itself.</summary>
public sealed partial class StateStore
{
    /// <summary>What was done with data about people.</summary>
    public IAuditChain Audit => _audit;

    /// <summary>What happened that somebody must be told of.</summary>
    public IIncidentStore Incidents => _incidents;

    /// <summary>What was found at the start; the owner raises it as incidents, then calls <see cref="FindingsNoted"/>.</summary>
    public IReadOnlyList<StoreFinding> Findings => _findings;

    /// <summary>Raised when another database has taken the place of the one in use. On the thread that flushes; must be quick.</summary>
    public event Action<StoreFinding>? Found;

    /// <summary>The findings were noted: they are not found again.</summary>
    public void FindingsNoted()
    {
        _findings.Clear();
        try
        {
            File.Delete(_context.Folder.KeyWasMissing);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then it is counted once more.
            _context.Counters.Add("store.marks-not-deleted");
        }
    }

    private void WriteAgain()
    {
        _consents.WriteAgain();
        _audit.WriteAgain();
        _values.WriteAgain();
        _outbox.WriteAgain();
        Found?.Invoke(new StoreFinding(IncidentKind.StoreTampered, "database moved or replaced while in use"));
    }

    // Each as far as it reads: what is lost of one must not take the other with it.
    private void SalvageAccounts(Connection old)
    {
        try
        {
            if (_audit.Salvage(old) is { Length: > 0 } problem)
            {
                _findings.Add(new StoreFinding(IncidentKind.ChainBroken, problem));
            }
        }
        catch (StoreFault fault)
        {
            _context.Counters.Add("store.audit-lost");
            _findings.Add(new StoreFinding(IncidentKind.ChainBroken, fault.Message));
        }

        try
        {
            _outbox.Salvage(old);
        }
        catch (StoreFault)
        {
            _context.Counters.Add("dropped.notices-unreadable");
        }
    }

    // False when the key that everything is sealed with is missing or another one; other refusals (permissions) are no matter of keys.
    private static bool Opens(StoreOptions options, StateFolder folder)
    {
        try
        {
            using var root = RootKey.Load(options, folder, mayCreate: false);
            _ = Identity.Load(folder) is { } known ? Identity.Read(known, root, folder.Identity) : null;
            return true;
        }
        catch (StoreFault fault)
        {
            return fault.Kind != StoreFaultKind.Refused;
        }
    }

    // Nothing can be written into a store that does not open; the next start that succeeds tells of it.
    private static void RememberMissingKey(StateFolder folder)
    {
        try
        {
            StateFolder.Create(folder.KeyWasMissing).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The fault itself says it, to whoever starts the agent.
        }
    }
}
