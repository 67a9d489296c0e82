using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>What several parts of the document are checked for.</summary>
internal sealed partial class PolicyReader
{
    private const string CountryCodeExpected = "must be a country code of two capital letters, such as \"CN\" (ISO 3166)";

    private static List<T> Collect<T>(IReadOnlyList<ConfigSection> sections, Func<ConfigSection, T?> read)
        where T : class
    {
        var all = new List<T>(sections.Count);
        foreach (var section in sections)
        {
            if (read(section) is { } one)
            {
                all.Add(one);
            }
        }

        return all;
    }

    private static bool IsCountryCode(string code) => code.Length == 2 && char.IsAsciiLetterUpper(code[0]) && char.IsAsciiLetterUpper(code[1]);

    private LocalText ReadText(ConfigSection section, Option<ConfigSection?> option)
    {
        if (section.Get(option) is not { } text)
        {
            return "";
        }

        NotEmpty(text, PolicyShape.En, PolicyShape.Zh);
        return new LocalText(text.Get(PolicyShape.En), text.Get(PolicyShape.Zh));
    }

    private T? Unique<T>(Dictionary<string, T> all, string name, T value, ConfigSection section, Option option)
        where T : class
    {
        if (all.TryAdd(name, value))
        {
            return value;
        }

        _errors.Add(section.NodeOf(option), $"'{name}' is declared twice; keep one");
        return null;
    }

    private T? Reference<T>(ConfigSection section, Option<string> option, Dictionary<string, T> known, string what)
        where T : class
    {
        if (!section.Has(option))
        {
            return null;
        }

        var name = section.Get(option);
        if (known.TryGetValue(name, out var value))
        {
            return value;
        }

        Undeclared(section.NodeOf(option), name, known.Keys, what);
        return null;
    }

    private List<string> References<T>(IReadOnlyList<ConfigNode> nodes, Dictionary<string, T> known, string what)
    {
        var names = new List<string>(nodes.Count);
        foreach (var node in nodes)
        {
            if (node.Kind != ConfigNodeKind.Text)
            {
                _errors.Add(node, $"must be the name of a {what} in quotes");
            }
            else if (!known.ContainsKey(node.Text))
            {
                Undeclared(node, node.Text, known.Keys, what);
            }
            else if (names.Contains(node.Text))
            {
                _errors.Add(node, $"'{node.Text}' is given twice");
            }
            else
            {
                names.Add(node.Text);
            }
        }

        return names;
    }

    private void Undeclared(ConfigNode node, string name, IEnumerable<string> known, string what)
    {
        if (!_mentioned.Contains(name))
        {
            var list = string.Join(", ", known);
            _errors.Add(node, $"{what} '{name}' is not declared (R1); declared: {(list.Length > 0 ? list : "none")}");
        }
    }

    private void NotEmpty(ConfigSection section, params Option<string>[] options)
    {
        foreach (var option in options)
        {
            if (section.Has(option) && string.IsNullOrWhiteSpace(section.Get(option)))
            {
                _errors.Add(section.NodeOf(option), "must not be empty");
            }
        }
    }

    private void CountryCode(ConfigSection section, Option<string> option)
    {
        if (section.Has(option) && !IsCountryCode(section.Get(option)))
        {
            _errors.Add(section.NodeOf(option), CountryCodeExpected);
        }
    }
}
