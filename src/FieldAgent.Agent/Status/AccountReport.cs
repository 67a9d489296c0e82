using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Status;

/// <summary>Audit and incidents.</summary>
/// <param name="AuditEntries">Number of the last audit entry.</param>
/// <param name="ChainOk">False when the log was found broken at the start.</param>
/// <param name="ChainTrouble">What was wrong; empty when nothing was.</param>
/// <param name="Incidents">Incidents, newest first.</param>
internal sealed record AccountReport(long AuditEntries, bool ChainOk, string ChainTrouble, IReadOnlyList<IncidentReport> Incidents)
{
    /// <summary>As it is now.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public static AccountReport Of(AuditBook audit, IncidentBook incidents) =>
        new(audit.Last, audit.Broken.Length == 0, audit.Broken, [.. incidents.All().Select(IncidentReport.Of)]);
}

/// <summary>An incident, for people at the board.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Since">When it was noticed first, UTC.</param>
/// <param name="Times">How often.</param>
/// <param name="Situation">What happened, and where.</param>
/// <param name="Measures">What the agent did.</param>
/// <param name="Advice">What the person concerned can do.</param>
/// <param name="Remedy">What puts it right.</param>
internal sealed record IncidentReport(
    long Id, IncidentKind Kind, DateTimeOffset Since, long Times, string Situation, string Measures, string Advice, string Remedy)
{
    /// <summary>Of an incident.</summary>
    public static IncidentReport Of(Incident incident) => new(
        incident.Id, incident.Kind, ClockExtensions.ToDate(incident.At.WallUnixNs), incident.Times, incident.Situation, incident.Measures,
        incident.Advice, incident.Remedy);
}
