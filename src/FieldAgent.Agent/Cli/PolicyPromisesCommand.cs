using System.CommandLine;
using System.Globalization;
using FieldAgent.Agent.Status;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent policy promises</c>: every promise, what keeps it, and the tests that prove it.</summary>
internal static class PolicyPromisesCommand
{
    public static Command Create()
    {
        var json = CommonOptions.Json();
        var command = new Command("promises", "Lists every promise of the published policies: what keeps it, and the tests that prove it.") { json };
        command.SetAction(parsed =>
        {
            var promises = PolicyPromises.All();
            if (parsed.GetValue(json))
            {
                PolicyJson.Write(promises, Console.Out);
                return ExitCode.Ok;
            }

            TextTable.Write(Console.Out,
            [
                ["id", "scope", "tests", "promise", "kept by"],
                .. promises.Select(static promise => new[]
                {
                    promise.Id,
                    promise.Scope,
                    promise.Tests.Count > 0 ? promise.Tests.Count.ToString(CultureInfo.InvariantCulture) : "-",
                    promise.What,
                    string.Join(", ", promise.EnforcedBy),
                }),
            ], indent: 0);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{promises.Count} promises: {promises.Count(static p => p.InScope)} in scope, {promises.Count(static p => p.InScope && p.Tests.Count == 0)} of them without a test, {promises.Count(static p => p.Scope == PolicyPromise.Planned)} planned, "
                + $"{promises.Count(static p => p.Scope == PolicyPromise.Out)} that no device can break"));
            return ExitCode.Ok;
        });
        return command;
    }
}
