namespace FieldAgent.Devices.Gnss;

/// <summary>Merges the sentences of each epoch into one <see cref="GnssFix"/>. An epoch ends when a sentence with another time comes,
/// or a sentence without a time comes again, or the caller knows that it is over. Allocates nothing per sentence. Not thread-safe.</summary>
/// <param name="notBeforeDay">Earliest day (since 1970) a date can have, for live receivers whose week counter rolled over;
/// <see cref="NmeaDate.NoDay"/> for recordings, which may be of any age.</param>
internal sealed class EpochAssembler(int notBeforeDay = NmeaDate.NoDay)
{
    private readonly SatellitesInView _inView = new();
    private NmeaEpoch _epoch = new(NmeaEpoch.NoTime, NmeaDate.NoDay);
    private bool _isReported;
    private bool _seenChecksum;
    private int _gsaMode;
    private bool _isUnrolled;
    private int _zdaYear;
    private int _day = NmeaDate.NoDay;
    private long _timeOfDayNs;
    private long _lastFixUnixNs = GnssFix.NoTime;

    /// <summary>Sentences of an epoch that had been reported already.</summary>
    public long LateSentences { get; private set; }

    /// <summary>What was taken and what was skipped.</summary>
    public NmeaCounts Counts;

    /// <summary>Takes one line.</summary>
    /// <param name="line">From <c>$</c> or <c>!</c>, without line end.</param>
    /// <param name="fix">The fix that is complete: that of the epoch before this sentence's, or a position that this
    /// sentence revises.</param>
    /// <returns>True when <paramref name="fix"/> is given.</returns>
    public bool Push(ReadOnlySpan<byte> line, out GnssFix fix)
    {
        fix = default;
        switch (NmeaSentence.Parse(line, out var s))
        {
            case NmeaVerdict.Foreign:
                Counts.Foreign++;
                return false;
            case NmeaVerdict.Checksum:
                Counts.Checksum++;
                return false;
            case NmeaVerdict.Malformed:
                Counts.Malformed++;
                return false;
        }

        // A receiver sends checksums always or never; one that misses from here on was cut off with the end of its line.
        if (!s.HasChecksum && _seenChecksum)
        {
            Counts.Malformed++;
            return false;
        }

        _seenChecksum |= s.HasChecksum;
        Counts.Good++;
        return Take(s, out fix);
    }

    /// <summary>Ends the epoch: the line is quiet, or the recording is at its end. Later sentences of the same epoch
    /// are not reported again.</summary>
    /// <returns>True when there was one that has not been reported.</returns>
    public bool Complete(out GnssFix fix)
    {
        fix = default;
        if (_isReported || !_epoch.IsJudged)
        {
            return false;
        }

        _isReported = true;
        fix = _epoch.Resolve(_gsaMode);
        _gsaMode = !fix.HasPosition ? 0 : _epoch.GsaMode > 0 ? _epoch.GsaMode : _gsaMode;
        fix.InView = _inView.Total();
        fix.IsDateUnrolled = _isUnrolled;
        _inView.EndEpoch();
        if (!fix.HasPosition)
        {
            fix.LostForNs = fix.HasTime && _lastFixUnixNs != GnssFix.NoTime && fix.UnixNs >= _lastFixUnixNs ? fix.UnixNs - _lastFixUnixNs : -1;
        }
        else if (fix.HasTime)
        {
            _lastFixUnixNs = fix.UnixNs;
        }

        return true;
    }

    private bool Take(in NmeaSentence s, out GnssFix fix)
    {
        fix = default;
        switch (s.Type)
        {
            case NmeaType.Other:
                return false;
            case NmeaType.Gsv:
                _inView.Add(s);
                return false;
            case NmeaType.Zda:
                TakeZda(s);
                return false;
            case NmeaType.Gsa or NmeaType.Vtg:
                _epoch.Add(s);
                return false;
        }

        var status = NmeaEpoch.StatusOf(s);
        var hasTime = NmeaNumber.TryTimeOfDay(s[s.Type switch { NmeaType.Rmc or NmeaType.Gga or NmeaType.Gns => 1, _ => 5 }], out var timeOfDay);
        var bit = SeenBit(s);
        bool given;
        if (IsNext(hasTime, timeOfDay, bit))
        {
            given = Complete(out fix);
            Begin(hasTime ? timeOfDay : NmeaEpoch.NoTime, isTrusted: status > 0);
        }
        else
        {
            if (hasTime && _epoch.TimeOfDayNs == NmeaEpoch.NoTime)
            {
                _epoch.TimeOfDayNs = timeOfDay;
                _epoch.Day = DayOf(timeOfDay, isTrusted: status > 0);
            }

            LateSentences += _isReported && hasTime ? 1 : 0;
            given = TakeRevision(s, out fix);
        }

        _epoch.Seen |= bit;
        _epoch.Add(s);
        if (s.Type == NmeaType.Rmc)
        {
            TakeDate(s, status > 0, hasTime, timeOfDay);
        }

        return given;
    }

