using FieldAgent.Core;

namespace FieldAgent.Devices.Gnss;

/// <summary>What a sensor remembers from one run to the next.</summary>
internal sealed class FixHistory
{
    /// <summary>Boot-time of the last fix, ns; −1 when there was none since the start.</summary>
    public long LastFixBootNs { get; set; } = -1;
}

/// <summary>Turns fixes into rows. A position is written only from a fix; without one only the receiver's row says so.
/// Thins to the configured interval, but says a change between "fix" and "no fix" at once. One thread.</summary>
internal sealed class FixPublisher
{
    private const double DegreeScale = 1e-9;
    private const double MillimetreScale = 1e-3;
    private const double SpeedScale = 1e-4;
    private const double TrackScale = 1e-3;
    private const double HdopScale = 1e-2;
    private const double AgeScale = 1e-3;

    private readonly ISensorHost _host;
    private readonly FixHistory _history;
    private readonly CancellationToken _stop;
    private readonly SampleWriter _position;
    private readonly SampleWriter _receiver;
    private readonly long _intervalNs;
    private readonly bool _isLive;
    private readonly double[] _positionRow = new double[5];
    private readonly double[] _receiverRow = new double[4];
    private NmeaCounts _counted;
    private long _dueNs = long.MinValue;
    private long _lastRowNs;
    private bool? _hadFix;
    private (FixMode Mode, int Satellites)? _described;

    /// <summary>Declares the two stream sets of <paramref name="sensor"/>.</summary>
    /// <param name="sensor">The sensor's name.</param>
    /// <param name="host">Where rows go.</param>
    /// <param name="history">Kept over runs.</param>
    /// <param name="intervalNs">Smallest time between rows; 0 writes every fix.</param>
    /// <param name="isLive">True when the fixes are of this moment, so that their time may set the clock.</param>
    /// <param name="stop">Ends a wait for room.</param>
    public FixPublisher(string sensor, ISensorHost host, FixHistory history, long intervalNs, bool isLive, CancellationToken stop)
    {
        _host = host;
        _history = history;
        _intervalNs = intervalNs;
        _isLive = isLive;
        _stop = stop;
        _position = host.Declare(PositionSet(sensor, intervalNs));
        _receiver = host.Declare(ReceiverSet(sensor, intervalNs));
        _lastRowNs = host.Clock.BootNs;
    }

    /// <summary>The streams of <c>location.position</c>. The scales keep all that receivers send: seven decimals of a minute
    /// are 1.7e-9 degrees.</summary>
    public static StreamSet PositionSet(string sensor, long intervalNs) => new(
        sensor + ".position",
        GnssKind.PositionField,
        [
            new StreamInfo("latitude", "deg", DegreeScale),
            new StreamInfo("longitude", "deg", DegreeScale),
            new StreamInfo("altitude", "m", MillimetreScale),
            new StreamInfo("speed", "m/s", SpeedScale),
            new StreamInfo("track", "deg", TrackScale),
        ],
        intervalNs);

    /// <summary>The streams of <c>instrument.gnss</c>: how well the receiver does, without where it is.</summary>
    public static StreamSet ReceiverSet(string sensor, long intervalNs) => new(
        sensor + ".receiver",
        GnssKind.ReceiverField,
        [
            new StreamInfo("mode", "1", 1),
            new StreamInfo("satellites", "1", 1),
            new StreamInfo("hdop", "1", HdopScale),
            new StreamInfo("age", "s", AgeScale),
        ],
        intervalNs);

    /// <summary>Takes a fix that arrived at <paramref name="bootNs"/>.</summary>
    public void Publish(in GnssFix fix, long bootNs)
    {
        if (fix.HasPosition)
        {
            _history.LastFixBootNs = bootNs;
            if (_isLive && fix.HasTime)
            {
                OfferTime(fix, bootNs);
            }
        }

        if (!IsDue(bootNs, fix.HasPosition))
        {
            return;
        }

        if (fix.HasPosition)
        {
            WritePosition(fix, bootNs);
        }

        WriteReceiver(fix.Mode, fix.Satellites, fix.Hdop, bootNs);
        Describe(fix);
    }

