namespace FieldAgent.Devices;

/// <summary>How patient the supervisor is with a sensor, each with the reason for its default.</summary>
public sealed record SupervisionLimits
{
    /// <summary>First wait after a failure: most faults of a bus are gone by then.</summary>
    public TimeSpan FailedRetryMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait after failures in a row: a broken sensor costs nothing, and is back within minutes when repaired.</summary>
    public TimeSpan FailedRetryMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>First wait for a device that is not there.</summary>
    public TimeSpan AbsentRetryMin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait for a device that is not there. Looking costs the listing of one folder, and a technician who plugs
    /// something in watches for it.</summary>
    public TimeSpan AbsentRetryMax { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>First wait after access was refused.</summary>
    public TimeSpan RefusedRetryMin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait after access was refused: permissions change rarely, and mostly with a restart.</summary>
    public TimeSpan RefusedRetryMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>After running this long without a failure the waits begin anew; a sensor that fails at once each time does not get there.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A sensor that is inside a call this long without giving a row is called stalled, if neither its intervals nor its own time-out
    /// (<see cref="FieldAgent.Core.ISensor.CallLimit"/>) ask for more patience.</summary>
    public TimeSpan StalledAfterMin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Intervals without a row after which a sensor inside a call is called stalled.</summary>
    public int StalledAfterIntervals { get; init; } = 5;

    /// <summary>How long a stop waits for the sensor's thread before it leaves it behind: the agent must end within 5 s.</summary>
    public TimeSpan StopLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Shots that may wait for a camera; a command beyond that is refused at once instead of being late.</summary>
    public int TriggersMax { get; init; } = 8;

    /// <summary>Stack of a sensor's thread, bytes: sensors parse and copy, they do not recurse. The default of 8 MiB would count against
    /// a service's memory limit where it is locked.</summary>
    public int StackBytes { get; init; } = 256 * 1024;
}
