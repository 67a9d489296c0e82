using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Devices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Roles;

/// <summary>The lines for people at the board, wired to consents, verification, cameras and incidents. Starts before anything is collected or
/// sent, and only when the consent switch has taken effect; a thread of its own for each line.</summary>
internal sealed partial class BoardRoles : IHostedService, IDisposable
{
    /// <summary>A line that fails at the start may come up so much later before it counts as unreadable.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>The switch must have taken effect by then; a store that does not take its withdrawal is one that the agent cannot run on.</summary>
    private static readonly TimeSpan AppliedWithin = TimeSpan.FromSeconds(30);

    private readonly RolesConfig _config;
    private readonly IClock _clock;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<RoleInput> _inputs = [];
    private readonly List<Thread> _threads = [];
    private readonly ConsentSwitch? _switch;

    /// <summary>Wires the lines; opens none.</summary>
    public BoardRoles(
        RolesConfig config, string devicesRoot, PrivacyParts privacy, PresenceButton button, SensorMemory memory, IClock clock, ILogger<BoardRoles> log)
        : this(config, line => new RoleInput(line, Path.Join(devicesRoot, "dev"), Patience), privacy, button, memory, clock, log)
    {
    }

    internal BoardRoles(
        RolesConfig config, Func<RoleLine, RoleInput> open, PrivacyParts privacy, PresenceButton button, SensorMemory memory, IClock clock, ILogger log)
    {
        (_config, _clock, _log) = (config, clock, log);
        if (config.ConsentSwitch is { } wired)
        {
            _switch = new ConsentSwitch(
                wired, privacy.Consents, privacy.Gate, privacy.Ledger, privacy.Audit, memory.Of("roles.consentSwitch"), clock, log);
            privacy.Consents.Obstacle = _switch.Obstacle;
            Add(open(wired.Line), (now, before) => _switch.Follow(now, before, _stop.Token));
        }

        if (config.PresenceButton is { } line)
        {
            Add(open(line), button.Follow);
        }

        if (config.EnclosureTamper is { } contact)
        {
            Add(open(contact), (now, _) =>
            {
                if (now == ContactLevel.Active)
                {
                    privacy.Incidents.Raise(IncidentKind.EnclosureOpened, "contact at line " + contact.Line);
                }
            });
        }

        if (config.CameraIndicator is { } lamp)
        {
            lamp.Failed = Failed;
        }
    }

    /// <summary>Every line that is configured, as it is now; null without any.</summary>
    public IReadOnlyList<RoleReport>? Report()
    {
        List<RoleReport> reports = [.. _inputs.Select(Report)];
        if (_config.CameraIndicator is { } lamp)
        {
            reports.Add(RoleReport.Of(lamp.Status, "lit", "dark"));
        }

        return reports.Count > 0 ? reports : null;
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var input in _inputs)
        {
            Start(input.Status.Role, () => input.Run(_clock, _stop.Token));
        }

        if (_config.CameraIndicator is { } lamp)
        {
            Start(lamp.Line.Role, () => lamp.Run(_clock, _stop.Token));
        }

        return _switch is null || _switch.Applied.Wait(AppliedWithin, cancellationToken)
            ? Task.CompletedTask
            : throw new StoreFault(StoreFaultKind.Io, $"the consent switch cannot be obeyed: {_switch.Meaning}", retry: true);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        End();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        End();
        _config.CameraIndicator?.Dispose();
        _stop.Dispose();
    }

    private RoleReport Report(RoleInput input) => input.Status.Role switch
    {
        "presenceButton" => RoleReport.Of(input.Status, "pressed", "free"),
        "enclosureTamper" => RoleReport.Of(input.Status, "enclosure open", "enclosure shut"),
        _ => RoleReport.Of(input.Status, "closed", "open", _switch?.Meaning ?? ""),
    };

    private void Add(RoleInput input, Action<ContactLevel, ContactLevel> changed)
    {
        input.Changed = changed;
        input.Failed = Failed;
        _inputs.Add(input);
    }

    private void Start(string role, Action run)
    {
        var thread = new Thread(() => run()) { IsBackground = true, Name = "role " + role };
        _threads.Add(thread);
        thread.Start();
    }

    private void End()
    {
        if (_threads.Count > 0)
        {
            _stop.Cancel();
            _threads.ForEach(static thread => thread.Join());
            _threads.Clear();
        }
    }

    private void Failed(string why) => LogFailed(_log, why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Why} It is tried again.")]
    private static partial void LogFailed(ILogger log, string why);
}
