using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Limits of plausibility, each with its reason.</summary>
internal static class PlausibilityLimits
{
    /// <summary>No instrument travels faster, m/s: a helicopter's 100 m/s with half as much to spare.</summary>
    public const double SpeedMaxMps = 150;

    /// <summary>A jump this short, m, may be a receiver that finds itself after a cold start, or a reflection.</summary>
    public const double JumpFreeM = 200;

    /// <summary>Speed the receiver reports may differ from the way between two fixes by this much, m/s: brakes and bends.</summary>
    public const double SpeedDifferenceMps = 30;

    /// <summary>Two fixes further apart than this, ns, say nothing about speed.</summary>
    public const long PairNsMax = 600 * ClockExtensions.NsPerSecond;

    /// <summary>Equal fixes in a row while the receiver says that it moves: it is stuck, or somebody feeds it. (One that stands still may
    /// hold its position on purpose.)</summary>
    public const int RepeatsMax = 10;

    /// <summary>From this speed on, m/s, it moves.</summary>
    public const double MovesMps = 1;
}

/// <summary>Tells whether positions are plausible (R48): from the last fix, which is all it remembers, in memory only. Its answer is one bit
/// a change; no track is kept. One thread.</summary>
internal sealed class PlausibilityWatch
{
    private readonly Dictionary<string, Pair> _last = new(StringComparer.Ordinal);
    private readonly RowColumns _rows = new(1);

    /// <summary>Looks at the positions of a set; what changed waits for <see cref="Emit"/>.</summary>
    public void Watch(RawRows rows, int latitude, int longitude, int speed)
    {
        _rows.Clear();
        var columns = rows.Columns;
        if (!_last.TryGetValue(rows.Set.Name, out var pair))
        {
            _last[rows.Set.Name] = pair = new Pair(rows.Set.Name);
        }

        var both = (1UL << latitude) | (1UL << longitude);
        for (var row = 0; row < columns.Count; row++)
        {
            if ((columns.Present[row] & both) != both)
            {
                continue;
            }

            var reported = speed >= 0 && (columns.Present[row] >> speed & 1) == 1 ? columns.Values(speed)[row] : double.NaN;
            var plausible = pair.Next(columns.Values(latitude)[row], columns.Values(longitude)[row], reported, columns.BootNs[row]);
            if (pair.Told != plausible)
            {
                pair.Told = plausible;
                _rows.Append(columns.BootNs[row], [plausible ? 1 : 0], 1);
            }
        }
    }

    /// <summary>Passes on the changes of a set.</summary>
    public bool Emit(RawRows rows, Permit permit, IAdmittedSink sink)
    {
        if (_rows.Count == 0)
        {
            return false;
        }

        sink.Take(new AdmittedRows(_last[rows.Set.Name].Set, permit, _rows));
        return true;
    }

    /// <summary>Forgets the last fixes.</summary>
    public void Forget() => _last.Clear();

    private sealed class Pair(string set)
    {
        private double _latitude = double.NaN;
        private double _longitude;
        private double _speed;
        private long _bootNs;
        private int _repeats;

        public StreamSet Set { get; } = new(set + ".plausible", Vocabulary.LocationPlausible, [new StreamInfo("plausible", "1", 1)]);

        public bool? Told { get; set; }

        public bool Next(double latitude, double longitude, double speed, long bootNs)
        {
            var plausible = LocationGrid.IsPlace(latitude, longitude) && !(Math.Abs(speed) > PlausibilityLimits.SpeedMaxMps);
            if (plausible && !double.IsNaN(_latitude))
            {
                _repeats = latitude == _latitude && longitude == _longitude && speed >= PlausibilityLimits.MovesMps ? _repeats + 1 : 0;
                var ns = bootNs - _bootNs;
                plausible = ns > 0 && _repeats < PlausibilityLimits.RepeatsMax && (ns > PlausibilityLimits.PairNsMax || IsPossible(latitude, longitude, speed, ns / 1e9));
            }

            if (LocationGrid.IsPlace(latitude, longitude))
            {
                (_latitude, _longitude, _speed, _bootNs) = (latitude, longitude, speed, bootNs);
            }

            return plausible;
        }

        private bool IsPossible(double latitude, double longitude, double speed, double seconds)
        {
            var metres = Geodesy.DistanceM(_latitude, _longitude, latitude, longitude);
            if (metres <= PlausibilityLimits.JumpFreeM)
            {
                return true;
            }

            var between = metres / seconds;
            var reported = Math.Max(speed, _speed);
            return between <= PlausibilityLimits.SpeedMaxMps
                && (double.IsNaN(reported) || between <= reported + PlausibilityLimits.SpeedDifferenceMps);
        }
    }
}
