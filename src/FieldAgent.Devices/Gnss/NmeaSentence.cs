using System.Runtime.CompilerServices;

namespace FieldAgent.Devices.Gnss;

/// <summary>The sentences that are understood.</summary>
internal enum NmeaType : byte
{
    /// <summary>Another one: heading, depth, route …</summary>
    Other,

    /// <summary>Recommended minimum: time, date, status, position, speed, course.</summary>
    Rmc,

    /// <summary>Fix data: time, position, quality, satellites, HDOP, altitude.</summary>
    Gga,

    /// <summary>Position, time and status.</summary>
    Gll,

    /// <summary>Fix data of several constellations.</summary>
    Gns,

    /// <summary>Fix mode, satellites used, dilution of precision.</summary>
    Gsa,

    /// <summary>Satellites in view.</summary>
    Gsv,

    /// <summary>Course and speed.</summary>
    Vtg,

    /// <summary>Time and full date.</summary>
    Zda,
}

/// <summary>What became of a line.</summary>
internal enum NmeaVerdict : byte
{
    /// <summary>A good sentence.</summary>
    Good,

    /// <summary>A proprietary sentence (<c>$P…</c>) or one of a ship's AIS (<c>!…</c>): not ours, not wrong.</summary>
    Foreign,

    /// <summary>The checksum does not match.</summary>
    Checksum,

    /// <summary>Not a sentence: no talker, a broken checksum field.</summary>
    Malformed,
}

/// <summary>A sentence split into fields, without copying. Source: NMEA 0183 4.11, section 5.3.</summary>
internal ref struct NmeaSentence
{
    private readonly ReadOnlySpan<byte> _body;
    private FieldStarts _starts;
    private int _count;

    private NmeaSentence(ReadOnlySpan<byte> body) => _body = body;

    /// <summary>Which sentence.</summary>
    public NmeaType Type { get; private set; }

    /// <summary>Second letter of the talker: P of GP, N of GN …; D of BD, B of GB.</summary>
    public readonly byte Talker => _body[1];

    /// <summary>True when it carried a checksum.</summary>
    public bool HasChecksum { get; private set; }

    /// <summary>Number of fields, the address included.</summary>
    public readonly int Count => _count;

    /// <summary>Field <paramref name="index"/> (0 is the address); empty when the sentence is shorter.</summary>
    public readonly ReadOnlySpan<byte> this[int index]
    {
        get
        {
            if (index >= _count)
            {
                return default;
            }

            var start = _starts[index];
            var end = index + 1 < _count ? _starts[index + 1] - 1 : _body.Length;
            return _body[start..end];
        }
    }

    /// <summary>The only letter of a field, or 0.</summary>
    public readonly byte Letter(int index)
    {
        var field = this[index];
        return field.Length == 1 ? field[0] : (byte)0;
    }

    /// <summary>Checks and splits <paramref name="line"/>, which begins with <c>$</c> or <c>!</c> and has no line end.</summary>
    public static NmeaVerdict Parse(ReadOnlySpan<byte> line, out NmeaSentence sentence)
    {
        sentence = default;
        if (line.Length < 2 || line.Length > GnssLimits.SentenceBytesMax)
        {
            return NmeaVerdict.Malformed;
        }

        if (line[0] == '!')
        {
            return NmeaVerdict.Foreign;
        }

        var body = line[1..];
        var star = body.LastIndexOf((byte)'*');
        if (star >= 0)
        {
            if (body.Length - star < 3 || Hex(body[star + 1]) is not (>= 0 and var high) || Hex(body[star + 2]) is not (>= 0 and var low))
            {
                return NmeaVerdict.Malformed;
            }

            byte sum = 0;
            foreach (var c in body[..star])
            {
                sum ^= c;
            }

            if (sum != ((high << 4) | low))
            {
                return NmeaVerdict.Checksum;
            }

            body = body[..star];
        }

        if (body.Length > 0 && body[0] == 'P')
        {
            return NmeaVerdict.Foreign;
        }

        sentence = new NmeaSentence(body) { HasChecksum = star >= 0 };
        sentence.Split();
        var address = sentence[0];
        if (address.Length != 5 || sentence._count < 2)
        {
            return IsWord(address) ? NmeaVerdict.Foreign : NmeaVerdict.Malformed;
        }

        sentence.Type = TypeOf(address[2..]);
        return IsWord(address) && sentence._count >= FieldsMin(sentence.Type) ? NmeaVerdict.Good : NmeaVerdict.Malformed;
    }

    private void Split()
    {
        _starts[0] = 0;
        _count = 1;
        for (var i = 0; i < _body.Length && _count < GnssLimits.FieldsMax; i++)
        {
            if (_body[i] == ',')
            {
                _starts[_count++] = (byte)(i + 1);
            }
        }
    }

    private static NmeaType TypeOf(ReadOnlySpan<byte> code) => ((code[0] << 16) | (code[1] << 8) | code[2]) switch
    {
        ('R' << 16) | ('M' << 8) | 'C' => NmeaType.Rmc,
        ('G' << 16) | ('G' << 8) | 'A' => NmeaType.Gga,
        ('G' << 16) | ('L' << 8) | 'L' => NmeaType.Gll,
        ('G' << 16) | ('N' << 8) | 'S' => NmeaType.Gns,
        ('G' << 16) | ('S' << 8) | 'A' => NmeaType.Gsa,
        ('G' << 16) | ('S' << 8) | 'V' => NmeaType.Gsv,
        ('V' << 16) | ('T' << 8) | 'G' => NmeaType.Vtg,
        ('Z' << 16) | ('D' << 8) | 'A' => NmeaType.Zda,
        _ => NmeaType.Other,
    };

    /// <summary>Fewest fields, the address included, with which a sentence says anything. Older receivers leave out the last ones.</summary>
    private static int FieldsMin(NmeaType type) => type switch
    {
        NmeaType.Rmc => 9,
        NmeaType.Gga or NmeaType.Gns => 10,
        NmeaType.Gll => 7,
        NmeaType.Gsv => 4,
        NmeaType.Vtg or NmeaType.Zda => 5,
        NmeaType.Gsa => 3,
        _ => 2,
    };

    private static bool IsWord(ReadOnlySpan<byte> address)
    {
        foreach (var c in address)
        {
            if (!char.IsAsciiLetterOrDigit((char)c))
            {
                return false;
            }
        }

        return address.Length > 0;
    }

    private static int Hex(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        _ => -1,
    };

    [InlineArray(GnssLimits.FieldsMax)]
    private struct FieldStarts
    {
        private byte _first;
    }
}
