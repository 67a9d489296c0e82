using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>Other programs on the board hand readings over and share the agent's one session (R49). The socket exists only while the
/// function is on; a program gets neither device nodes nor the connection (R76).</summary>
public sealed class SharedUplinkKind : ISensorKind
{
    /// <summary>Namespace of the fields that programs may hand over; a rule of the policy must name the field.</summary>
    public const string Namespace = "foreign.";

    /// <summary>The grounds on which a program may have collected what it hands over (R15, R18).</summary>
    private static readonly string[] Bases =
        ["consent", "contract", "legal-obligation", "vital-interest", "legitimate-interest", "public-interest"];

    internal static readonly Option<string> Socket = Opt.File("socket", "The socket, relative to the runtime folder.", "uplink.sock");

    internal static readonly Option<string> SourceName = Opt.Name("name", "The source tag: also in the name of its streams.", required: true);

    internal static readonly Option<string> User = Opt.Text("user", "The user that the program runs as: a name of /etc/passwd or a number. "
        + "Under a unit with PrivateUsers= the kernel tells the agent's own user and root only.", required: true, lengthMax: 32);

    internal static readonly Option<string> Program = Opt.File("program", "Path of the executable; any of that user's when not given. "
        + "The agent may look at processes of its own user; at others only as root.");

    internal static readonly Option<string> Sha256 = Opt.Text("sha256", "SHA-256 of the executable, 64 hexadecimal digits; needs 'program'.", lengthMax: 64);

    internal static readonly Option<string> FieldName = Opt.Text("field", "The vocabulary's field of its readings.", "foreign.reading", lengthMax: 64);

    internal static readonly Option<string> Basis = Opt.Choice("basis", "On what grounds the program collects them.", null, true, Bases);

    internal static readonly Option<IReadOnlyList<ConfigSection>> Sources = Opt.Sections(
        "sources", "Who may hand readings over.",
        new ConfigShape("A program that may hand readings over.", SourceName, User, Program, Sha256, FieldName, Basis), SharedUplinkLimits.SourcesMax, required: true);

    /// <inheritdoc/>
    public string Kind => "shared-uplink";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Readings of other programs on the board, as lines of JSON through a Unix socket. The kernel says who calls; nobody else is heard.",
        Socket, Sources);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var sources = new List<UplinkSource>();
        foreach (var section in setup.Options.Get(Sources))
        {
            var source = new UplinkSource(
                section.Get(SourceName), section.Get(User), section.Has(Program) ? setup.FilePath(section.Get(Program)) : null,
                section.Has(Sha256) ? section.Get(Sha256).ToLowerInvariant() : null, section.Get(FieldName), section.Get(Basis));
            if (sources.Exists(s => s.Name == source.Name))
            {
                setup.Options.Errors.Add(section.NodeOf(SourceName), $"there is another source called '{source.Name}'");
            }

            if (!source.Field.StartsWith(Namespace, StringComparison.Ordinal))
            {
                setup.Options.Errors.Add(section.NodeOf(FieldName), $"must begin with '{Namespace}': what others measured is not passed off as the agent's");
            }

            if (source.Sha256 is { } digest && (source.Program is null || digest.Length != 64 || !digest.All(char.IsAsciiHexDigit)))
            {
                setup.Options.Errors.Add(section.NodeOf(Sha256), "must be 64 hexadecimal digits (sha256sum FILE), and needs 'program'");
            }

            sources.Add(source);
        }

        return new SharedUplinkSensor(setup, sources, Path.GetFullPath(setup.Options.Get(Socket), setup.RuntimeDirectory));
    }
}

/// <summary>A program that may hand readings over.</summary>
/// <param name="Name">Source tag.</param>
/// <param name="User">User name or number.</param>
/// <param name="Program">Path of the executable, or null.</param>
/// <param name="Sha256">Its hash, lower-case hexadecimal, or null.</param>
/// <param name="Field">Field of its readings.</param>
/// <param name="Basis">Grounds.</param>
internal sealed record UplinkSource(string Name, string User, string? Program, string? Sha256, string Field, string Basis);

/// <summary>Every limit of the shared uplink, with its reason.</summary>
public static class SharedUplinkLimits
{
    /// <summary>Programs that may be configured: a board runs a handful.</summary>
    public const int SourcesMax = 16;

    /// <summary>Callers at once; a program needs one connection.</summary>
    public const int CallersMax = 16;

    /// <summary>Longest line, bytes: 64 numbers of 24 characters and their frame fit.</summary>
    public const int LineBytesMax = 4096;

    /// <summary>Lines read from one caller before the next has its turn.</summary>
    public const int LinesATurn = 64;

    /// <summary>A caller that has not said who it is by then is hung up on.</summary>
    public static readonly TimeSpan HelloWithin = TimeSpan.FromSeconds(10);

    /// <summary>Longest age of a reading that is handed over late.</summary>
    public static readonly TimeSpan AgeMax = TimeSpan.FromDays(1);

    /// <summary>Largest executable that is hashed, bytes.</summary>
    public const long ProgramBytesMax = 512L << 20;
}
