using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FieldAgent.Privacy;

/// <summary>Writes an EXIF segment that holds granted values and nothing else (Exif 2.32): big-endian TIFF with up to three
/// directories, laid out one after the other, each followed by its data.</summary>
internal static class ExifWriter
{
    /// <summary>More than the largest segment takes: two texts of 64 characters, a date, a position, three directories.</summary>
    public const int BytesMax = 640;

    private const ushort Byte = 1;
    private const ushort Ascii = 2;
    private const ushort Long = 4;
    private const ushort Rational = 5;
    private const ushort Undefined = 7;

    /// <summary>Writes APP1 to <paramref name="output"/>; nothing when no value is there.</summary>
    public static void Write(in ExifValues values, IBufferWriter<byte> output)
    {
        if (values == default)
        {
            return;
        }

        var main = new Directory();
        var exif = new Directory();
        var gps = new Directory();
        if (values.Make is { } make)
        {
            main.Add(0x010F, Ascii, (uint)make.Length + 1, TextBytes(make));
        }

        if (values.Model is { } model)
        {
            main.Add(0x0110, Ascii, (uint)model.Length + 1, TextBytes(model));
        }

        if (values.CapturedAt is { } at)
        {
            exif.Add(0x9000, Undefined, 4, "0232"u8.ToArray());
            exif.Add(0x9003, Ascii, (uint)at.Length + 1, TextBytes(at));
        }

        if (values.Place is { } place)
        {
            gps.Add(0x0000, Byte, 4, [2, 3, 0, 0]);
            gps.Add(0x0001, Ascii, 2, TextBytes(place.Latitude < 0 ? "S" : "N"));
            gps.Add(0x0002, Rational, 3, AngleBytes(place.Latitude));
            gps.Add(0x0003, Ascii, 2, TextBytes(place.Longitude < 0 ? "W" : "E"));
            gps.Add(0x0004, Rational, 3, AngleBytes(place.Longitude));
        }

        const uint mainAt = 8;
        var pointers = (exif.IsEmpty ? 0 : 1) + (gps.IsEmpty ? 0 : 1);
        var exifAt = mainAt + main.Bytes + (12 * (uint)pointers);
        var gpsAt = exifAt + (exif.IsEmpty ? 0 : exif.Bytes);
        if (!exif.IsEmpty)
        {
            main.Add(0x8769, Long, 1, U32(exifAt));
        }

        if (!gps.IsEmpty)
        {
            main.Add(0x8825, Long, 1, U32(gpsAt));
        }

        var tiff = new ArrayBufferWriter<byte>(BytesMax);
        tiff.Write("MM\0*"u8);
        tiff.Write<byte>(U32(mainAt));
        main.WriteTo(tiff, mainAt);
        exif.WriteTo(tiff, exifAt);
        gps.WriteTo(tiff, gpsAt);

        var length = tiff.WrittenCount + 8;
        output.Write<byte>([(byte)0xFF, 0xE1, (byte)(length >> 8), (byte)length]);
        output.Write("Exif\0\0"u8);
        output.Write(tiff.WrittenSpan);
    }

    private static byte[] TextBytes(string text) => Encoding.ASCII.GetBytes(text + '\0');

    private static byte[] U32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>Degrees, minutes, and seconds in ten-thousandths (3 mm on the ground).</summary>
    private static byte[] AngleBytes(double degrees)
    {
        var units = (long)Math.Round(Math.Abs(degrees) * 3600 * 10_000);
        var bytes = new byte[24];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)(units / 36_000_000));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), (uint)(units / 600_000 % 60));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), 1);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), (uint)(units % 600_000));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(20), 10_000);
        return bytes;
    }

    /// <summary>Entries of one directory, added in ascending order of their tags.</summary>
    private sealed class Directory
    {
        private readonly List<(ushort Tag, ushort Type, uint Count, byte[] Value)> _entries = [];

        public bool IsEmpty => _entries.Count == 0;

        /// <summary>Size with its data, which begin on even offsets.</summary>
        public uint Bytes => (uint)(2 + (12 * _entries.Count) + 4
            + _entries.Sum(static e => e.Value.Length > 4 ? (e.Value.Length + 1) & ~1 : 0));

        public void Add(ushort tag, ushort type, uint count, byte[] value) => _entries.Add((tag, type, count, value));

        public void WriteTo(IBufferWriter<byte> output, uint at)
        {
            if (IsEmpty)
            {
                return;
            }

            var dataAt = at + 2 + (12 * (uint)_entries.Count) + 4;
            output.Write<byte>(U32((uint)_entries.Count).AsSpan(2));
            foreach (var (tag, type, count, value) in _entries)
            {
                output.Write<byte>(U32(((uint)tag << 16) | type));
                output.Write<byte>(U32(count));
                if (value.Length <= 4)
                {
                    output.Write<byte>(value);
                    output.Write<byte>(new byte[4 - value.Length]);
                }
                else
                {
                    output.Write<byte>(U32(dataAt));
                    dataAt += (uint)((value.Length + 1) & ~1);
                }
            }

            output.Write<byte>(new byte[4]);
            foreach (var (_, _, _, value) in _entries)
            {
                if (value.Length > 4)
                {
                    output.Write<byte>(value);
                    output.Write<byte>(new byte[value.Length & 1]);
                }
            }
        }
    }
}
