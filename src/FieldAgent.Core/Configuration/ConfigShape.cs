namespace FieldAgent.Core.Configuration;

/// <summary>The options that a section of the configuration may have. One declaration serves checking, the README and the
/// published JSON Schema.</summary>
/// <param name="summary">What the section is for, one sentence.</param>
/// <param name="options">Its options.</param>
public sealed class ConfigShape(string summary, params Option[] options)
{
    /// <summary>What the section is for.</summary>
    public string Summary { get; } = summary;

    /// <summary>The options, in the order they are documented.</summary>
    public IReadOnlyList<Option> Options { get; } = options;

    /// <summary>Checks <paramref name="node"/> against the shape; every error goes to <paramref name="errors"/>.</summary>
    /// <param name="node">The section as it was read.</param>
    /// <param name="errors">Gets what is wrong.</param>
    /// <param name="isPart">True when the section has options of another shape as well: those are not looked at.</param>
    /// <returns>The section; options that were wrong read as their default.</returns>
    public ConfigSection Bind(ConfigNode node, ConfigErrors errors, bool isPart = false)
    {
        var section = new ConfigSection(node, errors);
        if (node.Kind != ConfigNodeKind.Section)
        {
            errors.Add(node, "must be an object { … }");
            return section;
        }

        foreach (var (name, child) in node.Members)
        {
            if (name == "$schema")
            {
                continue;
            }

            var option = Options.FirstOrDefault(o => o.Name == name);
            if (option is null)
            {
                if (!isPart)
                {
                    errors.Add(child, $"unknown option. {Nearest(name)}");
                }
            }
            else if (child.Kind != ConfigNodeKind.Null || option.Required)
            {
                option.BindInto(section, child, errors);
            }
        }

        foreach (var option in Options)
        {
            if (option.Required && !node.Members.ContainsKey(option.Name))
            {
                errors.Add(node, $"'{option.Name}' is missing: {option.Doc}");
            }
        }

        return section;
    }

    private string Nearest(string name)
    {
        var best = Options.MinBy(o => Distance(o.Name, name));
        return best is not null && Distance(best.Name, name) <= Math.Max(2, name.Length / 3)
            ? $"Did you mean '{best.Name}'?"
            : $"Known here: {string.Join(", ", Options.Select(static o => o.Name))}.";
    }

    private static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}

/// <summary>A checked section: read it with the very options that its shape declares.</summary>
/// <param name="node">Where it stands.</param>
/// <param name="errors">Where further errors go.</param>
public sealed class ConfigSection(ConfigNode node, ConfigErrors errors)
{
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    /// <summary>Where the section stands.</summary>
    public ConfigNode Node { get; } = node;

    /// <summary>Where errors go that the shape cannot express.</summary>
    public ConfigErrors Errors { get; } = errors;

    /// <summary>The value, or the option's default.</summary>
    public T Get<T>(Option<T> option) => _values.TryGetValue(option.Name, out var value) ? (T)value : option.Default;

    /// <summary>True when the configuration gives the option.</summary>
    public bool Has(Option option) => _values.ContainsKey(option.Name);

    /// <summary>The node of an option, for an error about it; the section's own when it is not given.</summary>
    public ConfigNode NodeOf(Option option) => Node.Members.GetValueOrDefault(option.Name, Node);

    internal void Set(string name, object value) => _values[name] = value;
}

/// <summary>One option: name, meaning, and how it is read. See <see cref="Opt"/>.</summary>
public abstract class Option
{
    private protected Option(string name, string doc, bool required)
    {
        Name = name;
        Doc = doc;
        Required = required;
    }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>What it does, with unit and range.</summary>
    public string Doc { get; }

    /// <summary>True when it must be given.</summary>
    public bool Required { get; }

    /// <summary>The JSON Schema of its value, as JSON text.</summary>
    public abstract string Schema { get; }

    /// <summary>The default as text, or empty.</summary>
    public abstract string DefaultText { get; }

    internal abstract void BindInto(ConfigSection section, ConfigNode node, ConfigErrors errors);
}

/// <summary>An option with a value of type <typeparamref name="T"/>.</summary>
public sealed class Option<T> : Option
{
    private readonly Func<ConfigNode, ConfigErrors, (bool Ok, T Value)> _read;
    private readonly Func<string> _schema;

    internal Option(
        string name, string doc, bool required, T @default, string defaultText, Func<string> schema,
        Func<ConfigNode, ConfigErrors, (bool Ok, T Value)> read)
        : base(name, doc, required)
    {
        Default = @default;
        DefaultText = defaultText;
        _schema = schema;
        _read = read;
    }

    /// <summary>What it is when it is not given.</summary>
    public T Default { get; }

    /// <inheritdoc/>
    public override string Schema => _schema();

    /// <inheritdoc/>
    public override string DefaultText { get; }

    /// <summary>Reads a value outside a section: an element of a list.</summary>
    internal (bool Ok, T Value) Read(ConfigNode node, ConfigErrors errors) => _read(node, errors);

    internal override void BindInto(ConfigSection section, ConfigNode node, ConfigErrors errors)
    {
        var (ok, value) = _read(node, errors);
        if (ok)
        {
            section.Set(Name, value!);
        }
    }
}
