namespace FieldAgent.Core;

/// <summary>Why the pseudonym was changed; a closed list (R22).</summary>
public enum RotationReason : byte
{
    /// <summary>Somebody asked for it.</summary>
    Requested,

    /// <summary>The permission to have an identifier was withdrawn.</summary>
    Withdrawn,

    /// <summary>The account was closed (R94).</summary>
    Closed,

    /// <summary>The instrument has another owner.</summary>
    OwnerChanged,
}

/// <summary>A pseudonym that is no longer used, and whose traces at one recipient's broker are still to be cleared: the retained state,
/// and the session with what waits in it.</summary>
/// <param name="Recipient">At which recipient.</param>
/// <param name="Epoch">The epoch it belonged to.</param>
/// <param name="Name">The pseudonym itself: what it was made from may be out of reach.</param>
public readonly record struct Farewell(string Recipient, int Epoch, string Name);

/// <summary>What numbers outside the board count from: nothing that a recipient sees goes on counting over a change of the
/// pseudonym. Immutable.</summary>
/// <param name="Items">The last item of the spool under the old pseudonym.</param>
/// <param name="Consents">The last consent event under it.</param>
/// <param name="Sequences">The last sequence number under it, by function; absent: 0.</param>
public sealed record NumberBases(long Items, long Consents, IReadOnlyDictionary<string, long> Sequences)
{
    /// <summary>Bases of a board whose pseudonym was never changed.</summary>
    public static NumberBases None { get; } = new(0, 0, new Dictionary<string, long>());

    /// <summary>The last sequence number of <paramref name="function"/> under the old pseudonym.</summary>
    public long SequenceOf(string function) => Sequences.GetValueOrDefault(function);
}

/// <summary>The epoch of the identity: how often the pseudonym was changed. It lies beside the device key, so it survives a crash, an
/// upgrade and the loss of the database (R21). Any thread.</summary>
public interface IIdentityStore
{
    /// <summary>How often it was changed; 0 on a new board. Never goes back.</summary>
    int Epoch { get; }

    /// <summary>Farewells that are still to be said.</summary>
    IReadOnlyList<Farewell> Farewells { get; }

    /// <summary>Notes, sealed, that pseudonym <paramref name="name"/> is about to be used at <paramref name="recipient"/>; durable when it
    /// returns, and cheap from the second time on.</summary>
    /// <exception cref="StoreFault">It could not be noted; retry.</exception>
    void Using(string recipient, string name);

    /// <summary>The pseudonym that was used at <paramref name="recipient"/> in this epoch; null when none was.</summary>
    string? NameUsedAt(string recipient);

    /// <summary>True when the pseudonym of this epoch was ever used anywhere.</summary>
    bool IsUsed { get; }

    /// <summary>Begins the next epoch. Nobody may be delivering meanwhile. Durable when it returns; a power cut leaves either the old epoch
    /// or the new one.</summary>
    /// <param name="erase">Erase all that waits. Without it, what no courier was given yet goes out under the new pseudonym, and nothing
    /// else may wait: it may have been sent under the old one, and the same reading under both would join them.</param>
    /// <returns>Readings and pictures erased.</returns>
    /// <exception cref="StoreFault">Refused: something waits that may have been sent. Others: it did not happen; retry.</exception>
    long Rotate(bool erase);

    /// <summary>The farewell was said, or never can be.</summary>
    /// <exception cref="StoreFault">It could not be noted: it is said once more, which does no harm.</exception>
    void Said(Farewell farewell);
}
