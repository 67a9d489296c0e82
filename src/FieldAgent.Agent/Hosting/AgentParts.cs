using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Collect;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Agent.Facts;
using FieldAgent.Agent.Roles;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using FieldAgent.Devices.EffaceableMemory;
using FieldAgent.Privacy;
using FieldAgent.Store;
using FieldAgent.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Hosting;

/// <summary>The agent put together from its parts; the only place that knows them all.</summary>
internal sealed class AgentParts : IDisposable
{
    /// <summary>Rows that one sensor may hold in memory: more than any flush interval brings at 1 kHz, and small for 64 sensors.</summary>
    private const int RowsMax = 65_536;

    private readonly long _startedBootNs;
    private string _anonymous;

    /// <summary>Opens the store and puts everything together; opens no device and no connection.</summary>
    /// <exception cref="StoreFault">The store cannot be opened.</exception>
    public AgentParts(AgentConfig config, IClock clock, ILinkFactory links, ILoggerFactory logs)
    {
        Config = config;
        Clock = clock;
        Counters = new Counters();
        _startedBootNs = clock.BootNs;
        Store = StateStore.Open(StoreOptionsOf(config), clock, Counters, logs.CreateLogger("store"));
        var button = new PresenceButton(clock);
        Privacy = new PrivacyParts(config, Store, clock, Counters, logs, config.Roles.PresenceButton is null ? null : button);
        Roles = new BoardRoles(config.Roles, config.DevicesRoot, Privacy, button, Store.Memory, clock, logs.CreateLogger<BoardRoles>());
        Due = new FlushSignal(config.FlushReadings);
        var seen = new SeenFacts(Counters);
        Collector = new Collector(config.Sensors, Gate, clock, Due, RowsMax, Counters, logs, Store.Memory, seen.Add);
        Pipeline = new Pipeline(Collector, Gate, Store.Spool, Due, config.FlushInterval, Counters, logs.CreateLogger<Pipeline>());
        Crashes = new CrashNotes(
            config.StateDirectory, CommandLine.Version,
            () => Gate.Decide(Stage.Admit, "diagnostics", Vocabulary.Crash).IsPermitted);
        Facts = new FactDesk(
            Gate, [new BoardFacts(config.DevicesRoot, config.StateDirectory, Environment.GetEnvironmentVariable("LANG"))], Crashes,
            [.. config.Recipients.Select(static r => r.Name)], Store.Facts, Store.Outbox, Store.Keys, clock, Counters, seen);
        Facts.TakeOver(Store.Consents);
        Store.Eraser.Verified += Facts.Erased;
        ICommandHandler[] commands = [new Commands.StatusHandler(this), new Commands.FlushHandler(Due), new Commands.PhotoHandler(Collector),
            new Commands.AcknowledgeHandler(Store.Outbox),
            new Commands.PrivacyRequestHandler(Privacy.SignedRequests, Privacy.RequestErrands, Privacy.Audiences, clock), new Commands.PolicyHandler(Privacy.Policies, config)];
        Couriers = [.. config.Recipients.Select(recipient => new CourierLoop(
            recipient, () => IsAnonymous(recipient.Name),
            Privacy.Identity,
            name => new Courier(
                Settings(name, recipient), links, Store.Spool, Gate, clock, Store.Outbox, Store.Commands, commands, Counters, logs.CreateLogger<Courier>()),
            clock, logs.CreateLogger<CourierLoop>()))];
        Privacy.Erasures.UnderWay = (function, field) => [.. Couriers.SelectMany(courier => courier.UnderWay(function, field))];
        _anonymous = Anonymous();
        Gate.Changed += EndSessionsOfOthers;
        Privacy.Identity.IsConnected = () => Couriers.Any(static courier => courier.State.Phase == "connected");
        Errands = new Errands(config.Recipients, Privacy.Identity, Privacy.Anonymous, Store.Outbox, Facts.MaySend, links, clock, Counters, logs.CreateLogger<Errands>());
    }

    /// <summary>Configuration.</summary>
    public AgentConfig Config { get; }

    /// <summary>Clock.</summary>
    public IClock Clock { get; }

    /// <summary>All counts.</summary>
    public Counters Counters { get; }

    /// <summary>Store.</summary>
    public StateStore Store { get; }

    /// <summary>All that decides about data of people.</summary>
    public PrivacyParts Privacy { get; }

    /// <summary>Lines for people at the board.</summary>
    public BoardRoles Roles { get; }

    /// <summary>Gate.</summary>
    public Gate Gate => Privacy.Gate;

    /// <summary>When a flush is due.</summary>
    public FlushSignal Due { get; }

    /// <summary>Sensors.</summary>
    public Collector Collector { get; }

