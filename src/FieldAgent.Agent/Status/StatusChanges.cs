using System.Globalization;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Status;

/// <summary>What changes from one status to the next, a line each: states and troubles, no counts. One thread.</summary>
internal sealed class StatusChanges
{
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <summary>The changes since the status before; all that is known for the first.</summary>
    public IReadOnlyList<string> Since(StatusReport status)
    {
        var now = States(status).ToList();
        var time = string.Create(CultureInfo.InvariantCulture, $"{status.Clock.Time:yyyy-MM-dd HH:mm:ss} UTC");
        List<string> lines = [.. now.Where(state => _known.GetValueOrDefault(state.What) != state.Text).Select(state => $"{time}  {state.What}: {state.Text}")];
        _known.Clear();
        foreach (var (what, text) in now)
        {
            _known[what] = text;
        }

        return lines;
    }

    private static IEnumerable<(string What, string Text)> States(StatusReport status)
    {
        yield return ("agent", (status.IsHealthy ? "healthy" : "NEEDS ATTENTION") + (status.Idle is { } idle ? $"; IDLE: {idle}" : ""));
        yield return ("store", status.Store.Trouble.Length > 0 ? status.Store.Trouble : "well");
        foreach (var sensor in status.Sensors)
        {
            yield return ($"sensor {sensor.Name}", State(sensor.State, sensor.Detail));
        }

        foreach (var role in status.Roles ?? [])
        {
            yield return ($"role {role.Role}", $"{State(role.State, role.Detail)} {role.Position}".TrimEnd());
        }

        foreach (var link in status.Links)
        {
            yield return ($"link {link.Recipient}", link.Phase == "connected" || link.Detail.Length == 0 ? link.Phase : $"{link.Phase}. {link.Detail}");
        }

        yield return ("policy", status.Policy);
        foreach (var incident in status.Account?.Incidents ?? [])
        {
            yield return (string.Create(CultureInfo.InvariantCulture, $"incident {incident.Id}"), $"{incident.Situation} {incident.Remedy}");
        }
    }

    // What a sensor that runs says of itself changes all the time.
    private static string State(SensorState state, string detail)
    {
        var word = state.ToString().ToLowerInvariant();
        return state is SensorState.Running or SensorState.Opening || detail.Length == 0 ? word : $"{word}. {detail}";
    }
}
