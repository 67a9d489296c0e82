using Xunit;

namespace FieldAgent.Testing;

/// <summary>Files in the repository that the program writes: a test holds each of them to what the program says today.</summary>
public static class Published
{
    /// <summary>The one command that brings all of them up to date.</summary>
    public const string Remedy = "FIELDAGENT_REWRITE=1 dotnet test tests/FieldAgent.Agent.Tests";

    private static bool Rewrites => Environment.GetEnvironmentVariable("FIELDAGENT_REWRITE") == "1";

    /// <summary>Fails when the file differs from <paramref name="expected"/>, or writes it anew when asked to.</summary>
    public static void Is(string path, string expected)
    {
        var file = Path.Join(Places.Repository, path);
        if (Rewrites)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, expected);
            return;
        }

        var actual = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(actual == expected, $"{path} is out of date; run: {Remedy}\n{FirstDifference(actual, expected)}");
    }

    /// <summary>The same for the part of a file between two markers, which stay.</summary>
    public static void IsBetween(string path, string from, string to, string expected)
    {
        var text = File.ReadAllText(Path.Join(Places.Repository, path));
        var start = text.IndexOf(from, StringComparison.Ordinal);
        Assert.True(start >= 0, $"{path} lacks: {from}");
        start += from.Length;
        var end = text.IndexOf(to, start, StringComparison.Ordinal);
        Assert.True(end >= 0, $"{path} lacks: {to}");
        Is(path, text[..start] + expected + text[end..]);
    }

    private static string FirstDifference(string actual, string expected)
    {
        var (old, now) = (actual.Split('\n'), expected.Split('\n'));
        var i = 0;
        while (i < old.Length && i < now.Length && old[i] == now[i])
        {
            i++;
        }

        return $"line {i + 1}: there is '{(i < old.Length ? old[i] : "")}', to be '{(i < now.Length ? now[i] : "")}'";
    }
}
