using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>What the audit log is told, when, and what happens when it cannot be written.</summary>
public sealed class DecideAuditTests
{
    private readonly House _house = new();

    [Fact]
    public void AGrantAndAWithdrawalAreToldOnceEachWithWhoMadeThem()
    {
        _house.Desk.Grant("photo", null, null, "guardian", "cli");
        _house.Gate.Refresh();
        _house.Gate.Watch();
        _house.Desk.Withdraw("photo", null, "subject", "cli");
        _house.Gate.Refresh();
        Assert.Equal(
            [
                new AuditEntry(AuditKind.Decision, "permitted", "photo", "image.photo", "under event 1", "guardian"),
                new AuditEntry(AuditKind.Decision, "refused", "photo", "image.photo", "withdrawn", "subject"),
            ],
            _house.Audit.Entries);
    }

    [Fact]
    [Promise("R10")]
    public void AConsentThatLapsesEndsAtItsTimeClosesTheSensorAndIsTold()
    {
        var stored = _house.Ledger.Append(MemoryLedger.Event(ConsentAction.Grant, "photo", "image.photo") with
        {
            ExpiresWallUnixNs = _house.Clock.Now().WallUnixNs + TimeSpan.FromHours(1).ToNs(),
        });
        _house.Gate.Refresh();
        var changed = 0;
        _house.Gate.Changed += () => changed++;
        _house.Gate.Watch();
        Assert.Equal(0, changed);
        Assert.True(_house.Gate.MayCollect("image.photo"));
        _house.Clock.Advance(TimeSpan.FromHours(1));
        Assert.False(_house.Gate.MayCollect("image.photo"));
        _house.Gate.Watch();
        _house.Gate.Watch();
        Assert.Equal(1, changed);
        Assert.Equal(
            new AuditEntry(AuditKind.Decision, "refused", "photo", "image.photo", "lapsed", "agent"), _house.Audit.Entries[^1]);
        Assert.Equal(2, _house.Audit.Entries.Count);
        Assert.Equal(1, stored.Id);
    }

    [Fact]
    public void WhatIsRefusedIsRefusedAtOnceWhatIsPermittedWaitsUntilItStandsInTheLog()
    {
        _house.Desk.Grant("photo", null, null, "subject", "cli");
        _house.Audit.FailAfter = 1;
        Assert.Throws<StoreFault>(() => _house.Desk.Grant("scan", null, null, "subject", "cli"));
        Assert.False(_house.Gate.Decide(Stage.Collect, "scan", "image.photo").IsPermitted);
        Assert.Throws<StoreFault>(() => _house.Desk.Withdraw("photo", null, "subject", "cli"));
        Assert.Equal(DenyReason.Withdrawn, _house.Gate.Decide(Stage.Collect, "photo", "image.photo").Reason);
        _house.Gate.Watch();
        Assert.Equal(1, _house.Counters["audit.failed-entries"]);

        // The log can be written again: the next look makes it good, and tells each change once.
        _house.Audit.FailAfter = int.MaxValue;
        _house.Gate.Watch();
        _house.Gate.Watch();
        Assert.True(_house.Gate.Decide(Stage.Collect, "scan", "image.photo").IsPermitted);
        Assert.Equal(_house.Audit.Entries.Count, _house.Audit.Entries.Distinct().Count());
        Assert.Equal(
            ["permitted photo image.photo", "refused photo image.photo"],
            _house.Audit.Entries.Where(static entry => entry.Function == "photo").Select(static entry => $"{entry.What} {entry.Function} {entry.Field}"));
        Assert.Contains(_house.Audit.Entries, static entry => entry is { What: "permitted", Function: "scan" });
    }
}
