using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Status;

/// <summary>The status as a technician reads it: what is wrong stands first.</summary>
internal static class StatusText
{
    /// <summary>Writes the report.</summary>
    public static void Write(StatusReport status, TextWriter output)
    {
        output.WriteLine($"fieldagent {status.Version} on {status.Board}: {(status.IsHealthy ? "healthy" : "NEEDS ATTENTION")}, up {Age(status.UptimeSeconds)}");
        if (status.Idle is { } idle)
        {
            output.WriteLine($"  IDLE: {idle}");
        }

        foreach (var trouble in Troubles(status))
        {
            output.WriteLine($"  ! {trouble}");
        }

        output.WriteLine();
        output.WriteLine("sensors");
        TextTable.Write(output, [.. status.Sensors.Select(static s => new[]
        {
            s.Name, s.Kind, s.State.ToString().ToLowerInvariant(), Number(s.Rows) + " rows",
            s.LastRowAgeSeconds is { } age ? $"last {Age(age)} ago" : "none yet", s.Detail,
        })]);
        if (status.Roles is { } roles)
        {
            output.WriteLine("roles");
            TextTable.Write(output, [.. roles.Select(static r => new[] { r.Role, r.Line, r.State.ToString().ToLowerInvariant(), r.Position, r.IsWell ? r.Detail : "" })]);
        }

        output.WriteLine("spool");
        TextTable.Write(output,
        [
            ["waiting", $"{Number(status.Spool.Readings)} readings in {Number(status.Spool.Blocks)} blocks, {Number(status.Spool.Images)} pictures"],
            ["oldest", status.Spool.OldestUnsentSeconds is { } oldest ? $"{Age(oldest)} ago" : "nothing waits"],
            .. status.Spool.Held > 0
                ? [["held", $"delivered and kept by a legal hold: {Plural.Of(status.Spool.Held, "block or picture", "blocks and pictures")}; see 'fieldagent hold list'"]] : Array.Empty<string[]>(),
            ["disk", $"{Size(status.Spool.StateBytes)} of {Size(status.Spool.StateBytesMax)}"],
            ["stored", $"{Number(status.Store.ReadingsStored)} readings in {Number(status.Store.BlocksStored)} blocks since the start"],
            .. status.Spool.Unwritten > 0
                ? [["memory", $"{Number(status.Spool.Unwritten)} readings and pictures that the disk does not take: lost if the agent stops now"]] : Array.Empty<string[]>(),
        ]);
        output.WriteLine("links");
        TextTable.Write(output, [.. status.Links.Select(static l => new[]
        {
            l.Recipient, l.Phase, l.Version, $"{Number(l.Acknowledged)} acknowledged, {l.InFlight} under way",
            l.RetryInSeconds > 0 ? $"next try in {Age(l.RetryInSeconds)}" : "", l.Detail,
        })]);
        if (status.Account is { } account)
        {
            output.WriteLine("audit");
            TextTable.Write(output, [["log", account.ChainTrouble.Length == 0
                ? $"whole, {Number(account.AuditEntries)} entries" : $"BROKEN: {account.ChainTrouble}"]]);
        }

        if (status.InForce is { } policy)
        {
            output.WriteLine("policy");
            TextTable.Write(output, [.. policy.Rows()]);
        }

        output.WriteLine("autostart");
        TextTable.Write(output, [[status.Autostart ? "on" : "off", DataProtection.Autostart.Say(status.Autostart)]]);
        output.WriteLine("clock");
        TextTable.Write(output, [["", $"{status.Clock.Time:yyyy-MM-dd HH:mm:ss} UTC", status.Clock.Quality.ToString().ToLowerInvariant()]]);
        WriteTraffic(output, status.Counters);
        WriteCounts(output, "denied", status.Denied);
        WriteCounts(output, "dropped", status.Dropped);
    }

    /// <summary>One line, for <c>systemctl status</c>: no name and no place.</summary>
    public static string Line(StatusReport status) => string.Create(CultureInfo.InvariantCulture,
        $"{(status.IsHealthy ? "healthy" : "needs attention, see 'fieldagent status'")}; {status.Sensors.Count(static s => s.State == SensorState.Running)} of {status.Sensors.Count} sensors run, {status.Links.Count(static l => l.Phase == "connected")} of {status.Links.Count} links are up, {Number(status.Spool.Readings)} readings wait");

    private static IEnumerable<string> Troubles(StatusReport status)
    {
        if (status.Store.Trouble.Length > 0)
        {
            yield return $"store: {status.Store.Trouble}";
        }

        if (status.Requests is { Overdue: > 0 } requests)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"privacy: {requests.Overdue} request{(requests.Overdue == 1 ? " is" : "s are")} past the deadline; answer at once: 'fieldagent privacy requests'");
        }

        if (status.InForce is { Suspended.Count: > 0 } policy)
        {
            yield return $"policy {policy.Version} changed what was agreed to; suspended until granted again: {string.Join(", ", policy.Suspended)}; "
                + "see 'fieldagent policy changes'";
        }

        foreach (var incident in status.Account?.Incidents ?? [])
        {
            yield return $"incident {incident.Id}, {incident.Since:yyyy-MM-dd HH:mm} UTC{(incident.Times > 1 ? $", {Number(incident.Times)} times" : "")}: "
                + $"{incident.Situation} {incident.Remedy}";
        }

        foreach (var sensor in status.Sensors)
        {
            if (sensor.State is not (SensorState.Running or SensorState.Closed or SensorState.Opening or SensorState.Stopped))
            {
                yield return $"sensor {sensor.Name}: {sensor.State.ToString().ToLowerInvariant()}. {sensor.Detail}";
            }
        }

        foreach (var role in status.Roles ?? [])
        {
            if (!role.IsWell)
            {
                yield return $"role {role.Role}: {role.State.ToString().ToLowerInvariant()}. {role.Detail}";
            }
        }

        foreach (var link in status.Links)
        {
            if (link.Phase != "connected")
            {
                yield return $"link {link.Recipient}: {link.Phase}. {link.Detail}";
            }
        }

        if (status.Clock.Quality == ClockQuality.Unsynced)
        {
            yield return "clock: nobody has set it since this boot; readings keep their order and get their time when NTP or GNSS gives it";
        }
    }

    // What a function costs stands beside the words that turn it off.
    private static void WriteTraffic(TextWriter output, SortedDictionary<string, long> counters)
    {
        List<string[]> rows = [.. counters.Where(static c => c.Key.StartsWith(TrafficCounters.BytesOfFunction, StringComparison.Ordinal)).Select(c =>
        {
            var function = c.Key[TrafficCounters.BytesOfFunction.Length..];
            return new[] { function, $"{Size(c.Value)} in {Number(counters.GetValueOrDefault(TrafficCounters.MessagesOfFunction + function))} messages since the start" };
        })];
        if (rows.Count > 0)
        {
            output.WriteLine("sent");
            TextTable.Write(output, rows);
        }
    }

    private static void WriteCounts(TextWriter output, string title, SortedDictionary<string, long> counts)
    {
        if (counts.Count > 0)
        {
            output.WriteLine(title);
            TextTable.Write(output, [.. counts.Select(static c => new[] { c.Key, Number(c.Value) })]);
        }
    }

    /// <summary>A count with separators.</summary>
    public static string Number(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A size in binary units.</summary>
    public static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 10):0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };

    /// <summary>A time span in its largest fitting unit.</summary>
    public static string Age(double seconds) => seconds switch
    {
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1000:0} ms"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        < 172800 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86400:0.0} d"),
    };
}
