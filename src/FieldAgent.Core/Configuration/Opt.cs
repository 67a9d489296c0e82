using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Core.Configuration;

/// <summary>Makes options. Every kind checks its range here, so that no reader has to.</summary>
public static class Opt
{
    private static readonly (string Suffix, double Seconds)[] Durations =
        [("ms", 1e-3), ("us", 1e-6), ("s", 1), ("min", 60), ("m", 60), ("h", 3600), ("d", 86400)];

    private static readonly (string Suffix, long Bytes)[] Sizes =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1)];

    /// <summary>A string of at most <paramref name="lengthMax"/> characters.</summary>
    public static Option<string> Text(string name, string doc, string? @default = null, bool required = false, int lengthMax = 256) =>
        new(name, doc, required, @default ?? "", @default ?? "", () => $$"""{"type":"string","maxLength":{{lengthMax}}}""", (node, errors) =>
        {
            if (node.Kind != ConfigNodeKind.Text)
            {
                return Wrong<string>(node, errors, "must be a string in quotes");
            }

            return node.Text.Length > lengthMax
                ? Wrong<string>(node, errors, $"is longer than {lengthMax} characters")
                : (true, node.Text);
        });

    /// <summary>A name: lower-case letters, digits and hyphens, beginning with a letter, 40 characters at most.</summary>
    public static Option<string> Name(string name, string doc, string? @default = null, bool required = false) =>
        new(name, doc, required, @default ?? "", @default ?? "", static () => """{"type":"string","pattern":"^[a-z][a-z0-9-]{0,39}$"}""", (node, errors) =>
            node.Kind == ConfigNodeKind.Text && IsName(node.Text)
                ? (true, node.Text)
                : Wrong<string>(node, errors, "must be a name: lower-case letters, digits and hyphens, beginning with a letter, at most 40"));

    /// <summary>A file or folder; relative ones are relative to the configuration file.</summary>
    public static Option<string> File(string name, string doc, string? @default = null, bool required = false) =>
        Text(name, doc, @default, required, 4096);

    /// <summary>One of a closed list of words.</summary>
    public static Option<string> Choice(string name, string doc, string? @default, bool required, params string[] words) =>
        new(name, doc, required, @default ?? words[0], @default ?? "", () => $$"""{"enum":[{{string.Join(',', words.Select(static w => $"\"{w}\""))}}]}""",
            (node, errors) => node.Kind == ConfigNodeKind.Text && words.Contains(node.Text)
                ? (true, node.Text)
                : Wrong<string>(node, errors, $"must be one of: {string.Join(", ", words)}"));

    /// <summary>true or false.</summary>
    public static Option<bool> Flag(string name, string doc, bool @default = false) =>
        new(name, doc, false, @default, @default ? "true" : "false", static () => """{"type":"boolean"}""", static (node, errors) =>
            node.Kind == ConfigNodeKind.Flag ? (true, node.Flag) : Wrong<bool>(node, errors, "must be true or false"));

    /// <summary>A number in a closed range.</summary>
    public static Option<double> Number(string name, string doc, double @default, double min, double max, bool required = false) =>
        new(name, doc, required, @default, Invariant($"{@default}"), () => Invariant($$"""{"type":"number","minimum":{{min}},"maximum":{{max}}}"""),
            (node, errors) => node.Kind == ConfigNodeKind.Number
                && double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
                ? (true, value)
                : Wrong<double>(node, errors, Invariant($"must be a number from {min} to {max}")));

    /// <summary>A whole number in a closed range.</summary>
    public static Option<long> Integer(string name, string doc, long @default, long min, long max, bool required = false) =>
        new(name, doc, required, @default, Invariant($"{@default}"), () => Invariant($$"""{"type":"integer","minimum":{{min}},"maximum":{{max}}}"""),
            (node, errors) => node.Kind == ConfigNodeKind.Number
                && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
                ? (true, value)
                : Wrong<long>(node, errors, Invariant($"must be a whole number from {min} to {max}")));

    /// <summary>A whole number in a closed range that may be written in hexadecimal: <c>118</c> or <c>"0x76"</c>.</summary>
    public static Option<long> Code(string name, string doc, long min, long max, bool required = false) =>
        new(name, doc, required, 0, "", () => Invariant($$"""{"anyOf":[{"type":"integer","minimum":{{min}},"maximum":{{max}}},{"type":"string","pattern":"^0x[0-9a-fA-F]{1,16}$"}]}"""),
            (node, errors) =>
            {
                var ok = long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && node.Kind == ConfigNodeKind.Number;
                if (node.Kind == ConfigNodeKind.Text && node.Text.StartsWith("0x", StringComparison.Ordinal))
                {
                    ok = long.TryParse(node.Text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
                }

                return ok && value >= min && value <= max
                    ? (true, value)
                    : Wrong<long>(node, errors, Invariant($"must be a whole number from {min} to {max}, or \"0x{min:x2}\" to \"0x{max:x2}\""));
            });

    /// <summary>Bytes in hexadecimal, with spaces or without: <c>"2c 06"</c>.</summary>
    public static Option<byte[]> HexBytes(string name, string doc, int bytesMax) =>
        new(name, doc, false, [], "", static () => """{"type":"string","pattern":"^([0-9a-fA-F]{2} ?)+$"}""", (node, errors) =>
        {
            var text = node.Kind == ConfigNodeKind.Text ? node.Text.Replace(" ", "", StringComparison.Ordinal) : "";
            return text.Length >= 2 && text.Length % 2 == 0 && text.Length <= 2 * bytesMax && text.All(char.IsAsciiHexDigit)
                ? (true, Convert.FromHexString(text))
                : Wrong<byte[]>(node, errors, $"must be 1 to {bytesMax} bytes in hexadecimal, such as \"2c 06\"");
        });

    /// <summary>A frequency such as <c>400Hz</c> or <c>10kHz</c>, in a closed range of Hz.</summary>
    public static Option<double> Frequency(string name, string doc, double min, double max) =>
        new(name, doc, false, 0, "", static () => """{"type":"string","pattern":"^[0-9]+([.][0-9]+)?(Hz|kHz|MHz)$"}""", (node, errors) =>
        {
            var factor = !node.Text.EndsWith("Hz", StringComparison.Ordinal) ? 0
                : node.Text.EndsWith("kHz", StringComparison.Ordinal) ? 1e3
                : node.Text.EndsWith("MHz", StringComparison.Ordinal) ? 1e6 : 1;
            var digits = node.Text.AsSpan(0, factor == 0 ? 0 : node.Text.Length - (factor == 1 ? 2 : 3));
            return node.Kind == ConfigNodeKind.Text && factor > 0
                && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
                && value * factor >= min && value * factor <= max
                ? (true, value * factor)
                : Wrong<double>(node, errors, Invariant($"must be a frequency in quotes, such as \"10kHz\", from {min} to {max} Hz"));
        });

    /// <summary>A duration such as <c>10s</c>, <c>250ms</c>, <c>5m</c>, <c>24h</c>, <c>30d</c>, in a closed range.</summary>
    public static Option<TimeSpan> Duration(string name, string doc, TimeSpan @default, TimeSpan min, TimeSpan max, bool required = false) =>
        new(name, doc, required, @default, Write(@default), static () => """{"type":"string","pattern":"^[0-9]+([.][0-9]+)?(us|ms|s|min|m|h|d)$"}""", (node, errors) =>
        {
            if (node.Kind != ConfigNodeKind.Text || !TryParseDuration(node.Text, out var value))
            {
                return Wrong<TimeSpan>(node, errors, "must be a duration in quotes, such as \"10s\", \"250ms\", \"5m\", \"24h\", \"30d\"");
            }

            return value < min || value > max
                ? Wrong<TimeSpan>(node, errors, $"must be from {Write(min)} to {Write(max)}")
                : (true, value);
        });

    /// <summary>A size such as <c>64MiB</c> or <c>1GB</c>, in a closed range of bytes.</summary>
    public static Option<long> Bytes(string name, string doc, long @default, long min, long max, bool required = false) =>
        new(name, doc, required, @default, Invariant($"{@default}B"), static () => """{"type":"string","pattern":"^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)$"}""", (node, errors) =>
        {
            if (node.Kind != ConfigNodeKind.Text || !TryParseBytes(node.Text, out var value))
            {
                return Wrong<long>(node, errors, "must be a size in quotes, such as \"64MiB\", \"500kB\", \"1GB\"");
            }

            return value < min || value > max
                ? Wrong<long>(node, errors, Invariant($"must be from {min} to {max} bytes"))
                : (true, value);
        });

    /// <summary>A section of its own.</summary>
    public static Option<ConfigSection?> Section(string name, string doc, ConfigShape shape, bool required = false) =>
        new(name, doc, required, null, "", () => ConfigSchema.Of(shape), (node, errors) => (true, shape.Bind(node, errors)));

    /// <summary>A section that someone else checks: a sensor's, by its kind.</summary>
    public static Option<ConfigNode?> Raw(string name, string doc, string schema = "{}", bool required = false) =>
        new(name, doc, required, null, "", () => schema, static (node, _) => (true, node));

    /// <summary>A list of sections.</summary>
    public static Option<IReadOnlyList<ConfigSection>> Sections(string name, string doc, ConfigShape shape, int countMax, bool required = false) =>
        new(name, doc, required, [], "", () => $$"""{"type":"array","maxItems":{{countMax}},"items":{{ConfigSchema.Of(shape)}}}""", (node, errors) =>
        {
            if (!IsList(node, countMax, errors))
            {
                return (false, []);
            }

            return (true, [.. node.Items.Select(item => shape.Bind(item, errors))]);
        });

    /// <summary>A list of nodes that someone else checks.</summary>
    public static Option<IReadOnlyList<ConfigNode>> RawList(string name, string doc, int countMax, Func<string>? itemSchema = null, bool required = false) =>
        new(name, doc, required, [], "", () => $$"""{"type":"array","maxItems":{{countMax}},"items":{{itemSchema?.Invoke() ?? "{}"}}}""", (node, errors) =>
            IsList(node, countMax, errors) ? (true, node.Items) : (false, []));

    /// <summary>A list of values of one kind; <paramref name="item"/> says which.</summary>
    public static Option<IReadOnlyList<T>> List<T>(string name, string doc, Option<T> item, int countMax, bool required = false) =>
        new(name, doc, required, [], "", () => $$"""{"type":"array","maxItems":{{countMax}},"items":{{item.Schema}}}""", (node, errors) =>
        {
            if (!IsList(node, countMax, errors))
            {
                return (false, []);
            }

            var values = new List<T>(node.Items.Count);
            foreach (var child in node.Items)
            {
                var (ok, value) = item.Read(child, errors);
                if (ok)
                {
                    values.Add(value);
                }
            }

            return (true, values);
        });

    /// <summary>Reads <c>10s</c>, <c>250ms</c>, <c>1.5h</c>.</summary>
    public static bool TryParseDuration(string text, out TimeSpan value)
    {
        foreach (var (suffix, seconds) in Durations)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n)
                && n * seconds < TimeSpan.MaxValue.TotalSeconds)
            {
                value = TimeSpan.FromTicks((long)Math.Round(n * seconds * TimeSpan.TicksPerSecond));
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Writes a duration as it would stand in a configuration.</summary>
    public static string Write(TimeSpan value) =>
        value.Ticks % TimeSpan.TicksPerDay == 0 && value.Ticks > 0 ? Invariant($"{value.Ticks / TimeSpan.TicksPerDay}d")
        : value.Ticks % TimeSpan.TicksPerHour == 0 && value.Ticks > 0 ? Invariant($"{value.Ticks / TimeSpan.TicksPerHour}h")
        : value.Ticks % TimeSpan.TicksPerMinute == 0 && value.Ticks > 0 ? Invariant($"{value.Ticks / TimeSpan.TicksPerMinute}m")
        : value.Ticks % TimeSpan.TicksPerSecond == 0 ? Invariant($"{value.Ticks / TimeSpan.TicksPerSecond}s")
        : Invariant($"{value.TotalMilliseconds}ms");

    /// <summary>Reads <c>64MiB</c>, <c>500kB</c>.</summary>
    public static bool TryParseBytes(string text, out long value)
    {
        foreach (var (suffix, bytes) in Sizes)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal)
                && long.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                && n <= long.MaxValue / bytes)
            {
                value = n * bytes;
                return true;
            }
        }

        value = 0;
        return false;
    }

    /// <summary>True for a name as <see cref="Name"/> takes it.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= 40 && char.IsAsciiLetterLower(text[0])
        && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static bool IsList(ConfigNode node, int countMax, ConfigErrors errors)
    {
        if (node.Kind != ConfigNodeKind.List)
        {
            errors.Add(node, "must be a list [ … ]");
            return false;
        }

        if (node.Items.Count > countMax)
        {
            errors.Add(node, $"has {node.Items.Count} entries; at most {countMax} are allowed");
            return false;
        }

        return true;
    }

    private static (bool Ok, T Value) Wrong<T>(ConfigNode node, ConfigErrors errors, string message)
    {
        errors.Add(node, message);
        return (false, default!);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>Writes shapes as JSON Schema (draft 2020-12).</summary>
public static class ConfigSchema
{
    /// <summary>The schema of a section, as JSON text.</summary>
    public static string Of(ConfigShape shape, params (string Name, string Schema)[] more)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", "object");
            writer.WriteString("description", shape.Summary);
            writer.WriteStartObject("properties");
            foreach (var option in shape.Options)
            {
                writer.WritePropertyName(option.Name);
                WriteWithDoc(writer, option);
            }

            foreach (var (name, schema) in more)
            {
                writer.WritePropertyName(name);
                writer.WriteRawValue(schema);
            }

            writer.WriteEndObject();
            var required = shape.Options.Where(static o => o.Required).ToList();
            if (required.Count > 0)
            {
                writer.WriteStartArray("required");
                foreach (var option in required)
                {
                    writer.WriteStringValue(option.Name);
                }

                writer.WriteEndArray();
            }

            writer.WriteBoolean("additionalProperties", false);
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteWithDoc(Utf8JsonWriter writer, Option option)
    {
        using var document = JsonDocument.Parse(option.Schema);
        writer.WriteStartObject();
        writer.WriteString("description", option.DefaultText.Length > 0 ? $"{option.Doc} Default: {option.DefaultText}." : option.Doc);
        foreach (var member in document.RootElement.EnumerateObject())
        {
            if (member.Name != "description")
            {
                member.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }
}
