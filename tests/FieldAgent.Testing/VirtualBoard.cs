using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>The virtual board of hardware/virtual-board: a real kernel with simulated hardware. Prepared once for all tests; where it cannot be,
/// they are skipped by name.</summary>
public sealed partial class VirtualBoard : IDisposable
{
    private const int CannotBePrepared = 69;

    // Limits against hanging, not of speed.
    private const string RunSeconds = "900";
    private const string OnSeconds = "1800";

    private static readonly ConcurrentDictionary<string, Lazy<string>> Missing = new(StringComparer.Ordinal);
    private static readonly Lazy<string> Program = new(Publish);

    // From the share each page of the program would be fetched anew at each start.
    private const string Unpack = "cp fieldagent libe_sqlite3.so /usr/local/bin\n";

    private readonly TempFolder _share = new();

    public VirtualBoard()
        : this("x64", Program.Value)
    {
    }

    /// <summary>A board of another kind.</summary>
    /// <param name="arch">As for <c>board --arch</c>.</param>
    /// <param name="program">The folder of an agent for it; null: none is needed.</param>
    public VirtualBoard(string arch, string? program)
    {
        var missing = Missing.GetOrAdd(arch, static arch => new Lazy<string>(() => Prepare(arch))).Value;
        if (missing.Length > 0)
        {
            Assert.Skip($"skipped: virtual board {arch} ({missing})");
        }

        foreach (var file in program is null ? [] : new[] { "fieldagent", "libe_sqlite3.so" })
        {
            File.Copy(Path.Join(program, file), _share.File(file));
        }
    }

    /// <summary>What the board sees as /share.</summary>
    public TempFolder Share => _share;

    /// <summary>Boots, runs a script of /share inside, and switches off.</summary>
    /// <param name="script">Lines of bash; the agent is <c>fieldagent</c>.</param>
    /// <param name="options">More options of <c>board run</c>.</param>
    public (int ExitCode, string Output) Run(string script, params string[] options)
    {
        _share.Write("script.sh", Unpack + script.ReplaceLineEndings("\n"));
        return Call(["run", "--share", _share.Path, "--time", RunSeconds, .. options, "--", "bash", "script.sh"]);
    }

    /// <summary>Boots as <see cref="Run"/> does, and cuts the power as soon as <paramref name="when"/> holds.</summary>
    public void RunUntilPowerCut(string script, Func<bool> when, params string[] options)
    {
        _share.Write("script.sh", Unpack + script.ReplaceLineEndings("\n"));
        var pidFile = _share.File("pid");
        using var board = Start(["run", "--share", _share.Path, "--time", RunSeconds, "--pid-file", pidFile, .. options, "--", "bash", "script.sh"]);
        Eventually.True(() => when() || board.HasExited, "the moment to cut the power", 900);
        Assert.False(board.HasExited, "the board went off by itself");
        _ = SendSignal(int.Parse(File.ReadAllText(pidFile), System.Globalization.CultureInfo.InvariantCulture), 9);
        board.WaitForExit();
    }

    /// <summary>Boots, and does inside what the test asks for, until it is disposed.</summary>
    /// <param name="options">More options of <c>board run</c>.</param>
    public LiveBoard TurnOn(params string[] options)
    {
        _share.Write("script.sh", Unpack + LiveBoard.Script);
        return new LiveBoard(_share, Start(["run", "--share", _share.Path, "--time", OnSeconds, .. options, "--", "bash", "script.sh"]));
    }

    public void Dispose() => _share.Dispose();

    private static string Prepare(string arch)
    {
        var (code, output) = Call(["prepare", "--arch", arch]);
        return code switch
        {
            0 => "",
            CannotBePrepared => output.Trim().Split('\n')[^1],
            _ => throw new InvalidOperationException($"board prepare ended with {code}: {output}"),
        };
    }

    // The form that a board gets, as deploy.sh makes it.
    private static string Publish()
    {
        if (Environment.GetEnvironmentVariable("FIELDAGENT_OUT") is { Length: > 0 } made)
        {
            return made;
        }

        using var build = Process.Start(new ProcessStartInfo("bash", [Path.Join(Places.Repository, "deploy.sh"), "build"]))!;
        build.WaitForExit();
        Assert.Equal(0, build.ExitCode);
        return Path.Join(Places.Repository, "out");
    }

    private static (int ExitCode, string Output) Call(IReadOnlyList<string> arguments)
    {
        using var board = Start(arguments);
        var error = board.StandardError.ReadToEndAsync();
        var output = board.StandardOutput.ReadToEnd();
        board.WaitForExit();
        return (board.ExitCode, output + error.GetAwaiter().GetResult());
    }

    private static Process Start(IReadOnlyList<string> arguments) => Process.Start(
        new ProcessStartInfo("bash", [Path.Join(Places.Repository, "hardware/virtual-board/board"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);
}
