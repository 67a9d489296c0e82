using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Privacy;
using FieldAgent.Store;

namespace FieldAgent.Agent.Doctor;

/// <summary>The store of a board on which no agent runs: first read only, then, where it is whole, opened as every command does
/// that asks for something while no agent runs.</summary>
internal sealed class StoreLook
{
    /// <summary>Looks.</summary>
    public StoreLook(AgentConfig config, IClock clock)
    {
        try
        {
            var options = AgentParts.StoreOptionsOf(config);
            var damage = StateStore.Inspect(options);
            Exists = damage is not null;
            Damage = damage ?? "";
            if (Damage.Length > 0)
            {
                return;
            }

            if (Exists && KeyComesWithTheService(config))
            {
                NeedsService = true;
                return;
            }

            Gate = new Gate(PrivacyParts.LoadPolicy(config), StateStore.ReadConsents(options), new Counters(), clock);
            if (Exists)
            {
                (Overdue, Names) = ControlCalls.WithStore(config, parts => (
                    parts.Requests.Show().Count(static line => line.Overdue),
                    config.Recipients.ToDictionary(static r => r.Name, r => parts.Identity.Board.NameAt(r.Name))));
            }
        }
        catch (StoreFault fault)
        {
            Trouble = fault.Message;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Trouble = e.Message;
        }
    }

    /// <summary>There is a database.</summary>
    public bool Exists { get; }

    /// <summary>What SQLite found wrong with it; empty when it is whole.</summary>
    public string Damage { get; } = "";

    /// <summary>Why it cannot be looked into; empty when it can.</summary>
    public string Trouble { get; } = "";

    /// <summary>Its root key comes with the service: it can only be looked into while that runs.</summary>
    public bool NeedsService { get; }

    /// <summary>What is granted; null when it cannot be told.</summary>
    public Gate? Gate { get; }

    /// <summary>Requests of persons that are past their deadline.</summary>
    public int Overdue { get; }

    /// <summary>The board's name at each recipient; for topics only.</summary>
    public IReadOnlyDictionary<string, string?> Names { get; } = new Dictionary<string, string?>();

    private static bool KeyComesWithTheService(AgentConfig config) =>
        config.RootKeyFile is null && Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY") is not { Length: > 0 }
        && !File.Exists(Path.Join(config.StateDirectory, "root.key"));
}