    /// <summary>Says that there is no fix when the receiver itself says nothing.</summary>
    public void Tick(long bootNs)
    {
        var since = Math.Max(_lastRowNs, _history.LastFixBootNs);
        if (bootNs - since >= Math.Max(GnssLimits.LostRowNs, _intervalNs))
        {
            _hadFix = false;
            WriteReceiver(FixMode.None, -1, double.NaN, bootNs);
            Describe(new GnssFix());
        }
    }

    /// <summary>Says that the source is quiet: it is no call that hangs. Returns at once. The next fix says what it is again.</summary>
    public void SayQuiet()
    {
        _described = null;
        _host.Describe("its writer is quiet");
    }

    /// <summary>Passes on what was skipped since the last call.</summary>
    public void Count(in NmeaCounts counts)
    {
        Count("checksum", counts.Checksum - _counted.Checksum);
        Count("malformed", counts.Malformed - _counted.Malformed);
        Count("garbage", counts.Garbage - _counted.Garbage);
        Count("overlong", counts.Overlong - _counted.Overlong);
        _counted = counts;
    }

    /// <summary>The next counts begin at zero again: another decoder's.</summary>
    public void EndCount() => _counted = default;

    private void Count(string reason, long count)
    {
        if (count > 0)
        {
            _host.Skipped(reason, count);
        }
    }

    private void OfferTime(in GnssFix fix, long bootNs)
    {
        var estimateNs = bootNs + _host.Clock.WallOffsetNs;
        if (fix.IsDateUnrolled && Math.Abs(fix.UnixNs - estimateNs) > GnssLimits.UnrolledOfferNsMax)
        {
            _host.Skipped("unlikely-date");
            return;
        }

        _host.Clock.Offer(ClockQuality.Gnss, fix.UnixNs, bootNs);
    }

    private bool IsDue(long bootNs, bool hasFix)
    {
        var changed = _hadFix != hasFix;
        _hadFix = hasFix;

        // The jitter of the line is allowed for; the grid itself does not drift.
        if (!changed && bootNs < _dueNs - Math.Min(_intervalNs / 4, GnssLimits.IntervalJitterNsMax))
        {
            return false;
        }

        _dueNs = changed || _dueNs + _intervalNs <= bootNs ? bootNs + _intervalNs : _dueNs + _intervalNs;
        return true;
    }

    private void WritePosition(in GnssFix fix, long bootNs)
    {
        _positionRow[0] = fix.LatitudeNdeg * DegreeScale;
        _positionRow[1] = fix.LongitudeNdeg * DegreeScale;
        var present = 0b11UL;
        Put(_positionRow, 2, fix.AltitudeM, MillimetreScale, ref present);
        Put(_positionRow, 3, fix.SpeedMps, SpeedScale, ref present);
        Put(_positionRow, 4, fix.TrackDeg, TrackScale, ref present);
        _position.Write(bootNs, _positionRow, _stop, present);
    }

    private void WriteReceiver(FixMode mode, int satellites, double hdop, long bootNs)
    {
        var lastFix = _history.LastFixBootNs;
        _receiverRow[0] = (int)mode;
        var present = 0b1UL;
        Put(_receiverRow, 1, satellites < 0 ? double.NaN : satellites, 1, ref present);
        Put(_receiverRow, 2, hdop, HdopScale, ref present);
        Put(_receiverRow, 3, lastFix < 0 ? double.NaN : Math.Max(0, bootNs - lastFix) / 1e9, AgeScale, ref present);
        _receiver.Write(bootNs, _receiverRow, _stop, present);
        _lastRowNs = bootNs;
    }

    /// <summary>A whole number of steps, so that it is stored as that number; absent when not known.</summary>
    private static void Put(double[] row, int column, double value, double scale, ref ulong present)
    {
        if (double.IsNaN(value))
        {
            row[column] = 0;
            return;
        }

        row[column] = Math.Round(value / scale) * scale;
        present |= 1UL << column;
    }

    private void Describe(in GnssFix fix)
    {
        var satellites = fix.HasPosition || fix.InView < 0 ? fix.Satellites : fix.InView;
        if (_described == (fix.Mode, satellites))
        {
            return;
        }

        _described = (fix.Mode, satellites);
        var text = fix.Mode switch
        {
            FixMode.ThreeD => "3D fix",
            FixMode.TwoD => "2D fix",
            _ => "no fix",
        };
        _host.Describe(satellites < 0 ? text
            : fix.HasPosition || fix.InView < 0 ? $"{text}, {satellites} satellites"
            : $"{text}, {satellites} satellites in view");
    }
}
