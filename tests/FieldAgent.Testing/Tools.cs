using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit;
using FieldAgent.Core;

namespace FieldAgent.Testing;

/// <summary>A folder that is gone when the test is over.</summary>
public sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("fieldagent-test-").FullName;

    public string File(string name) => System.IO.Path.Join(Path, name);

    /// <summary>Writes a file (folders are made) and returns its path.</summary>
    public string Write(string name, string text)
    {
        var path = File(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Writes a program that can be started at once, and returns its path. Another process writes it: what this one has open for writing, a
    /// child that a test beside is just starting shares until its exec, and a program that anybody has open for writing cannot be started
    /// (ETXTBSY, execve(2)).</summary>
    public string WriteProgram(string name, string text)
    {
        var path = File(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        using var writer = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh", path]) { RedirectStandardInput = true })!;
        writer.StandardInput.Write(text);
        writer.StandardInput.Close();
        writer.WaitForExit();
        Assert.Equal(0, writer.ExitCode);
        return path;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
        }
        catch (UnauthorizedAccessException)
        {
        }
    }
}

/// <summary>Waiting in tests: for a condition, with a limit. Never for a time.</summary>
public static class Eventually
{
    /// <summary>Waits until <paramref name="condition"/> holds; fails after <paramref name="limitSeconds"/>.</summary>
    public static void True(Func<bool> condition, string what, double limitSeconds = 30)
    {
        var watch = Stopwatch.StartNew();
        using var pause = new ManualResetEventSlim(false);
        while (!condition())
        {
            if (watch.Elapsed.TotalSeconds > limitSeconds)
            {
                Assert.Fail($"not within {limitSeconds} s: {what}");
            }

            pause.Wait(5);
        }
    }
}

/// <summary>Looks at processes.</summary>
public static class Processes
{
    /// <summary>True while the process runs; one that has ended and waits for its parent does not.</summary>
    public static bool IsAlive(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..][0] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>True while any process runs that was called with <paramref name="word"/>; one that has ended and waits for its parent was not.</summary>
    public static bool AnyWith(string word) => Directory.EnumerateDirectories("/proc").Any(folder =>
    {
        try
        {
            return char.IsAsciiDigit(Path.GetFileName(folder)[0]) && File.ReadAllText(Path.Join(folder, "cmdline")).Contains(word, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}

/// <summary>Places: the repository and the recorded input beside it.</summary>
public static class Places
{
    /// <summary>The folder that holds FieldAgent.sln.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The recorded input (<c>../shared/data</c>); skips the test by name where it is absent.</summary>
    public static string Data(string part)
    {
        var path = Path.GetFullPath(Path.Join(Repository, "..", "shared", "data", part));
        if (!Directory.Exists(path) && !File.Exists(path))
        {
            Assert.Skip($"skipped: recorded input ../shared/data/{part}");
        }

        return path;
    }

    /// <summary>Full path of a program on PATH (or in sbin); skips the test by name where it is absent.</summary>
    public static string Program(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/sbin");
        var found = folders.Select(folder => Path.Join(folder, name)).FirstOrDefault(File.Exists);
        if (found is null)
        {
            Assert.Skip($"skipped: {name}");
        }

        return found!;
    }

    // Above the test binaries, or above this file where they were built into a folder outside.
    private static string FindRepository([CallerFilePath] string source = "") =>
        Above(AppContext.BaseDirectory) ?? Above(source) ?? throw new InvalidOperationException("FieldAgent.sln not found above the test binaries");

    private static string? Above(string? folder)
    {
        while (folder is not null && !File.Exists(Path.Join(folder, "FieldAgent.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder;
    }
}

/// <summary>Admitted data without a gate, for tests of what comes after it. Nothing in the product can do this.</summary>
public static class Admit
{
    public static Permit Permit(
        string function = "telemetry", string field = "instrument.measurement", bool personal = false, params string[] recipients) =>
        new(function, field, "operation", LegalBasis.Contract, Precision.Exact, TimeSpan.FromDays(30),
            recipients.Length > 0 ? recipients : ["vendor"], 0, "1.0.0", new string('0', 64), personal);

    public static AdmittedRows Rows(StreamSet set, RowColumns columns, Permit? permit = null) =>
        new(set, permit ?? Permit(field: set.Field), columns);

    public static AnonymousWindow Window(StreamInfo stream, WindowFigures figures, string function = "analytics") =>
        new(function, "improvement", "2.0.0", "instrument.measurement", stream, 1_767_225_600, 1_767_229_200, figures);

    public static AdmittedImage Image(
        byte[] jpeg, Stamp captured, string sensor = "camera", Permit? permit = null, string? requestId = null, string? parentId = null) =>
        new(sensor, permit ?? Permit("photo", "image.photo", personal: true), jpeg, captured, requestId, parentId);
}
