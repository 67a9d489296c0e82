namespace FieldAgent.Devices.Gnss;

/// <summary>What the sentences of one epoch say together: merged field by field, judged at the end. A sentence that says "no fix" outweighs
/// one that says nothing of it.</summary>
internal struct NmeaEpoch
{
    /// <summary>Marks an absent time of day.</summary>
    public const long NoTime = -1;

    /// <summary>Fewest satellites of a fix: two coordinates and the time.</summary>
    private const int SatellitesMin = 3;

    /// <summary>Fewest satellites that give an altitude as well.</summary>
    private const int SatellitesOf3D = 4;

    private const double KnotsToMps = 1852.0 / 3600;
    private const double KmhToMps = 1 / 3.6;

    private sbyte _rmc;
    private sbyte _gga;
    private sbyte _gll;
    private sbyte _gns;
    private bool _hasTooFew;
    private int _gsaSatellites;
    private int _satellites;
    private double _altitudeM;
    private double _speedMps;
    private double _trackDeg;
    private double _hdop;

    /// <summary>An epoch that begins at <paramref name="timeOfDayNs"/> of <paramref name="day"/>.</summary>
    public NmeaEpoch(long timeOfDayNs, int day)
    {
        TimeOfDayNs = timeOfDayNs;
        Day = day;
        _satellites = -1;
        _altitudeM = _speedMps = _trackDeg = _hdop = double.NaN;
    }

    /// <summary>UTC, ns since midnight, or <see cref="NoTime"/>.</summary>
    public long TimeOfDayNs { get; set; }

    /// <summary>Days since 1970-01-01, or <see cref="NmeaDate.NoDay"/>.</summary>
    public int Day { get; set; }

    /// <summary>Which sentences came, a bit for each talker and type; tells a repeated one from a further one.</summary>
    public ulong Seen { get; set; }

    /// <summary>True when a sentence said whether there is a fix.</summary>
    public readonly bool IsJudged => _rmc != 0 || _gga != 0 || _gll != 0 || _gns != 0;

    /// <summary>True when a sentence gave a position and called it valid.</summary>
    public bool HasPosition { get; private set; }

    /// <summary>Latitude, 1e-9 degrees.</summary>
    public long LatitudeNdeg { get; private set; }

    /// <summary>Longitude, 1e-9 degrees.</summary>
    public long LongitudeNdeg { get; private set; }

    /// <summary>The highest fix mode that a GSA of this epoch gave; 0 when none came.</summary>
    public int GsaMode { get; private set; }

    /// <summary>Reads a sentence's position, when it is there and its own status calls it valid.</summary>
    public static bool TryPosition(in NmeaSentence s, out long latitude, out long longitude)
    {
        latitude = longitude = 0;
        var at = s.Type switch
        {
            NmeaType.Rmc => 3,
            NmeaType.Gll => 1,
            _ => 2,
        };
        return StatusOf(s) > 0
            && NmeaNumber.TryAngle(s[at], s[at + 1], isLatitude: true, out latitude)
            && NmeaNumber.TryAngle(s[at + 2], s[at + 3], isLatitude: false, out longitude);
    }

    /// <summary>What a sentence says of the fix: 1 valid, −1 none, 0 nothing.</summary>
    public static sbyte StatusOf(in NmeaSentence s)
    {
        switch (s.Type)
        {
            case NmeaType.Rmc:
                return s.Letter(2) == 'A' && s.Letter(12) != 'N' ? (sbyte)1 : (sbyte)-1;
            case NmeaType.Gll:
                return s.Letter(6) == 'A' && s.Letter(7) != 'N' ? (sbyte)1 : (sbyte)-1;
            case NmeaType.Gga:
                var quality = NmeaNumber.Whole(s[6]);
                return quality > 0 ? (sbyte)1 : quality == 0 ? (sbyte)-1 : (sbyte)0;
            case NmeaType.Gns:
                // One letter a constellation; N where it takes no part.
                return s[6].Trim((byte)'N').IsEmpty ? (sbyte)-1 : (sbyte)1;
            default:
                return 0;
        }
    }