    /// <summary>Does the sentence open an epoch? With times, another time does, and a time that stands still does not: such a
    /// receiver has lost its fix (Trimble Placer). Without times, a repeated sentence does.</summary>
    private bool IsNext(bool hasTime, long timeOfDayNs, ulong bit) =>
        hasTime && _epoch.TimeOfDayNs != NmeaEpoch.NoTime
            ? timeOfDayNs != _epoch.TimeOfDayNs
            : (_epoch.Seen & bit) != 0 || (_isReported && hasTime);

    private void Begin(long timeOfDayNs, bool isTrusted)
    {
        _epoch = new NmeaEpoch(timeOfDayNs, timeOfDayNs == NmeaEpoch.NoTime ? NmeaDate.NoDay : DayOf(timeOfDayNs, isTrusted));
        _isReported = false;
    }

    /// <summary>A second position in one epoch: what stood before is reported as revised, so that nothing is lost.</summary>
    private bool TakeRevision(in NmeaSentence s, out GnssFix fix)
    {
        fix = default;
        if (_isReported || !_epoch.HasPosition || !NmeaEpoch.TryPosition(s, out var latitude, out var longitude)
            || (Math.Abs(latitude - _epoch.LatitudeNdeg) < GnssLimits.RevisionNdeg && Math.Abs(longitude - _epoch.LongitudeNdeg) < GnssLimits.RevisionNdeg))
        {
            return false;
        }

        fix = _epoch.Resolve(_gsaMode);
        fix.InView = _inView.Total();
        fix.IsRevised = true;
        return fix.HasPosition;
    }

    /// <summary>The day of a time that comes without date: that of the last date, or the next when the time of day fell back.
    /// Times that come without a fix may be wrong and move nothing.</summary>
    private int DayOf(long timeOfDayNs, bool isTrusted)
    {
        if (_day == NmeaDate.NoDay)
        {
            return NmeaDate.NoDay;
        }

        var day = timeOfDayNs < _timeOfDayNs - GnssLimits.BackwardsNsMax ? _day + 1 : _day;
        if (isTrusted)
        {
            _day = day;
            _timeOfDayNs = timeOfDayNs;
        }

        return day;
    }

    private void TakeDate(in NmeaSentence s, bool isTrusted, bool hasTime, long timeOfDayNs)
    {
        var sent = NmeaDate.FromDdmmyy(s[9], _zdaYear);
        var day = NmeaDate.Unroll(sent, notBeforeDay);
        if (isTrusted && hasTime && day != NmeaDate.NoDay)
        {
            _day = day;
            _timeOfDayNs = timeOfDayNs;
            _isUnrolled = day != sent;
            _epoch.Day = day;
        }
        else if (!isTrusted && (!hasTime || day == NmeaDate.NoDay))
        {
            // The receiver has lost the date as well: after a long outage the old one would be wrong.
            _day = NmeaDate.NoDay;
        }
        else if (!isTrusted && _epoch.Day == NmeaDate.NoDay)
        {
            // Good enough to say when there was no fix.
            _epoch.Day = day;
        }
    }

    private void TakeZda(in NmeaSentence s)
    {
        var year = NmeaNumber.Whole(s[4]);
        var sent = NmeaDate.FromDate(year, NmeaNumber.Whole(s[3]), NmeaNumber.Whole(s[2]));
        var day = NmeaDate.Unroll(sent, notBeforeDay);
        if (day == NmeaDate.NoDay || !NmeaNumber.TryTimeOfDay(s[1], out var timeOfDay))
        {
            return;
        }

        _zdaYear = year;
        _isUnrolled = day != sent;
        _day = day;
        _timeOfDayNs = timeOfDay;
        if (timeOfDay == _epoch.TimeOfDayNs)
        {
            _epoch.Day = day;
        }
    }

    private static ulong SeenBit(in NmeaSentence s)
    {
        var talker = s.Talker switch
        {
            (byte)'P' => 0,
            (byte)'N' => 1,
            (byte)'L' => 2,
            (byte)'A' => 3,
            (byte)'B' or (byte)'D' => 4,
            (byte)'Z' or (byte)'Q' => 5,
            (byte)'I' => 6,
            _ => 7,
        };
        return 1UL << ((talker * 5) + (int)s.Type);
    }
}
