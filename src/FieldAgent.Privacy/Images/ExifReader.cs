using System.Buffers.Binary;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The few values that a grant can let stay in a photograph; absent ones are null.</summary>
/// <param name="CapturedAt"><c>YYYY:MM:DD HH:MM:SS</c>, the camera's local time.</param>
/// <param name="Make">Maker of the camera.</param>
/// <param name="Model">Model of the camera.</param>
/// <param name="Place">Latitude and longitude, degrees, already as coarse as granted.</param>
internal readonly record struct ExifValues(
    string? CapturedAt, string? Make, string? Model, (double Latitude, double Longitude)? Place);

/// <summary>Reads those values, and no others, out of an EXIF segment (TIFF 6.0; Exif 2.32, section 4.6). Whatever is damaged or not
/// of the expected form is absent: nothing unknown is carried over.</summary>
internal static class ExifReader
{
    // A maker's name is a few words; a longer text would be something else.
    private const int TextMax = 64;

    private const int EntriesMax = 512;
    private const ushort TypeAscii = 2;
    private const ushort TypeRational = 5;

    /// <summary>Reads what <paramref name="keep"/> names from a TIFF structure.</summary>
    public static ExifValues Read(ReadOnlySpan<byte> tiff, KeptMetadata keep)
    {
        if (tiff.Length < 8)
        {
            return default;
        }

        var little = tiff.StartsWith("II*\0"u8);
        if (!little && !tiff.StartsWith("MM\0*"u8))
        {
            return default;
        }

        var file = new Tiff(tiff, little);
        var main = file.U32(4);
        var values = default(ExifValues);
        if (keep.DeviceModel)
        {
            values = values with { Make = file.Text(main, 0x010F), Model = file.Text(main, 0x0110) };
        }

        if (keep.CaptureTime && file.Pointer(main, 0x8769) is { } exif)
        {
            values = values with { CapturedAt = DateTimeOf(file.Text(exif, 0x9003)) };
        }

        if (keep.Location is { } precision && file.Pointer(main, 0x8825) is { } gps
            && file.Angle(gps, 2, 1, "N", "S") is { } latitude && file.Angle(gps, 4, 3, "E", "W") is { } longitude
            && LocationGrid.IsPlace(latitude, longitude))
        {
            values = values with { Place = Reduce(latitude, longitude, precision, keep.Reducer) };
        }

        return values;
    }

    private static (double Latitude, double Longitude) Reduce(double latitude, double longitude, Precision precision, LocationReducer? reducer)
    {
        if (precision == Precision.Exact)
        {
            return (latitude, longitude);
        }

        if (reducer is not null)
        {
            return reducer.Reduce(latitude, longitude, precision);
        }

        var grid = LocationGrid.For(precision);
        return grid.CentreOf(grid.CellOf(latitude, longitude));
    }

    /// <summary>The text if it is a date and time and nothing else.</summary>
    private static string? DateTimeOf(string? text)
    {
        const string form = "0000:00:00 00:00:00";
        if (text?.Length != form.Length)
        {
            return null;
        }

        for (var i = 0; i < form.Length; i++)
        {
            if (form[i] == '0' ? !char.IsAsciiDigit(text[i]) : text[i] != form[i])
            {
                return null;
            }
        }

        return text;
    }

    private readonly ref struct Tiff(ReadOnlySpan<byte> data, bool little)
    {
        private readonly ReadOnlySpan<byte> _data = data;

        public uint U32(uint at) => at + 4UL > (ulong)_data.Length ? 0
            : little ? BinaryPrimitives.ReadUInt32LittleEndian(_data[(int)at..]) : BinaryPrimitives.ReadUInt32BigEndian(_data[(int)at..]);

        public uint? Pointer(uint directory, ushort tag) =>
            Find(directory, tag, out var type, out var count, out var valueAt) && type == 4 && count == 1 ? U32(valueAt) : null;

        public string? Text(uint directory, ushort tag)
        {
            if (!Find(directory, tag, out var type, out var count, out var valueAt) || type != TypeAscii || count > TextMax)
            {
                return null;
            }

            var at = count <= 4 ? valueAt : U32(valueAt);
            if (at + (ulong)count > (ulong)_data.Length)
            {
                return null;
            }

            var text = _data.Slice((int)at, (int)count);
            var end = text.IndexOf((byte)0);
            text = (end < 0 ? text : text[..end]).Trim((byte)' ');
            return text.IsEmpty || text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E) ? null : Encoding.ASCII.GetString(text);
        }

        public double? Angle(uint directory, ushort tag, ushort signTag, string positive, string negative)
        {
            if (!Find(directory, tag, out var type, out var count, out var valueAt) || type != TypeRational || count != 3)
            {
                return null;
            }

            var at = U32(valueAt);
            double degrees = 0;
            double part = 1;
            for (var i = 0; i < 3; i++, at += 8, part *= 60)
            {
                if (at + 8UL > (ulong)_data.Length)
                {
                    return null;
                }

                var denominator = U32(at + 4);
                if (denominator == 0)
                {
                    return null;
                }

                degrees += (double)U32(at) / denominator / part;
            }

            var sign = Text(directory, signTag);
            return sign == positive ? degrees : sign == negative ? -degrees : null;
        }

        private ushort U16(uint at) => at + 2UL > (ulong)_data.Length ? (ushort)0
            : little ? BinaryPrimitives.ReadUInt16LittleEndian(_data[(int)at..]) : BinaryPrimitives.ReadUInt16BigEndian(_data[(int)at..]);

        private bool Find(uint directory, ushort tag, out ushort type, out uint count, out uint valueAt)
        {
            type = 0;
            count = 0;
            valueAt = 0;
            var entries = Math.Min(U16(directory), (ushort)EntriesMax);
            for (var i = 0U; i < entries; i++)
            {
                var at = directory + 2UL + (12UL * i);
                if (at + 12 > (ulong)_data.Length)
                {
                    return false;
                }

                if (U16((uint)at) == tag)
                {
                    type = U16((uint)at + 2);
                    count = U32((uint)at + 4);
                    valueAt = (uint)at + 8;
                    return true;
                }
            }

            return false;
        }
    }
}
