using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent schema</c>: the JSON Schema of the configuration, written from the same declarations that check it.</summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        var command = new Command("schema", "Prints the JSON Schema of the configuration file.");
        command.SetAction(_ =>
        {
            Console.Out.Write(Text());
            return ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The schema of the configuration, indented, ending with a line feed.</summary>
    public static string Text() => Text(AgentShape.Root(SensorKinds.All), "FieldAgent configuration");

    /// <summary>The schema of a document, indented, ending with a line feed.</summary>
    public static string Text(ConfigShape shape, string title)
    {
        using var compact = JsonDocument.Parse(ConfigSchema.Of(shape, ("$schema", """{"type":"string"}""")));
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("title", title);
            foreach (var member in compact.RootElement.EnumerateObject())
            {
                member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
