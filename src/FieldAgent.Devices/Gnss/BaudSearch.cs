using FieldAgent.Core;

namespace FieldAgent.Devices.Gnss;

/// <summary>Finds the speed of a receiver: tries one after the other until sentences with a right check sum come, and begins again when only
/// garbage comes at the speed that was right. Decides only; opens and sets nothing. One thread.</summary>
internal sealed class BaudSearch
{
    /// <summary>Sentences that settle a speed: a single one could be chance.</summary>
    private const int GoodEnough = 2;

    /// <summary>Time for one speed: receivers send every second, and all speeds together must take less than the silence that is a fault.</summary>
    private const long TrialNs = 3 * ClockExtensions.NsPerSecond;

    /// <summary>Without a good sentence for so long, and with that many bytes since the last: the receiver speaks otherwise now.</summary>
    private const long GarbageNs = 5 * ClockExtensions.NsPerSecond;
    private const long GarbageBytes = 200;

    // The makers' defaults first: u-blox up to series 8, then u-blox 9 and 10, then what configured ones use.
    private static readonly int[] Speeds = [9600, 38_400, 115_200, 4800, 57_600, 19_200, 230_400, 460_800];

    private readonly List<int> _order;
    private int _at;
    private long _sinceNs;
    private long _goodAtStart;
    private long _good;
    private long _bytesAtGood;

    /// <summary>Begins.</summary>
    /// <param name="nowNs">Boot-time now.</param>
    /// <param name="remembered">The speed that was right before, which is tried first; 0 when none is known.</param>
    public BaudSearch(long nowNs, int remembered)
    {
        _order = [.. Speeds.Where(speed => speed == remembered), .. Speeds.Where(speed => speed != remembered)];
        _sinceNs = nowNs;
    }

    /// <summary>The speed that is to be set.</summary>
    public int Baud => _order[_at];

    /// <summary>True while sentences come at this speed.</summary>
    public bool IsFound { get; private set; }

    /// <summary>Looks at what has come.</summary>
    /// <param name="nowNs">Boot-time now.</param>
    /// <param name="good">Good sentences since the beginning.</param>
    /// <param name="bytes">Bytes since the beginning.</param>
    /// <returns>True when <see cref="Baud"/> is another one now.</returns>
    public bool Look(long nowNs, long good, long bytes)
    {
        if (good > _good)
        {
            (_good, _bytesAtGood) = (good, bytes);
            if (IsFound)
            {
                _sinceNs = nowNs;
            }
        }

        if (!IsFound)
        {
            if (good - _goodAtStart >= GoodEnough)
            {
                IsFound = true;
                _sinceNs = nowNs;
                return false;
            }

            return nowNs - _sinceNs >= TrialNs && Next(nowNs);
        }

        if (nowNs - _sinceNs < GarbageNs || bytes - _bytesAtGood < GarbageBytes)
        {
            return false;
        }

        IsFound = false;
        return Next(nowNs);
    }

    /// <summary>Goes on to the next speed, as the device cannot do this one.</summary>
    public bool Next(long nowNs)
    {
        _at = (_at + 1) % _order.Count;
        (_sinceNs, _goodAtStart) = (nowNs, _good);
        return true;
    }
}
