namespace FieldAgent.Devices.Gnss;

/// <summary>What a receiver can say of its position.</summary>
internal enum FixMode : byte
{
    /// <summary>No fix.</summary>
    None = 1,

    /// <summary>Latitude and longitude.</summary>
    TwoD = 2,

    /// <summary>With altitude.</summary>
    ThreeD = 3,
}

/// <summary>What the receiver said of one epoch. What it did not say is absent: <see cref="NoTime"/>, NaN, or −1.</summary>
internal struct GnssFix
{
    /// <summary>Marks an absent time.</summary>
    public const long NoTime = long.MinValue;

    /// <summary>An epoch of which nothing is known.</summary>
    public GnssFix()
    {
    }

    /// <summary>Fix mode. Without a fix the struct holds no position, altitude, speed or track.</summary>
    public FixMode Mode = FixMode.None;

    /// <summary>A position that a later sentence of the same epoch replaced; a live source skips it.</summary>
    public bool IsRevised;

    /// <summary>The date was put forward by one or more week-counter periods: right for a receiver of this day, wrong for an old recording
    /// that someone feeds to a live line.</summary>
    public bool IsDateUnrolled;

    /// <summary>UTC as Unix ns, or <see cref="NoTime"/> while the receiver has given no date.</summary>
    public long UnixNs = NoTime;

    /// <summary>Latitude in 1e-9 degrees, north positive; meaningful when <see cref="HasPosition"/>. Seven decimals of a minute, the
    /// most that receivers give, are 1.7e-9 degrees.</summary>
    public long LatitudeNdeg;

    /// <summary>Longitude in 1e-9 degrees, east positive; meaningful when <see cref="HasPosition"/>.</summary>
    public long LongitudeNdeg;

    /// <summary>Altitude above mean sea level, m; NaN when absent.</summary>
    public double AltitudeM = double.NaN;

    /// <summary>Speed over ground, m/s; NaN when absent.</summary>
    public double SpeedMps = double.NaN;

    /// <summary>Course over ground, degrees from true north, 0 to 360; NaN when absent.</summary>
    public double TrackDeg = double.NaN;

    /// <summary>Horizontal dilution of precision; NaN when absent.</summary>
    public double Hdop = double.NaN;

    /// <summary>Satellites used, −1 when absent.</summary>
    public int Satellites = -1;

    /// <summary>Satellites in view, −1 when absent.</summary>
    public int InView = -1;

    /// <summary>Without a fix: ns since the last one by the receiver's time, or −1 when not known.</summary>
    public long LostForNs = -1;

    /// <summary>True when there is a fix, and so a position.</summary>
    public readonly bool HasPosition => Mode >= FixMode.TwoD;

    /// <summary>True when the time is known.</summary>
    public readonly bool HasTime => UnixNs != NoTime;
}
