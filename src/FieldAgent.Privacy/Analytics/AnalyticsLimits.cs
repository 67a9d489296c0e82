namespace FieldAgent.Privacy;

/// <summary>Limits of anonymous windows, each with its reason.</summary>
public static class AnalyticsLimits
{
    /// <summary>Shortest window: an hour is longer than what a person does at an instrument at one go, so that no act can be seen in it.</summary>
    public static readonly TimeSpan WindowMin = TimeSpan.FromHours(1);

    /// <summary>Longest window: a power cut loses the one that is open.</summary>
    public static readonly TimeSpan WindowMax = TimeSpan.FromDays(1);

    /// <summary>Fewest readings of a window: with less, the least and the greatest come close to being readings.</summary>
    public const int ReadingsMin = 60;

    /// <summary>Readings of which percentiles are estimated, chosen evenly at random: the median of any distribution then lies within ±4 % of
    /// its rank with 95 % probability (binomial), in 4 KiB a stream. Windows of no more readings are exact.</summary>
    public const int SampleMax = 512;

    /// <summary>Streams that are summed up at most: 2 MiB of samples.</summary>
    public const int StreamsMax = 512;
}
