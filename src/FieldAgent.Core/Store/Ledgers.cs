namespace FieldAgent.Core;

/// <summary>What is known of a command: it is handled once, however often it is delivered.</summary>
public enum CommandState : byte
{
    /// <summary>Accepted; the work has not begun.</summary>
    Accepted,

    /// <summary>The work has begun; after a restart its outcome is not known.</summary>
    Started,

    /// <summary>Done; the result is stored.</summary>
    Done,

    /// <summary>Refused or failed; the result says why.</summary>
    Refused,
}

/// <summary>A command that the ledger knows.</summary>
/// <param name="Id">The sender's id.</param>
/// <param name="Name">The command.</param>
/// <param name="State">How far it got.</param>
/// <param name="ResultJson">The result that was or will be sent; empty before.</param>
public sealed record CommandRecord(string Id, string Name, CommandState State, string ResultJson);

/// <summary>Ids of the commands seen, on disk. Any thread; durable when a call returns.</summary>
public interface ICommandLedger
{
    /// <summary>Notes a new command.</summary>
    /// <returns>Null when it is new; what is known of it when it is not.</returns>
    CommandRecord? Begin(string id, string name, long expiresWallUnixNs);

    /// <summary>Writes the state before the step that follows it.</summary>
    void Advance(string id, CommandState state, string resultJson);
}

/// <summary>Where the identity's random parts lie, encrypted under the root key. Any thread.</summary>
public interface IKeyStore
{
    /// <summary>Random id made when the agent was installed.</summary>
    Guid InstallationId { get; }

    /// <summary>How often the identity was changed: see <see cref="IIdentityStore"/>.</summary>
    int Epoch => 0;

    /// <summary>Derives 32 bytes for <paramref name="purpose"/> from the device key (HKDF-SHA-256).</summary>
    void DeriveKey(string purpose, Span<byte> key);

    /// <summary>The same from the root key instead: what it gives outlives the state directory where the root key was provisioned from
    /// outside (R21).</summary>
    void DeriveProvisionedKey(string purpose, Span<byte> key) => DeriveKey("provisioned/" + purpose, key);
}
