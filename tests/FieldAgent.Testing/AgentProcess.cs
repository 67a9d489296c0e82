using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>The real agent in a process of its own, as a technician starts it. Ends with the test.</summary>
public sealed partial class AgentProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();

    private AgentProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_out, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>Standard output so far.</summary>
    public string Out => Read(_out);

    /// <summary>Standard error (the log) so far.</summary>
    public string Error => Read(_error);

    public bool HasExited => _process.HasExited;

    /// <summary>Starts <c>fieldagent ARGS</c> from beside the test.</summary>
    public static AgentProcess Start(params string[] args)
    {
        var program = Path.Join(AppContext.BaseDirectory, "fieldagent.dll");
        Assert.True(File.Exists(program), $"{program} is missing: the test project must reference FieldAgent.Agent");
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(program);
        foreach (var arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        return new AgentProcess(Process.Start(start)!);
    }

    /// <summary>Runs <c>fieldagent ARGS</c> to its end.</summary>
    public static (int ExitCode, string Out, string Error) Run(params string[] args)
    {
        using var agent = Start(args);
        var code = agent.WaitForExit();
        return (code, agent.Out, agent.Error);
    }

    /// <summary>Waits for the end; fails after <paramref name="limitSeconds"/>.</summary>
    public int WaitForExit(double limitSeconds = 60)
    {
        if (!_process.WaitForExit(TimeSpan.FromSeconds(limitSeconds)))
        {
            Assert.Fail($"the agent did not end within {limitSeconds} s\n{Error}");
        }

        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>SIGTERM, as systemd sends it.</summary>
    public void Terminate() => Send(15);

    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    public void Interrupt() => Send(2);

    /// <summary>SIGKILL: no chance to flush.</summary>
    public void Kill() => Send(9);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Send(9);
            _process.WaitForExit(10_000);
        }

        _process.Dispose();
    }

    private void Send(int signal) => _ = SendSignal(_process.Id, signal);

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
