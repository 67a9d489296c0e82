using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>The words that enumerations have on the wire; the contract's schemas list the same.</summary>
internal static class ContractWords
{
    /// <summary>Version of the message formats.</summary>
    public const int Version = 1;

    private static readonly string[] Clock = ["unsynced", "rtc", "ntp", "gnss"];

    private static readonly string[] Gap =
        ["storage-cap", "disk-full", "term-over", "consent-withdrawn", "store-reset", "unreadable", "rejected", "erased"];

    private static readonly string[] Notice = ["consent", "erasure", "audit", "incident", "facts"];

    /// <summary><c>gnss</c>, <c>ntp</c>, <c>rtc</c>, <c>unsynced</c>.</summary>
    public static string Of(ClockQuality quality) => (int)quality < Clock.Length ? Clock[(int)quality] : Clock[0];

    /// <summary><c>storage-cap</c> …</summary>
    public static string Of(GapReason reason) => (int)reason < Gap.Length ? Gap[(int)reason] : "other";

    /// <summary><c>consent</c>, <c>erasure</c>, <c>audit</c>, <c>incident</c>, <c>facts</c>: also the last level of the notice's topic.</summary>
    public static string Of(NoticeKind kind) => Notice[(int)kind];

    /// <summary>True for a word of <see cref="Of(NoticeKind)"/>.</summary>
    public static bool IsNotice(string word) => Array.IndexOf(Notice, word) >= 0;

    /// <summary>True for a word of <see cref="Of(ClockQuality)"/>.</summary>
    public static bool IsClock(string word) => Array.IndexOf(Clock, word) >= 0;

    /// <summary>True for a word of <see cref="Of(GapReason)"/>.</summary>
    public static bool IsGapReason(string word) => word == "other" || Array.IndexOf(Gap, word) >= 0;
}
