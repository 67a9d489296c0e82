using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Answers as JSON, one form only, so that programs can compare them.</summary>
internal static class Documents
{
    /// <summary>One line of JSON.</summary>
    public static string Text(JsonNode node) => Encoding.UTF8.GetString(CanonicalJson.Write(node));

    /// <summary>A list of words.</summary>
    public static JsonArray List(IEnumerable<string> words) => new([.. words.Select(static word => (JsonNode)word)]);
}
