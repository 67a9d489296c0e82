using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Doctor;

/// <summary>A configuration as it may be shown to somebody else: only texts that are known to be harmless stay.</summary>
internal static class RedactedConfig
{
    // What a text option must be called for its text to stay. Everything else is a name, a path or a secret.
    private static readonly HashSet<string> Harmless = new(StringComparer.Ordinal)
    {
        "kind", "interval", "field", "importance", "urgent", "unit", "device", "channel", "label", "chip", "map", "model", "bus", "address", "line", "bias",
        "debounce", "report", "edge", "waveform", "period", "pace", "region", "alpn", "keepAlive", "sessionExpiry", "compressAbove", "bytesMax", "freeBytesMin",
        "window", "url", "name", "supplements", "resolution", "format", "order", "endian", "type", "register", "init", "crc", "source", "gpsd",
    };

    // Whole sections that say where the board is, or who may do what.
    private static readonly HashSet<string> Private = new(StringComparer.Ordinal) { "geofences", "control", "roles.names", "circle", "polygon" };

    /// <summary>The document; null for none.</summary>
    public static JsonNode? Of(ConfigNode? node) => node is null ? null : Copy(node, "");

    /// <summary>Texts of a file that are secret or tell who or where: for the redaction of everything else.</summary>
    public static IEnumerable<string> Secrets(ConfigNode? node, AgentConfig? config)
    {
        yield return Environment.MachineName;
        foreach (var recipient in config?.Recipients ?? [])
        {
            yield return recipient.Link.UserName ?? "";
            yield return recipient.Link.Password ?? "";
        }

        foreach (var text in node is null ? [] : Hidden(node, ""))
        {
            yield return text;
        }
    }

    private static JsonNode? Copy(ConfigNode node, string name)
    {
        if (Private.Contains(name))
        {
            return JsonValue.Create(Redactor.Gone);
        }

        switch (node.Kind)
        {
            case ConfigNodeKind.Section:
                var section = new JsonObject();
                foreach (var (member, child) in node.Members)
                {
                    section[member] = Copy(child, member);
                }

                return section;
            case ConfigNodeKind.List:
                return new JsonArray([.. node.Items.Select(item => Copy(item, name))]);
            case ConfigNodeKind.Text:
                return JsonValue.Create(Shown(node.Text, name));
            case ConfigNodeKind.Number:
                return decimal.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : JsonValue.Create(Redactor.Gone);
            case ConfigNodeKind.Flag:
                return JsonValue.Create(node.Flag);
            default:
                return null;
        }
    }

    private static string Shown(string text, string name) =>
        !Harmless.Contains(name) ? Redactor.Gone
        : name != "url" ? text
        : Uri.TryCreate(text, UriKind.Absolute, out var url) ? FormattableString.Invariant($"{url.Scheme}://{url.Host}:{url.Port}")
        : Redactor.Gone;

    // Texts of options whose values are hidden; short words and plain paths would tear holes into everything.
    private static IEnumerable<string> Hidden(ConfigNode node, string name) => node.Kind switch
    {
        ConfigNodeKind.Section => node.Members.SelectMany(member => Hidden(member.Value, member.Key)),
        ConfigNodeKind.List => node.Items.SelectMany(item => Hidden(item, name)),
        ConfigNodeKind.Text when name is "board" or "userName" or "passwordFile" or "key" or "certificate" or "ca" or "rootKeyFile" or "policyKey" or "id" or "operators" or "viewers" or "host" or "program"
            => [node.Text],
        ConfigNodeKind.Text when name == "url" && Uri.TryCreate(node.Text, UriKind.Absolute, out var url) && url.UserInfo.Length > 0
            => [url.UserInfo, .. url.UserInfo.Split(':')],
        _ => [],
    };
}
