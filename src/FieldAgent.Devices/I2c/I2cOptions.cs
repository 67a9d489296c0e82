using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.I2c.Maps;

namespace FieldAgent.Devices.I2c;

/// <summary>The options of the kind, and how a map of the configuration's own is read.</summary>
internal static class I2cOptions
{
    /// <summary>Longest answer, bytes: 32 is SMBus's longest block, and a burst over a chip's registers fits.</summary>
    public const int AnswerBytesMax = 64;

    public const string Custom = "custom";

    public static readonly Option<string> Bus = Opt.File("bus", "The bus; i2cdetect -l lists them.", "/dev/i2c-1");

    public static readonly Option<string> Map = Opt.Choice(
        "map", "The chip; custom: the registers are described under 'streams'.", null, true,
        [.. ReadyMaps.All.Select(static m => m.Word), Custom]);

    public static readonly Option<long> Address = Opt.Code(
        "address", "Address of the chip, 7 bits; a ready map knows the usual one.", 0x03, 0x77);

    public static readonly Option<long> Retries = Opt.Integer(
        "retries", "How often a transfer is tried again that was not answered or lost arbitration.", 2, 0, 10);

    public static readonly Option<string> Range = Opt.Choice(
        "range", "ads1015, ads1115: full scale, V.", "4.096", false, ReadyMaps.Ranges);

    public static readonly Option<double> Shunt = Opt.Number("shunt", "ina219: the shunt, Ω.", 0.1, 1e-6, 1e3);

    public static readonly Option<string> Channel = Opt.Name("channel", "A stream of the map.", required: true);

    public static readonly Option<IReadOnlyList<ConfigSection>> Channels = Opt.Sections(
        "channels", "The streams of the map to read, renamed or converted; the usual ones when not given.",
        new ConfigShape("One stream of the map.", Channel, SysfsOptions.Name, SysfsOptions.Unit, SysfsOptions.Multiply, SysfsOptions.Add, SysfsOptions.Step),
        StreamSet.StreamsMax);

    public static readonly Option<long> RegisterBits = Opt.Integer("registerBits", "custom: width of register numbers, 8 or 16 (high byte first).", 8, 8, 16);

    public static readonly Option<IReadOnlyList<byte[]>> Init = Opt.List(
        "init", "custom: what is sent to the chip at the start: register and content, in hexadecimal.",
        Opt.HexBytes("init", "Bytes.", AnswerBytesMax), 64);

