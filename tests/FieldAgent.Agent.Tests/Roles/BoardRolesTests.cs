using FieldAgent.Agent.DataProtection;
using FieldAgent.Agent.Roles;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests.Roles;

/// <summary>What lines for people at the board bring about: consents, verification, incidents. The lines are moved by hand.</summary>
public sealed class BoardRolesTests : IDisposable
{
    private const string Wired = """
        , "roles": {
            "consentSwitch": { "line": "GPIO22", "scopes": [
                { "function": "photo", "field": "image.photo" },
                { "function": "fleet-location", "field": "location.position", "precision": "10km" } ] },
            "presenceButton": { "line": "GPIO23" },
            "enclosureTamper": { "line": "GPIO24" } }
        """;

    private readonly PartsBench _bench = new(more: Wired);
    private readonly List<RoleInput> _inputs = [];
    private readonly TempFolder _noDevices = new();
    private PresenceButton? _button;
    private BoardRoles? _roles;

    [Fact]
    [Promise("R2", "R3", "R4", "R9", "R10")]
    public void Closing_the_switch_withdraws_what_it_governs_at_once_and_erases_it_and_opening_it_grants_that_again()
    {
        Start();
        Move("consentSwitch", ContactLevel.Inactive);
        _bench.Ok("consent-grant", ("function", "fleet-location"), ("field", "location.position"), ("precision", "1km"));
        _bench.Ok("consent-grant", ("function", "photo"), ("field", "image.photo"));
        _bench.Ok("consent-grant", ("function", "scan"), ("field", "image.code"));
        _bench.Fill("fleet-location", "location.position", 7);
        _bench.Fill("telemetry", "instrument.measurement", 5);

        Move("consentSwitch", ContactLevel.Active);
        Assert.False(Permitted("photo", "image.photo"));
        Assert.False(Permitted("fleet-location", "location.position"));
        Assert.True(Permitted("scan", "image.code"));
        Assert.Equal(5, _bench.Store.Spool.State.Readings);
        var events = _bench.Store.Consents.All();
        Assert.All(events.TakeLast(2), static e => Assert.Equal((ConsentAction.Withdraw, "switch", "subject"), (e.Action, e.Method, e.Role)));
        Assert.Contains(_bench.Entries, static entry => entry is { What: "withdrawn", Function: "photo" });
        Assert.Contains(_bench.Entries, static entry => entry is { What: "switch", Detail: "closed", Actor: "subject" });
        Assert.False(_bench.Parts.Erasures.Asked().Count > 0);

        // while it is closed nobody can grant it by another way, alone or with others
        Assert.Contains("the consent switch at the board is closed", _bench.Do("consent-grant", ("function", "photo"), ("field", "image.photo")).Message, StringComparison.Ordinal);
        Assert.False(_bench.Do("consent-grant", ("function", "fleet-location")).Ok);
        Assert.True(_bench.Do("consent-grant", ("function", "diagnostics"), ("field", "diagnostics.crash")).Ok);

        Move("consentSwitch", ContactLevel.Inactive);
        Assert.True(Permitted("photo", "image.photo"));
        Assert.Equal(Precision.Cell10km, _bench.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!.Precision);
        Assert.All(_bench.Store.Consents.All().TakeLast(2), static e => Assert.True(e is { Action: ConsentAction.Grant, Method: "switch", NoticeHash.Length: > 0 }));
        Assert.Contains(_bench.Entries, static entry => entry is { What: "switch", Detail: "open" });
    }

    [Fact]
    [Promise("R2")]
    public void A_switch_that_was_moved_while_the_board_was_off_takes_effect_at_the_start_and_one_that_was_not_decides_nothing()
    {
        // never moved yet: open grants nothing by itself
        Start();
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.False(Permitted("photo", "image.photo"));
        _bench.Ok("consent-grant", ("function", "photo"), ("field", "image.photo"));

        // closed while off
        Restart();
        Move("consentSwitch", ContactLevel.Active);
        Assert.False(Permitted("photo", "image.photo"));

        // still closed: nothing is noted again
        var moves = _bench.Entries.Count(static entry => entry.What == "switch");
        Restart();
        Move("consentSwitch", ContactLevel.Active);
        Assert.Equal(moves, _bench.Entries.Count(static entry => entry.What == "switch"));

        // opened while off
        Restart();
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.True(Permitted("photo", "image.photo"));
        Assert.True(Permitted("fleet-location", "location.position"));

        // withdrawn by command, with the switch open before and after
        _bench.Ok("consent-withdraw", ("function", "photo"));
        Restart();
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.False(Permitted("photo", "image.photo"));
        Assert.True(Permitted("fleet-location", "location.position"));
    }

