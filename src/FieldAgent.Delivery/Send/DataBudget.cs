using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What a metered network may cost (R53): when it is used up, readings and pictures wait for the next day or month; the state,
/// documents and answers to commands go on, they are few and small. Counts payloads and topics, as they are sent. One thread.</summary>
/// <param name="recipient">Whose.</param>
/// <param name="bytesMax">Bytes a period.</param>
/// <param name="perMonth">A calendar month (UTC); else a day.</param>
/// <param name="ledger">Keeps the count through restarts.</param>
/// <param name="clock">Says which day it is.</param>
public sealed class DataBudget(string recipient, long bytesMax, bool perMonth, IBudgetLedger ledger, IClock clock)
{
    private const long DayNs = 86_400 * ClockExtensions.NsPerSecond;

    /// <summary>Writing each message would cost the disk more than the network: what a power cut may forget is a hundredth of the budget.</summary>
    private readonly long _saveAfter = Math.Max(1, bytesMax / 100);

    private long _from = long.MinValue;
    private long _day;
    private long _used;
    private long _unsaved;

    /// <summary>How long nothing more may be sent; zero while there is budget left.</summary>
    /// <exception cref="StoreFault">The count cannot be read.</exception>
    public TimeSpan Pause()
    {
        Look();
        if (_used < bytesMax)
        {
            return TimeSpan.Zero;
        }

        Save();
        var now = clock.Now().WallUnixNs;
        return TimeSpan.FromTicks(Math.Max(1, ((NextDay() * DayNs) - now) / 100));
    }

    /// <summary>Counts a message that was sent.</summary>
    public void Sent(long bytes)
    {
        _used += bytes;
        _unsaved += bytes;
        if (_unsaved >= _saveAfter)
        {
            Save();
        }
    }

    /// <summary>Writes what is only in memory; tried again later when that fails.</summary>
    public void Save()
    {
        if (_unsaved == 0)
        {
            return;
        }

        try
        {
            ledger.Add(recipient, _day, _unsaved);
            _unsaved = 0;
        }
        catch (StoreFault)
        {
            // Still counted in memory.
        }
    }

    /// <summary>What status says while it pauses.</summary>
    public string Detail => string.Create(CultureInfo.InvariantCulture,
        $"paused: this {(perMonth ? "month" : "day")}'s budget of {bytesMax} bytes is used up; readings wait until {ClockExtensions.ToDate(NextDay() * DayNs):yyyy-MM-dd} UTC");

    private void Look()
    {
        var day = clock.Now().WallUnixNs / DayNs;
        if (day == _day && _from != long.MinValue)
        {
            return;
        }

        Save();
        _day = day;
        var date = ClockExtensions.ToDate(day * DayNs);
        var from = perMonth ? day - (date.Day - 1) : day;
        _used = ledger.Used(recipient, from) + _unsaved;
        _from = from;
    }

    private long NextDay()
    {
        var date = ClockExtensions.ToDate(_day * DayNs);
        return perMonth ? _day - (date.Day - 1) + DateTime.DaysInMonth(date.Year, date.Month) : _day + 1;
    }
}