    /// <summary>Pipeline.</summary>
    public Pipeline Pipeline { get; }

    /// <summary>Notes of crashes.</summary>
    public CrashNotes Crashes { get; }

    /// <summary>What seldom changes.</summary>
    public FactDesk Facts { get; }

    /// <summary>One a recipient.</summary>
    public IReadOnlyList<CourierLoop> Couriers { get; }

    /// <summary>What is delivered beside the couriers.</summary>
    public Errands Errands { get; }

    /// <summary>The state of everything, now.</summary>
    public StatusReport Status()
    {
        var spool = Store.Spool.State;
        var now = Clock.Now();
        var progress = Pipeline.Progress;
        var trouble = progress.Trouble;
        var stored = StoredReport.TryRead(Privacy, ref trouble);
        return new StatusReport(
            CommandLine.Version,
            Config.Board,
            (now.BootNs - _startedBootNs) / 1e9,
            new ClockReport(ClockExtensions.ToDate(now.WallUnixNs), now.Quality),
            Gate.PolicyVersion,
            Collector.Status,
            new SpoolReport(
                spool.Blocks, spool.Readings, spool.Images,
                spool.OldestWallUnixNs > 0 ? Math.Max(0, (now.WallUnixNs - spool.OldestWallUnixNs) / 1e9) : null,
                spool.StateBytes, spool.StateBytesMax, spool.Kept, spool.Unwritten + Pipeline.ImagesRefused),
            new StoreReport(
                progress.Readings, progress.Blocks, progress.Images, trouble,
                Store.OpenOutcome.Text, SqliteLibrary.Description),
            [.. Couriers.Select(static c => c.State)],
            Counters.Snapshot("denied."),
            Counters.Snapshot("dropped."),
            Counters.Snapshot())
        {
            Idle = stored?.Idle,
            Account = stored?.Account,
            Requests = stored?.Requests,
            Autostart = Autostart.IsGranted(Gate),
            InForce = stored?.InForce,
            Roles = Roles.Report(),
        };
    }

    private bool IsAnonymous(string recipient) => Gate.Policy.Recipient(recipient)?.Transform != RecipientTransform.Pseudonymise;

    private string Anonymous() => string.Join(',', Config.Recipients.Select(static r => r.Name).Where(IsAnonymous));

    // A policy under which somebody else gets anonymous data only, or no longer, ends the sessions of before (R71).
    private void EndSessionsOfOthers()
    {
        var now = Anonymous();
        if (Interlocked.Exchange(ref _anonymous, now) != now)
        {
            Privacy.Identity.BeginRoundAnew();
        }
    }

    /// <summary>What was stored and what still waits.</summary>
    public RunSummary Summary()
    {
        var spool = Store.Spool.State;
        var progress = Pipeline.Progress;
        return new RunSummary(
            progress.Readings, progress.Blocks, progress.Images, spool.Blocks, spool.Readings, spool.Images, spool.Unwritten + Pipeline.ImagesRefused,
            Counters.Snapshot("dropped."));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Gate.Changed -= EndSessionsOfOthers;
        Collector.Dispose();
        Roles.Dispose();
        Errands.Dispose();
        Due.Dispose();
        Store.Eraser.Verified -= Facts.Erased;
        Facts.Dispose();
        Privacy.Dispose();
        Store.Dispose();
    }

    /// <summary>Where and how much a configuration stores.</summary>
    public static StoreOptions StoreOptionsOf(AgentConfig config) => new()
    {
        Directory = config.StateDirectory,
        StateBytesMax = config.StateBytesMax,
        FreeBytesMin = config.FreeBytesMin,
        RootKeyFile = config.RootKeyFile,
        KeyRoot = config.KeyRoot is { } memory ? EffaceableMemories.Create(memory.Kind, memory.Bus, memory.Address) : null,
        Recipients = [.. config.Recipients.Select(static r => r.Name)],
        BlockReadingsMax = config.BlockReadings,
    };

    private CourierSettings Settings(string pseudonym, Recipient recipient) => new()
    {
        Recipient = recipient,
        Pseudonym = pseudonym,
        TagKey = Privacy.Identity.Board.TagKey(recipient.Name),
        AgentVersion = CommandLine.Version,
        FlushInterval = Config.FlushInterval,
        Groups = Config.Groups,
        MaySend = Facts.MaySend,
        Budget = recipient.BudgetBytes is { } bytes ? new DataBudget(recipient.Name, bytes, recipient.BudgetPerMonth, Store.Budget, Clock) : null,
        CredentialsRefused = () => Privacy.Incidents.Raise(IncidentKind.CredentialsRefused, "broker of " + recipient.Name),
    };
}
