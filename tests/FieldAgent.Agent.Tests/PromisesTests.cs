using FieldAgent.Privacy;

namespace FieldAgent.Agent.Tests;

/// <summary>The list of promises names the tests that prove them, and every promise that is kept has one.</summary>
public sealed class PromisesTests
{
    [Fact]
    public void Every_promise_is_listed_once()
    {
        Assert.Equal(Enumerable.Range(1, 118).Select(static n => $"R{n}"), PolicyPromises.All().Select(static promise => promise.Id));
        Assert.All(PolicyPromises.All(), static promise => Assert.Contains(promise.Scope, new[] { "in", "near", "planned", "out" }));
        Assert.All(PolicyPromises.All(), static promise => Assert.True(
            promise.InScope == promise.EnforcedBy.Count > 0, $"{promise.Id}: what is in scope says what keeps it, and nothing else does"));
    }

    [Fact]
    public void Every_promise_in_scope_is_cited_by_a_test()
    {
        var scan = Scan();
        var uncovered = PolicyPromises.All().Where(promise => promise.InScope && !scan.ContainsKey(promise.Id)).Select(static promise => promise.Id);
        Assert.True(!uncovered.Any(), "no test cites: " + string.Join(", ", uncovered));
    }

    [Fact]
    public void No_test_cites_a_promise_that_is_not_kept()
    {
        var known = PolicyPromises.All().Where(static promise => promise.Scope != PolicyPromise.Out).Select(static promise => promise.Id);
        Assert.Empty(Scan().Keys.Except(known));
    }

    [Fact]
    public void The_list_of_tests_is_the_one_in_the_tests()
    {
        var scan = Scan();
        Published.Is("src/FieldAgent.Privacy/Promises/promises.json", PolicyPromises.Write(
            [.. PolicyPromises.All().Select(promise => promise with
            {
                Tests = scan.TryGetValue(promise.Id, out var tests) ? [.. tests] : [],
            })]));
    }

    /// <summary>Promise to tests, read from the sources: this project does not reference all test projects.</summary>
    private static SortedDictionary<string, SortedSet<string>> Scan()
    {
        var found = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        var folder = Path.Join(Places.Repository, "tests");
        foreach (var file in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        {
            if (!file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            {
                Scan(file, found);
            }
        }

        return found;
    }

    private static void Scan(string file, SortedDictionary<string, SortedSet<string>> found)
    {
        var (space, type) = ("", "");
        var cited = new List<string>();
        foreach (var line in File.ReadLines(file).Select(static line => line.Trim()))
        {
            if (line.StartsWith("namespace ", StringComparison.Ordinal))
            {
                space = line["namespace ".Length..].TrimEnd(';', ' ', '{');
            }
            else if (line.StartsWith("[Promise(", StringComparison.Ordinal))
            {
                // The odd pieces between quotation marks are the ids.
                var quoted = line[..line.IndexOf(')', StringComparison.Ordinal)].Split('"');
                cited.AddRange(quoted.Where(static (_, i) => i % 2 == 1));
            }
            else if (NameAfter(line, "class ") is { } name)
            {
                type = name;
                Cite($"{space}.{type}");
            }
            else if (cited.Count > 0 && line.StartsWith("public ", StringComparison.Ordinal) && line.Contains('(', StringComparison.Ordinal))
            {
                var method = line[..line.IndexOf('(', StringComparison.Ordinal)].Split(' ')[^1];
                Cite($"{space}.{type}.{method}");
            }
        }

        void Cite(string test)
        {
            foreach (var id in cited)
            {
                if (!found.TryGetValue(id, out var tests))
                {
                    found.Add(id, tests = new SortedSet<string>(StringComparer.Ordinal));
                }

                tests.Add(test);
            }

            cited.Clear();
        }
    }

    private static string? NameAfter(string line, string word)
    {
        var at = line.IndexOf(word, StringComparison.Ordinal);
        var declares = at >= 0 && line[..at].Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .All(static part => part is "public" or "internal" or "sealed" or "abstract" or "static" or "partial");
        if (!declares || line.StartsWith("//", StringComparison.Ordinal))
        {
            return null;
        }

        return new string([.. line[(at + word.Length)..].TakeWhile(char.IsAsciiLetterOrDigit)]);
    }
}
