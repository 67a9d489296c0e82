namespace FieldAgent.Core;

/// <summary>What an event of the consent ledger does. Beside consents the ledger holds all else that changes a decision, so that replaying
/// it reproduces every one.</summary>
public enum ConsentAction : byte
{
    /// <summary>Allows the function to use the field from now on.</summary>
    Grant,

    /// <summary>Ends that.</summary>
    Withdraw,

    /// <summary>Freezes: what is stored is kept, not sent, not derived from; nothing new is collected (R92).</summary>
    Restrict,

    /// <summary>Ends a restriction.</summary>
    Unrestrict,

    /// <summary>A legal hold, named by <see cref="ConsentEvent.Reference"/>, keeps stored data from being erased and permits nothing (R86).</summary>
    Hold,

    /// <summary>Ends the hold of that name.</summary>
    Release,

    /// <summary>One of the closed list of grounds for processing without consent is used, until <see cref="ConsentEvent.ExpiresWallUnixNs"/>
    /// (R16, R81).</summary>
    Exempt,

    /// <summary>A policy takes effect; functions that it widens are suspended until they are granted again (R104–R108).</summary>
    Adopt,

    /// <summary>The person concerned is under 14: only a guardian's grants count from now on (R102).</summary>
    Minor,
}

/// <summary>One row of the consent ledger. Rows are only ever added.</summary>
/// <param name="Id">Number of the row, ascending from 1; 0 before it is stored.</param>
/// <param name="Action">Grant or withdraw.</param>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Scope">What beyond the field was granted: a precision (<c>1km</c>), or kept metadata; empty when nothing.</param>
/// <param name="Role">Who: <c>subject</c>, <c>operator</c>, <c>guardian</c>.</param>
/// <param name="Method">How: <c>cli</c>, <c>command</c> …</param>
/// <param name="PolicyVersion">The policy that was shown.</param>
/// <param name="PolicyHash">Its SHA-256.</param>
/// <param name="At">When, with clock quality.</param>
public sealed record ConsentEvent(
    long Id,
    ConsentAction Action,
    string Function,
    string Field,
    string Scope,
    string Role,
    string Method,
    string PolicyVersion,
    string PolicyHash,
    Stamp At)
{
    /// <summary>SHA-256 of the notice that was shown (R4); empty when none was.</summary>
    public string NoticeHash { get; init; } = "";

    /// <summary>Language of that notice: <c>en</c>, <c>zh</c>.</summary>
    public string Language { get; init; } = "";

    /// <summary>Id of the controller the consent is given to (R79): a policy of another controller needs it anew.</summary>
    public string ControllerId { get; init; } = "";

    /// <summary>The ground, from the closed list of its kind: of a hold, an exemption, a refusal.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Name of the hold, the request or the attestation that it belongs to.</summary>
    public string Reference { get; init; } = "";

    /// <summary>Wall time at which the event stops counting by itself; 0: it does not.</summary>
    public long ExpiresWallUnixNs { get; init; }
}

/// <summary>The append-only ledger of consents. Any thread may call; an append is durable when it returns.</summary>
public interface IConsentLedger
{
    /// <summary>Stores an event and returns it with its id.</summary>
    /// <exception cref="StoreFault">It could not be stored: the decision stays as it was.</exception>
    ConsentEvent Append(ConsentEvent consent);

    /// <summary>All events, oldest first.</summary>
    IReadOnlyList<ConsentEvent> All();
}
