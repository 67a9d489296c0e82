using System.Text;
using System.Text.Json.Nodes;

namespace FieldAgent.Agent.Doctor;

/// <summary>Takes out of a text or document what must not leave the board: what looks like an identifier, a position or a secret, and what the
/// configuration calls one. Reads no identifier of the hardware to do so.</summary>
internal sealed class Redactor(IEnumerable<string> secrets)
{
    /// <summary>What stands in its place.</summary>
    public const string Gone = "(removed)";

    // A machine id has 32 hexadecimal digits, a Raspberry Pi's serial number 16, a hardware address 12 with colons between.
    private const int HexDigits = 12;
    private const int Decimals = 4;

    private readonly List<string> _secrets = [.. secrets.Where(static s => s.Length >= 3).Distinct().OrderByDescending(static s => s.Length)];

    /// <summary>The text without it.</summary>
    public string Text(string text)
    {
        foreach (var secret in _secrets)
        {
            text = text.Replace(secret, Gone, StringComparison.OrdinalIgnoreCase);
        }

        var clean = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var end = i;
            while (end < text.Length && IsWord(text[end]))
            {
                end++;
            }

            if (end == i)
            {
                clean.Append(text[i++]);
                continue;
            }

            var word = text.AsSpan(i, end - i);
            clean.Append(IsTelling(word) ? Gone : word);
            i = end;
        }

        return clean.ToString();
    }

    /// <summary>The document with every text in it cleaned.</summary>
    public JsonNode? Document(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject section:
                var copy = new JsonObject();
                foreach (var (name, member) in section)
                {
                    copy[name] = Document(member);
                }

                return copy;
            case JsonArray list:
                return new JsonArray([.. list.Select(Document)]);
            case JsonValue value when value.TryGetValue<string>(out var text):
                return JsonValue.Create(Text(text));
            default:
                return node?.DeepClone();
        }
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is ':' or '-' or '_' or '.';

    private static bool IsTelling(ReadOnlySpan<char> word)
    {
        var hex = 0;
        var other = 0;
        foreach (var c in word)
        {
            if (char.IsAsciiHexDigit(c))
            {
                hex++;
            }
            else if (c is not (':' or '-'))
            {
                other++;
            }
        }

        if (other == 0 && hex >= HexDigits && !IsDate(word))
        {
            return true;
        }

        // Devices by id carry their serial number.
        if (word.StartsWith("usb-", StringComparison.Ordinal))
        {
            return true;
        }

        var dot = word.IndexOf('.');
        return dot > 0 && other == 1 && word.Length - dot - 1 >= Decimals && word[..dot].IndexOfAnyExceptInRange('0', '9') is var odd && (odd < 0 || (odd == 0 && word[0] == '-'));
    }

    // 2026-01-01T00:00:00 has a letter; 2026-01-01-00:00:00 would not.
    private static bool IsDate(ReadOnlySpan<char> word) => word.Length >= 10 && word[4] == '-' && word[7] == '-';
}
