using FieldAgent.Core;

namespace FieldAgent.Devices.Gnss;

/// <summary>Days from what receivers send: two-digit years, four-digit years, and dates that a week counter threw 1,024 weeks back.</summary>
internal static class NmeaDate
{
    /// <summary>An absent day.</summary>
    public const int NoDay = int.MinValue;

    /// <summary>Nanoseconds of a day.</summary>
    public const long NsPerDay = 86_400 * ClockExtensions.NsPerSecond;

    private const int UnixDayOfYear1 = 719_162;

    /// <summary>The day of <c>ddmmyy</c>, in days since 1970-01-01, or <see cref="NoDay"/>.</summary>
    /// <param name="field">The field; anything but six digits of a real date is absent (a Telit HE910 sends a year of −1).</param>
    /// <param name="yearHint">A full year known from ZDA, or 0. Without one the century is that in which GPS exists: 1980 to 2079.</param>
    public static int FromDdmmyy(ReadOnlySpan<byte> field, int yearHint)
    {
        if (field.Length != 6 || !NmeaNumber.TryPair(field, out var day) || !NmeaNumber.TryPair(field[2..], out var month)
            || !NmeaNumber.TryPair(field[4..], out var yy))
        {
            return NoDay;
        }

        var pivot = yearHint > 0 ? yearHint - 50 : 1980;
        var year = pivot + (((yy - pivot) % 100) + 100) % 100;
        return FromDate(year, month, day);
    }

    /// <summary>The day of a date, in days since 1970-01-01, or <see cref="NoDay"/> when there is no such date.</summary>
    public static int FromDate(int year, int month, int day) =>
        year is < 1980 or > 2200 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)
            ? NoDay
            : new DateOnly(year, month, day).DayNumber - UnixDayOfYear1;

    /// <summary>Adds the week-counter periods that a date before <paramref name="notBefore"/> lacks.</summary>
    /// <param name="day">Days since 1970-01-01, or <see cref="NoDay"/>.</param>
    /// <param name="notBefore">Earliest possible day, or <see cref="NoDay"/> to leave dates as they are (recordings may be old).</param>
    public static int Unroll(int day, int notBefore)
    {
        if (day == NoDay || notBefore == NoDay || day >= notBefore)
        {
            return day;
        }

        var periods = (notBefore - day + GnssLimits.RolloverDays - 1) / GnssLimits.RolloverDays;
        return day + (periods * GnssLimits.RolloverDays);
    }
}
