using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>When to try a failed sensor again: exponential, with jitter so that sensors on one bus do not come all at once.
/// One thread.</summary>
/// <param name="limits">First and longest waits.</param>
/// <param name="seed">Seed of the jitter.</param>
internal sealed class RetrySchedule(SupervisionLimits limits, int seed)
{
    private const double JitterPart = 0.2;

    private readonly Random _random = new(seed);
    private SensorState _last;
    private int _attempts;

    /// <summary>The wait after a failure.</summary>
    /// <param name="state">Absent, Refused or Failed.</param>
    /// <param name="ranFor">How long the sensor delivered before.</param>
    public TimeSpan Next(SensorState state, TimeSpan ranFor)
    {
        if (state != _last || ranFor >= limits.StableAfter)
        {
            _attempts = 0;
        }

        _last = state;
        var (min, max) = state switch
        {
            SensorState.Absent => (limits.AbsentRetryMin, limits.AbsentRetryMax),
            SensorState.Refused => (limits.RefusedRetryMin, limits.RefusedRetryMax),
            _ => (limits.FailedRetryMin, limits.FailedRetryMax),
        };
        var wait = min * Math.Pow(2, Math.Min(_attempts++, 30));
        wait = wait < max ? wait : max;
        return wait * (1 - (JitterPart * _random.NextDouble()));
    }

    /// <summary>What an exception out of a sensor means.</summary>
    public static SensorState StateOf(Exception e) => e switch
    {
        SensorFault { Kind: SensorFaultKind.Absent } or FileNotFoundException or DirectoryNotFoundException => SensorState.Absent,
        SensorFault { Kind: SensorFaultKind.Refused } or UnauthorizedAccessException => SensorState.Refused,
        _ => SensorState.Failed,
    };
}
