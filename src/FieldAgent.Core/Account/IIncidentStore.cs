namespace FieldAgent.Core;

/// <summary>An incident as it is kept; its words are made when it is shown.</summary>
/// <param name="Id">Its number, ascending from 1.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Place">Where, in a technician's words.</param>
/// <param name="At">When it was noticed first.</param>
/// <param name="Times">How often it was noticed.</param>
public sealed record IncidentRow(long Id, IncidentKind Kind, string Place, Stamp At, long Times);

/// <summary>Incidents on disk; bounded. Any thread.</summary>
public interface IIncidentStore
{
    /// <summary>Notes an incident, or counts it where the same kind and place is kept. Durable when it returns.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    IncidentRow Note(IncidentKind kind, string place);

    /// <summary>All that are kept, newest first.</summary>
    IReadOnlyList<IncidentRow> All();

    /// <summary>Forgets one that was dealt with; noticed again, it is a new one.</summary>
    /// <returns>What it was; null when there is none of that number.</returns>
    IncidentRow? Clear(long id);
}
