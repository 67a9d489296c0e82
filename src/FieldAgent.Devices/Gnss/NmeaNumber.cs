namespace FieldAgent.Devices.Gnss;

/// <summary>Numbers as NMEA 0183 writes them: plain decimals, no exponent, no white space, no culture. An empty or
/// malformed field is absent, never zero.</summary>
internal static class NmeaNumber
{
    private static readonly long[] PowersOfTen =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000];

    /// <summary>A decimal number of at most 15 digits, of which at most ten behind the point are kept.</summary>
    /// <returns>The number, correctly rounded, or NaN.</returns>
    public static double Decimal(ReadOnlySpan<byte> field)
    {
        var negative = false;
        if (field.Length > 0 && field[0] is (byte)'-' or (byte)'+')
        {
            negative = field[0] == '-';
            field = field[1..];
        }

        if (!TryScaled(field, out var mantissa, out var decimals))
        {
            return double.NaN;
        }

        var value = (double)mantissa / PowersOfTen[decimals];
        return negative ? -value : value;
    }

    /// <summary>A number that cannot be negative; NaN otherwise.</summary>
    public static double NonNegative(ReadOnlySpan<byte> field)
    {
        var value = Decimal(field);
        return value >= 0 ? value : double.NaN;
    }

    /// <summary>A whole number without sign, of at most nine digits; −1 when absent.</summary>
    public static int Whole(ReadOnlySpan<byte> field)
    {
        if (field.Length is 0 or > 9)
        {
            return -1;
        }

        var value = 0;
        foreach (var c in field)
        {
            if (!IsDigit(c))
            {
                return -1;
            }

            value = (value * 10) + (c - '0');
        }

        return value;
    }

    /// <summary>Reads <c>dddmm.mmmm</c> and its hemisphere.</summary>
    /// <param name="field">Degrees and minutes; the point may be absent.</param>
    /// <param name="hemisphere">N, S, E or W.</param>
    /// <param name="isLatitude">Which hemispheres and range hold.</param>
    /// <param name="ndeg">The angle in 1e-9 degrees, rounded to nearest.</param>
    public static bool TryAngle(ReadOnlySpan<byte> field, ReadOnlySpan<byte> hemisphere, bool isLatitude, out long ndeg)
    {
        ndeg = 0;
        if (hemisphere.Length != 1 || !TryScaled(field, out var mantissa, out var decimals))
        {
            return false;
        }

        var sign = (hemisphere[0], isLatitude) switch
        {
            ((byte)'N', true) or ((byte)'E', false) => 1,
            ((byte)'S', true) or ((byte)'W', false) => -1,
            _ => 0,
        };
        var scale = PowersOfTen[decimals];
        var degrees = mantissa / (100 * scale);
        var minutes = mantissa % (100 * scale);
        var limit = isLatitude ? 90 : 180;
        if (sign == 0 || minutes >= 60 * scale || degrees > limit)
        {
            return false;
        }

        // minutes/60 in 1e-9 degrees: minutes × 1e9 / (60 × scale) = minutes × 50,000,000 / (3 × scale); minutes < 6e11, so it fits.
        var divisor = 3 * scale;
        var value = (degrees * 1_000_000_000) + (long)((((Int128)minutes * 50_000_000) + (divisor / 2)) / divisor);
        if (value > limit * 1_000_000_000L)
        {
            return false;
        }

        ndeg = sign * value;
        return true;
    }

    /// <summary>Reads <c>hhmmss.sss</c> as ns since midnight; a leap second (60) is allowed.</summary>
    public static bool TryTimeOfDay(ReadOnlySpan<byte> field, out long ns)
    {
        ns = 0;
        if (field.Length < 6 || !TryPair(field, out var hours) || !TryPair(field[2..], out var minutes) || !TryPair(field[4..], out var seconds)
            || hours > 23 || minutes > 59 || seconds > 60)
        {
            return false;
        }

        long fraction = 0;
        if (field.Length > 6)
        {
            if (field[6] != '.')
            {
                return false;
            }

            var unit = 100_000_000L;
            foreach (var c in field[7..])
            {
                if (!IsDigit(c))
                {
                    return false;
                }

                fraction += (c - '0') * unit;
                unit /= 10;
            }
        }

        ns = ((((hours * 60L) + minutes) * 60) + seconds) * 1_000_000_000 + fraction;
        return true;
    }

    /// <summary>The two digits that <paramref name="field"/> begins with.</summary>
    public static bool TryPair(ReadOnlySpan<byte> field, out int value)
    {
        value = 0;
        if (field.Length < 2 || !IsDigit(field[0]) || !IsDigit(field[1]))
        {
            return false;
        }

        value = ((field[0] - '0') * 10) + (field[1] - '0');
        return true;
    }

    private static bool IsDigit(byte c) => (uint)(c - '0') <= 9;

    private static bool TryScaled(ReadOnlySpan<byte> field, out long mantissa, out int decimals)
    {
        mantissa = 0;
        decimals = 0;
        var digits = 0;
        var point = false;
        foreach (var c in field)
        {
            if (c == '.' && !point)
            {
                point = true;
            }
            else if (!IsDigit(c))
            {
                return false;
            }
            else if (!point || decimals < 10)
            {
                if (++digits > 15)
                {
                    return false;
                }

                mantissa = (mantissa * 10) + (c - '0');
                decimals += point ? 1 : 0;
            }
        }

        return digits > 0;
    }
}
