namespace FieldAgent.Core;

/// <summary>What an audit entry is about; a closed list.</summary>
public enum AuditKind : byte
{
    /// <summary>A consent was granted, withdrawn, restricted or freed.</summary>
    Consent,

    /// <summary>Something that was permitted is refused from now on, or the other way round.</summary>
    Decision,

    /// <summary>Stored data was erased, or an erasure was verified.</summary>
    Erasure,

    /// <summary>A legal hold began or ended (R86).</summary>
    Hold,

    /// <summary>A policy was staged, adopted or refused (R104–R108).</summary>
    Policy,

    /// <summary>A person's request was received, verified, answered or refused (R89–R99).</summary>
    Request,

    /// <summary>The pseudonym rotated (R22).</summary>
    Identity,

    /// <summary>A ground for processing without consent was used (R16, R81).</summary>
    Exemption,

    /// <summary>An incident was noted (R110).</summary>
    Incident,

    /// <summary>Somebody was let in, or was turned away, at the control socket (R109).</summary>
    Access,
}

/// <summary>One thing that happened, as the audit keeps it. Never holds a position, an identifier or a measured value.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="What">The event in one or two words, fixed by the program: <c>withdrawn</c>, <c>erased</c>.</param>
/// <param name="Function">The function concerned; empty when none.</param>
/// <param name="Field">The field concerned; empty when none.</param>
/// <param name="Detail">What else belongs to it, one line of plain text; empty when nothing does.</param>
/// <param name="Actor">Who: <c>subject</c>, <c>operator</c>, <c>guardian</c>, <c>agent</c>, or a recipient's name.</param>
public sealed record AuditEntry(AuditKind Kind, string What, string Function = "", string Field = "", string Detail = "", string Actor = "agent");

/// <summary>An entry as it stands in the chain.</summary>
/// <param name="Number">Its number: ascending by one from 1.</param>
/// <param name="At">When, with clock quality.</param>
/// <param name="Entry">What happened; null when its salt was erased and it can no longer be read, which leaves the chain whole.</param>
/// <param name="Commitment">Salted SHA-256 over the entry, lower-case hexadecimal.</param>
/// <param name="Hash">SHA-256 over the previous hash, number, time and commitment, lower-case hexadecimal.</param>
public sealed record AuditRecord(long Number, Stamp At, AuditEntry? Entry, string Commitment, string Hash);

/// <summary>The hash-chained record of what was done with data about people. Any thread; an entry is durable when
/// <see cref="Append"/> returns.</summary>
public interface IAuditLog
{
    /// <summary>Adds an entry.</summary>
    /// <returns>Its number.</returns>
    /// <exception cref="StoreFault">It could not be stored; what it would have told about must not happen then.</exception>
    long Append(AuditEntry entry);

    /// <summary>Entries from number <paramref name="from"/>, oldest first, <paramref name="max"/> at most.</summary>
    IReadOnlyList<AuditRecord> Read(long from, int max);
}
