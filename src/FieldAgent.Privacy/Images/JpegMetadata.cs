using System.Buffers;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What of a photograph's metadata a grant lets stay (R63).</summary>
/// <param name="CaptureTime">Keep the capture time.</param>
/// <param name="DeviceModel">Keep make and model.</param>
/// <param name="Location">Keep the position, this exact; null: none.</param>
/// <param name="Reducer">Makes the position coarse, with the answer that the site got before; null: without a memory.</param>
internal readonly record struct KeptMetadata(bool CaptureTime, bool DeviceModel, Precision? Location, LocationReducer? Reducer = null)
{
    public bool Any => CaptureTime || DeviceModel || Location is not null;
}

/// <summary>Limits of a photograph, each with its reason.</summary>
internal static class JpegLimits
{
    /// <summary>Bytes: a 64 megapixel picture at the highest quality; more would not fit a small board's memory twice.</summary>
    public const int BytesMax = 64 << 20;

    /// <summary>Segments: an ordinary picture has 10, one with hundreds of maker's segments 500. Bounds the work on junk.</summary>
    public const int SegmentsMax = 10_000;
}

/// <summary>Copies a JPEG file without anything that is not needed to decode it (ITU-T T.81, annex B).
/// <para>Kept: DQT, SOF (baseline, extended, progressive), DHT, DRI, SOS with entropy-coded data, and of APP0/JFIF and APP14/Adobe
/// what a decoder needs for the colours, written anew. Dropped: EXIF, XMP, ICC, MPF, FPXR, IPTC, maker's segments, comments,
/// thumbnails, fill bytes, and all that follows the end of the picture.</para>
/// <para>A consequence: the orientation that a camera noted in EXIF is lost; the pixels stay as the sensor read them.</para></summary>
internal static class JpegMetadata
{
    private const byte Soi = 0xD8;
    private const byte Eoi = 0xD9;
    private const byte Sos = 0xDA;
    private const byte App0 = 0xE0;
    private const byte App1 = 0xE1;
    private const byte App14 = 0xEE;

    /// <summary>Strips <paramref name="jpeg"/>.</summary>
    /// <param name="jpeg">The file.</param>
    /// <param name="keep">What is granted; it is read, checked and written into a segment of our own, never copied.</param>
    /// <param name="stripped">The new file; empty when false.</param>
    /// <param name="dropped">Segments left out.</param>
    /// <returns>False when the file is not a complete, well-formed JPEG: what cannot be parsed cannot be stripped. Never throws.</returns>
    public static bool TryStrip(ReadOnlySpan<byte> jpeg, KeptMetadata keep, out ReadOnlyMemory<byte> stripped, out int dropped)
    {
        stripped = default;
        dropped = 0;
        if (jpeg.Length > JpegLimits.BytesMax || jpeg.Length < 4 || jpeg[0] != 0xFF || jpeg[1] != Soi)
        {
            return false;
        }

        var output = new ArrayBufferWriter<byte>(jpeg.Length + ExifWriter.BytesMax);
        var parser = new Parser(jpeg, keep, output);
        if (!parser.Run())
        {
            // Nothing half stripped leaves this method, nor stays in memory.
            output.Clear();
            return false;
        }

        stripped = output.WrittenMemory;
        dropped = parser.Dropped;
        return true;
    }

