using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>A virtual board that is on: runs scripts inside one after the other, and is switched off at the end. One thread.</summary>
public sealed class LiveBoard : IDisposable
{
    // Limits against hanging, not of speed: the board is emulated, on a machine that others use as well.
    private const double LimitSeconds = 300;
    private const double BootLimitSeconds = 300;
    private const double OffLimitSeconds = 120;

    private readonly TempFolder _share;
    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly Task<string> _output;
    private int _last;

    internal LiveBoard(TempFolder share, Process process)
    {
        _share = share;
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
        _output = process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>What runs inside: takes what is left in the share.</summary>
    internal static string Script => """
        n=1
        while [ ! -e off ]; do
          if [ -e do.$n ]; then bash do.$n >out.$n 2>&1 </dev/null; echo $? >code.new; mv code.new code.$n; n=$((n+1)); else sleep 0.05; fi
        done
        """;

    /// <summary>Runs a script of bash in /share to its end; the agent is <c>fieldagent</c>.</summary>
    /// <returns>Its exit code and all that it wrote.</returns>
    public (int ExitCode, string Output) Run(string script, double limitSeconds = LimitSeconds)
    {
        var n = (++_last).ToString(CultureInfo.InvariantCulture);
        _share.Write("do.new", script.ReplaceLineEndings("\n"));
        File.Move(_share.File("do.new"), _share.File("do." + n));
        var code = _share.File("code." + n);
        Eventually.True(
            () => File.Exists(code) || _process.HasExited, "the board's answer to: " + script, limitSeconds + (_last == 1 ? BootLimitSeconds : 0));
        Assert.True(File.Exists(code), $"the board went off: {(_process.HasExited ? _output.GetAwaiter().GetResult() + _error.GetAwaiter().GetResult() : "")}");
        return (int.Parse(File.ReadAllText(code), CultureInfo.InvariantCulture), File.ReadAllText(_share.File("out." + n)));
    }

    /// <summary>The same for a script that must succeed.</summary>
    public string Ok(string script, double limitSeconds = LimitSeconds)
    {
        var (code, output) = Run(script, limitSeconds);
        Assert.True(code == 0, $"ended with {code}: {script}\n{output}");
        return output;
    }

    /// <summary>Starts <c>fieldagent run</c> with /share/config.json; its log is /share/agent.log.</summary>
    public void StartAgent()
    {
        Ok("""
            setsid fieldagent run --config config.json >agent.log 2>&1 </dev/null &
            echo $! >agent.pid
            until fieldagent status --config config.json --json >/dev/null 2>&1; do
              kill -0 $(cat agent.pid) || { cat agent.log; exit 1; }
              sleep 0.2
            done
            """);
    }

    /// <summary>Ends the agent in order.</summary>
    public void StopAgent() => Ok("kill $(cat agent.pid); while kill -0 $(cat agent.pid) 2>/dev/null; do sleep 0.1; done");

    /// <summary>The agent's status.</summary>
    public JsonElement Status() => JsonDocument.Parse(Ok("fieldagent status --config config.json --json 2>/dev/null || [ $? = 1 ]")).RootElement;

    /// <summary>Waits until the status is as it shall be.</summary>
    public JsonElement StatusUntil(Func<JsonElement, bool> condition, string what, double limitSeconds = LimitSeconds)
    {
        JsonElement status = default;
        var watch = Stopwatch.StartNew();
        while (!condition(status = Status()))
        {
            Assert.True(watch.Elapsed.TotalSeconds < limitSeconds, $"not within {limitSeconds} s: {what}\n{status}\n{Log()}");
        }

        return status;
    }

    /// <summary>A sensor in a status.</summary>
    public static JsonElement Sensor(JsonElement status, string name) =>
        status.GetProperty("sensors").EnumerateArray().First(s => s.GetProperty("name").GetString() == name);

    /// <summary>The agent's log so far.</summary>
    public string Log() => File.Exists(_share.File("agent.log")) ? File.ReadAllText(_share.File("agent.log")) : "";

    /// <summary>Switches the board off.</summary>
    public void Dispose()
    {
        _share.Write("off", "");
        if (!_process.WaitForExit(TimeSpan.FromSeconds(OffLimitSeconds)))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
