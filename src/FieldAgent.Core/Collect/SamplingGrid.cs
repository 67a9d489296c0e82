namespace FieldAgent.Core;

/// <summary>The moments at which a sensor is due: a start and every interval after it. A moment that a slow device made it miss
/// is skipped and counted, never made up for, so that times stay on the grid. Not thread-safe.</summary>
/// <param name="startBootNs">The first moment, boot-time ns.</param>
/// <param name="intervalNs">Nanoseconds between moments; above 0.</param>
public struct SamplingGrid(long startBootNs, long intervalNs)
{
    private readonly long _intervalNs = Math.Max(1, intervalNs);

    /// <summary>The moment that is due next, boot-time ns.</summary>
    public long NextBootNs { get; private set; } = startBootNs;

    /// <summary>Number of that moment; the first is 0.</summary>
    public long Index { get; private set; }

    /// <summary>Goes on to the next moment after a sampling that ended at <paramref name="nowBootNs"/>.</summary>
    /// <returns>Moments that went by unused. One that is less than an interval old is still due: late, not lost.</returns>
    public long Advance(long nowBootNs)
    {
        NextBootNs += _intervalNs;
        Index++;
        if (nowBootNs < NextBootNs)
        {
            return 0;
        }

        var missed = (nowBootNs - NextBootNs) / _intervalNs;
        NextBootNs += missed * _intervalNs;
        Index += missed;
        return missed;
    }
}
