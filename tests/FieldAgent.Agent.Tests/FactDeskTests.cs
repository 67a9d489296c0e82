using System.Text.Json.Nodes;
using FieldAgent.Agent.Facts;
using FieldAgent.Core;
using FieldAgent.Privacy;
using FieldAgent.Simulation;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>Facts on their way, on a real store under the shipped policy.</summary>
public sealed class FactDeskTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SimulatedClock _clock = new();
    private readonly Source _source = new();
    private House _house;

    public FactDeskTests() => _house = Open();

    public void Dispose()
    {
        _house.Dispose();
        _folder.Dispose();
    }

    [Fact]
    [Promise("R28", "R29")]
    public void Every_recipient_of_the_rule_is_told_once_signed_and_again_only_when_something_changed()
    {
        _house.Desk.Refresh();
        var facts = Told("vendor");
        Assert.Equal("compatibility", (string)facts["function"]!);
        Assert.Equal(
            ["device.display-resolution", "device.manufacturer", "device.model", "device.product", "device.storage-size", "os.language", "os.name", "os.version"],
            facts["facts"]!.AsObject().Select(static f => f.Key).Order());
        Assert.Equal("text of os.name", (string)facts["facts"]!["os.name"]!);
        Assert.Empty(_house.Waiting("statistics"));

        _house.Sent("vendor");
        _house.Desk.Refresh();
        Assert.Empty(_house.Waiting("vendor"));
        _house.Dispose();
        _house = Open();
        _house.Desk.Refresh();
        Assert.Empty(_house.Waiting("vendor"));

        _source.Changed = "os.version";
        _house.Desk.Refresh();
        Assert.Equal("changed", (string)Told("vendor")["facts"]!["os.version"]!);

        // What still waits is replaced, not added to.
        _source.Changed = "os.name";
        _house.Desk.Refresh();
        Assert.Equal("changed", (string)Told("vendor")["facts"]!["os.name"]!);
    }

    [Fact]
    [Promise("R78")]
    public void Where_there_is_no_room_to_note_what_was_sent_before_no_facts_leave_until_there_is()
    {
        _house.Desk.Refresh();
        Assert.NotEmpty(_house.Sendable("vendor"));
        _house.Outbox.IsFull = true;
        _house.TakeOver();
        Assert.Empty(_house.Sendable("vendor"));
        Assert.Throws<StoreFault>(_house.Desk.Refresh);
        Assert.Empty(_house.Sendable("vendor"));
        _house.Outbox.IsFull = false;
        _house.Desk.Refresh();
        Assert.NotEmpty(_house.Sendable("vendor"));
    }

    [Fact]
    public void A_code_that_was_seen_is_told_each_time_under_its_grant_and_dropped_without_one()
    {
        _house.Seen.Add(new RawFact("image.code", "4006381333931"));
        _house.Desk.Refresh();
        Assert.DoesNotContain(_house.Waiting("vendor"), static d => (string?)d["function"] == "scan");

        _house.Consents.Grant("scan", "image.photo", null, new ConsentBy("subject", "cli"));
        _house.Consents.Grant("scan", "image.code", null, new ConsentBy("subject", "cli"));
        _house.Seen.Add(new RawFact("image.code", "4006381333931"));
        _house.Seen.Add(new RawFact("image.code", "4006381333931"));
        _house.Desk.Refresh();
        var told = _house.Waiting("vendor").Where(static d => (string?)d["function"] == "scan").ToList();
        Assert.Equal(2, told.Count);
        Assert.All(told, static d => Assert.Equal("4006381333931", (string)d["facts"]!["image.code"]!));
        Assert.DoesNotContain(_house.Waiting("statistics"), static d => (string?)d["function"] == "scan");

        // Withdrawn while it waits: it goes with the grant.
        _house.Consents.Withdraw("scan", "image.code", new ConsentBy("subject", "cli"));
        _house.Desk.Refresh();
        Assert.DoesNotContain(_house.Waiting("vendor"), static d => (string?)d["function"] == "scan");
    }

    [Fact]
    [Promise("R2", "R44")]
    public void What_nobody_may_have_is_not_even_read()
    {
        _source.More = ["device.serial", "device.hostname", "diagnostics.health", "nobody.knows"];
        _house.Desk.Refresh();
        Assert.DoesNotContain(_source.More, _source.Read_.Contains);
        Assert.Equal(8, Told("vendor")["facts"]!.AsObject().Count);
    }

    [Fact]
    [Promise("R112")]
    public void A_crash_is_told_once_if_that_is_granted_and_a_withdrawal_takes_back_what_waits()
    {
        _house.Consents.Grant("diagnostics", "diagnostics.crash", null, new ConsentBy("subject", "cli"));
        _house.Crashes.Note(new InvalidOperationException("secret"));
        _house.Desk.Refresh();
        var crash = Assert.Single(_house.Waiting("vendor"), static d => d["facts"]!["diagnostics.crash"] is not null);
        Assert.Equal("fieldagent test\nSystem.InvalidOperationException", (string)crash["facts"]!["diagnostics.crash"]!);
        Assert.Null(_house.Crashes.Read());
        _house.Desk.Refresh();
        Assert.Single(_house.Waiting("vendor"), static d => d["facts"]!["diagnostics.crash"] is not null);

        _house.Consents.Withdraw("diagnostics", "diagnostics.crash", new ConsentBy("subject", "cli"));
        _house.Desk.Refresh();
        Assert.DoesNotContain(_house.Waiting("vendor"), static d => d["facts"]!["diagnostics.crash"] is not null);
        Assert.Single(_house.Waiting("vendor"));
    }

    [Fact]
    [Promise("R112")]
    public void A_note_whose_grant_has_ended_is_deleted_untold()
    {
        new CrashNotes(_folder.File("state"), "test", static () => true).Note(new InvalidOperationException());
        Assert.NotNull(_house.Crashes.Read());
        _house.Desk.Refresh();
        Assert.Null(_house.Crashes.Read());
        Assert.DoesNotContain(_house.Waiting("vendor"), static d => d["facts"]!["diagnostics.crash"] is not null);
    }

    [Fact]
    [Promise("R2", "R13")]
    public void What_is_paused_waits_unsent_and_is_told_afterwards()
    {
        var by = new ConsentBy("subject", "cli");
        _house.Consents.Grant("scan", "image.photo", null, by);
        _house.Consents.Grant("scan", "image.code", null, by);
        _house.Consents.Grant("diagnostics", "diagnostics.crash", null, by);
        _house.Seen.Add(new RawFact("image.code", "1"));
        _house.Desk.Refresh();
        _house.Crashes.Note(new InvalidOperationException());
        _house.Gate.Pause([new ConsentPair("scan", "image.code"), new ConsentPair("diagnostics", "diagnostics.crash")]);
        _house.Seen.Add(new RawFact("image.code", "2"));
        _house.Desk.Refresh();
        Assert.NotNull(_house.Crashes.Read());
        Assert.Equal(["compatibility"], Sendable());
        Assert.Equal(["compatibility", "scan"], Functions());

        _house.Gate.Pause([]);
        _house.Desk.Refresh();
        Assert.Null(_house.Crashes.Read());
        Assert.Equal(["compatibility", "diagnostics", "scan", "scan"], Sendable());

        IEnumerable<string> Functions() => _house.Waiting("vendor").Select(static d => (string)d["function"]!).Order();
        IEnumerable<string> Sendable() => _house.Sendable("vendor").Select(static d => (string)d["function"]!).Order();
    }

    private JsonObject Told(string recipient) => Assert.Single(_house.Waiting(recipient));

    [Fact]
    [Promise("R60")]
    public void A_scanning_camera_is_closed_as_long_as_either_of_its_grants_is_missing()
    {
        var errors = new FieldAgent.Core.Configuration.ConfigErrors();
        var kind = new FieldAgent.Devices.CameraKind();
        var options = kind.Shape.Bind(
            FieldAgent.Core.Configuration.ConfigNode.Parse("""{ "use": "scan", "folder": "." }"""u8.ToArray(), errors)!, errors);
        var camera = kind.Create(new SensorSetup("scanner", options, "/", Path.Join(Places.Repository, "hardware", "boards", "photos")));
        Assert.True(errors.IsEmpty);
        using var due = new FlushSignal(int.MaxValue);
        using var collector = new FieldAgent.Agent.Collect.Collector(
            [new FieldAgent.Agent.Configuration.ConfiguredSensor("scanner", "camera", camera)], _house.Gate, _clock, due, 100, new Counters(), NullLoggerFactory.Instance);
        collector.Start();
        _house.Consents.Grant("scan", "image.code", null, new ConsentBy("subject", "cli"));
        _house.Consents.Grant("photo", "image.photo", null, new ConsentBy("subject", "cli"));
        Assert.False(collector.HasOpenSensors);
        _house.Consents.Grant("scan", "image.photo", null, new ConsentBy("subject", "cli"));
        Assert.True(collector.HasOpenSensors);
        _house.Consents.Withdraw("scan", "image.photo", new ConsentBy("subject", "cli"));
        Assert.False(collector.HasOpenSensors);
        collector.Stop();
    }

    private House Open() => new(_folder.File("state"), _clock, _source);

    private sealed class Source : IFactSource
    {
        private static readonly string[] Published =
            ["device.model", "device.manufacturer", "device.product", "device.display-resolution", "device.storage-size", "os.name", "os.version", "os.language"];

        public string[] More { get; set; } = [];

        public string Changed { get; set; } = "";

        public HashSet<string> Read_ { get; } = [];

        public IReadOnlyList<string> Fields => [.. Published, .. More];

        public string? Read(string field)
        {
            Read_.Add(field);
            return field == Changed ? "changed" : "text of " + field;
        }
    }

    /// <summary>The outbox of a store that has no room at first for what is to be noted.</summary>
    private sealed class FullAtFirst(IOutbox outbox) : IOutbox
    {
        public event Action? Added
        {
            add => outbox.Added += value;
            remove => outbox.Added -= value;
        }

        public bool IsFull { get; set; }

        public Notice Put(Notice notice) => outbox.Put(notice);

        public IReadOnlyList<Notice> Waiting(string recipient, long after, int max) => outbox.Waiting(recipient, after, max);

        public void Sent(long id) => outbox.Sent(id);

        public void Drop(long id) => outbox.Drop(id);

        public bool Acknowledge(string recipient, string reference) => outbox.Acknowledge(recipient, reference);

        public void TakeOver(Func<Notice, IReadOnlyList<NoticeContent>> contentsOf, Func<IEnumerable<(string Recipient, string Function, string Field)>> told)
        {
            if (IsFull)
            {
                throw new StoreFault(StoreFaultKind.Full, "no room", retry: true);
            }

            outbox.TakeOver(contentsOf, told);
        }
    }

    private sealed class House : IDisposable
    {
        private readonly StateStore _store;

        public House(string state, SimulatedClock clock, Source source)
        {
            string[] recipients = ["vendor", "statistics"];
            var counters = new Counters();
            _store = StateStore.Open(
                new StoreOptions { Directory = state, Recipients = [.. recipients], FreeBytesMin = 0 }, clock, counters, NullLogger.Instance);
            var gate = new Gate(Policy.Shipped(), _store.Consents, counters, clock);
            Gate = gate;
            Consents = new ConsentDesk(gate, _store.Consents, clock);
            Crashes = new CrashNotes(state, "test", () => gate.Decide(Stage.Admit, "diagnostics", "diagnostics.crash").IsPermitted);
            Desk = new FactDesk(gate, [source], Crashes, recipients, _store.Facts, Outbox = new FullAtFirst(_store.Outbox), _store.Keys, clock, counters, Seen);
        }

        public FullAtFirst Outbox { get; }

        public void TakeOver() => Desk.TakeOver(_store.Consents);

        public FactDesk Desk { get; }

        public Gate Gate { get; }

        public SeenFacts Seen { get; } = new(new Counters());

        public CrashNotes Crashes { get; }

        public ConsentDesk Consents { get; }

        public List<JsonObject> Waiting(string recipient) => Documents(_store.Outbox.Waiting(recipient, 0, 100));

        public List<JsonObject> Sendable(string recipient) => Documents(_store.Outbox.Waiting(recipient, 0, 100).Where(Desk.MaySend));

        private static List<JsonObject> Documents(IEnumerable<Notice> notices) => [.. notices.Select(static notice =>
        {
            var document = SignedDocument.TryVerify(notice.Json.Span, out var why);
            Assert.True(document is not null, why);
            return document!.Document;
        })];

        public void Sent(string recipient)
        {
            foreach (var notice in _store.Outbox.Waiting(recipient, 0, 100))
            {
                _store.Outbox.Sent(notice.Id);
            }
        }

        public void Dispose()
        {
            Desk.Dispose();
            _store.Dispose();
        }
    }
}
