using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Makes one steady wall offset out of the times that a receiver reports. A report comes late by the time of its sentence on
/// the line, never early, so of many the largest offset is the truest. One report alone is not believed: receivers start with a date
/// from their memory or a wrong week. Not thread-safe.</summary>
internal sealed class GnssTime
{
    private long _candidateNs;
    private int _agreeing;
    private long _windowEndNs;
    private long _windowBestNs = long.MinValue;

    /// <summary>True when a time is believed.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>Nanoseconds to add to boot-time for wall time.</summary>
    public long OffsetNs { get; private set; }

    /// <summary>Boot-time of the newest report that agreed, ns.</summary>
    public long LastBootNs { get; private set; }

    /// <summary>Takes a report.</summary>
    /// <param name="unixNs">The receiver's time.</param>
    /// <param name="bootNs">When it said so.</param>
    /// <param name="nowBootNs">Now.</param>
    /// <returns>False when the report is not believable or contradicts what is believed.</returns>
    public bool Offer(long unixNs, long bootNs, long nowBootNs)
    {
        if (unixNs is < ClockLimits.WallNsMin or > ClockLimits.WallNsMax
            || bootNs > nowBootNs || nowBootNs - bootNs > ClockLimits.OfferAgeNsMax)
        {
            return false;
        }

        var offset = unixNs - bootNs;
        if (IsKnown && Math.Abs(offset - OffsetNs) <= ClockLimits.OfferAgreesNs)
        {
            _agreeing = 0;
            LastBootNs = bootNs;
            Refine(offset, bootNs);
            return true;
        }

        _agreeing = _agreeing > 0 && Math.Abs(offset - _candidateNs) <= ClockLimits.OfferAgreesNs ? _agreeing + 1 : 1;
        _candidateNs = _agreeing == 1 ? offset : Math.Max(_candidateNs, offset);
        if (_agreeing < (IsKnown ? ClockLimits.OffersToStep : ClockLimits.OffersToBelieve))
        {
            return false;
        }

        IsKnown = true;
        OffsetNs = _candidateNs;
        LastBootNs = bootNs;
        _agreeing = 0;
        _windowEndNs = bootNs + ClockLimits.OfferWindowNs;
        _windowBestNs = long.MinValue;
        return true;
    }

    /// <summary>Forgets the time: a better one has been there for long.</summary>
    public void Forget()
    {
        IsKnown = false;
        _agreeing = 0;
    }

    private void Refine(long offset, long bootNs)
    {
        _windowBestNs = Math.Max(_windowBestNs, offset);
        if (bootNs >= _windowEndNs)
        {
            OffsetNs = _windowBestNs;
            _windowBestNs = long.MinValue;
            _windowEndNs = bootNs + ClockLimits.OfferWindowNs;
        }
    }
}
