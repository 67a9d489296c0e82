using System.Buffers;
using System.Buffers.Text;

namespace FieldAgent.Devices.Gnss;

/// <summary>Writes fixes as JSON lines, without allocation and with exact decimals.</summary>
internal static class FixJson
{
    private const int LineBytesMax = 320;

    /// <summary>Appends one line.</summary>
    public static void Write(in GnssFix fix, IBufferWriter<byte> output)
    {
        var line = new Line(output.GetSpan(LineBytesMax));
        line.Text("{"u8);
        if (fix.HasTime)
        {
            // Rounded to ms, as the receivers' own resolution is.
            var ms = (fix.UnixNs + 500_000) / 1_000_000;
            line.Text("\"time\":\""u8);
            line.Time(DateTime.UnixEpoch.AddTicks(ms * TimeSpan.TicksPerMillisecond));
            line.Text("\","u8);
        }

        line.Text("\"mode\":"u8);
        line.Whole((int)fix.Mode);
        if (fix.HasPosition)
        {
            line.Text(",\"lat\":"u8);
            line.Nano(fix.LatitudeNdeg);
            line.Text(",\"lon\":"u8);
            line.Nano(fix.LongitudeNdeg);
        }

        line.Number(",\"alt\":"u8, fix.AltitudeM, 3);
        line.Number(",\"speed\":"u8, fix.SpeedMps, 4);
        line.Number(",\"track\":"u8, fix.TrackDeg, 3);
        if (fix.Satellites >= 0)
        {
            line.Text(",\"satellites\":"u8);
            line.Whole(fix.Satellites);
        }

        line.Number(",\"hdop\":"u8, fix.Hdop, 2);
        line.Number(",\"age\":"u8, fix.LostForNs < 0 ? double.NaN : fix.LostForNs / 1e9, 3);
        line.Text("}\n"u8);
        output.Advance(line.Length);
    }

    private ref struct Line(Span<byte> span)
    {
        private readonly Span<byte> _span = span;

        public int Length { get; private set; }

        public void Text(ReadOnlySpan<byte> text)
        {
            text.CopyTo(_span[Length..]);
            Length += text.Length;
        }

        public void Whole(long value)
        {
            Utf8Formatter.TryFormat(value, _span[Length..], out var written);
            Length += written;
        }

        public void Time(DateTime utc)
        {
            utc.TryFormat(_span[Length..], out var written, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
            Length += written;
        }

        public void Nano(long value)
        {
            if (value < 0)
            {
                Text("-"u8);
                value = -value;
            }

            var whole = Math.DivRem(value, 1_000_000_000, out var fraction);
            Whole(whole);
            Text("."u8);
            Utf8Formatter.TryFormat(fraction, _span[Length..], out var written, new StandardFormat('D', 9));
            Length += written;
        }

        public void Number(ReadOnlySpan<byte> key, double value, byte decimals)
        {
            if (double.IsFinite(value))
            {
                Text(key);
                Utf8Formatter.TryFormat(value, _span[Length..], out var written, new StandardFormat('F', decimals));
                Length += written;
            }
        }
    }
}
