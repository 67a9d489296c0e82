using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FieldAgent.Faults.Tests;

/// <summary>Something that must never leave the board or lie in its state: a text, in all the forms in which it could.</summary>
internal sealed class Canaries
{
    private readonly List<(string What, byte[] Bytes)> _patterns = [];
    private readonly List<double> _degrees = [];
    private readonly List<int> _scaled = [];

    /// <summary>A text: as UTF-8 and UTF-16, in either case, with and without separators, as the bytes that its hexadecimal digits stand for, and
    /// all of that as hexadecimal and base64 text.</summary>
    public Canaries Text(string what, string text)
    {
        foreach (var form in new[] { text, text.ToUpperInvariant(), text.ToLowerInvariant(), new string([.. text.Where(char.IsAsciiLetterOrDigit)]) }.Distinct())
        {
            All(what, Encoding.UTF8.GetBytes(form));
            Add(what + " as UTF-16", Encoding.Unicode.GetBytes(form));
            Add(what + " as UTF-16, big-endian", Encoding.BigEndianUnicode.GetBytes(form));
        }

        var digits = new string([.. text.Where(char.IsAsciiLetterOrDigit)]);
        if (digits.Length >= 12 && digits.Length % 2 == 0 && digits.All(char.IsAsciiHexDigit))
        {
            All(what + " as bytes", Convert.FromHexString(digits));
            All(what + " as bytes, backwards", [.. Convert.FromHexString(digits).Reverse()]);
        }

        return this;
    }

    /// <summary>A coordinate, degrees: as decimal text with four decimals or more, as NMEA has it, as a double of either byte order, and, of
    /// the first two coordinates together, as whole numbers of 1e-7 degrees, as receivers' own protocols have them.</summary>
    public Canaries Coordinate(string what, double degrees)
    {
        _degrees.Add(degrees);
        var magnitude = Math.Abs(degrees);
        for (var decimals = 4; decimals <= 7; decimals++)
        {
            // Cut off and rounded: any longer text begins with one of the two.
            var cut = (Math.Floor(magnitude * Math.Pow(10, decimals)) / Math.Pow(10, decimals)).ToString("F" + decimals, CultureInfo.InvariantCulture);
            var rounded = magnitude.ToString("F" + decimals, CultureInfo.InvariantCulture);
            foreach (var text in new[] { cut, rounded }.Distinct())
            {
                Add($"{what} as {text}", Encoding.ASCII.GetBytes(text));
                Add($"{what} as {text} in UTF-16", Encoding.Unicode.GetBytes(text));
                Add($"{what} as {text} in hexadecimal", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(Encoding.ASCII.GetBytes(text))));
            }
        }

        var minutes = (magnitude - Math.Floor(magnitude)) * 60;
        Add($"{what} as NMEA", Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(magnitude):00}{Math.Floor(minutes * 1000) / 1000:00.000}")));
        _scaled.Add((int)Math.Round(degrees * 1e7));
        return this;
    }

    /// <summary>Every canary that is in the bytes, by name.</summary>
    public List<string> Find(byte[] bytes)
    {
        var found = _patterns.Where(pattern => bytes.AsSpan().IndexOf(pattern.Bytes) >= 0).Select(static pattern => pattern.What).ToList();
        for (var i = 0; i + 8 <= bytes.Length; i++)
        {
            if (IsNear(BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(i))) || IsNear(BinaryPrimitives.ReadDoubleBigEndian(bytes.AsSpan(i))))
            {
                found.Add(string.Create(CultureInfo.InvariantCulture, $"a coordinate as a double at byte {i}"));
            }
        }

        if (HasPair(bytes, BinaryPrimitives.WriteInt32LittleEndian) || HasPair(bytes, BinaryPrimitives.WriteInt32BigEndian))
        {
            found.Add("coordinates as whole numbers of 1e-7");
        }

        return found;
    }

    private delegate void Write(Span<byte> to, int value);

    // As exact as a sentence of seven decimals of a minute says it; in megabytes of ciphertext eight bytes come that near by chance once in some
    // hundred thousand runs.
    private bool IsNear(double value) => _degrees.Exists(degrees => Math.Abs(Math.Abs(value) - Math.Abs(degrees)) < 1e-9);

    // Four bytes alone are found by chance in a megabyte of ciphertext; the two of a position stand close together.
    private bool HasPair(byte[] bytes, Write write)
    {
        const int near = 64;
        var pattern = new byte[4];
        write(pattern, _scaled[0]);
        for (var from = 0; bytes.AsSpan(from).IndexOf(pattern) is >= 0 and var at;)
        {
            from += at + 1;
            var around = bytes.AsSpan(Math.Max(0, from - near)..Math.Min(bytes.Length, from + near));
            var other = new byte[4];
            write(other, _scaled[1]);
            if (around.IndexOf(other) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private void All(string what, byte[] bytes)
    {
        Add(what, bytes);
        Add(what + " in hexadecimal", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes)));
        Add(what + " in hexadecimal capitals", Encoding.ASCII.GetBytes(Convert.ToHexString(bytes)));

        // Base64 in each of the three phases, without the characters that neighbours share.
        for (var phase = 0; phase < 3; phase++)
        {
            var shifted = new byte[phase + bytes.Length];
            bytes.CopyTo(shifted, phase);
            var text = Convert.ToBase64String(shifted).TrimEnd('=');
            var from = phase == 0 ? 0 : phase + 1;
            var to = text.Length - (shifted.Length % 3 == 0 ? 0 : 1);
            Add(what + " in base64", Encoding.ASCII.GetBytes(text[from..to]));
            Add(what + " in base64url", Encoding.ASCII.GetBytes(text[from..to].Replace('+', '-').Replace('/', '_')));
        }
    }

    private void Add(string what, byte[] bytes)
    {
        Assert.True(bytes.Length >= 4, what);
        _patterns.Add((what, bytes));
    }
}
