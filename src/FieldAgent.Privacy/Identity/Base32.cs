namespace FieldAgent.Privacy;

/// <summary>Base32 (RFC 4648, section 6), lower case, without padding.</summary>
internal static class Base32
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    /// <summary>The first <paramref name="characters"/> characters of the encoding.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes, int characters)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(characters, ((bytes.Length * 8) + 4) / 5);
        Span<char> text = stackalloc char[characters];
        for (var i = 0; i < characters; i++)
        {
            var bit = i * 5;
            var pair = bytes[bit / 8] << 8 | (bit / 8 + 1 < bytes.Length ? bytes[(bit / 8) + 1] : 0);
            text[i] = Alphabet[(pair >> (11 - (bit % 8))) & 31];
        }

        return new string(text);
    }
}
