using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FieldAgent.Privacy;

/// <summary>JSON in one form only (RFC 8785): members sorted by their UTF-16 code units, no white space, the shortest escapes. Numbers are whole
/// numbers of at most 53 bits, the ones that every reader agrees on.</summary>
public static class CanonicalJson
{
    private const long IntegerMax = (1L << 53) - 1;

    /// <summary>The canonical form, UTF-8.</summary>
    /// <exception cref="ArgumentException">It holds a number that is not whole or is too large.</exception>
    public static byte[] Write(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>();
        Write(node, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(JsonNode? node, ArrayBufferWriter<byte> to)
    {
        switch (node)
        {
            case null:
                to.Write("null"u8);
                break;
            case JsonObject members:
                WriteObject(members, to);
                break;
            case JsonArray items:
                to.Write("["u8);
                for (var i = 0; i < items.Count; i++)
                {
                    to.Write(i == 0 ? ""u8 : ","u8);
                    Write(items[i], to);
                }

                to.Write("]"u8);
                break;
            default:
                WriteValue(node.AsValue(), to);
                break;
        }
    }

    private static void WriteObject(JsonObject members, ArrayBufferWriter<byte> to)
    {
        to.Write("{"u8);
        var first = true;
        foreach (var (name, value) in members.OrderBy(static member => member.Key, StringComparer.Ordinal))
        {
            to.Write(first ? ""u8 : ","u8);
            first = false;
            WriteText(name, to);
            to.Write(":"u8);
            Write(value, to);
        }

        to.Write("}"u8);
    }

    private static void WriteValue(JsonValue value, ArrayBufferWriter<byte> to)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True:
                to.Write("true"u8);
                break;
            case JsonValueKind.False:
                to.Write("false"u8);
                break;
            case JsonValueKind.Null:
                to.Write("null"u8);
                break;
            case JsonValueKind.String:
                WriteText(value.GetValue<string>(), to);
                break;
            default:
                if (!IsInteger(value, out var number) || Math.Abs(number) > IntegerMax)
                {
                    throw new ArgumentException($"a signed document holds whole numbers of 53 bits at most, not {value.ToJsonString()}");
                }

                to.Write(Encoding.ASCII.GetBytes(number.ToString(System.Globalization.CultureInfo.InvariantCulture)));
                break;
        }
    }

    private static bool IsInteger(JsonValue value, out long number)
    {
        if (value.TryGetValue(out number))
        {
            return true;
        }

        if (value.TryGetValue<int>(out var small))
        {
            number = small;
            return true;
        }

        return false;
    }

    // RFC 8785, 3.2.2.2: only what must be escaped is.
    private static void WriteText(string text, ArrayBufferWriter<byte> to)
    {
        var escaped = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => escaped.Append("\\\""),
                '\\' => escaped.Append("\\\\"),
                '\b' => escaped.Append("\\b"),
                '\f' => escaped.Append("\\f"),
                '\n' => escaped.Append("\\n"),
                '\r' => escaped.Append("\\r"),
                '\t' => escaped.Append("\\t"),
                < ' ' => escaped.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => escaped.Append(c),
            };
        }

        to.Write(Encoding.UTF8.GetBytes(escaped.Append('"').ToString()));
    }
}
