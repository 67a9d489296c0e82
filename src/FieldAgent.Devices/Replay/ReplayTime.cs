using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Reads a time as ISO 8601 (<c>2026-05-01T12:00:00.25Z</c>, <c>2026-05-01 12:00:00+02:00</c>, UTC when no zone is given) or as
/// seconds since any moment (<c>1714564800.25</c>). To the nanosecond, without allocation.</summary>
internal static class ReplayTime
{
    private const long SecondsMax = long.MaxValue / ClockExtensions.NsPerSecond;

    /// <summary>Parses <paramref name="text"/> into nanoseconds.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long ns) =>
        text.Length > 10 && text[4] == (byte)'-' && text[7] == (byte)'-' ? TryParseDate(text, out ns) : TryParseSeconds(text, out ns);

    private static bool TryParseSeconds(ReadOnlySpan<byte> text, out long ns)
    {
        ns = 0;
        var negative = text.StartsWith("-"u8);
        text = negative ? text[1..] : text;
        var point = text.IndexOf((byte)'.');
        var whole = point < 0 ? text : text[..point];
        long fraction = 0;
        if (!TryParseDigits(whole, out var seconds) || seconds >= SecondsMax || (point >= 0 && !TryParseFraction(text[(point + 1)..], out fraction)))
        {
            return false;
        }

        ns = (seconds * ClockExtensions.NsPerSecond) + fraction;
        ns = negative ? -ns : ns;
        return true;
    }

    private static bool TryParseDate(ReadOnlySpan<byte> text, out long ns)
    {
        ns = 0;
        if (text.Length < 19 || (text[10] is not ((byte)'T' or (byte)'t' or (byte)' ')) || text[13] != (byte)':' || text[16] != (byte)':'
            || !TryParseDigits(text[..4], out var year) || !TryParseDigits(text[5..7], out var month) || !TryParseDigits(text[8..10], out var day)
            || !TryParseDigits(text[11..13], out var hour) || !TryParseDigits(text[14..16], out var minute)
            || !TryParseDigits(text[17..19], out var second)
            || year is < 1678 or > 2261 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth((int)year, (int)month)
            || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        var rest = text[19..];
        long fraction = 0;
        if (rest.Length > 0 && rest[0] is (byte)'.' or (byte)',')
        {
            var end = rest[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            end = end < 0 ? rest.Length : end + 1;
            if (!TryParseFraction(rest[1..end], out fraction))
            {
                return false;
            }

            rest = rest[end..];
        }

        if (!TryParseZone(rest, out var zoneSeconds))
        {
            return false;
        }

        var days = new DateOnly((int)year, (int)month, (int)day).DayNumber - new DateOnly(1970, 1, 1).DayNumber;
        var seconds = (days * 86_400L) + (hour * 3_600) + (minute * 60) + second - zoneSeconds;
        ns = (seconds * ClockExtensions.NsPerSecond) + fraction;
        return true;
    }

    private static bool TryParseZone(ReadOnlySpan<byte> text, out long seconds)
    {
        seconds = 0;
        if (text.IsEmpty || text.SequenceEqual("Z"u8) || text.SequenceEqual("z"u8))
        {
            return true;
        }

        var sign = text[0] == (byte)'-' ? -1 : 1;
        if (text[0] is not ((byte)'+' or (byte)'-'))
        {
            return false;
        }

        text = text[1..];
        ReadOnlySpan<byte> minuteText = text.Length == 5 && text[2] == (byte)':' ? text[3..] : text.Length == 4 ? text[2..] : "0"u8;
        if (text.Length is not (2 or 4 or 5) || !TryParseDigits(text[..2], out var hours) || !TryParseDigits(minuteText, out var minutes)
            || hours > 23 || minutes > 59)
        {
            return false;
        }

        seconds = sign * ((hours * 3_600) + (minutes * 60));
        return true;
    }

    private static bool TryParseFraction(ReadOnlySpan<byte> digits, out long ns)
    {
        ns = 0;
        for (var i = 0; i < 9; i++)
        {
            ns *= 10;
            if (i < digits.Length)
            {
                if (!char.IsAsciiDigit((char)digits[i]))
                {
                    return false;
                }

                ns += digits[i] - '0';
            }
        }

        // Below a nanosecond: must still be digits.
        return digits.Length <= 9 || digits[9..].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
    }

    private static bool TryParseDigits(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit((char)c) || value > SecondsMax)
            {
                return false;
            }

            value = (value * 10) + (c - '0');
        }

        return text.Length > 0;
    }
}
