using System.Text;
using System.Text.Json;

namespace FieldAgent.Core.Configuration;

/// <summary>One thing that is wrong with a configuration, where, and what to write instead.</summary>
/// <param name="Line">Line in the file, from 1; 0 when the file as a whole is meant.</param>
/// <param name="Path">Path in the document: <c>sensors[2].interval</c>.</param>
/// <param name="Message">What is wrong and what is allowed.</param>
public sealed record ConfigError(int Line, string Path, string Message)
{
    /// <summary>As a technician reads it, behind the file's name: <c>12: sensors[2].interval: …</c>.</summary>
    public override string ToString() => Path.Length == 0 ? $"{Line}: {Message}" : $"{Line}: {Path}: {Message}";
}

/// <summary>All that is wrong with a configuration, so that it is reported at once.</summary>
public sealed class ConfigErrors
{
    /// <summary>Errors reported at most; a file with more is hopeless.</summary>
    public const int ErrorsMax = 100;

    private readonly List<ConfigError> _all = [];

    /// <summary>The errors, by line.</summary>
    public IReadOnlyList<ConfigError> All => [.. _all.OrderBy(static e => e.Line)];

    /// <summary>How many there are, those beyond <see cref="ErrorsMax"/> too.</summary>
    public int Count { get; private set; }

    /// <summary>True when nothing is wrong.</summary>
    public bool IsEmpty => Count == 0;

    /// <summary>Adds an error.</summary>
    public void Add(int line, string path, string message)
    {
        Count++;
        if (_all.Count < ErrorsMax)
        {
            _all.Add(new ConfigError(line, path, message));
        }
    }

    /// <summary>Adds an error at a node.</summary>
    public void Add(ConfigNode node, string message) => Add(node.Line, node.Path, message);
}

/// <summary>Kind of a node.</summary>
public enum ConfigNodeKind
{
    /// <summary>null.</summary>
    Null,

    /// <summary>true or false.</summary>
    Flag,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A string.</summary>
    Text,

    /// <summary>An array.</summary>
    List,

    /// <summary>An object.</summary>
    Section,
}

/// <summary>A JSON value that remembers its line and path.</summary>
public sealed class ConfigNode
{
    /// <summary>Largest document that is read.</summary>
    public const int BytesMax = 1 << 20;

    private ConfigNode(ConfigNodeKind kind, int line, string path)
    {
        Kind = kind;
        Line = line;
        Path = path;
    }

    /// <summary>Kind.</summary>
    public ConfigNodeKind Kind { get; }

    /// <summary>Line, from 1.</summary>
    public int Line { get; }

    /// <summary>Path.</summary>
    public string Path { get; }

    /// <summary>The string, or the number as it was written.</summary>
    public string Text { get; private init; } = "";

    /// <summary>The flag.</summary>
    public bool Flag { get; private init; }

    /// <summary>An array's elements.</summary>
    public IReadOnlyList<ConfigNode> Items { get; private init; } = [];

    /// <summary>An object's members, in order.</summary>
    public IReadOnlyDictionary<string, ConfigNode> Members { get; private init; } = new Dictionary<string, ConfigNode>();

    /// <summary>An empty section, for a part of the configuration that is not there.</summary>
    public static ConfigNode EmptySection(string path, int line = 0) => new(ConfigNodeKind.Section, line, path);

    /// <summary>Parses JSON with comments and trailing commas.</summary>
    /// <param name="utf8">The document.</param>
    /// <param name="errors">Gets what is wrong.</param>
    /// <returns>The root, or null when the text is not JSON.</returns>
    public static ConfigNode? Parse(ReadOnlySpan<byte> utf8, ConfigErrors errors)
    {
        if (utf8.Length > BytesMax)
        {
            errors.Add(0, "", $"the file is larger than {BytesMax} bytes");
            return null;
        }

        if (utf8.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        if (utf8.Trim(" \t\r\n"u8).IsEmpty)
        {
            errors.Add(1, "", "the file is empty");
            return null;
        }

        var lines = new LineIndex(utf8);
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            MaxDepth = 32,
        });
        try
        {
            reader.Read();
            var root = Read(ref reader, "", lines, errors);
            reader.Read();
            return root;
        }
        catch (JsonException e)
        {
            var text = e.Message;
            var cut = text.IndexOf(" LineNumber", StringComparison.Ordinal);
            errors.Add((int)(e.LineNumber ?? 0) + 1, "", "not valid JSON: " + (cut > 0 ? text[..cut] : text));
            return null;
        }
        catch (InvalidOperationException)
        {
            errors.Add(lines.LineOf(reader.TokenStartIndex), "", "not valid JSON: a string is not valid UTF-8");
            return null;
        }
    }

    private static ConfigNode Read(ref Utf8JsonReader reader, string path, LineIndex lines, ConfigErrors errors)
    {
        var line = lines.LineOf(reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, ConfigNode>(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    var nameLine = lines.LineOf(reader.TokenStartIndex);
                    reader.Read();
                    var childPath = path.Length == 0 ? name : $"{path}.{name}";
                    var child = Read(ref reader, childPath, lines, errors);
                    if (!members.TryAdd(name, child))
                    {
                        errors.Add(nameLine, childPath, "given twice");
                    }
                }

                return new ConfigNode(ConfigNodeKind.Section, line, path) { Members = members };
            case JsonTokenType.StartArray:
                var items = new List<ConfigNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Read(ref reader, $"{path}[{items.Count}]", lines, errors));
                }

                return new ConfigNode(ConfigNodeKind.List, line, path) { Items = items };
            case JsonTokenType.String:
                return new ConfigNode(ConfigNodeKind.Text, line, path) { Text = reader.GetString()! };
            case JsonTokenType.Number:
                return new ConfigNode(ConfigNodeKind.Number, line, path) { Text = Encoding.UTF8.GetString(reader.ValueSpan) };
            case JsonTokenType.True:
            case JsonTokenType.False:
                return new ConfigNode(ConfigNodeKind.Flag, line, path) { Flag = reader.TokenType == JsonTokenType.True };
            default:
                return new ConfigNode(ConfigNodeKind.Null, line, path);
        }
    }

    private sealed class LineIndex
    {
        private readonly List<int> _starts = [0];

        public LineIndex(ReadOnlySpan<byte> utf8)
        {
            for (var i = 0; i < utf8.Length; i++)
            {
                if (utf8[i] == (byte)'\n')
                {
                    _starts.Add(i + 1);
                }
            }
        }

        public int LineOf(long offset)
        {
            var at = _starts.BinarySearch((int)offset);
            return at >= 0 ? at + 1 : ~at;
        }
    }
}
