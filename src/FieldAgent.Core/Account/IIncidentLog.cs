namespace FieldAgent.Core;

/// <summary>What can happen that somebody must be told of (R110); a closed list.</summary>
public enum IncidentKind : byte
{
    /// <summary>The store or a ledger was changed from outside.</summary>
    StoreTampered,

    /// <summary>The root key or an identity key is missing or another one.</summary>
    KeyMissing,

    /// <summary>The audit chain does not hold together.</summary>
    ChainBroken,

    /// <summary>A broker keeps refusing the board's credentials.</summary>
    CredentialsRefused,

    /// <summary>The enclosure was opened.</summary>
    EnclosureOpened,
}

/// <summary>An incident, in words for the person concerned (R110).</summary>
/// <param name="Id">Its number, ascending from 1.</param>
/// <param name="Kind">What it is.</param>
/// <param name="At">When it was noticed.</param>
/// <param name="Situation">What happened.</param>
/// <param name="Measures">What the agent did about it.</param>
/// <param name="Advice">What the person can do.</param>
/// <param name="Remedy">What puts it right.</param>
/// <param name="Times">How often it was noticed since.</param>
public sealed record Incident(
    long Id, IncidentKind Kind, Stamp At, string Situation, string Measures, string Advice, string Remedy, long Times);

/// <summary>Incidents: kept, shown in <c>status</c>, and announced to the recipients as soon as they can be reached. Any thread.</summary>
public interface IIncidentLog
{
    /// <summary>Notes an incident. The same kind with the same <paramref name="place"/> again only counts.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="place">Where, in a technician's words; no secret, no identifier.</param>
    void Raise(IncidentKind kind, string place);

    /// <summary>All incidents that are kept, newest first.</summary>
    IReadOnlyList<Incident> All();
}
