using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;
using FieldAgent.Store;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Everything that decides about data of people, put together on one open store: used by the running agent, and by a command
/// line where none runs, so that both answer alike. Opens no device and no connection.</summary>
internal sealed class PrivacyParts
{
    /// <summary>Puts it together; the store stays the caller's.</summary>
    /// <exception cref="StoreFault">A ledger cannot be read.</exception>
    public PrivacyParts(AgentConfig config, StateStore store, IClock clock, Counters counters, ILoggerFactory? logs = null)
    {
        Config = config;
        Store = store;
        Clock = clock;
        Counters = counters;
        (Audit, Incidents) = OpenAccount(logs ?? NullLoggerFactory.Instance);
        Gate = new Gate(LoadPolicy(config), store.Consents, counters, clock, Audit);
        Desk = new ConsentDesk(Gate, store.Consents, clock);
        Consents = new ConsentService(Desk, Gate, store.Spool);
        Operations = [.. ConsentOperations.All(Consents), .. AccountOperations.All(Audit, Incidents)];
    }

    /// <summary>Configuration.</summary>
    public AgentConfig Config { get; }

    /// <summary>Store.</summary>
    public StateStore Store { get; }

    /// <summary>Clock.</summary>
    public IClock Clock { get; }

    /// <summary>All counts.</summary>
    public Counters Counters { get; }

    /// <summary>What was done with data about people.</summary>
    public AuditBook Audit { get; }

    /// <summary>What happened that somebody must be told of.</summary>
    public IncidentBook Incidents { get; }

    /// <summary>Gate.</summary>
    public Gate Gate { get; }

    /// <summary>Where consents are given.</summary>
    public ConsentDesk Desk { get; }

    /// <summary>Consents with their consequences.</summary>
    public ConsentService Consents { get; }

    /// <summary>What can be asked of these parts over the control socket, or offline.</summary>
    public IReadOnlyList<IControlOperation> Operations { get; }

    private (AuditBook, IncidentBook) OpenAccount(ILoggerFactory logs)
    {
        IReadOnlyList<string> recipients = [.. Config.Recipients.Select(static r => r.Name)];
        var log = logs.CreateLogger("account");
        var audit = new AuditBook(
            Store.Audit, Store.Outbox, Store.Keys, recipients, Clock, Counters, new AuditLimits(), log);
        var incidents = new IncidentBook(Store.Incidents, audit, Store.Outbox, Store.Keys, recipients, Counters, log);
        Store.Found += finding => incidents.Raise(finding.Kind, finding.Place);
        foreach (var finding in Store.Findings)
        {
            incidents.Raise(finding.Kind, finding.Place);
        }

        Store.FindingsNoted();
        return (audit, incidents);
    }

    /// <summary>The policy that a configuration names; it has been checked with the configuration.</summary>
    public static Policy LoadPolicy(AgentConfig config) => config.Policy
        ?? (config.PolicyFile is null
            ? Policy.Shipped()
            : PolicyFiles.Load(config.PolicyFile, null, config.PolicyKeyFile, new ConfigErrors())
                ?? throw new InvalidOperationException($"{config.PolicyFile} changed while the agent started"));
}
