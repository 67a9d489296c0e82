namespace FieldAgent.Devices;

/// <summary>What a sensor is doing.</summary>
public enum SensorState
{
    /// <summary>Not opened: no function that is on needs it.</summary>
    Closed,

    /// <summary>Being opened; nothing has come yet.</summary>
    Opening,

    /// <summary>Delivering.</summary>
    Running,

    /// <summary>Its device is not there; looked for every few seconds.</summary>
    Absent,

    /// <summary>The system refuses access; the detail names the remedy.</summary>
    Refused,

    /// <summary>It failed and is tried again.</summary>
    Failed,

    /// <summary>It is inside a call that does not return.</summary>
    Stalled,

    /// <summary>It has ended by itself: its recording is over.</summary>
    Stopped,
}

/// <summary>A sensor as <c>status</c> shows it.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Kind">Its kind in the configuration.</param>
/// <param name="State">What it is doing.</param>
/// <param name="Detail">Place and remedy of a fault, or what the sensor says of itself; may be empty. Holds no reading.</param>
/// <param name="Rows">Rows since the agent started.</param>
/// <param name="Images">Pictures since the agent started.</param>
/// <param name="LastRowAgeSeconds">Seconds since the newest row was sampled; null before the first.</param>
/// <param name="Failures">Failures since the agent started.</param>
/// <param name="Waits">Rows that had to wait because storage did not keep up.</param>
/// <param name="RetryInSeconds">Seconds until it is tried again; 0 when no retry is due.</param>
/// <param name="Skipped">What was skipped, by reason.</param>
public sealed record SensorStatus(
    string Name,
    string Kind,
    SensorState State,
    string Detail,
    long Rows,
    long Images,
    double? LastRowAgeSeconds,
    long Failures,
    long Waits,
    double RetryInSeconds,
    IReadOnlyDictionary<string, long> Skipped);
