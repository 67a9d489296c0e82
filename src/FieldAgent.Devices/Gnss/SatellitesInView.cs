namespace FieldAgent.Devices.Gnss;

/// <summary>Counts satellites in view over the constellations. Each sends its own series of GSV, not always every epoch.</summary>
internal sealed class SatellitesInView
{
    private const int Constellations = 8;

    private readonly int[] _count = new int[Constellations];
    private readonly int[] _age = new int[Constellations];

    /// <summary>Takes a GSV. Its field 3 is the total of its series; with NMEA 4.11 there is a series for each signal, of which the largest counts.</summary>
    public void Add(in NmeaSentence s)
    {
        var total = NmeaNumber.Whole(s[3]);
        if (total is < 0 or > 99)
        {
            return;
        }

        var at = s.Talker switch
        {
            (byte)'P' => 0,
            (byte)'L' => 1,
            (byte)'A' => 2,
            (byte)'B' or (byte)'D' => 3,
            (byte)'Z' or (byte)'Q' => 4,
            (byte)'I' => 5,
            (byte)'N' => 6,
            _ => 7,
        };
        _count[at] = _age[at] == 1 ? Math.Max(_count[at], total) : total;
        _age[at] = 1;
    }

    /// <summary>An epoch is over: constellations not heard of for long are forgotten.</summary>
    public void EndEpoch()
    {
        for (var i = 0; i < Constellations; i++)
        {
            _age[i] = _age[i] is 0 or >= GnssLimits.InViewEpochs ? 0 : _age[i] + 1;
        }
    }

    /// <summary>Satellites in view, −1 when no GSV came lately.</summary>
    public int Total()
    {
        var total = -1;
        for (var i = 0; i < Constellations; i++)
        {
            if (_age[i] > 0)
            {
                total = Math.Max(total, 0) + _count[i];
            }
        }

        return total;
    }
}
