using System.Text;
using System.Text.Json;

namespace FieldAgent.Agent.Cli;

/// <summary>The parts by others that the program is made of (R74), in the form of CycloneDX 1.6. The packages are those of the build, held by a
/// test; the native libraries are the ones that this machine loads.</summary>
internal static class BillOfMaterials
{
    /// <summary>Name and version of each package, in the order of their names.</summary>
    public static IReadOnlyList<(string Name, string Version)> Packages()
    {
        using var stream = typeof(BillOfMaterials).Assembly.GetManifestResourceStream("packages.txt")!;
        using var reader = new StreamReader(stream);
        var packages = new List<(string, string)>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Split(' ') is [var name, var version])
            {
                packages.Add((name, version));
            }
        }

        return packages;
    }

    /// <summary>The document.</summary>
    /// <param name="version">Version of the agent.</param>
    /// <param name="libraries">Native libraries, as they describe themselves: <c>libmosquitto 2.0.11</c>.</param>
    public static string Write(string version, IEnumerable<string> libraries)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("bomFormat", "CycloneDX");
            writer.WriteString("specVersion", "1.6");
            writer.WriteNumber("version", 1);
            writer.WriteStartObject("metadata");
            writer.WriteStartObject("component");
            Component(writer, "application", "fieldagent", version);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStartArray("components");
            foreach (var (name, of) in Packages())
            {
                writer.WriteStartObject();
                Component(writer, "library", name, of);
                writer.WriteString("purl", $"pkg:nuget/{name}@{of}");
                writer.WriteEndObject();
            }

            foreach (var library in libraries)
            {
                var space = library.IndexOf(' ', StringComparison.Ordinal);
                writer.WriteStartObject();
                Component(writer, "library", space < 0 ? library : library[..space], space < 0 ? "" : library[(space + 1)..]);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void Component(Utf8JsonWriter writer, string type, string name, string version)
    {
        writer.WriteString("type", type);
        writer.WriteString("name", name);
        if (version.Length > 0)
        {
            writer.WriteString("version", version);
        }
    }
}