    [Fact]
    [Promise("R2", "R10", "R13")]
    public void A_switch_that_cannot_be_read_pauses_what_it_governs_and_loses_nothing_and_only_a_closed_one_withdraws()
    {
        Start();
        Move("consentSwitch", ContactLevel.Inactive);
        _bench.Ok("consent-grant", ("function", "photo"), ("field", "image.photo"));
        _bench.Ok("consent-grant", ("function", "fleet-location"), ("field", "location.position"));
        _bench.Ok("consent-grant", ("function", "scan"), ("field", "image.code"));
        _bench.Fill("fleet-location", "location.position", 7);
        var events = _bench.Store.Consents.All().Count;
        var closed = 0;
        _bench.Gate.Changed += () => closed += _bench.Gate.MayCollect("location.position") ? 0 : 1;

        // the chip is unplugged: nothing of it is collected, kept, sent or granted, and nothing is withdrawn or erased
        Move("consentSwitch", ContactLevel.Unreadable);
        Assert.Equal(1, closed);
        Assert.False(_bench.Gate.MayCollect("image.photo"));
        Assert.All(Enum.GetValues<Core.Stage>(), stage => Assert.Equal(DenyReason.Paused, _bench.Gate.Decide(stage, "fleet-location", "location.position", "vendor").Reason));
        Assert.True(Permitted("scan", "image.code"));
        Assert.Contains("cannot be read", _bench.Do("consent-grant", ("function", "photo"), ("field", "image.photo")).Message, StringComparison.Ordinal);
        Assert.Equal(events, _bench.Store.Consents.All().Count);
        Assert.Equal(7, _bench.Store.Spool.State.Readings);
        Assert.Contains(_bench.Ok("consent-show").Lines!, static line => line.Contains("PAUSED", StringComparison.Ordinal) && line.Contains("image.photo", StringComparison.Ordinal));
        Assert.Contains("photo image.photo", SwitchDetail(), StringComparison.Ordinal);
        Assert.Contains(_bench.Entries, static entry => entry is { What: "switch", Detail: "unreadable" });
        Assert.Contains(_bench.Entries, static entry => entry is { Kind: AuditKind.Decision, What: "refused", Function: "photo", Detail: "paused" });

        // so it stays over a restart
        Restart();
        Move("consentSwitch", ContactLevel.Unreadable);
        Assert.False(Permitted("photo", "image.photo"));

        // found open again: it goes on where it stood
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.True(Permitted("photo", "image.photo"));
        Assert.True(_bench.Gate.Decide(Core.Stage.Send, "fleet-location", "location.position", "vendor", events - 1).IsPermitted);
        Assert.Equal(events, _bench.Store.Consents.All().Count);
        Assert.Equal(7, _bench.Store.Spool.State.Readings);
        Assert.Equal("", SwitchDetail());

        // a withdrawal by command holds meanwhile, and is not undone
        Move("consentSwitch", ContactLevel.Unreadable);
        _bench.Ok("consent-withdraw", ("function", "photo"));
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.False(Permitted("photo", "image.photo"));

        // found closed: now somebody has withdrawn it
        Move("consentSwitch", ContactLevel.Unreadable);
        Move("consentSwitch", ContactLevel.Active);
        Assert.Equal(DenyReason.Withdrawn, _bench.Gate.Decide(Core.Stage.Admit, "fleet-location", "location.position").Reason);
        Assert.Equal(0, _bench.Store.Spool.State.Readings);
        Assert.Empty(_bench.Gate.Paused);

        // closed, unreadable, open: it was opened
        Move("consentSwitch", ContactLevel.Unreadable);
        Assert.False(Permitted("fleet-location", "location.position"));
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.True(Permitted("fleet-location", "location.position"));
    }

    [Fact]
    [Promise("R85")]
    public void What_passes_its_term_while_it_is_paused_is_erased_as_ever()
    {
        Start();
        Move("consentSwitch", ContactLevel.Inactive);
        _bench.Ok("consent-grant", ("function", "fleet-location"), ("field", "location.position"));
        _bench.Fill("fleet-location", "location.position", 7);
        Move("consentSwitch", ContactLevel.Unreadable);
        _bench.Clock.Advance(TimeSpan.FromDays(31));
        _bench.Store.Sweeper.Sweep();
        Assert.Equal(0, _bench.Store.Spool.State.Readings);
    }

