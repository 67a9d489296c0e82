using System.Globalization;
using System.Runtime.CompilerServices;

namespace FieldAgent.Delivery;

/// <summary>Writes doubles as the shortest decimal text that reads back to the same bits. Pure.</summary>
/// <remarks>Most readings are whole numbers of a decimal step. Such a value v is n/10^k with |n| below 2^53 and k at most 22: both
/// are exact doubles and IEEE 754 division rounds correctly, so the text "n with k decimals" reads back as that quotient. The
/// check is one multiplication, one division and one comparison; what fails it goes through the general formatter.</remarks>
internal static class NumberWriter
{
    /// <summary>Longest text of one value: 24 characters of a double, or a quoted name.</summary>
    public const int BytesMax = 32;

    private const double ExactMax = 9_007_199_254_740_992; // 2^53
    private const int DecimalsMax = 15;

    private static readonly double[] Powers =
        [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>Decimals that a column with step <paramref name="scale"/> needs; without a step, those of <paramref name="sample"/>.</summary>
    /// <returns>0 to 15; −1 when no decimal step is known.</returns>
    public static int DecimalsOf(double scale, double sample)
    {
        var value = scale is > 0 and < double.PositiveInfinity ? scale : sample;
        for (var decimals = 0; decimals <= DecimalsMax; decimals++)
        {
            if (IsExact(value, decimals, out _))
            {
                return decimals;
            }
        }

        return -1;
    }

    /// <summary>Writes <paramref name="value"/>: as an integer with a point when it has at most <paramref name="decimals"/>
    /// decimals, else the shortest text; NaN and the infinities as JSON strings.</summary>
    /// <returns>Bytes written, at most <see cref="BytesMax"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(double value, int decimals, Span<byte> room)
    {
        if (decimals >= 0 && TryGetSteps(value, decimals, out var steps))
        {
            return WriteSteps(steps, decimals, room);
        }

        return WriteGeneral(value, room);
    }

    /// <summary>The whole number n for which <paramref name="value"/> is exactly n / 10^<paramref name="decimals"/>.</summary>
    /// <returns>False when there is none (also for negative zero, which no integer can stand for).</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGetSteps(double value, int decimals, out long steps) =>
        IsExact(value, decimals, out steps) && (steps != 0 || !double.IsNegative(value));

    /// <summary>The whole number n for which <paramref name="value"/> is exactly n × <paramref name="scale"/>: so the kernel's raw
    /// numbers become values, and 2183 × 0.01 is not the double 21.83.</summary>
    /// <returns>False when there is none, also for negative zero.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGetMultiple(double value, double scale, out long steps)
    {
        var quotient = value / scale;
        if (!(quotient < ExactMax && quotient > -ExactMax))
        {
            steps = 0;
            return false;
        }

        steps = (long)(quotient + (quotient < 0 ? -0.5 : 0.5));
        return steps * scale == value && (steps != 0 || !double.IsNegative(value));
    }

    /// <summary>True when <paramref name="scale"/> can stand before a column of its multiples: a whole number there means decimals, and
    /// multiples of a whole number are whole numbers, which have 0 decimals.</summary>
    public static bool IsMultiplier(double scale) => scale is > 0 and < double.PositiveInfinity && Math.Floor(scale) != scale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsExact(double value, int decimals, out long steps)
    {
        var power = Powers[decimals];
        var scaled = value * power;
        if (!(scaled < ExactMax && scaled > -ExactMax))
        {
            steps = 0;
            return false;
        }

        // Rounding by adding a half is enough: the comparison below decides.
        steps = (long)(scaled + (scaled < 0 ? -0.5 : 0.5));
        return steps / power == value;
    }

    private static int WriteSteps(long steps, int decimals, Span<byte> room)
    {
        var at = 0;
        var rest = (ulong)steps;
        if (steps < 0)
        {
            room[at++] = (byte)'-';
            rest = (ulong)-steps;
        }

        // Trailing zeros after the point say nothing.
        while (decimals > 0)
        {
            var tenth = rest / 10;
            if (tenth * 10 != rest)
            {
                break;
            }

            rest = tenth;
            decimals--;
        }

        var digits = Math.Max(CountDigits(rest), decimals + 1);
        var end = at + digits + (decimals > 0 ? 1 : 0);
        var position = end;
        for (var i = 0; i < decimals; i++)
        {
            var tenth = rest / 10;
            room[--position] = (byte)('0' + (rest - (tenth * 10)));
            rest = tenth;
        }

        if (decimals > 0)
        {
            room[--position] = (byte)'.';
        }

        do
        {
            var tenth = rest / 10;
            room[--position] = (byte)('0' + (rest - (tenth * 10)));
            rest = tenth;
        }
        while (position > at);

        return end;
    }

    private static int CountDigits(ulong value)
    {
        var digits = 1;
        while (value >= 10)
        {
            value /= 10;
            digits++;
        }

        return digits;
    }

    private static int WriteGeneral(double value, Span<byte> room)
    {
        ReadOnlySpan<byte> name = value switch
        {
            double.NaN => "\"NaN\""u8,
            double.PositiveInfinity => "\"Infinity\""u8,
            double.NegativeInfinity => "\"-Infinity\""u8,
            // "-0" is an integer to many parsers, and integers have no negative zero.
            0 when double.IsNegative(value) => "-0.0"u8,
            _ => default,
        };
        if (!name.IsEmpty)
        {
            name.CopyTo(room);
            return name.Length;
        }

        value.TryFormat(room, out var written, default, CultureInfo.InvariantCulture);
        return written;
    }
}
