using System.Globalization;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Status;

/// <summary>All of the status that must be read from the store: one reading, so that none of it can be asked for without the care that a failing
/// card needs.</summary>
/// <param name="Account">Audit and incidents.</param>
/// <param name="Requests">Requests of persons.</param>
/// <param name="InForce">The policy in force.</param>
/// <param name="Idle">Why the board idles at a person's wish (R7); null when it does not.</param>
internal sealed record StoredReport(AccountReport Account, RequestsReport Requests, PolicyReport InForce, string? Idle)
{
    /// <summary>As it is now. A card that fails is no reason to say nothing: what lies on it is left out, and the trouble named.</summary>
    /// <param name="privacy">Where it is read from.</param>
    /// <param name="trouble">Why the store cannot be read, unless it says already what is wrong with it.</param>
    /// <returns>Null when the store cannot be read.</returns>
    public static StoredReport? TryRead(PrivacyParts privacy, ref string trouble)
    {
        try
        {
            return new StoredReport(
                AccountReport.Of(privacy.Audit, privacy.Incidents), RequestsReport.Of(privacy.Requests), PolicyReport.Of(privacy.Policies, privacy.Gate.Policy),
                privacy.Desk.Refused() is { } refused ? IdleSince(refused.At) : null);
        }
        catch (StoreFault fault)
        {
            trouble = trouble.Length > 0 ? trouble : fault.Message;
            return null;
        }
    }

    private static string IdleSince(Stamp at) => string.Create(
        CultureInfo.InvariantCulture,
        $"everything was refused at {ClockExtensions.ToDate(at.WallUnixNs):yyyy-MM-dd HH:mm} UTC: nothing is collected, no data is published; 'fieldagent consent resume' ends that");
}

/// <summary>Requests of persons.</summary>
/// <param name="Open">Not answered yet.</param>
/// <param name="Overdue">Past their deadline.</param>
internal sealed record RequestsReport(int Open, int Overdue)
{
    /// <summary>As they are now.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public static RequestsReport Of(RequestDesk requests)
    {
        var lines = requests.Show();
        return new RequestsReport(
            lines.Count(static line => line.Request.State is RequestState.Received or RequestState.Verified), lines.Count(static line => line.Overdue));
    }
}
