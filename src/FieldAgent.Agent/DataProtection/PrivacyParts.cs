using System.Security.Cryptography;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;
using FieldAgent.Store;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Everything that decides about data of people, put together on one open store: used by the running agent, and by a command
/// line where none runs, so that both answer alike. Opens no device and no connection.</summary>
internal sealed class PrivacyParts : IDisposable
{
    /// <summary>Puts it together; the store stays the caller's.</summary>
    /// <exception cref="StoreFault">A ledger cannot be read.</exception>
    public PrivacyParts(AgentConfig config, StateStore store, IClock clock, Counters counters)
    {
        Config = config;
        Store = store;
        Clock = clock;
        Counters = counters;
        Anonymous = new AnonymousOutbox(store.Values, [.. config.Recipients.Select(static r => r.Name)], counters);
        Gate = new Gate(LoadPolicy(config), store.Consents, counters, new GateParts
        {
            Values = store.Values,
            Fences = config.Fences,
            Anonymous = Anonymous,
            Clock = clock,
            Window = config.AnalyticsWindow,
            Seed = RandomNumberGenerator.GetInt32(int.MaxValue),
        });
        store.Spool.Stored += Gate.Settle;
        Gate.Changed += ForgetWindows;
        Desk = new ConsentDesk(Gate, store.Consents, clock);
        Consents = new ConsentService(Desk, Gate, store.Spool);
        Identity = new IdentityService(config, new BoardIdentity(config, store.Keys, Gate), store.Epochs, Gate, clock, counters);
        Operations = [.. ConsentOperations.All(Consents), .. IdentityOperations.All(Identity), .. GeofenceOperations.All(Gate)];
    }

    /// <summary>Configuration.</summary>
    public AgentConfig Config { get; }

    /// <summary>Store.</summary>
    public StateStore Store { get; }

    /// <summary>Clock.</summary>
    public IClock Clock { get; }

    /// <summary>All counts.</summary>
    public Counters Counters { get; }

    /// <summary>Gate.</summary>
    public Gate Gate { get; }

    /// <summary>Anonymous windows that wait.</summary>
    public AnonymousOutbox Anonymous { get; }

    /// <summary>The board's names, and their change.</summary>
    public IdentityService Identity { get; }

    /// <summary>Where consents are given.</summary>
    public ConsentDesk Desk { get; }

    /// <summary>Consents with their consequences.</summary>
    public ConsentService Consents { get; }

    /// <summary>What can be asked of these parts over the control socket, or offline.</summary>
    public IReadOnlyList<IControlOperation> Operations { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Store.Spool.Stored -= Gate.Settle;
        Gate.Changed -= ForgetWindows;
        Identity.Dispose();
    }

    private void ForgetWindows()
    {
        if (!Gate.Decide(Stage.Collect, Vocabulary.AnalyticsFunction, Vocabulary.AnalyticsWindow).IsPermitted)
        {
            Anonymous.Clear();
        }
    }

    /// <summary>The policy that a configuration names; it has been checked with the configuration.</summary>
    public static Policy LoadPolicy(AgentConfig config) => config.Policy
        ?? (config.PolicyFile is null
            ? Policy.Shipped()
            : PolicyFiles.Load(config.PolicyFile, null, config.PolicyKeyFile, new ConfigErrors())
                ?? throw new InvalidOperationException($"{config.PolicyFile} changed while the agent started"));
}
