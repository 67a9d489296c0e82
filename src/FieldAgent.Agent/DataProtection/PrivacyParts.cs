using System.Security.Cryptography;
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
internal sealed class PrivacyParts : IDisposable
{
    /// <summary>Puts it together; the store stays the caller's.</summary>
    /// <exception cref="StoreFault">A ledger cannot be read.</exception>
    public PrivacyParts(
        AgentConfig config, StateStore store, IClock clock, Counters counters, ILoggerFactory? logs = null, IPresence? presence = null)
    {
        Config = config;
        Store = store;
        Clock = clock;
        Counters = counters;
        (Audit, Incidents) = OpenAccount(logs ?? NullLoggerFactory.Instance);
        Ledger = new AuditedConsents(store.Consents, Audit, store.Audit);
        Policies = new PolicyDesk(LoadPolicy(config), store.Documents, Ledger, Audit, clock);
        Anonymous = new AnonymousOutbox(store.Values, [.. config.Recipients.Select(static r => r.Name)], counters);
        Gate = new Gate(Policies.AtStart, Ledger, counters, clock, Audit, new GateParts
        {
            Values = store.Values,
            Fences = config.Fences,
            Anonymous = Anonymous,
            Clock = clock,
            Window = config.AnalyticsWindow,
            Seed = RandomNumberGenerator.GetInt32(int.MaxValue),
        });
        store.Holds = Gate;
        store.Spool.Stored += Gate.Settle;
        Gate.Changed += FollowAnalytics;
        FollowAnalytics();
        Desk = new ConsentDesk(Gate, Ledger, clock);
        var board = new BoardIdentity(config, store.Keys, Gate);
        Identity = new IdentityService(config, board, store.Epochs, Gate, clock, counters, Audit, store.Audit);
        Audiences = new Audiences(store.Keys, name => board.NameAt(name) ?? "", () => store.Keys.Epoch);
        Eraser = store.Eraser;
        Erasures = new ErasureNotices(store.Documents, Audiences, () => Gate.Policy, Eraser, store.Deliveries, store.Outbox);
        ErasureEntries = new ErasureAudit(Eraser, Audit, store.Audit);
        var followUp = new ConsentFollowUp(
            Gate, Ledger, store.Documents, Audiences, Eraser, Erasures, store.Outbox, [.. config.Recipients.Select(static r => r.Name)]);
        Consents = new ConsentService(Desk, Gate, followUp, Erasures, config.Sensors) { KeepName = Identity.KeepName };
        var view = new ConsentView(Desk, Gate, Ledger, store.Documents);
        var preview = new ConsentPreview(Desk, Gate, config.Sensors, new TrafficEstimate(config.Sensors, counters, () => store.Deliveries));
        Operations =
        [
            .. ConsentOperations.All(Consents, view, preview, new ErasureView(Erasures)), .. AccountOperations.All(Audit, Incidents),
            .. IdentityOperations.All(Identity), .. GeofenceOperations.All(Gate), .. Rights(config, presence),
            .. PolicyOperations.All(Policies, Gate, config), Autostart.Operation(Gate),
        ];
        Policies.Use(Gate);
        PutNameRight(followUp);
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

    /// <summary>The consent ledger, with an audit entry for each of its events.</summary>
    public AuditedConsents Ledger { get; }

    /// <summary>Where policies come in and take effect.</summary>
    public PolicyDesk Policies { get; }

    /// <summary>Notes each erasure.</summary>
    public ErasureAudit ErasureEntries { get; }

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

    /// <summary>The board's names, keys and references, by who knows them.</summary>
    public Audiences Audiences { get; }

    /// <summary>Erases for good.</summary>
    public IEraser Eraser { get; }

    /// <summary>Requests to erase, and receipts of erasures.</summary>
    public ErasureNotices Erasures { get; }

    /// <summary>Hands over all that is held.</summary>
    public PrivacyExport Export { get; private set; } = null!;

    /// <summary>Requests of persons.</summary>
    public RequestDesk Requests { get; private set; } = null!;

    /// <summary>Requests that come signed.</summary>
    public SignedRequests SignedRequests { get; private set; } = null!;

    /// <summary>Carries out what persons ask for.</summary>
    public PrivacyRights PersonRights { get; private set; } = null!;

    /// <summary>Carries out what comes signed.</summary>
    public RequestErrands RequestErrands { get; private set; } = null!;

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

    // A power cut came between the end of a permission and what has to be said of it: that first, then the name ends.
    private void PutNameRight(ConsentFollowUp followUp)
    {
        try
        {
            if (followUp.HasUnfinished)
            {
                Consents.FinishInterrupted();
            }
        }
        catch (StoreFault)
        {
            // Tried again by who runs the agent; the name is not kept for it.
            Counters.Add("consent.unfinished");
        }

        Identity.PutRight();
    }

    private void FollowAnalytics()
    {
        var decision = Gate.Decide(Stage.Collect, Vocabulary.AnalyticsFunction, Vocabulary.AnalyticsWindow);
        if (!decision.Keeps)
        {
            Anonymous.Clear();
        }

        Anonymous.IsPaused = !decision.IsPermitted;
    }

    /// <summary>The policy that a configuration names; it has been checked with the configuration.</summary>
    public static Policy LoadPolicy(AgentConfig config) => config.Policy
        ?? (config.PolicyFile is null
            ? Policy.Shipped()
            : PolicyFiles.Load(config.PolicyFile, null, config.PolicyKeyFile, new ConfigErrors())
                ?? throw new InvalidOperationException($"{config.PolicyFile} changed while the agent started"));

    private IEnumerable<IControlOperation> Rights(AgentConfig config, IPresence? presence)
    {
        var scopes = new PrivacyScopes(Gate, Store.OpenView, Store.Deliveries);
        var overview = new PrivacyOverview(
            Gate, scopes, Store.OpenView, Store.Deliveries, Store.Outbox, Ledger, Store.Requests, Store.Audit, Erasures, Clock);
        Export = new PrivacyExport(Gate, Store.OpenView, Store.Consents, Store.Deliveries, Store.Outbox, Store.Requests, Store.Audit, Audiences, Clock);
        Requests = new RequestDesk(Store.Requests, Clock, Audit, presence);
        SignedRequests = new SignedRequests(Requests, Store.Requests, Clock, Counters);
        PersonRights = new PrivacyRights(
            Gate, Ledger, Consents, scopes, Eraser, Erasures, Store.Requests, Store.Deliveries, Store.Outbox, Audiences, Audit, Clock)
        {
            KeepName = Identity.KeepName,
            Rotate = () => Identity.Rotate(RotationReason.Closed, erase: true).Message,
        };
        RequestErrands = new RequestErrands(Requests, Store.Requests, PersonRights, scopes, Gate, Counters);
        var why = new PrivacyWhy(Gate, Store.Deliveries, Store.Consents, Store.Audit, Audiences, [.. config.Recipients.Select(static r => r.Name)]);
        return PrivacyOperations.All(
            overview, Export, PersonRights, new PrivacyRequests(Requests, SignedRequests, Store.Requests), why, scopes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Store.Spool.Stored -= Gate.Settle;
        Gate.Changed -= FollowAnalytics;
        Export.Dispose();
        RequestErrands.Dispose();
        Identity.Dispose();
        Audiences.Dispose();
    }
}
