using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Lets through so many a minute on average, and a burst at once. One thread.</summary>
internal sealed class TokenBucket(IClock clock, double perMinute, int burst)
{
    private double _tokens = burst;
    private long _filledNs = clock.BootNs;

    /// <summary>Takes a token; false when there is none.</summary>
    public bool TryTake()
    {
        var now = clock.BootNs;
        _tokens = Math.Min(burst, _tokens + ((now - _filledNs) / 60e9 * perMinute));
        _filledNs = now;
        if (_tokens < 1)
        {
            return false;
        }

        _tokens--;
        return true;
    }
}