    /// <summary>Merges a sentence of this epoch.</summary>
    public void Add(in NmeaSentence s)
    {
        if (TryPosition(s, out var latitude, out var longitude))
        {
            HasPosition = true;
            LatitudeNdeg = latitude;
            LongitudeNdeg = longitude;
        }

        switch (s.Type)
        {
            case NmeaType.Rmc:
                _rmc = StatusOf(s);
                if (_rmc > 0)
                {
                    AddMotion(NmeaNumber.NonNegative(s[7]) * KnotsToMps, NmeaNumber.NonNegative(s[8]));
                }

                break;
            case NmeaType.Gll:
                _gll = StatusOf(s);
                break;
            case NmeaType.Gga:
                _gga = StatusOf(s);
                _hasTooFew |= s.Talker is (byte)'P' or (byte)'N' && NmeaNumber.Whole(s[7]) is >= 0 and < SatellitesMin;
                AddAccuracy(s, 7, 8, 9);
                break;
            case NmeaType.Gns:
                _gns = StatusOf(s);
                AddAccuracy(s, 7, 8, 9);
                break;
            case NmeaType.Gsa:
                AddGsa(s);
                break;
            case NmeaType.Vtg:
                var knots = NmeaNumber.NonNegative(s[5]);
                if (s.Letter(9) is not ((byte)'N' or (byte)'E'))
                {
                    AddMotion(double.IsNaN(knots) ? NmeaNumber.NonNegative(s[7]) * KmhToMps : knots * KnotsToMps, NmeaNumber.NonNegative(s[1]));
                }

                break;
        }
    }

    /// <summary>The fix of this epoch.</summary>
    /// <param name="earlierGsaMode">The mode of an earlier epoch's GSA, 0 when unknown: some receivers send it every few seconds only.</param>
    public readonly GnssFix Resolve(int earlierGsaMode)
    {
        var fix = new GnssFix
        {
            UnixNs = TimeOfDayNs == NoTime || Day == NmeaDate.NoDay
                ? GnssFix.NoTime
                : (Day * NmeaDate.NsPerDay) + TimeOfDayNs,
            Hdop = _hdop,
            Satellites = _satellites >= 0 ? _satellites : _gsaSatellites > 0 ? _gsaSatellites : -1,
        };
        var isLost = !HasPosition || _rmc < 0 || _gga < 0 || _gll < 0 || _gns < 0 || GsaMode == 1;

        // A GGA alone that claims a fix from fewer satellites than one takes is the last position repeated (Hemisphere).
        var isStale = _hasTooFew && _rmc <= 0 && _gll <= 0 && _gns <= 0 && GsaMode < 2;
        if (isLost || isStale)
        {
            return fix;
        }

        var mode = GsaMode > 1 ? GsaMode : earlierGsaMode > 1 ? earlierGsaMode : fix.Satellites >= SatellitesOf3D && !double.IsNaN(_altitudeM) ? 3 : 2;
        fix.Mode = mode == 3 ? FixMode.ThreeD : FixMode.TwoD;
        fix.LatitudeNdeg = LatitudeNdeg;
        fix.LongitudeNdeg = LongitudeNdeg;

        // With three satellites the altitude is not measured but held; some receivers say 2D with more (Quectel).
        fix.AltitudeM = mode == 3 || fix.Satellites >= SatellitesOf3D ? _altitudeM : double.NaN;
        fix.SpeedMps = _speedMps;
        fix.TrackDeg = _trackDeg;
        return fix;
    }

    private void AddAccuracy(in NmeaSentence s, int satellites, int hdop, int altitude)
    {
        _satellites = Math.Max(_satellites, NmeaNumber.Whole(s[satellites]));
        AddHdop(s[hdop]);
        var metres = NmeaNumber.Decimal(s[altitude]);
        if (!double.IsNaN(metres))
        {
            _altitudeM = metres;
        }
    }

    private void AddGsa(in NmeaSentence s)
    {
        GsaMode = Math.Max(GsaMode, NmeaNumber.Whole(s[2]) is >= 1 and <= 3 and var mode ? mode : 0);
        for (var i = 3; i < 15; i++)
        {
            _gsaSatellites += NmeaNumber.Whole(s[i]) > 0 ? 1 : 0;
        }

        if (s.Count <= 19)
        {
            AddHdop(s[16]);
        }
    }

    /// <summary>99.9 and the like, and 0, stand for "unknown" (BT-451, Jackson Labs, Skytraq).</summary>
    private void AddHdop(ReadOnlySpan<byte> field)
    {
        var hdop = NmeaNumber.Decimal(field);
        if (hdop is > 0 and < 90)
        {
            _hdop = hdop;
        }
    }

    private void AddMotion(double speedMps, double trackDeg)
    {
        if (!double.IsNaN(speedMps))
        {
            _speedMps = speedMps;
        }

        if (trackDeg <= 360)
        {
            _trackDeg = trackDeg;
        }
    }
}
