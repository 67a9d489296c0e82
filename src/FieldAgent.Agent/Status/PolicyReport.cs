using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Status;

/// <summary>The policy in force, and what waits (R101, R104).</summary>
/// <param name="Version">Its version.</param>
/// <param name="Hash">SHA-256 of its document.</param>
/// <param name="EffectiveFrom">Its day.</param>
/// <param name="Staged">Version of the policy that waits; null when none does.</param>
/// <param name="StagedFrom">Its day.</param>
/// <param name="Suspended">Functions that wait to be granted again.</param>
/// <param name="Contacts">Whom to ask.</param>
internal sealed record PolicyReport(
    string Version, string Hash, DateOnly EffectiveFrom, string? Staged, DateOnly? StagedFrom, IReadOnlyList<string> Suspended, IReadOnlyList<string> Contacts)
{
    /// <summary>As it is now.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public static PolicyReport Of(PolicyDesk desk, Policy inForce)
    {
        var staged = desk.Staged;
        return new PolicyReport(
            inForce.Version, inForce.Hash, inForce.EffectiveFrom, staged?.Version, staged?.EffectiveFrom, desk.Suspended(), inForce.Contacts);
    }

    /// <summary>Rows for people.</summary>
    public IEnumerable<string[]> Rows()
    {
        yield return ["in force", string.Create(CultureInfo.InvariantCulture, $"{Version}, from {EffectiveFrom:yyyy-MM-dd}, SHA-256 {Hash}")];
        if (Staged is not null)
        {
            yield return ["staged", string.Create(CultureInfo.InvariantCulture, $"{Staged}, takes effect on {StagedFrom:yyyy-MM-dd}; see 'fieldagent policy staged'")];
        }

        if (Suspended.Count > 0)
        {
            yield return ["suspended", string.Join(", ", Suspended)];
        }

        yield return ["contact", string.Join(", ", Contacts)];
    }
}
