using System.Text;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;
using FieldAgent.Simulation;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>All that decides about data of people, on a real store, with a simulated clock and no broker; can be closed and opened again.</summary>
internal sealed class PartsBench : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _recipient;

    public PartsBench(string? policy = null, string more = "", string recipient = "vendor")
    {
        _recipient = recipient;
        Configure(policy, more);
        Open();
    }

    /// <summary>The text of the policy that comes with the agent.</summary>
    public static string Shipped { get; } = Encoding.UTF8.GetString(Policy.Shipped().Document.Span);

    /// <summary>As far as this policy says, fleet-location may be kept twice as long as before, and nothing else is new.</summary>
    public static string Longer(string version = "2.1.0", string from = "2026-01-01") => Shipped
        .Replace("\"version\": \"2.0.0\"", $"\"version\": \"{version}\"", StringComparison.Ordinal)
        .Replace("\"effectiveFrom\": \"2026-01-01\"", $"\"effectiveFrom\": \"{from}\"", StringComparison.Ordinal)
        .Replace(
            "\"purpose\": \"find-and-service\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\", \"term\": \"30d\"",
            "\"purpose\": \"find-and-service\", \"bases\": [\"consent\"],\n      \"precision\": \"exact\", \"term\": \"60d\"", StringComparison.Ordinal);

    public SimulatedClock Clock { get; } = new();

    /// <summary>The configuration as it was opened last.</summary>
    public AgentConfig Config { get; private set; } = null!;

    /// <summary>A button at the board, from the next opening on; null for none.</summary>
    public IPresence? Presence { get; set; }

    public Counters Counters { get; } = new();

    public StateStore Store { get; private set; } = null!;

    public PrivacyParts Parts { get; private set; } = null!;

    public Gate Gate => Parts.Gate;

    /// <summary>All audit entries, oldest first.</summary>
    public IReadOnlyList<AuditEntry> Entries => [.. Store.Audit.Read(1, 10_000).Select(static record => record.Entry!)];

    public string File(string name) => _folder.File(name);

    /// <summary>Writes the configuration, with a policy of its own or the shipped one.</summary>
    public void Configure(string? policy, string more = "")
    {
        if (policy is not null)
        {
            _folder.Write("policy.json", policy);
        }

        _folder.Write("config.json", $$"""
            {
              "state": { "directory": "{{_folder.File("state")}}", "freeBytesMin": "0B" },
              "recipients": [ { "name": "{{_recipient}}", "url": "mqtt://127.0.0.1:1" } ]
              {{(policy is null ? "" : """, "policy": "policy.json" """)}} {{more}}
            }
            """);
    }

    public void Open()
    {
        var errors = new ConfigErrors();
        var config = ConfigLoader.Load(_folder.File("config.json"), new ConfigOverrides(), errors);
        Assert.True(config is not null, string.Join('\n', errors.All));
        Store = StateStore.Open(AgentParts.StoreOptionsOf(config), Clock, Counters, NullLogger.Instance);
        Config = config;
        Parts = new PrivacyParts(config, Store, Clock, Counters, presence: Presence);
    }

    public void Close()
    {
        Parts.Dispose();
        Store.Dispose();
    }

    public void Reopen()
    {
        Close();
        Open();
    }

    /// <summary>Carries out an operation, as the control socket would.</summary>
    public ControlReply Do(string op, params (string Name, string? Value)[] arguments)
    {
        // Each command at a time of its own.
        Clock.Advance(TimeSpan.FromSeconds(1));
        return Parts.Operations.Single(one => one.Name == op).Handle(ControlRequest.Of(op, arguments));
    }

    /// <summary>The same; it must succeed.</summary>
    public ControlReply Ok(string op, params (string Name, string? Value)[] arguments)
    {
        var reply = Do(op, arguments);
        Assert.True(reply.Ok, $"{op}: {reply.Message}");
        return reply;
    }

    /// <summary>Stores readings of a rule as the gate permits them now.</summary>
    public void Fill(string function, string field, int rows = 5)
    {
        var permit = Gate.Decide(Core.Stage.Admit, function, field).Permit;
        Assert.NotNull(permit);
        var columns = new RowColumns(1);
        for (var i = 0; i < rows; i++)
        {
            columns.Append(Clock.BootNs + i, [i], 1);
        }

        Store.Spool.Take(Admit.Rows(new StreamSet("test", field, [new StreamInfo("a", "1", 1)], 1_000_000_000), columns, permit));
        Store.Spool.Flush();
    }

    public void Dispose()
    {
        Close();
        _folder.Dispose();
    }
}
