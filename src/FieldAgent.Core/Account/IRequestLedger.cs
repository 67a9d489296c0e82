namespace FieldAgent.Core;

/// <summary>What a person asks for; a closed list (R89–R94).</summary>
public enum RequestKind : byte
{
    /// <summary>See all that is held.</summary>
    Access,

    /// <summary>Have a copy, or hand it to somebody else.</summary>
    Copy,

    /// <summary>Have something wrong corrected.</summary>
    Correction,

    /// <summary>Have it frozen.</summary>
    Restriction,

    /// <summary>Have it deleted.</summary>
    Deletion,

    /// <summary>Have everything ended.</summary>
    Closure,
}

/// <summary>How far a request is.</summary>
public enum RequestState : byte
{
    /// <summary>Received; who asks is not verified yet.</summary>
    Received,

    /// <summary>Verified: the days to the deadline run.</summary>
    Verified,

    /// <summary>Done.</summary>
    Done,

    /// <summary>Refused, on a listed ground.</summary>
    Refused,
}

/// <summary>A person's request (R95). Immutable; each step stores it anew.</summary>
/// <param name="Id">Number, ascending from 1; 0 before it is stored.</param>
/// <param name="Kind">What is asked for.</param>
/// <param name="State">How far it is.</param>
/// <param name="Reference">Its name towards the person: random, 26 characters of a–z and 2–7.</param>
/// <param name="Function">The function it is about; empty: all.</param>
/// <param name="Field">The field; empty: all.</param>
/// <param name="Text">What the person says; stored encrypted.</param>
/// <param name="Channel">How it came: <c>console</c>, <c>mqtt</c>.</param>
/// <param name="ReceivedAt">When it came.</param>
public sealed record SubjectRequest(
    long Id, RequestKind Kind, RequestState State, string Reference, string Function, string Field, string Text, string Channel, Stamp ReceivedAt)
{
    /// <summary>How it was verified who asks: <c>operator</c>, <c>presence</c>, <c>signature</c>; empty before.</summary>
    public string Verification { get; init; } = "";

    /// <summary>When that was; default before.</summary>
    public Stamp VerifiedAt { get; init; }

    /// <summary>When it was done or refused; default before.</summary>
    public Stamp AnsweredAt { get; init; }

    /// <summary>The ground of a refusal, from the closed list; empty otherwise.</summary>
    public string Ground { get; init; } = "";

    /// <summary>What the person was told; stored encrypted.</summary>
    public string Answer { get; init; } = "";
}

/// <summary>A statement of the person about stored data that is wrong (R90). The data stays as it was measured; the statement goes with
/// it, into exports and to its recipients.</summary>
/// <param name="Id">Number, ascending from 1; 0 before it is stored.</param>
/// <param name="Function">The function it is about.</param>
/// <param name="Field">The field.</param>
/// <param name="FromWallUnixNs">From this wall time on; <see cref="long.MinValue"/>: from the beginning.</param>
/// <param name="ToWallUnixNs">Up to this one; <see cref="long.MaxValue"/>: without end.</param>
/// <param name="Statement">What the person says; stored encrypted.</param>
/// <param name="Reference">Its name towards the person and the recipients.</param>
/// <param name="At">When it was made.</param>
public sealed record Correction(
    long Id, string Function, string Field, long FromWallUnixNs, long ToWallUnixNs, string Statement, string Reference, Stamp At);

/// <summary>A public key whose owner may ask over MQTT (R99).</summary>
/// <param name="KeyId">First 16 hexadecimal digits of its SHA-256.</param>
/// <param name="Label">The operator's word for it; no name of a person.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo, DER: ECDSA P-256.</param>
/// <param name="AddedAt">When it was registered.</param>
public sealed record SubjectKey(string KeyId, string Label, ReadOnlyMemory<byte> PublicKey, Stamp AddedAt);

/// <summary>Requests of persons, what they put right, and the keys they sign with. Any thread; durable when a call returns; what people say
/// is encrypted.</summary>
public interface IRequestLedger
{
    /// <summary>Stores a new request and returns it with its number.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    SubjectRequest Add(SubjectRequest request);

    /// <summary>Stores the next step of a request.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void Update(SubjectRequest request);

    /// <summary>All requests that are kept, oldest first.</summary>
    IReadOnlyList<SubjectRequest> Requests();

    /// <summary>Stores a correction and returns it with its number.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    Correction Add(Correction correction);

    /// <summary>All corrections, oldest first.</summary>
    IReadOnlyList<Correction> Corrections();

    /// <summary>Registers a key; one that is known is replaced.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void Add(SubjectKey key);

    /// <summary>Forgets a key.</summary>
    /// <returns>False when it was not known.</returns>
    bool RemoveKey(string keyId);

    /// <summary>All keys.</summary>
    IReadOnlyList<SubjectKey> Keys();

    /// <summary>Erases what people said: texts of answered requests and all corrections; that there was a request stays.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void EraseTexts();
}