    public static readonly Option<long> Register = Opt.Code("register", "Number of the register; without one the answer is read plainly.", 0, 0xffff);
    public static readonly Option<byte[]> Command = Opt.HexBytes("command", "Sent before the reading, in hexadecimal.", AnswerBytesMax);
    public static readonly Option<TimeSpan> Wait = Opt.Duration(
        "wait", "Between command and reading.", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    public static readonly Option<long> Bytes = Opt.Integer("bytes", "Length of the answer; as long as the value needs when not given.", 0, 1, AnswerBytesMax);
    public static readonly Option<long> At = Opt.Integer("at", "Where in the answer the value begins, in bytes; checksums count.", 0, 0, AnswerBytesMax - 1);
    public static readonly Option<long> Bits = Opt.Integer("bits", "Width of the value: 8 to 64, whole bytes.", 16, 8, 64);
    public static readonly Option<string> Endianness = Opt.Choice("endianness", "big: high byte first.", "big", false, "big", "little");
    public static readonly Option<string> Format = Opt.Choice(
        "format", "unsigned; signed (two's complement); float (IEEE 754).", "unsigned", false, "unsigned", "signed", "float");
    public static readonly Option<long> Shift = Opt.Integer("shift", "Bits to the right of the field.", 0, 0, 63);
    public static readonly Option<long> Mask = Opt.Code("mask", "Bits of the field after the shift; all when not given.", 1, long.MaxValue);
    public static readonly Option<double> Scale = Opt.Number("scale", "Factor on the number.", 1, -1e12, 1e12);
    public static readonly Option<double> Offset = Opt.Number("offset", "Added after 'scale', in the stream's unit.", 0, -1e12, 1e12);
    public static readonly Option<IReadOnlyList<double>> Polynomial = Opt.List(
        "polynomial", "Coefficients, from the constant up, of a polynomial over the value after 'scale' and 'offset'.",
        Opt.Number("coefficient", "", 0, -1e15, 1e15), 16);

    public static readonly Option<long> CrcPolynomial = Opt.Code("polynomial", "The polynomial without its x⁸, high bit first.", 0, 0xff, required: true);
    public static readonly Option<long> CrcInit = Opt.Code("init", "Value before the first byte.", 0, 0xff);
    public static readonly Option<long> CrcWord = Opt.Integer("word", "Data bytes before each checksum; all when not given.", 0, 1, AnswerBytesMax - 1);
    public static readonly Option<ConfigSection?> Crc = Opt.Section(
        "crc", "The answer carries checksums of eight bits.", new ConfigShape("A CRC-8.", CrcPolynomial, CrcInit, CrcWord));

    public static readonly Option<string> StreamName = Opt.Name("name", "Name of the stream.", required: true);
    public static readonly Option<string> StreamUnit = Opt.Text("unit", "UCUM code of the value.", "1", lengthMax: 32);

    public static readonly Option<IReadOnlyList<ConfigSection>> Streams = Opt.Sections(
        "streams", "custom: the values and where they are; those with the same command, register and length are read together.",
        new ConfigShape(
            "One value of the chip: polynomial(number × scale + offset).", StreamName, StreamUnit, Command, Wait, Register, Bytes, At, Bits,
            Endianness, Format, Shift, Mask, Scale, Offset, Polynomial, SysfsOptions.Step, Crc),
        StreamSet.StreamsMax);

    public static readonly Option<long> IdRegister = Opt.Code("register", "Its number.", 0, 0xffff, required: true);
    public static readonly Option<long> IdBits = Opt.Integer("bits", "Its width: 8 or 16, high byte first.", 8, 8, 16);
    public static readonly Option<long> IdValue = Opt.Code("value", "What it holds.", 0, 0xffff, required: true);
    public static readonly Option<long> IdMask = Opt.Code("mask", "The bits that matter; all when not given.", 1, 0xffff);
    public static readonly Option<ConfigSection?> Id = Opt.Section(
        "id", "custom: a register that tells the chip from others.", new ConfigShape("An id register.", IdRegister, IdBits, IdValue, IdMask));

    /// <summary>The instrument that a section describes; reports what cannot be, and then returns null.</summary>
    public static II2cInstrument? ReadInstrument(ConfigSection options)
    {
        var word = options.Get(Map);
        if (word != Custom)
        {
            foreach (var option in (Option[])[Streams, Init, Id, RegisterBits])
            {
                if (options.Has(option))
                {
                    options.Errors.Add(options.NodeOf(option), $"is for \"map\": \"{Custom}\"; leave it out, or describe the whole chip");
                }
            }

            var range = double.Parse(options.Get(Range), System.Globalization.CultureInfo.InvariantCulture);
            return ReadyMaps.All.FirstOrDefault(m => m.Word == word)?.Create(new MapParameters(range, options.Get(Shunt)));
        }

        var errorsBefore = options.Errors.All.Count;
        if (!options.Has(Address))
        {
            options.Errors.Add(options.Node, "'address' is missing: the address of the chip, 7 bits");
        }

        var streams = options.Get(Streams).Select(stream => ReadStream(stream, RegisterNumber(options, stream, Register))).ToList();
        if (streams.Count == 0 && !(options.Node.Members.ContainsKey(Streams.Name) && errorsBefore > 0))
        {
            options.Errors.Add(options.NodeOf(Streams), "must describe at least one stream");
        }

        OnlyWhole(options, RegisterBits);
        var identity = options.Get(Id) is { } id ? ReadIdentity(options, id) : null;
        return options.Errors.All.Count > errorsBefore || streams.Count == 0
            ? null : new RegisterMap(Custom, identity, options.Get(Init), streams);
    }

    private static I2cIdentity ReadIdentity(ConfigSection options, ConfigSection id)
    {
        OnlyWhole(id, IdBits);
        var mask = id.Has(IdMask) ? (int)id.Get(IdMask) : 0xffff;
        if (((int)id.Get(IdValue) & ~mask) != 0)
        {
            id.Errors.Add(id.NodeOf(IdValue), "has bits outside 'mask'");
        }

        return new I2cIdentity(RegisterNumber(options, id, IdRegister), (int)id.Get(IdBits) / 8, (int)id.Get(IdValue), mask);
    }

    private static byte[] RegisterNumber(ConfigSection options, ConfigSection section, Option<long> option)
    {
        if (!section.Has(option))
        {
            return [];
        }

        var number = section.Get(option);
        if (options.Get(RegisterBits) == 16)
        {
            return [(byte)(number >> 8), (byte)number];
        }

        if (number > 0xff)
        {
            section.Errors.Add(section.NodeOf(option), "does not fit 8 bits; correct it, or say \"registerBits\": 16");
        }

        return [(byte)number];
    }

    private static RegisterStream ReadStream(ConfigSection stream, byte[] register)
    {
        OnlyWhole(stream, Bits);
        var bits = (int)stream.Get(Bits);
        var format = stream.Get(Format) switch
        {
            "signed" => NumberFormat.Signed,
            "float" => NumberFormat.Float,
            _ => NumberFormat.Unsigned,
        };
        if (format == NumberFormat.Float && (bits is not (16 or 32 or 64) || stream.Has(Shift) || stream.Has(Mask)))
        {
            stream.Errors.Add(stream.NodeOf(Format), "a float has 16, 32 or 64 bits and neither 'shift' nor 'mask'");
        }

        if (stream.Get(Shift) >= bits)
        {
            stream.Errors.Add(stream.NodeOf(Shift), "leaves no bit of the value");
        }

        var at = (int)stream.Get(At);
        var section = stream.Get(Crc);
        var needed = at + (bits / 8);
        var bytes = stream.Has(Bytes) ? (int)stream.Get(Bytes) : needed + (section is null ? 0 : 1);
        if (bytes < needed || bytes > AnswerBytesMax)
        {
            stream.Errors.Add(stream.NodeOf(Bytes), $"must be from {needed} to {AnswerBytesMax} for a value of {bits} bits at byte {at}");
        }

        return new RegisterStream(
            stream.Get(StreamName), stream.Get(StreamUnit),
            new RegisterRead(register, bytes) { Command = stream.Get(Command), Wait = stream.Get(Wait), Crc = ReadCrc(stream, section, bytes) },
            new BitField(at, bits, format, stream.Get(Endianness) == "little", (int)stream.Get(Shift), (ulong)(stream.Has(Mask) ? stream.Get(Mask) : 0)),
            stream.Get(Scale))
        {
            Offset = stream.Get(Offset),
            Polynomial = [.. stream.Get(Polynomial)],
            Step = stream.Get(SysfsOptions.Step),
        };
    }

    private static Crc8? ReadCrc(ConfigSection stream, ConfigSection? crc, int bytes)
    {
        if (crc is null)
        {
            return null;
        }

        var word = crc.Has(CrcWord) ? (int)crc.Get(CrcWord) : Math.Max(1, bytes - 1);
        if (bytes % (word + 1) != 0)
        {
            stream.Errors.Add(crc.Node, $"an answer of {bytes} bytes is not made of {word} bytes and a checksum each");
        }

        return new Crc8((byte)crc.Get(CrcPolynomial), (byte)crc.Get(CrcInit), word);
    }

    private static void OnlyWhole(ConfigSection section, Option<long> option)
    {
        if (section.Get(option) % 8 != 0)
        {
            section.Errors.Add(section.NodeOf(option), "must be a multiple of 8");
        }
    }
}
