namespace FieldAgent.Devices;

/// <summary>What the clock believes, each with the reason.</summary>
internal static class ClockLimits
{
    /// <summary>A wall time before this (2024-01-01) is a board without a clock, or a receiver that has lost count of its weeks.</summary>
    public const long WallNsMin = 1_704_067_200L * 1_000_000_000;

    /// <summary>A wall time after this (2100-01-01) is nonsense.</summary>
    public const long WallNsMax = 4_102_444_800L * 1_000_000_000;

    /// <summary>How long what the kernel says is taken as still true: synchronisation changes over minutes.</summary>
    public const long CheckEveryNs = 2_000_000_000;

    /// <summary>The wall offset changes only when it is off by more than this, so that it is not restless within a block; NTP slews by at
    /// most 0.5 ms a second.</summary>
    public const long OffsetNoiseNs = 100_000;

    /// <summary>Oldest offer that is taken: a fix is passed on within a second or two.</summary>
    public const long OfferAgeNsMax = 10_000_000_000;

    /// <summary>Two offers agree when they are no further apart: a serial receiver's sentences come up to a second late.</summary>
    public const long OfferAgreesNs = 1_500_000_000;

    /// <summary>Offers in a row that must agree before the first is believed.</summary>
    public const int OffersToBelieve = 2;

    /// <summary>Offers in a row that must agree before a time that was believed is given up for another.</summary>
    public const int OffersToStep = 5;

    /// <summary>Offers of this long are put together: the earliest sentence of them was held up least.</summary>
    public const long OfferWindowNs = 60_000_000_000;

    /// <summary>NTP has been the better time for so long that an older GNSS time is not gone back to.</summary>
    public const long GnssAgeNsMax = 3_600L * 1_000_000_000;

    /// <summary>A single wait lasts no longer: waits do not count suspended time, so after a resume one is late by this at most.</summary>
    public const int WaitMsMax = 15_000;
}