    private ref struct Parser(ReadOnlySpan<byte> jpeg, KeptMetadata keep, ArrayBufferWriter<byte> output)
    {
        private readonly ReadOnlySpan<byte> _jpeg = jpeg;
        private int _at = 2;
        private bool _frame;
        private bool _scan;
        private bool _jfif;
        private bool _adobe;
        private int _exifAt = -1;
        private int _exifLength;

        public int Dropped { get; private set; }

        public bool Run()
        {
            if (!FindExif())
            {
                return false;
            }

            Put(Soi);
            var headed = false;
            for (var segments = 0; segments < JpegLimits.SegmentsMax; segments++)
            {
                if (!NextMarker(out var marker))
                {
                    return false;
                }

                if (marker == Eoi)
                {
                    Put(Eoi);
                    return _scan;
                }

                if (!Segment(out var body))
                {
                    return false;
                }

                if (!headed && !(marker == App0 && IsJfif(body)))
                {
                    WriteExif();
                    headed = true;
                }

                if (!Take(marker, body))
                {
                    return false;
                }
            }

            return false;
        }

        /// <summary>Looks ahead to the picture's first EXIF segment, if anything of it is granted.</summary>
        private bool FindExif()
        {
            if (!keep.Any)
            {
                return true;
            }

            for (var segments = 0; segments < JpegLimits.SegmentsMax; segments++)
            {
                if (!NextMarker(out var marker) || marker == Eoi || !Segment(out var body))
                {
                    return false;
                }

                if (marker == App1 && body.StartsWith("Exif\0\0"u8))
                {
                    _exifAt = _at - body.Length + 6;
                    _exifLength = body.Length - 6;
                }

                if (marker == Sos || _exifAt >= 0)
                {
                    _at = 2;
                    return true;
                }
            }

            return false;
        }

        private readonly void WriteExif()
        {
            if (_exifAt >= 0)
            {
                var found = ExifReader.Read(_jpeg.Slice(_exifAt, _exifLength), keep);
                ExifWriter.Write(found, output);
            }
        }

        private bool Take(byte marker, ReadOnlySpan<byte> body)
        {
            switch (marker)
            {
                case App0 when !_jfif && !_frame && IsJfif(body):
                    // Version 1.01, square pixels, no thumbnail: the presence of the segment says "YCbCr", nothing else matters.
                    _jfif = true;
                    Put(App0, [0x4A, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
                    return true;
                case App14 when !_adobe && body.Length >= 12 && body.StartsWith("Adobe"u8):
                    _adobe = true;
                    Put(App14, [0x41, 0x64, 0x6F, 0x62, 0x65, 0, 100, 0, 0, 0, 0, Math.Min(body[11], (byte)2)]);
                    return true;
                case >= App0 and <= 0xEF or 0xFE:
                    Dropped++;
                    return true;
                case 0xDB:
                    return JpegTables.IsQuantization(body) && Put(marker, body);
                case 0xC4:
                    return JpegTables.IsHuffman(body) && Put(marker, body);
                case 0xDD:
                    return body.Length == 2 && Put(marker, body);
                case 0xC0 or 0xC1 or 0xC2:
                    // One picture has one frame; a second one is another picture hidden behind the first.
                    if (_frame || !JpegTables.IsFrame(body))
                    {
                        return false;
                    }

                    _frame = true;
                    return Put(marker, body);
                case Sos:
                    if (!_frame || !JpegTables.IsScan(body))
                    {
                        return false;
                    }

                    _scan = true;
                    Put(marker, body);
                    return EntropyCoded();
                default:
                    // Lossless, hierarchical, arithmetic and reserved: no camera writes them, and few decoders read them.
                    return false;
            }
        }

        private static bool IsJfif(ReadOnlySpan<byte> body) => body.Length >= 14 && body.StartsWith("JFIF\0"u8);

        private bool NextMarker(out byte marker)
        {
            marker = 0;
            if (_at >= _jpeg.Length || _jpeg[_at] != 0xFF)
            {
                return false;
            }

            var fill = _jpeg[_at..].IndexOfAnyExcept((byte)0xFF);
            if (fill < 0)
            {
                return false;
            }

            _at += fill;
            marker = _jpeg[_at++];
            return true;
        }

        private bool Segment(out ReadOnlySpan<byte> body)
        {
            body = default;
            if (_jpeg.Length - _at < 2)
            {
                return false;
            }

            var length = (_jpeg[_at] << 8) | _jpeg[_at + 1];
            if (length < 2 || length > _jpeg.Length - _at)
            {
                return false;
            }

            body = _jpeg.Slice(_at + 2, length - 2);
            _at += length;
            return true;
        }

        /// <summary>Copies entropy-coded data: everything up to the next marker that is neither a stuffed zero nor a restart.</summary>
        private bool EntropyCoded()
        {
            var from = _at;
            while (true)
            {
                var next = _jpeg[_at..].IndexOf((byte)0xFF);
                if (next < 0 || _at + next + 1 >= _jpeg.Length)
                {
                    return false;
                }

                _at += next;
                var code = _jpeg[_at + 1];
                if (code is not (0 or (>= 0xD0 and <= 0xD7)))
                {
                    output.Write(_jpeg[from.._at]);
                    return true;
                }

                _at += 2;
            }
        }

        private readonly void Put(byte marker)
        {
            output.Write([(byte)0xFF, marker]);
        }

        private readonly bool Put(byte marker, ReadOnlySpan<byte> body)
        {
            var length = body.Length + 2;
            output.Write([(byte)0xFF, marker, (byte)(length >> 8), (byte)length]);
            output.Write(body);
            return true;
        }
    }
}