    [Fact]
    [Promise("R2")]
    public async Task The_start_waits_until_the_switch_has_taken_effect()
    {
        _bench.Ok("consent-grant", ("function", "photo"), ("field", "image.photo"));
        Start();
        await _roles!.StartAsync(TestContext.Current.CancellationToken);
        Assert.False(Permitted("photo", "image.photo"));
        Eventually.True(() => _roles.Report()!.All(static r => r.State == SensorState.Absent), "three lines without a chip");
        Assert.Contains("roles.consentSwitch", Assert.Single(_roles.Report()!, static r => r.Role == "consentSwitch").Detail, StringComparison.Ordinal);
        await _roles.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    [Promise("R7")]
    public void Opening_the_switch_does_not_overrule_a_refusal_of_everything()
    {
        Start();
        Move("consentSwitch", ContactLevel.Active);
        _bench.Ok("consent-refuse", ("role", "subject"));
        Move("consentSwitch", ContactLevel.Inactive);
        Assert.False(Permitted("photo", "image.photo"));
        Assert.Contains("everything was refused", Assert.Single(_roles!.Report()!, static r => r.Role == "consentSwitch").Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void What_could_not_be_stored_is_tried_again_and_until_then_nothing_can_be_granted()
    {
        var audit = new BreakableAudit(_bench.Parts.Audit) { Broken = true };
        var parts = _bench.Parts;
        var follow = new ConsentSwitch(
            _bench.Config.Roles.ConsentSwitch!, parts.Consents, parts.Gate, parts.Ledger, audit, _bench.Store.Memory.Of("roles.consentSwitch"), _bench.Clock, NullLogger.Instance);
        var thread = new Thread(() => follow.Follow(ContactLevel.Active, ContactLevel.Inactive, CancellationToken.None)) { IsBackground = true };
        thread.Start();
        Eventually.True(() => follow.Meaning.Contains("not obeyed yet", StringComparison.Ordinal), "the fault");
        Assert.False(follow.Applied.IsSet);
        Assert.NotNull(follow.Obstacle([new ConsentPair("photo", "image.photo")]));
        audit.Broken = false;
        Eventually.True(
            () =>
            {
                _bench.Clock.Advance(TimeSpan.FromSeconds(1));
                return follow.Applied.IsSet;
            },
            "the second try");
        thread.Join();
        Assert.NotNull(follow.Obstacle([new ConsentPair("photo", "image.photo")]));
        Assert.Null(follow.Obstacle([new ConsentPair("scan", "image.code")]));
    }

    [Fact]
    [Promise("R110")]
    public void An_opened_enclosure_is_an_incident_that_is_shown_and_queued_also_when_it_is_open_at_the_start()
    {
        Start();
        Move("enclosureTamper", ContactLevel.Inactive);
        Assert.Empty(_bench.Parts.Incidents.All());
        Move("enclosureTamper", ContactLevel.Active);
        var incident = Assert.Single(_bench.Parts.Incidents.All());
        Assert.Equal(IncidentKind.EnclosureOpened, incident.Kind);
        Assert.All([incident.Situation, incident.Measures, incident.Advice, incident.Remedy], static text => Assert.NotEmpty(text));
        Assert.Single(_bench.Store.Outbox.Waiting("vendor", 0, 100), static notice => notice.Kind == NoticeKind.Incident);
        Restart();
        Move("enclosureTamper", ContactLevel.Active);
        Assert.Equal(2, Assert.Single(_bench.Parts.Incidents.All()).Times);
        Move("enclosureTamper", ContactLevel.Unreadable);
        Assert.Single(_bench.Parts.Incidents.All());
    }

    [Fact]
    [Promise("R96")]
    public void A_request_is_verified_by_the_button_at_the_board_and_only_shortly_after_it_was_pressed()
    {
        _button = new PresenceButton(_bench.Clock);
        _bench.Presence = _button;
        Restart();
        _bench.Ok("privacy-request-new", ("kind", "access"));
        Move("presenceButton", ContactLevel.Inactive);
        Assert.Contains("not pressed", _bench.Do("privacy-request-verify", ("number", "1"), ("by", "presence")).Message, StringComparison.Ordinal);
        Move("presenceButton", ContactLevel.Active);
        Move("presenceButton", ContactLevel.Inactive);
        _bench.Ok("privacy-request-verify", ("number", "1"), ("by", "presence"));
    }

    public void Dispose()
    {
        _roles?.Dispose();
        _bench.Dispose();
        _noDevices.Dispose();
    }

    private void Start()
    {
        _inputs.Clear();
        _roles = new BoardRoles(
            _bench.Config.Roles,
            line =>
            {
                var input = new RoleInput(line, _noDevices.Path);
                _inputs.Add(input);
                return input;
            },
            _bench.Parts, _button ?? new PresenceButton(_bench.Clock), _bench.Store.Memory, _bench.Clock, NullLogger.Instance);
        _last.Clear();
    }

    private readonly Dictionary<string, ContactLevel> _last = [];

    private void Move(string role, ContactLevel now)
    {
        _bench.Clock.Advance(TimeSpan.FromSeconds(1));
        _inputs.Single(input => input.Status.Role == role).Changed(now, _last.GetValueOrDefault(role));
        _last[role] = now;
    }

    private void Restart()
    {
        _bench.Store.Spool.Flush();
        _roles?.Dispose();
        _bench.Reopen();
        Start();
    }

    private string SwitchDetail() => Assert.Single(_roles!.Report()!, static r => r.Role == "consentSwitch").Detail;

    private bool Permitted(string function, string field) => _bench.Gate.Decide(Stage.Admit, function, field).IsPermitted;

    private sealed class BreakableAudit(IAuditLog inner) : IAuditLog
    {
        public bool Broken { get; set; }

        public long Append(AuditEntry entry) => Broken ? throw new StoreFault(StoreFaultKind.Io, "the card does not answer", retry: true) : inner.Append(entry);

        public IReadOnlyList<AuditRecord> Read(long from, int max) => inner.Read(from, max);
    }
}
