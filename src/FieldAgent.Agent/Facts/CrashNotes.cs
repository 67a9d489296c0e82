using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Agent.Facts;

/// <summary>Where in the program a crash happened, in one small file of the state folder (R112): types and methods, without messages,
/// arguments, paths or memory. It is written only while that is granted, and told at the next start only if it still is. Any thread.</summary>
/// <param name="directory">State folder.</param>
/// <param name="version">Version of the agent.</param>
/// <param name="isGranted">Whether a crash may be noted now; must not throw.</param>
internal sealed class CrashNotes(string directory, string version, Func<bool> isGranted)
{
    private const int FramesMax = 16;
    private const int CausesMax = 4;
    private const int LineLengthMax = 120;

    private readonly string _path = Path.Join(directory, "crash.note");

    /// <summary>Notes a crash; never throws, as it runs where something has failed already.</summary>
    public void Note(Exception exception)
    {
        try
        {
            if (isGranted())
            {
                var options = new FileStreamOptions
                {
                    Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                };
                using var file = new FileStream(_path, options);
                file.Write(Encoding.UTF8.GetBytes(Scrub(exception, version)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreFault)
        {
            // The crash itself is in the log; without the note nothing is told.
        }
    }

    /// <summary>The note of the last crash, or null.</summary>
    public string? Read()
    {
        try
        {
            using var file = File.OpenRead(_path);
            var buffer = new byte[RawFact.ValueLengthMax];
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length == 0 ? null : Encoding.ASCII.GetString(buffer, 0, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Deletes the note.</summary>
    public void Delete()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Tried again at the next start.
        }
    }

    /// <summary>What may be said of an exception: its types, the kind of a fault of ours, and the names of methods.</summary>
    public static string Scrub(Exception exception, string version)
    {
        var text = new StringBuilder("fieldagent ").Append(version);
        var causes = 0;
        for (var cause = exception; cause is not null && causes < CausesMax; cause = cause.InnerException, causes++)
        {
            Line(text, causes == 0 ? "" : "caused by ", cause.GetType().FullName ?? "?", cause switch
            {
                StoreFault fault => " " + fault.Kind,
                SensorFault fault => " " + fault.Kind,
                _ => "",
            });
        }

        var frames = 0;
        foreach (var line in (exception.StackTrace ?? "").Split('\n'))
        {
            // "   at Namespace.Type.Method(Type name) in /path/file.cs:line 3": the words of the code, up to the bracket.
            var trimmed = line.Trim();
            var bracket = trimmed.IndexOf('(', StringComparison.Ordinal);
            if (bracket > 3 && trimmed.StartsWith("at ", StringComparison.Ordinal) && frames++ < FramesMax)
            {
                Line(text, trimmed[..bracket], "", "");
            }
        }

        return text.Length <= RawFact.ValueLengthMax ? text.ToString() : text.ToString(0, RawFact.ValueLengthMax);
    }

    private static void Line(StringBuilder text, string before, string name, string after)
    {
        var line = before + name + after;
        text.Append('\n');
        foreach (var c in line.AsSpan(0, Math.Min(line.Length, LineLengthMax)))
        {
            text.Append(c is >= ' ' and <= '~' ? c : '?');
        }
    }
}
