using System.Text.Json;
using System.Text.Json.Serialization;

namespace FieldAgent.Agent.Boards;

/// <summary>A board that is known: what its kernel calls things, and where they are on its header.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Title">What it is sold as.</param>
/// <param name="Models">What <c>/proc/device-tree/model</c> begins with.</param>
/// <param name="Gpio">Its GPIO chips.</param>
/// <param name="I2c">Its I2C buses on the header.</param>
/// <param name="Serial">Its serial lines on the header.</param>
/// <param name="BootFile">The file that overlay lines go into.</param>
/// <param name="Overlays">The line for each chip or interface.</param>
/// <param name="Camera">How photographs are taken.</param>
/// <param name="Header">The header, pin by pin.</param>
/// <param name="Sources">Where all this comes from.</param>
internal sealed record BoardProfile(
    string Name, string Title, IReadOnlyList<string> Models, IReadOnlyList<BoardGpio> Gpio, IReadOnlyList<BoardI2c> I2c,
    IReadOnlyList<BoardSerial> Serial, string BootFile, IReadOnlyDictionary<string, string> Overlays, BoardCamera Camera,
    IReadOnlyList<BoardPin> Header, IReadOnlyList<string> Sources);

/// <summary>A GPIO chip, by the label that stays the same on every boot.</summary>
internal sealed record BoardGpio(string Label, string About = "");

/// <summary>An I2C bus, its pins, and the line that switches it on (empty: it is on).</summary>
internal sealed record BoardI2c(string Bus, string Sda, string Scl, string Enable = "", string About = "");

/// <summary>A serial line, its pins, and the line that switches it on (empty: it is on).</summary>
internal sealed record BoardSerial(string Device, string Tx, string Rx, string Enable = "", string About = "");

/// <summary>The program that takes photographs, and the line that switches the camera on.</summary>
internal sealed record BoardCamera(string Command, string Enable = "", string About = "");

/// <summary>A pin of the header; lines also with their number on the chip, and their name where every kernel gives the same.</summary>
internal sealed record BoardPin(string Pin, string Name, int? Offset = null, string Line = "", string Chip = "", string Also = "");

/// <summary>The boards that come with the agent.</summary>
internal static class BoardProfiles
{
    private const string Prefix = "board-";

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<BoardProfile> All { get; } =
    [
        .. typeof(BoardProfiles).Assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(Read),
    ];

    /// <summary>The board of a device-tree model; null for an unknown one.</summary>
    public static BoardProfile? Of(string model) =>
        model.Length == 0 ? null : All.FirstOrDefault(board => board.Models.Any(known => model.StartsWith(known, StringComparison.OrdinalIgnoreCase)));

    /// <summary>What the device tree calls this board; empty where there is no device tree.</summary>
    /// <param name="root">Prefix of /proc.</param>
    public static string ModelOf(string root)
    {
        const int charsMax = 256;
        try
        {
            using var file = new StreamReader(Path.Join(root, "proc/device-tree/model"));
            var buffer = new char[charsMax];
            return new string(buffer, 0, file.ReadBlock(buffer)).Trim('\0', '\n', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static BoardProfile Read(string resource)
    {
        using var stream = typeof(BoardProfiles).Assembly.GetManifestResourceStream(resource)!;
        return JsonSerializer.Deserialize(stream, BoardJson.Default.BoardProfile) ?? throw new InvalidOperationException(resource);
    }
}

/// <summary>Source-generated JSON of the profiles: a member that is missing or unknown is an error.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BoardProfile))]
internal sealed partial class BoardJson : JsonSerializerContext;
