using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Configuration;

/// <summary>Something that a switch at the board grants and takes back.</summary>
/// <param name="Pair">Function and field.</param>
/// <param name="Precision">For a place how exact; null: as without a switch.</param>
internal sealed record SwitchScope(ConsentPair Pair, string? Precision);

/// <summary>The switch with which consent is taken back and given.</summary>
/// <param name="Line">Its line; active means: taken back.</param>
/// <param name="Scopes">What it governs.</param>
/// <param name="Role">Who operates it: subject or operator.</param>
internal sealed record ConsentSwitchConfig(RoleLine Line, IReadOnlyList<SwitchScope> Scopes, string Role);

/// <summary>Lines for people at the board; those that are not configured are null.</summary>
internal sealed record RolesConfig
{
    /// <summary>The switch.</summary>
    public ConsentSwitchConfig? ConsentSwitch { get; init; }

    /// <summary>The button that proves presence.</summary>
    public RoleLine? PresenceButton { get; init; }

    /// <summary>The lamp that is lit while a camera is open; not opened yet.</summary>
    public CameraLamp? CameraIndicator { get; init; }

    /// <summary>The contact of the enclosure.</summary>
    public RoleLine? EnclosureTamper { get; init; }

    /// <summary>All lines.</summary>
    public IEnumerable<RoleLine> Lines =>
        new[] { ConsentSwitch?.Line, PresenceButton, CameraIndicator?.Line, EnclosureTamper }.OfType<RoleLine>();
}

/// <summary>The options under <c>roles</c>.</summary>
internal static class RoleShape
{
    private const int ScopesMax = 32;

    private static readonly Option<string> ScopeFunction = Opt.Name("function", "An extended function of the policy.", required: true);

    private static readonly Option<string> ScopeField = Opt.Text(
        "field", "One of its fields: image.photo, location.position. Each is named, as sensitive ones must be.", required: true, lengthMax: 64);

    private static readonly Option<string> ScopePrecision = Opt.Text(
        "precision", "For a place how exact the switch grants it: exact, 100m, 1km, 10km.", lengthMax: 16);

    private static readonly Option<IReadOnlyList<ConfigSection>> Scopes = Opt.Sections(
        "scopes", "What the switch takes back and grants.",
        new ConfigShape("A function and a field.", ScopeFunction, ScopeField, ScopePrecision), ScopesMax, required: true);

    private static readonly Option<string> OperatedBy = Opt.Choice(
        "by", "Who operates the switch, for the record: the person concerned, or who runs the instrument.", ConsentBy.Subject, false,
        ConsentBy.Subject, ConsentBy.Operator);

    private static readonly Option<ConfigSection?> ConsentSwitch = Opt.Section("consentSwitch",
        "A switch: while its line is active what it governs is withdrawn and cannot be granted; making it inactive grants it; while it cannot be read it is paused.",
        new ConfigShape("A switch with which consent is taken back and given.", [.. RoleLine.InputOptions, Scopes, OperatedBy]));

    private static readonly Option<ConfigSection?> PresenceButton = Opt.Section("presenceButton",
        "A button: pressing it proves for two minutes that somebody stands at the board, which verifies a request.",
        new ConfigShape("A button that proves presence.", [.. RoleLine.InputOptions]));

    private static readonly Option<ConfigSection?> CameraIndicator = Opt.Section("cameraIndicator",
        "A lamp that is lit exactly while a camera is open; no camera is opened when it cannot be lit.",
        new ConfigShape("A lamp.", [.. RoleLine.OutputOptions]));

    private static readonly Option<ConfigSection?> EnclosureTamper = Opt.Section("enclosureTamper",
        "A contact that is active while the enclosure is open, which is an incident.",
        new ConfigShape("The enclosure's contact.", [.. RoleLine.InputOptions]));

    /// <summary>The section.</summary>
    public static readonly Option<ConfigSection?> Roles = Opt.Section("roles", "What GPIO lines are for, beside sensors.",
        new ConfigShape("What GPIO lines are for, beside sensors.", ConsentSwitch, PresenceButton, CameraIndicator, EnclosureTamper));

