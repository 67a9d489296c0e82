using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What a courier is for.</summary>
public sealed record CourierSettings
{
    /// <summary>Whom it delivers to. Client id and will are set by the courier.</summary>
    public required Recipient Recipient { get; init; }

    /// <summary>The device's pseudonym at this recipient: client id and topic level, and the only identity that leaves.</summary>
    public required string Pseudonym { get; init; }

    /// <summary>Key of this recipient alone, at least 16 bytes (<c>IKeyStore.DeriveKey("delivery/{recipient}", …)</c>): hides the boot
    /// and store ids, and keeps two recipients from comparing them.</summary>
    public required ReadOnlyMemory<byte> TagKey { get; init; }

    /// <summary>Version of the agent, for the state message.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>How often the store is flushed anyway: acknowledgements ride in that transaction, and only when none comes the
    /// courier writes them itself.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Called once when the broker has refused the credentials <see cref="CourierLimits.RefusalsForIncident"/> times and let nobody
    /// in between; again only after a connection. On the courier's thread.</summary>
    public Action? CredentialsRefused { get; init; }

    /// <summary>Asked before each notice: false keeps it back until the gate's decisions change. On the courier's thread.</summary>
    public Func<Notice, bool> MaySend { get; init; } = static _ => true;

    /// <summary>The groups whose commands the board listens to while that is granted.</summary>
    public GroupSettings Groups { get; init; } = new();

    /// <summary>What the network may cost; null: it is not metered. Belongs to this courier alone.</summary>
    public DataBudget? Budget { get; init; }

    /// <summary>Seed of the waits between attempts; null: random, so that a fleet does not return all at once.</summary>
    public int? Seed { get; init; }

    /// <summary>Limits.</summary>
    public CourierLimits Limits { get; init; } = new();

    /// <summary>Limits of commands.</summary>
    public CommandLimits CommandLimits { get; init; } = new();
}
