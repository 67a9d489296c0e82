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

    /// <summary>To be called when the moment has come, however late: goes on to the latest moment that has.</summary>
    /// <returns>Earlier moments that went by unused.</returns>
    public long Arrive(long nowBootNs)
    {
        var missed = Math.Max(0, (nowBootNs - NextBootNs) / _intervalNs);
        NextBootNs += missed * _intervalNs;
        Index += missed;
        return missed;
    }

    /// <summary>The moment has been used: goes on to the one after it.</summary>
    public void Advance()
    {
        NextBootNs += _intervalNs;
        Index++;
    }
}
