namespace FieldAgent.Faults.Tests;

/// <summary>The demonstration, as its README promises it.</summary>
public sealed class DemoTests
{
    [Fact]
    public void The_demonstration_ends_with_its_line_and_with_0_although_the_broker_was_away()
    {
        var (code, output, error) = AgentProcess.Run(
            ["demo", "--config", Path.Join(Places.Repository, "hardware", "boards", "simulated.json"), "--for", "12s"]);
        Assert.True(code == 0, $"ended with {code}\n{output}\n{error}");
        var words = output.TrimEnd().Split('\n')[^1].Split(' ', ',');
        Assert.Equal("demo:", words[0]);
        Assert.Equal(Word(words, "sent"), Word(words, "received"));
        Assert.Equal("0", Word(words, "missing"));
        var photos = Word(words, "photos").Split('/');
        Assert.Equal(photos[1], photos[0]);
        Assert.Contains("the broker is back", output + error, StringComparison.Ordinal);
    }

    private static string Word(string[] words, string after) => words[Array.IndexOf(words, after) + 1];
}