    /// <summary>Reads and checks the section; nothing is opened.</summary>
    public static RolesConfig Read(ConfigSection? roles, Policy? policy, string devicesRoot)
    {
        if (roles is null)
        {
            return new RolesConfig();
        }

        RoleLine? LineOf(Option<ConfigSection?> role) => roles.Get(role) is { } section ? RoleLine.Read(role.Name, section) : null;

        var config = new RolesConfig
        {
            ConsentSwitch = roles.Get(ConsentSwitch) is { } section ? ReadSwitch(section, policy) : null,
            PresenceButton = LineOf(PresenceButton),
            CameraIndicator = LineOf(CameraIndicator) is { } lamp ? new CameraLamp(lamp, Path.Join(devicesRoot, "dev")) : null,
            EnclosureTamper = LineOf(EnclosureTamper),
        };
        List<RoleLine> lines = [.. config.Lines.Where(static line => line.Line.Length > 0)];
        for (var i = 1; i < lines.Count; i++)
        {
            if (lines.Take(i).FirstOrDefault(other => other.Taken.Clashes(lines[i].Taken)) is { } other)
            {
                roles.Errors.Add(roles.Node.Members[lines[i].Role], $"line '{lines[i].Line}' has two roles: {other.Role}, {lines[i].Role}");
            }
        }

        return config;
    }

    private static ConsentSwitchConfig ReadSwitch(ConfigSection section, Policy? policy)
    {
        var scopes = new List<SwitchScope>();
        foreach (var one in section.Get(Scopes))
        {
            var scope = new SwitchScope(
                new ConsentPair(one.Get(ScopeFunction), one.Get(ScopeField)), one.Has(ScopePrecision) ? one.Get(ScopePrecision) : null);
            if (policy is not null && one.Has(ScopeFunction) && one.Has(ScopeField) && Problem(scope, policy) is { } problem)
            {
                section.Errors.Add(one.Node, problem);
            }

            if (scopes.Exists(other => other.Pair == scope.Pair))
            {
                section.Errors.Add(one.Node, $"'{scope.Pair}' is given twice");
            }

            scopes.Add(scope);
        }

        if (section.Has(Scopes) && scopes.Count == 0)
        {
            section.Errors.Add(section.NodeOf(Scopes), "must name at least one function and field");
        }

        return new ConsentSwitchConfig(RoleLine.Read(ConsentSwitch.Name, section), scopes, section.Get(OperatedBy));
    }

    private static string? Problem(SwitchScope scope, Policy policy)
    {
        var (function, field) = scope.Pair;
        if (policy.Function(function) is not { Tier: FunctionTier.Extended })
        {
            return $"the policy has no function '{function}' that can be granted; it has: "
                + string.Join(", ", policy.Functions.Where(static f => f.Tier == FunctionTier.Extended).Select(static f => f.Name));
        }

        if (policy.RulesOf(function).FirstOrDefault(rule => rule.Field.Name == field) is not { } rule)
        {
            return $"'{function}' does not use '{field}'; it uses: {string.Join(", ", policy.RulesOf(function).Select(static rule => rule.Field.Name))}";
        }

        return scope.Precision is not { } word ? null
            : !PrecisionWords.TryParse(word, out var asked) ? $"unknown precision '{word}'; there are: {string.Join(", ", PrecisionWords.All)}"
            : !Vocabulary.IsLocation(field) && field != Vocabulary.LocationPrecise ? $"only a place has a precision; '{field}' is none"
            : asked < rule.Precision ? $"the policy allows {field} no finer than {rule.Precision.Word()}"
            : null;
    }
}

/// <summary>The GPIO lines that are given away, while a configuration is read.</summary>
internal sealed class TakenLines(RolesConfig roles, ConfigErrors errors)
{
    private readonly List<(BoardLine Line, string By)> _taken = [.. roles.Lines.Select(static line => (line.Taken, "roles." + line.Role))];

    /// <summary>Takes a sensor's lines; one that is taken already is an error at the sensor.</summary>
    public void Take(ISensor sensor, ConfigNode node)
    {
        foreach (var line in sensor.Lines)
        {
            if (_taken.Find(taken => taken.Line.Clashes(line)) is { By: { } by })
            {
                errors.Add(node, $"line '{line.Line}' is used by {by} already; a line has one use");
            }

            _taken.Add((line, "sensor " + sensor.Name));
        }
    }
}
