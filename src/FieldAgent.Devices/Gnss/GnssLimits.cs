using FieldAgent.Core;

namespace FieldAgent.Devices.Gnss;

/// <summary>Every limit of the GNSS sensor, with the reason for its value.</summary>
internal static class GnssLimits
{
    /// <summary>Longest sentence, in characters from <c>$</c>. NMEA 0183 says 82; receivers with 24-satellite GSA or
    /// seven-decimal coordinates send up to about 150. Must stay below 256: field offsets are bytes.</summary>
    public const int SentenceBytesMax = 250;

    /// <summary>Most fields of a sentence that are looked at; the longest known (GSA of a CH-4701) has 30.</summary>
    public const int FieldsMax = 40;

    /// <summary>Bytes read at once: a second at 115,200 baud is 11.5 kB, so one epoch seldom takes more than three reads.</summary>
    public const int ReadBytes = 4096;

    /// <summary>A serial line that is quiet for so long has sent its epoch. A gap between two sentences of one epoch is
    /// a few ms; the gap between two epochs at 1 to 5 Hz is longer than this.</summary>
    public const int EpochQuietMs = 120;

    /// <summary>Most that the pause grows to with a receiver that pauses within its epochs; a second is the usual time between two.</summary>
    public const int EpochQuietMsMax = 960;

    /// <summary>Without a fix for so long, the receiver's row says "no fix" even when the line is silent; also the rate of those rows.</summary>
    public const long LostRowNs = 5 * ClockExtensions.NsPerSecond;

    /// <summary>A fix may come so much before its interval is over and still count as due: half of the usual fix interval.</summary>
    public const long IntervalJitterNsMax = ClockExtensions.NsPerSecond / 2;

    /// <summary>A serial line without one good sentence for so long is wired or set wrongly. Receivers send at least
    /// every ten seconds, also without a fix.</summary>
    public const long SerialSilenceNs = 30 * ClockExtensions.NsPerSecond;

    /// <summary>Longest line from gpsd: its own limit is 10,240 bytes (GPS_JSON_RESPONSE_MAX).</summary>
    public const int GpsdLineBytesMax = 16 * 1024;

    /// <summary>Time to resolve gpsd's host, and again to connect to it; it is on this board or in this building.</summary>
    public static readonly TimeSpan GpsdConnectMax = TimeSpan.FromSeconds(5);

    /// <summary>Smallest time between two WATCH requests: gpsd answers each with DEVICES, which itself asks for a WATCH.</summary>
    public const long GpsdWatchGapNs = 5 * ClockExtensions.NsPerSecond;

    /// <summary>Longest pause of a recording that a paced replay waits for; a recorder that was off overnight is not replayed as night.</summary>
    public const long ReplayGapNsMax = 60 * ClockExtensions.NsPerSecond;

    /// <summary>Pause between two rounds of a looped recording, and between fixes of one that has no times: the usual fix rate.</summary>
    public const long ReplayStepNs = ClockExtensions.NsPerSecond;

    /// <summary>No live receiver can be right that reports a date before this program was written (2026-01-01). Receivers
    /// whose week counter rolled over report dates 1,024 weeks (19.6 years) back; from this date on the sum is unambiguous until 2045.</summary>
    public const int LiveNotBeforeDay = 20_454;

    /// <summary>A date put forward by a rollover is offered as time only when the board's own estimate is this near (one year; a board keeps
    /// the time of its last shutdown): an old recording fed to a live line looks just like a receiver whose counter rolled over.</summary>
    public const long UnrolledOfferNsMax = 365 * 86_400 * ClockExtensions.NsPerSecond;

    /// <summary>Length of the GPS week counter: 1,024 weeks, in days (IS-GPS-200, 20.3.3.3.1.1).</summary>
    public const int RolloverDays = 1024 * 7;

    /// <summary>Clock may run back so far between two sentences without a day having passed: two sentences of one cycle may
    /// differ by a second or two.</summary>
    public const long BackwardsNsMax = 10 * ClockExtensions.NsPerSecond;

    /// <summary>Smallest change of a position within one epoch that makes a revision worth reporting, in 1e-9 degrees: 0.1 m. Below it
    /// the sentences differ only in the number of their decimals.</summary>
    public const long RevisionNdeg = 1_000;

    /// <summary>Epochs after which a constellation's satellites in view count as gone: GSV comes every epoch to every tenth.</summary>
    public const int InViewEpochs = 12;
}
