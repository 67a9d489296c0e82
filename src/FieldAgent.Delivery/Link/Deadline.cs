using System.Diagnostics;

namespace FieldAgent.Delivery;

/// <summary>A point in real time. Sockets know no simulated time, so this does not come from the agent's clock; it is not wall time
/// either, and never goes back.</summary>
internal readonly struct Deadline
{
    private readonly long _at;

    private Deadline(long at) => _at = at;

    /// <summary>The moment <paramref name="span"/> from now; a day at most.</summary>
    public static Deadline After(TimeSpan span)
    {
        var seconds = Math.Clamp(span.TotalSeconds, 0, 86_400);
        return new Deadline(Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency));
    }

    /// <summary>Milliseconds left, rounded up; 0 when it has passed.</summary>
    public int LeftMs
    {
        get
        {
            var left = _at - Stopwatch.GetTimestamp();
            return left <= 0 ? 0 : (int)(((left * 1000) + Stopwatch.Frequency - 1) / Stopwatch.Frequency);
        }
    }

    /// <summary>Time left; never negative.</summary>
    public TimeSpan Left => TimeSpan.FromMilliseconds(LeftMs);
}
