namespace FieldAgent.Devices.DotNetIot;

/// <summary>Follows a line whose contact bounces: its level is the one that last stood for a time, and what changes within that time counts
/// for nothing. What it says depends on the times of the changes alone, not on when it is asked. Callers lock.</summary>
/// <param name="periodNs">How long a level must stand.</param>
/// <param name="isActive">The level at the start.</param>
internal sealed class Debounce(long periodNs, bool isActive)
{
    private bool _newest = isActive;

    /// <summary>The level that has stood.</summary>
    public bool IsActive { get; private set; } = isActive;

    /// <summary>When the newest level will have stood long enough; <see cref="long.MaxValue"/> when it is not new.</summary>
    public long DueNs { get; private set; } = long.MaxValue;

    /// <summary>The line changed. Call <see cref="Settle"/> with the same time before.</summary>
    public void Change(long nowNs, bool isActive)
    {
        _newest = isActive;
        DueNs = nowNs + periodNs;
    }

    /// <summary>The line was read: where that is not what the changes say, one was missed, or is still to be told.</summary>
    public void Observe(long nowNs, bool isActive)
    {
        if (isActive != _newest)
        {
            Change(nowNs, isActive);
        }
    }

    /// <summary>Takes the newest level for the line's when it has stood until <paramref name="nowNs"/>.</summary>
    /// <param name="nowNs">Now, or when the next change came.</param>
    /// <param name="atNs">When it had stood long enough.</param>
    /// <returns>True when the line's level is another one now.</returns>
    public bool Settle(long nowNs, out long atNs)
    {
        atNs = DueNs;
        if (nowNs < DueNs)
        {
            return false;
        }

        DueNs = long.MaxValue;
        var isNew = _newest != IsActive;
        IsActive = _newest;
        return isNew;
    }
}
