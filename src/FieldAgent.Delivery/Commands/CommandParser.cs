using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Delivery;

/// <summary>A command's payload, read.</summary>
/// <param name="Id">The id, or null.</param>
/// <param name="ExpiresUnixNs">When it ends, or null.</param>
/// <param name="Arguments">Arguments.</param>
/// <param name="Error">What is wrong, with its place; empty when nothing is.</param>
internal sealed record ParsedCommand(string? Id, long? ExpiresUnixNs, Dictionary<string, string> Arguments, string Error);

/// <summary>Reads command payloads strictly: unknown, doubled or wrongly typed members are errors. Never throws on input.</summary>
internal static class CommandParser
{
    private static readonly JsonReaderOptions Strict = new() { MaxDepth = 4 };

    /// <summary>Reads <paramref name="payload"/>. The id is found even when something else is wrong, so that the refusal can name it.</summary>
    /// <param name="payload">UTF-8, already bounded; empty counts as <c>{}</c>.</param>
    /// <param name="allowed">Arguments it may have; null: any, unread (the command is unknown anyway).</param>
    /// <param name="limits">Limits.</param>
    public static ParsedCommand Parse(ReadOnlySpan<byte> payload, IReadOnlyList<CommandArgument>? allowed, CommandLimits limits)
    {
        string? id = null;
        long? expires = null;
        var arguments = new Dictionary<string, string>(StringComparer.Ordinal);
        var error = "";
        if (payload.IsEmpty)
        {
            return new ParsedCommand(null, null, arguments, Missing(allowed, arguments));
        }

        try
        {
            var reader = new Utf8JsonReader(payload, Strict);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return new ParsedCommand(null, null, arguments, "the payload is not a JSON object");
            }

            var seen = new HashSet<string>(StringComparer.Ordinal);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                if (!seen.Add(name))
                {
                    Note(ref error, $"{Place(name)} stands twice");
                }

                switch (name)
                {
                    case "v":
                        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var version) || version != ContractWords.Version)
                        {
                            Note(ref error, "$.v: only version 1 is known");
                        }

                        break;
                    case "id":
                        if (reader.TokenType == JsonTokenType.String && IsId(reader.GetString()!, limits.IdLengthMax))
                        {
                            id = reader.GetString();
                        }
                        else
                        {
                            Note(ref error, $"$.id: a text of 1 to {limits.IdLengthMax} letters, digits, '.', '_', ':', '-'");
                        }

                        break;
                    case "expires":
                        if (reader.TokenType == JsonTokenType.String && TryReadTime(reader.GetString()!, out var unixNs))
                        {
                            expires = unixNs;
                        }
                        else
                        {
                            Note(ref error, "$.expires: a time such as 2026-01-31T12:00:00Z, with Z or an offset, in the years 1971 to 2200");
                        }

                        break;
                    default:
                        ReadArgument(ref reader, name, allowed, arguments, ref error);
                        break;
                }

                reader.TrySkip();
            }

            if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
            {
                Note(ref error, "the payload does not end with its object");
            }
        }
        catch (JsonException)
        {
            Note(ref error, "the payload is not valid JSON");
        }
        catch (InvalidOperationException)
        {
            // GetString on text that is not valid UTF-8.
            Note(ref error, "the payload is not valid UTF-8");
        }

        Note(ref error, Missing(allowed, arguments));
        return new ParsedCommand(id, expires, arguments, error);
    }

    private static void ReadArgument(
        ref Utf8JsonReader reader, string name, IReadOnlyList<CommandArgument>? allowed, Dictionary<string, string> arguments, ref string error)
    {
        if (allowed is null)
        {
            return;
        }

        var argument = allowed.FirstOrDefault(a => a.Name == name);
        if (argument is null)
        {
            Note(ref error, $"{Place(name)} is not known to this command");
        }
        else if (reader.TokenType != JsonTokenType.String || reader.GetString()!.Length is 0 || reader.GetString()!.Length > argument.LengthMax)
        {
            Note(ref error, $"{Place(name)}: a text of 1 to {argument.LengthMax} characters");
        }
        else
        {
            arguments[name] = reader.GetString()!;
        }
    }

    private static string Missing(IReadOnlyList<CommandArgument>? allowed, Dictionary<string, string> arguments) =>
        allowed?.FirstOrDefault(a => a.Required && !arguments.ContainsKey(a.Name)) is { } missing ? $"$.{missing.Name} is missing" : "";

    private static bool IsId(string text, int lengthMax)
    {
        if (text.Length == 0 || text.Length > lengthMax)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or ':' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryReadTime(string text, out long unixNs)
    {
        unixNs = 0;
        // RFC 3339: a time without an offset means nothing here.
        var hasOffset = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');
        if (!hasOffset || text.Length is < 17 or > 40 || text[10] != 'T'
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            || time.Year is < 1971 or > 2200)
        {
            return false;
        }

        unixNs = (time - DateTimeOffset.UnixEpoch).Ticks * 100;
        return true;
    }

    // A name from outside is shown only when it is short and plain.
    private static string Place(string name) => Topics.IsLevel(name) ? "$." + name : "a member";

    private static void Note(ref string error, string text) => error = error.Length == 0 ? text : error;
}
