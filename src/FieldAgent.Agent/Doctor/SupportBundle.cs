using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Status;
using FieldAgent.Core.Configuration;
using FieldAgent.Delivery;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Agent.Doctor;

/// <summary>A <c>.tar.gz</c> for whoever helps from afar: findings, status, configuration, counters, versions, and the end of the log, without
/// secrets, identifiers and positions.</summary>
internal static class SupportBundle
{
    private const int LogLines = 200;
    private static readonly TimeSpan LogWithin = TimeSpan.FromSeconds(10);

    /// <summary>Writes it, readable for its owner alone.</summary>
    /// <param name="file">Where to.</param>
    /// <param name="report">The findings.</param>
    /// <param name="view">What they are of.</param>
    /// <param name="configuration">The file as it was read; null when it was none.</param>
    /// <param name="log">The last lines of the log; null reads the journal's.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string file, DoctorReport report, DoctorView view, ConfigNode? configuration, IReadOnlyList<string>? log = null)
    {
        var redactor = new Redactor(RedactedConfig.Secrets(configuration, view.Config));
        using var stream = new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var zip = new GZipStream(stream, CompressionLevel.Optimal);
        using var tar = new TarWriter(zip);
        Add(tar, "doctor.json", Json(redactor.Document(JsonSerializer.SerializeToNode(report, DoctorJson.Default.DoctorReport))));
        if (view.Status is { } status)
        {
            var document = (JsonObject)JsonSerializer.SerializeToNode(status with { Board = Redactor.Gone }, AgentJson.Default.StatusReport)!;
            Add(tar, "counters.json", Json(document["counters"]?.DeepClone()));
            Add(tar, "status.json", Json(redactor.Document(document)));
        }

        Add(tar, "configuration.json", Json(redactor.Document(RedactedConfig.Of(configuration))));
        Add(tar, "versions.txt", redactor.Text(string.Join('\n',
            $"fieldagent {CommandLine.Version}", $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}",
            SqliteLibrary.Description, LinkLibrary.CreateFactory().Library, Kernel(view.Root), view.Model)) + "\n");
        var lines = log ?? Journal();
        if (lines.Count > 0)
        {
            Add(tar, "log.txt", redactor.Text(string.Join('\n', lines)) + "\n");
        }
    }

    private static void Add(TarWriter tar, string name, string content) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "fieldagent/" + name)
    {
        DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)), Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    private static string Json(JsonNode? node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            if (node is null)
            {
                writer.WriteNullValue();
            }
            else
            {
                node.WriteTo(writer);
            }
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static string Kernel(string root)
    {
        try
        {
            return "Linux " + File.ReadAllText(Path.Join(root, "proc/sys/kernel/osrelease")).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return RuntimeInformation.OSDescription;
        }
    }

    // Without the journal's own columns, which name the host. Nobody may be there to ask.
    private static List<string> Journal()
    {
        try
        {
            var start = new ProcessStartInfo("journalctl", ["--unit", "fieldagent", "--lines", LogLines.ToString(System.Globalization.CultureInfo.InvariantCulture), "--output", "cat", "--no-pager", "--quiet"])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            };
            using var journal = Process.Start(start);
            if (journal is null)
            {
                return [];
            }

            var lines = new List<string>();
            journal.OutputDataReceived += (_, line) =>
            {
                if (line.Data is not null && lines.Count < LogLines)
                {
                    lines.Add(line.Data);
                }
            };
            journal.ErrorDataReceived += static (_, _) => { };
            journal.BeginOutputReadLine();
            journal.BeginErrorReadLine();
            if (!journal.WaitForExit(LogWithin))
            {
                journal.Kill();
            }

            journal.WaitForExit();
            return lines;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return [];
        }
    }
}
