using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace FieldAgent.Devices.Gnss;

/// <summary>Decodes gpsd's reports. Only <c>class</c> and <c>mode</c> are sure to be there; everything unknown is passed over.
/// Source: gpsd_json(5). Not thread-safe.</summary>
internal sealed class GpsdReader
{
    private readonly byte[] _line = new byte[GnssLimits.GpsdLineBytesMax];
    private int _length;
    private bool _isOverlong;
    private int _satellites = -1;
    private int _inView = -1;
    private double _hdop = double.NaN;
    private long _lastUnixNs = GnssFix.NoTime;
    private FixMode _lastMode;

    private enum Class : byte
    {
        Other,
        Tpv,
        Sky,
        Device,
    }

    /// <summary>What came so far.</summary>
    public NmeaCounts Counts;

    /// <summary>True when gpsd spoke of a device: WATCH again.</summary>
    public bool HasNewDevice { get; set; }

    /// <summary>Takes bytes from <paramref name="data"/> until a fix is there or the bytes are used up.</summary>
    public bool TryRead(ref ReadOnlySpan<byte> data, out GnssFix fix)
    {
        while (!data.IsEmpty)
        {
            var end = data.IndexOf((byte)'\n');
            var part = end < 0 ? data : data[..end];
            data = end < 0 ? default : data[(end + 1)..];
            if (part.Length > _line.Length - _length)
            {
                _isOverlong = true;
            }
            else
            {
                part.CopyTo(_line.AsSpan(_length));
                _length += part.Length;
            }

            if (end >= 0 && EndLine(out fix))
            {
                return true;
            }
        }

        fix = default;
        return false;
    }

    private bool EndLine(out GnssFix fix)
    {
        fix = default;
        var line = _line.AsSpan(0, _length).Trim("\r \0"u8);
        var isOverlong = _isOverlong;
        _length = 0;
        _isOverlong = false;
        if (isOverlong)
        {
            Counts.Overlong++;
            return false;
        }

        if (line.IsEmpty)
        {
            return false;
        }

        try
        {
            return Decode(line, out fix);
        }
        catch (JsonException)
        {
            Counts.Malformed++;
            return false;
        }
        catch (InvalidOperationException)
        {
            // A string that is no UTF-8.
            Counts.Malformed++;
            return false;
        }
    }

    private bool Decode(ReadOnlySpan<byte> line, out GnssFix fix)
    {
        fix = default;
        var reader = new Utf8JsonReader(line);
        var kind = ClassOf(ref reader);
        while (reader.Read())
        {
            // To the end: only a line that is JSON as a whole is taken.
        }

        Counts.Good++;
        switch (kind)
        {
            case Class.Tpv:
                return TakeTpv(line, out fix);
            case Class.Sky:
                TakeSky(line);
                return false;
            case Class.Device:
                HasNewDevice = true;
                return false;
            default:
                Counts.Foreign++;
                return false;
        }
    }

    private static Class ClassOf(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("not an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isClass = reader.ValueTextEquals("class"u8);
            reader.Read();
            if (isClass && reader.TokenType == JsonTokenType.String)
            {
                return reader.ValueTextEquals("TPV"u8) ? Class.Tpv
                    : reader.ValueTextEquals("SKY"u8) ? Class.Sky
                    : reader.ValueTextEquals("DEVICE"u8) || reader.ValueTextEquals("DEVICES"u8) ? Class.Device
                    : Class.Other;
            }

            reader.Skip();
        }

        throw new JsonException("no class");
    }

    private bool TakeTpv(ReadOnlySpan<byte> line, out GnssFix fix)
    {
        fix = new GnssFix { Satellites = _satellites, InView = _inView, Hdop = _hdop };
        double latitude = double.NaN, longitude = double.NaN, altitude = double.NaN, altitudeMsl = double.NaN, mode = 0;
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            switch (Key(ref reader))
            {
                case TpvKey.Mode:
                    mode = Number(ref reader);
                    break;
                case TpvKey.Time:
                    fix.UnixNs = Time(ref reader);
                    break;
                case TpvKey.Lat:
                    latitude = Number(ref reader);
                    break;
                case TpvKey.Lon:
                    longitude = Number(ref reader);
                    break;
                case TpvKey.AltMsl:
                    altitudeMsl = Number(ref reader);
                    break;
                case TpvKey.Alt:
                    altitude = Number(ref reader);
                    break;
                case TpvKey.Speed:
                    fix.SpeedMps = Number(ref reader);
                    break;
                case TpvKey.Track:
                    fix.TrackDeg = Number(ref reader);
                    break;
                default:
                    reader.Read();
                    reader.Skip();
                    break;
            }
        }

