using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The types of signed documents made here: member <c>type</c>, and the name of the published schema.</summary>
public static class DocumentTypes
{
    /// <summary>What was granted or withdrawn.</summary>
    public const string ConsentReceipt = "consent-receipt";

    /// <summary>Asks a recipient to erase what it was given (R78).</summary>
    public const string ErasureRequest = "erasure-request";

    /// <summary>What was erased on the board.</summary>
    public const string ErasureReceipt = "erasure-receipt";
}

/// <summary>How times and terms are written in documents.</summary>
internal static class DocumentWords
{
    /// <summary>A wall time to the second: <c>2026-01-31T12:00:00Z</c> (RFC 3339).</summary>
    public static string Time(long wallUnixNs) =>
        ClockExtensions.ToDate(wallUnixNs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>A term: <c>P30D</c> (ISO 8601).</summary>
    public static string Term(TimeSpan term) => System.Xml.XmlConvert.ToString(term);

    /// <summary>The quality of a clock: <c>ntp</c>.</summary>
    public static string Word(this ClockQuality quality) => quality.ToString().ToLowerInvariant();
}
