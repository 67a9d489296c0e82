using System.Text.Json.Serialization;
using FieldAgent.Core;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Status;

/// <summary>What <c>fieldagent status --json</c> prints. Holds no position, no identifier, no secret.</summary>
/// <param name="Version">The agent's version.</param>
/// <param name="Board">The board's name from the configuration.</param>
/// <param name="UptimeSeconds">Seconds since the agent started.</param>
/// <param name="Clock">Clock.</param>
/// <param name="Policy">Policy version.</param>
/// <param name="Sensors">Sensors.</param>
/// <param name="Spool">What waits.</param>
/// <param name="Store">Store.</param>
/// <param name="Links">One per recipient.</param>
/// <param name="Denied">Readings and pictures denied, by stage and reason.</param>
/// <param name="Dropped">Dropped, by reason.</param>
/// <param name="Counters">All other counts.</param>
internal sealed record StatusReport(
    string Version,
    string Board,
    double UptimeSeconds,
    ClockReport Clock,
    string Policy,
    IReadOnlyList<SensorStatus> Sensors,
    SpoolReport Spool,
    StoreReport Store,
    IReadOnlyList<CourierState> Links,
    SortedDictionary<string, long> Denied,
    SortedDictionary<string, long> Dropped,
    SortedDictionary<string, long> Counters)
{
    /// <summary>Why the board idles at a person's wish (R7); null when it does not.</summary>
    public string? Idle { get; init; }

    /// <summary>Audit and incidents; null while the store cannot be read.</summary>
    public AccountReport? Account { get; init; }

    /// <summary>Requests of persons; null while the store cannot be read.</summary>
    public RequestsReport? Requests { get; init; }

    /// <summary>True when the agent may start with the board (R52).</summary>
    public bool Autostart { get; init; }

    /// <summary>The policy in force; null while the store cannot be read.</summary>
    public PolicyReport? InForce { get; init; }

    /// <summary>Lines for people at the board; null without any.</summary>
    public IReadOnlyList<RoleReport>? Roles { get; init; }

    /// <summary>True when nothing needs a technician.</summary>
    [JsonIgnore]
    public bool IsHealthy => Store.Trouble.Length == 0 && Requests is not { Overdue: > 0 } && Account is not ({ ChainTrouble.Length: > 0 } or { Incidents.Count: > 0 })
        && Links.All(static l => l.Phase == "connected")
        && Sensors.All(static s => s.State is SensorState.Running or SensorState.Closed or SensorState.Opening or SensorState.Stopped)
        && (Roles is null || Roles.All(static r => r.IsWell));
}

/// <summary>Clock.</summary>
/// <param name="Time">Estimated UTC time.</param>
/// <param name="Quality">unsynced, rtc, ntp or gnss.</param>
internal sealed record ClockReport(DateTimeOffset Time, ClockQuality Quality);

/// <summary>What waits in the spool.</summary>
/// <param name="Blocks">Blocks.</param>
/// <param name="Readings">Readings.</param>
/// <param name="Images">Pictures.</param>
/// <param name="OldestUnsentSeconds">Age of the oldest undelivered block, or null.</param>
/// <param name="StateBytes">Bytes of the state folder.</param>
/// <param name="StateBytesMax">Their cap.</param>
/// <param name="Held">Delivered blocks and pictures that a legal hold keeps here.</param>
/// <param name="Unwritten">Readings and pictures in memory alone, as the disk does not take them.</param>
internal sealed record SpoolReport(
    long Blocks, long Readings, long Images, double? OldestUnsentSeconds, long StateBytes, long StateBytesMax, long Held, long Unwritten);

/// <summary>The store.</summary>
/// <param name="ReadingsStored">Readings made durable since the start.</param>
/// <param name="BlocksStored">Blocks made durable since the start.</param>
/// <param name="ImagesStored">Pictures made durable since the start.</param>
/// <param name="Trouble">Why nothing can be stored at the moment, or empty.</param>
/// <param name="Opened">How the store was found at the start.</param>
/// <param name="Sqlite">The SQLite in use.</param>
internal sealed record StoreReport(
    long ReadingsStored, long BlocksStored, long ImagesStored, string Trouble, string Opened, string Sqlite);

/// <summary>What <c>run --summary</c> writes at the end.</summary>
/// <param name="ReadingsStored">Readings made durable.</param>
/// <param name="BlocksStored">Blocks made durable.</param>
/// <param name="ImagesStored">Pictures made durable.</param>
/// <param name="BlocksWaiting">Blocks that still wait.</param>
/// <param name="ReadingsWaiting">Readings that still wait.</param>
/// <param name="ImagesWaiting">Pictures that still wait.</param>
/// <param name="Lost">Readings and pictures that the disk did not take to the end.</param>
/// <param name="Dropped">Dropped, by reason.</param>
internal sealed record RunSummary(
    long ReadingsStored, long BlocksStored, long ImagesStored, long BlocksWaiting, long ReadingsWaiting, long ImagesWaiting, long Lost,
    SortedDictionary<string, long> Dropped);

/// <summary>Source-generated JSON of the agent's own documents.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(RunSummary))]
[JsonSerializable(typeof(IncidentReport))]
[JsonSerializable(typeof(DataProtection.AuditLine))]
[JsonSerializable(typeof(Privacy.AuditFindings))]
[JsonSerializable(typeof(Control.ControlRequest))]
[JsonSerializable(typeof(Control.ControlReply))]
internal sealed partial class AgentJson : JsonSerializerContext;
