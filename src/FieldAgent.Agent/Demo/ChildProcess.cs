using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FieldAgent.Agent.Demo;

/// <summary>Programs that the demo starts, and ends.</summary>
internal static partial class ChildProcess
{
    private const int SigTerm = 15;

    /// <summary>Starts <paramref name="program"/>, from <paramref name="orElse"/> when PATH does not have it.</summary>
    public static Process Start(string program, IEnumerable<string> args, string? orElse = null)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Join(folder, program))
            .Append(orElse ?? program).First(candidate => File.Exists(candidate) || candidate == (orElse ?? program));
        return Process.Start(new ProcessStartInfo(path, args)) ?? throw new InvalidOperationException($"{program} did not start");
    }

    /// <summary>Starts this very program with other arguments.</summary>
    public static Process StartSelf(IEnumerable<string> args)
    {
        var self = Environment.ProcessPath ?? "fieldagent";
        return Path.GetFileNameWithoutExtension(self) == "dotnet"
            ? Start(self, [Path.Join(AppContext.BaseDirectory, "fieldagent.dll"), .. args])
            : Start(self, args);
    }

    /// <summary>Asks a process to end; kills it after <paramref name="patience"/>.</summary>
    /// <returns>Its exit code.</returns>
    public static int Terminate(Process process, TimeSpan patience)
    {
        if (!process.HasExited)
        {
            _ = SendSignal(process.Id, SigTerm);
            if (!process.WaitForExit(patience))
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }
        }

        return process.ExitCode;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
