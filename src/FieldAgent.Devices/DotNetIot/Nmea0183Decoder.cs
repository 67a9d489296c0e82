using System.Text;
using FieldAgent.Devices.Gnss;
using Iot.Device.Nmea0183;
using Iot.Device.Nmea0183.Sentences;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>From bytes to fixes with the sentences of Iot.Device.Nmea0183: RMC and GGA, merged by their time. Allocates with each sentence.
/// Not thread-safe.</summary>
/// <param name="notBeforeDay">Earliest day (since 1970) a date can have; a fix with an earlier one has no time.</param>
internal sealed class Nmea0183Decoder(int notBeforeDay) : INmeaDecoder
{
    private const double NanoDegrees = 1e9;
    private const long NsPerTick = 100;

    private readonly NmeaLineReader _lines = new();
    private NmeaCounts _counts;
    private DateTimeOffset _last;
    private DateTimeOffset _epochTime;
    private GnssFix _epoch = new();
    private bool _hasEpoch;

    /// <inheritdoc/>
    public NmeaCounts Counts
    {
        get
        {
            var counts = _counts;
            counts.Malformed += _lines.Counts.Malformed;
            counts.Garbage = _lines.Counts.Garbage;
            counts.Overlong = _lines.Counts.Overlong;
            return counts;
        }
    }

    /// <inheritdoc/>
    public long LateSentences => 0;

    /// <inheritdoc/>
    public bool TryRead(ref ReadOnlySpan<byte> data, out GnssFix fix)
    {
        while (_lines.TryRead(ref data, out var line))
        {
            if (Push(line, out fix))
            {
                return true;
            }
        }

        fix = default;
        return false;
    }

    /// <inheritdoc/>
    public bool TryComplete(out GnssFix fix)
    {
        fix = _epoch;
        var had = _hasEpoch;
        _hasEpoch = false;
        return had;
    }

    /// <inheritdoc/>
    public bool TryFinish(out GnssFix fix) => (_lines.TryFinish(out var line) && Push(line, out fix)) || TryComplete(out fix);

    private bool Push(ReadOnlySpan<byte> line, out GnssFix fix)
    {
        fix = default;
        if (line.Length < 2 || line[0] == '!' || line[1] == 'P')
        {
            _counts.Foreign++;
            return false;
        }

        if (TalkerSentence.FromSentenceString(Encoding.ASCII.GetString(line), out var error) is not { } sentence)
        {
            if (error == NmeaError.InvalidChecksum)
            {
                _counts.Checksum++;
            }
            else
            {
                _counts.Malformed++;
            }

            return false;
        }

        _counts.Good++;
        return sentence.TryGetTypedValue(ref _last) switch
        {
            RecommendedMinimumNavigationInformation minimum => Take(minimum, out fix),
            GlobalPositioningSystemFixData fixData => Take(fixData, out fix),
            _ => false,
        };
    }

    private bool Take(RecommendedMinimumNavigationInformation seen, out GnssFix fix)
    {
        var isNew = Begin(seen.DateTime, out fix);
        if (seen.Status == NavigationStatus.Valid)
        {
            Place(seen.Position.Latitude, seen.Position.Longitude);
            _epoch.SpeedMps = seen.SpeedOverGround.MetersPerSecond;
            _epoch.TrackDeg = seen.TrackMadeGoodInDegreesTrue.Degrees;
        }

        return isNew;
    }

    private bool Take(GlobalPositioningSystemFixData seen, out GnssFix fix)
    {
        var isNew = Begin(seen.DateTime, out fix);
        _epoch.Satellites = seen.NumberOfSatellites;
        if (seen is { Status: not GpsQuality.NoFix, LatitudeDegrees: { } latitude, LongitudeDegrees: { } longitude })
        {
            Place(latitude, longitude);
            _epoch.Hdop = seen.Hdop;
            if (seen.GeoidAltitude is { } altitude)
            {
                _epoch.AltitudeM = altitude;
                _epoch.Mode = FixMode.ThreeD;
            }
        }

        return isNew;
    }

    /// <summary>A sentence of another time ends the epoch before.</summary>
    private bool Begin(DateTimeOffset time, out GnssFix fix)
    {
        fix = _epoch;
        var ends = _hasEpoch && time.TimeOfDay != _epochTime.TimeOfDay;
        if (!_hasEpoch || ends)
        {
            _epoch = new GnssFix();
            _hasEpoch = true;
        }

        _epochTime = time;
        var sinceEpoch = time - DateTimeOffset.UnixEpoch;
        _epoch.UnixNs = sinceEpoch.TotalDays >= Math.Max(notBeforeDay, 1) ? sinceEpoch.Ticks * NsPerTick : GnssFix.NoTime;
        return ends;
    }

    private void Place(double latitude, double longitude)
    {
        _epoch.Mode = _epoch.Mode == FixMode.ThreeD ? FixMode.ThreeD : FixMode.TwoD;
        _epoch.LatitudeNdeg = (long)Math.Round(latitude * NanoDegrees);
        _epoch.LongitudeNdeg = (long)Math.Round(longitude * NanoDegrees);
    }
}
