using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FieldAgent.Privacy;

/// <summary>A promise of the published policies, what keeps it, and what proves that.</summary>
/// <param name="Id">Its number: <c>R64</c>.</param>
/// <param name="Scope"><c>in</c>; <c>near</c>: written for a website or an app, kept in the nearest way a device has; <see cref="Planned"/>;
/// <see cref="Out"/>: nothing on a device corresponds.</param>
/// <param name="What">What is promised, a few words.</param>
/// <param name="EnforcedBy">The types, commands or rules that keep it.</param>
/// <param name="Tests">The tests that cite it, sorted.</param>
public sealed record PolicyPromise(string Id, string Scope, string What, IReadOnlyList<string> EnforcedBy, IReadOnlyList<string> Tests)
{
    /// <summary>Scope of a promise whose hardware or page is not there yet.</summary>
    public const string Planned = "planned";

    /// <summary>Scope of a promise that nothing on a device corresponds to.</summary>
    public const string Out = "out";

    /// <summary>True when the agent keeps it today, and a test must prove it.</summary>
    public bool InScope => Scope is "in" or "near";
}

/// <summary>All promises, as they are built into the program.</summary>
public static class PolicyPromises
{
    private const string Resource = "promises.json";

    /// <summary>The promises, by number.</summary>
    public static IReadOnlyList<PolicyPromise> All()
    {
        using var stream = typeof(PolicyPromises).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException("the program was built without its promises");
        using var document = JsonDocument.Parse(stream);
        return [.. document.RootElement.GetProperty("promises").EnumerateArray().Select(static promise => new PolicyPromise(
            promise.GetProperty("id").GetString()!,
            promise.GetProperty("scope").GetString()!,
            promise.GetProperty("promise").GetString()!,
            Strings(promise, "enforcedBy"),
            Strings(promise, "tests")))];
    }

    /// <summary>The file that <see cref="All"/> reads, written anew: two-space indents, a line feed at the end.</summary>
    public static string Write(IReadOnlyList<PolicyPromise> promises)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("promises");
            foreach (var promise in promises)
            {
                json.WriteStartObject();
                json.WriteString("id", promise.Id);
                json.WriteString("scope", promise.Scope);
                json.WriteString("promise", promise.What);
                Strings(json, "enforcedBy", promise.EnforcedBy);
                Strings(json, "tests", promise.Tests);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static List<string> Strings(JsonElement promise, string name) =>
        [.. promise.GetProperty(name).EnumerateArray().Select(static item => item.GetString()!)];

    private static void Strings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
