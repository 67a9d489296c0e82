namespace FieldAgent.Core;

/// <summary>What a consent event does.</summary>
public enum ConsentAction : byte
{
    /// <summary>Allows the function to use the field from now on.</summary>
    Grant,

    /// <summary>Ends that.</summary>
    Withdraw,
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
    Stamp At);

/// <summary>The append-only ledger of consents. Any thread may call; an append is durable when it returns.</summary>
public interface IConsentLedger
{
    /// <summary>Stores an event and returns it with its id.</summary>
    /// <exception cref="StoreFault">It could not be stored: the decision stays as it was.</exception>
    ConsentEvent Append(ConsentEvent consent);

    /// <summary>All events, oldest first.</summary>
    IReadOnlyList<ConsentEvent> All();
}
