using System.Globalization;
using FieldAgent.Agent.Control;
using FieldAgent.Core;

namespace FieldAgent.Agent.DataProtection;

/// <summary>A time in a request, as a technician writes it: a day or a moment, UTC where nothing else is said.</summary>
internal static class RequestTime
{
    /// <summary>Reads it.</summary>
    /// <param name="text">What was written; null when nothing was.</param>
    /// <param name="wallUnixNs">Unix ns; <paramref name="otherwise"/> when nothing was written.</param>
    /// <param name="otherwise">What nothing means; 0: a time must be given.</param>
    /// <returns>False when it is no time.</returns>
    public static bool TryRead(string? text, out long wallUnixNs, long otherwise = 0)
    {
        wallUnixNs = otherwise;
        if (text is null)
        {
            return otherwise != 0;
        }

        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) || time.Year is < 1971 or > 2261)
        {
            return false;
        }

        wallUnixNs = (time - DateTimeOffset.UnixEpoch).ToNs();
        return true;
    }

    /// <summary>The answer to what is no time.</summary>
    public static ControlReply Bad(string? text) => ControlReply.No($"'{text}' is no time; write 2026-01-31 or 2026-01-31T12:00:00Z (UTC)");
}
