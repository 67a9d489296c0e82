using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary>A board of its own for one test: folders, a configuration, and the agent as a process.</summary>
internal sealed class Board : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly ClosedPort _closed = new();

    public Board(string? state = null)
    {
        State = state ?? _folder.File("state");
    }

    public string State { get; }

    public string Runtime => _folder.File("run");

    public string ConfigFile => _folder.File("config.json");

    public string SummaryFile => _folder.File("summary.json");

    public string File(string name) => _folder.File(name);

    /// <summary>Writes the configuration: a broker (or none) and sensors as JSON.</summary>
    public Board Configure(string brokerUrl, string sensors, string flush = "200ms", string tls = "", string state = "", string floor = "0B")
    {
        _folder.Write("config.json", $$"""
            {
              "runtimeDirectory": "{{Runtime}}",
              "devicesRoot": "{{_folder.File("root")}}",
              "state": { "directory": "{{State}}", "freeBytesMin": "{{floor}}" {{state}} },
              "flush": { "interval": "{{flush}}" },
              "recipients": [ { "name": "vendor", "url": "{{brokerUrl}}" {{tls}} } ],
              "sensors": [ {{sensors}} ]
            }
            """);
        return this;
    }

    public AgentProcess Run(params string[] more) => AgentProcess.Start(["run", "--config", ConfigFile, .. more]);

    public (int ExitCode, string Out, string Error) Command(params string[] args) => AgentProcess.Run([.. args, "--config", ConfigFile]);

    /// <summary>The status of the running agent; an undefined element while it does not answer.</summary>
    public JsonElement Status()
    {
        var (code, text, _) = Command("status", "--json");
        return code == 0 ? JsonDocument.Parse(text).RootElement : default;
    }

    /// <summary>Waits until the status satisfies a condition.</summary>
    public JsonElement StatusUntil(Func<JsonElement, bool> condition, string what, AgentProcess agent)
    {
        JsonElement status = default;
        Eventually.True(
            () =>
            {
                Assert.False(agent.HasExited, $"the agent ended while waiting for: {what}\n{agent.Error}");
                status = Status();
                return status.ValueKind == JsonValueKind.Object && condition(status);
            },
            what,
            90);
        return status;
    }

    /// <summary>One simulated sensor.</summary>
    public static string Simulated(string name = "env", string interval = "20ms", string more = "") => $$"""
        { "name": "{{name}}", "kind": "simulated", "interval": "{{interval}}", "seed": 1 {{more}}, "streams": [
          { "name": "temperature", "unit": "Cel", "scale": 0.01, "waveform": "sine", "offset": 20, "amplitude": 2, "period": "1m", "noise": 0.05 },
          { "name": "pressure", "unit": "kPa", "scale": 0.001, "waveform": "walk", "offset": 100, "amplitude": 0.01 } ] }
        """;

    /// <summary>Where no broker listens, and none will while the board is there.</summary>
    public string NoBroker => Url(_closed.Number);

    public static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"mqtt://127.0.0.1:{port}");

    public void Dispose()
    {
        _closed.Dispose();
        _folder.Dispose();
    }
}
