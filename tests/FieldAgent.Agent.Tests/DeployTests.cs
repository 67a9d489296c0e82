using System.Diagnostics;

namespace FieldAgent.Agent.Tests;

/// <summary>What deploy.sh says and does without a board: a copy of it runs with stand-ins for the SDK and for Debian's packages.</summary>
public sealed class DeployTests : IDisposable
{
    private const string Results = """
        <?xml version="1.0" encoding="utf-8"?>
        <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
          <Results>
            <UnitTestResult testId="1" testName="FieldAgent.Some.Tests.GoodTests.Passes" outcome="Passed" />
            <UnitTestResult testId="2" testName="FieldAgent.Some.Tests.BadTests.Fails(text: &quot;a&lt;b&gt;&quot;)" outcome="Failed">
              <Output><ErrorInfo>
                <Message>Assert.Equal() Failure: Strings differ
        Expected: "one &amp; two"
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        line 12</Message>
                <StackTrace>   at FieldAgent.Some.Tests.BadTests.Fails(String text) in BadTests.cs:line 7</StackTrace>
              </ErrorInfo></Output>
            </UnitTestResult>
            <UnitTestResult testId="3" testName="OnBoard" outcome="NotExecuted">
              <Output><ErrorInfo><Message>skipped: a board</Message></ErrorInfo></Output>
            </UnitTestResult>
            <UnitTestResult testId="4" testName="A short name" outcome="Failed"><Output><ErrorInfo /></Output></UnitTestResult>
          </Results>
          <TestDefinitions>
            <UnitTest id="1"><TestMethod className="FieldAgent.Some.Tests.GoodTests" name="Passes" /></UnitTest>
            <UnitTest id="2"><TestMethod className="FieldAgent.Some.Tests.BadTests" name="Fails" /></UnitTest>
            <UnitTest id="3"><TestMethod className="FieldAgent.Some.Tests.GoodTests" name="OnBoard" /></UnitTest>
            <UnitTest id="4"><TestMethod className="FieldAgent.Some.Tests.NamedTests" name="Named" /></UnitTest>
          </TestDefinitions>
          <ResultSummary outcome="Failed">
            <Counters total="4" executed="3" passed="1" failed="2" />
            <RunInfos>
              <RunInfo outcome="Error"><Text>[xUnit.net 00:00:03.00]     FieldAgent.Some.Tests.BadTests.Fails(text: "a") [FAIL]</Text></RunInfo>
              <RunInfo outcome="Error"><Text>The test host ended before its tests: out of memory</Text></RunInfo>
            </RunInfos>
          </ResultSummary>
        </TestRun>
        """;

    private readonly TempFolder _folder = new();

    [Fact]
    public void A_test_run_names_what_failed_and_why_before_it_counts()
    {
        var (code, output) = Test(Results, runnersCode: 1);
        Assert.Equal(1, code);
        Assert.Equal(
            """
            failed: FieldAgent.Some.Tests.BadTests.Fails(text: "a<b>")
                Assert.Equal() Failure: Strings differ
                Expected: "one & two"
                line 3
                line 4
                line 5
                line 6
                line 7
                line 8
                line 9
                line 10
                ... 2 more lines
            failed: FieldAgent.Some.Tests.NamedTests.A short name
                it gave no message
            failed: a run as a whole
                The test host ended before its tests: out of memory
                  1 skipped: a board
            1 passed, 2 failed, 1 skipped

            """,
            output);
    }

    [Fact]
    public void A_run_in_which_all_passed_says_no_more_than_that()
    {
        const string Whole = """
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
              <Results><UnitTestResult testId="1" testName="A" outcome="Passed" /></Results>
              <ResultSummary outcome="Completed"><Counters total="1" executed="1" passed="1" failed="0" /></ResultSummary>
            </TestRun>
            """;
        Assert.Equal((0, "1 passed, 0 failed, 0 skipped\n"), Test(Whole, runnersCode: 0));
    }

    [Fact]
    public void A_dry_run_says_what_it_would_do_and_does_nothing()
    {
        foreach (var command in new[] { "install", "rollback", "uninstall" })
        {
            var (code, output) = Deploy("--dry-run", command, "technician@board", "--port", "2222");
            Assert.True(code == 0, output);
            Assert.Contains("technician@board", output, StringComparison.Ordinal);
            Assert.Contains("would", output, StringComparison.Ordinal);
        }

        Assert.Equal(64, Deploy("install", "--nonsense").Code);
    }

    public void Dispose() => _folder.Dispose();

    private (int Code, string Output) Test(string results, int runnersCode)
    {
        Places.Program("python3");
        _folder.Write("results.xml", results);
        Tool("dpkg-query", "echo 'install ok installed'");
        Tool("dotnet", $"""
            [ "$1" = test ] || exit 0
            while [ "$1" != --results-directory ]; do shift; done
            cp "{_folder.File("results.xml")}" "$2/one.trx"
            exit {runnersCode}
            """);
        var (code, output) = Deploy("test");
        return (code, string.Concat(output.Split('\n').Where(static line => !line.StartsWith("deploy: ", StringComparison.Ordinal) && line.Length > 0)
            .Select(static line => line + "\n")));
    }

    private void Tool(string name, string script)
    {
        _folder.WriteProgram("tools/" + name, "#!/bin/sh\n" + script + "\n");
    }

    private (int Code, string Output) Deploy(params string[] arguments)
    {
        var copy = _folder.Write("deploy.sh", File.ReadAllText(Path.Join(Places.Repository, "deploy.sh")));
        var start = new ProcessStartInfo("bash", [copy, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = _folder.File("tools") + ":" + Environment.GetEnvironmentVariable("PATH");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }
}