        // 0 is "not seen yet". A fix without both coordinates is none.
        if (mode is 2 or 3 && Math.Abs(latitude) <= 90 && Math.Abs(longitude) <= 180)
        {
            fix.Mode = (FixMode)(int)mode;
            fix.LatitudeNdeg = (long)Math.Round(latitude * 1e9);
            fix.LongitudeNdeg = (long)Math.Round(longitude * 1e9);
            fix.AltitudeM = fix.Mode != FixMode.ThreeD ? double.NaN : double.IsNaN(altitudeMsl) ? altitude : altitudeMsl;
            fix.SpeedMps = fix.SpeedMps >= 0 ? fix.SpeedMps : double.NaN;
            fix.TrackDeg = fix.TrackDeg is >= 0 and <= 360 ? fix.TrackDeg : double.NaN;
        }
        else
        {
            fix.SpeedMps = fix.TrackDeg = double.NaN;
        }

        // gpsd may report an epoch more than once, as its parts come in.
        var isNew = !fix.HasTime || fix.UnixNs != _lastUnixNs || fix.Mode != _lastMode;
        (_lastUnixNs, _lastMode) = (fix.UnixNs, fix.Mode);
        return isNew;
    }

    private void TakeSky(ReadOnlySpan<byte> line)
    {
        int used = -1, seen = -1, flagged = -1, listed = -1;
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("hdop"u8))
            {
                var hdop = Number(ref reader);
                _hdop = hdop is > 0 and < 90 ? hdop : double.NaN;
            }
            else if (reader.ValueTextEquals("uSat"u8))
            {
                used = Count(ref reader);
            }
            else if (reader.ValueTextEquals("nSat"u8))
            {
                seen = Count(ref reader);
            }
            else if (reader.ValueTextEquals("satellites"u8))
            {
                (listed, flagged) = CountSatellites(ref reader);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        // A SKY with dilutions only says nothing about satellites.
        _satellites = used >= 0 ? used : flagged >= 0 ? flagged : _satellites;
        _inView = seen >= 0 ? seen : listed >= 0 ? listed : _inView;
    }

    private static (int Listed, int Used) CountSatellites(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return (-1, -1);
        }

        int listed = 0, used = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject)
            {
                listed++;
            }
            else if (reader.TokenType == JsonTokenType.PropertyName)
            {
                var isUsed = reader.ValueTextEquals("used"u8);
                reader.Read();
                used += isUsed && reader.TokenType == JsonTokenType.True ? 1 : 0;
                reader.Skip();
            }
        }

        return (listed, used);
    }

    private static TpvKey Key(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("mode"u8) ? TpvKey.Mode
        : reader.ValueTextEquals("time"u8) ? TpvKey.Time
        : reader.ValueTextEquals("lat"u8) ? TpvKey.Lat
        : reader.ValueTextEquals("lon"u8) ? TpvKey.Lon
        : reader.ValueTextEquals("altMSL"u8) ? TpvKey.AltMsl
        : reader.ValueTextEquals("alt"u8) ? TpvKey.Alt
        : reader.ValueTextEquals("speed"u8) ? TpvKey.Speed
        : reader.ValueTextEquals("track"u8) ? TpvKey.Track
        : TpvKey.Other;

    private static double Number(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var value) && double.IsFinite(value))
        {
            return value;
        }

        reader.Skip();
        return double.NaN;
    }

    private static int Count(ref Utf8JsonReader reader) => Number(ref reader) is >= 0 and <= 999 and var count ? (int)count : -1;

    private static long Time(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var time)
            && time.Year is >= 1980 and <= 2200)
        {
            return (time - DateTimeOffset.UnixEpoch).Ticks * 100;
        }

        reader.Skip();
        return GnssFix.NoTime;
    }

    private enum TpvKey : byte
    {
        Other,
        Mode,
        Time,
        Lat,
        Lon,
        AltMsl,
        Alt,
        Speed,
        Track,
    }
}
