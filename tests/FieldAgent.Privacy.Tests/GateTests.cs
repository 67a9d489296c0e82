using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

public sealed class GateTests
{
    private static readonly StreamSet Measurements = new("box", "instrument.measurement", [new("temperature", "Cel", 0.01), new("pressure", "Pa")]);

    [Fact]
    [Promise("R54")]
    public void BasicFunctionsAreOnAndExtendedOnesOff()
    {
        var house = new House();
        Assert.True(house.Gate.Decide(Stage.Admit, "telemetry", "instrument.measurement").IsPermitted);
        Assert.Equal(DenyReason.NotGranted, house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Reason);
        Assert.Equal(DenyReason.NotGranted, house.Gate.Decide(Stage.Admit, "photo", "image.photo").Reason);
    }

    [Theory]
    [Promise("R8", "R44")]
    [InlineData("telemetry", "location.position")]
    [InlineData("telemetry", "device.serial")]
    [InlineData("marketing", "instrument.measurement")]
    [InlineData("", "")]
    [InlineData("*", "*")]
    public void WhatNoRuleNamesIsDenied(string function, string field) =>
        Assert.Equal(DenyReason.NoRule, new House().Gate.Decide(Stage.Admit, function, field).Reason);

    [Fact]
    [Promise("R72")]
    public void OnlyTheRulesRecipientsMayReceive()
    {
        var gate = new House().Gate;
        Assert.True(gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "vendor").IsPermitted);
        Assert.Equal(DenyReason.NotARecipient, gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "partner").Reason);
    }

    [Fact]
    [Promise("R2", "R41")]
    public void APersonalSensorOpensOnlyAfterAGrant()
    {
        var house = new House();
        Assert.True(house.Gate.MayCollect("instrument.measurement"));
        Assert.False(house.Gate.MayCollect("location.position"));
        Assert.False(house.Gate.MayCollect("image.photo"));
        Assert.False(house.Gate.MayCollect("device.mac"));
        house.Desk.Grant("fleet-location", null, null, "subject", "cli");
        Assert.True(house.Gate.MayCollect("location.position"));
        Assert.False(house.Gate.MayCollect("image.photo"));
        house.Desk.Withdraw("fleet-location", null, "subject", "cli");
        Assert.False(house.Gate.MayCollect("location.position"));
    }

    [Fact]
    [Promise("R3")]
    public void ABlanketGrantInTheLedgerCoversNothing()
    {
        var house = new House();
        house.Ledger.Grant("*", "*");
        house.Ledger.Grant("fleet-location", "*");
        house.Ledger.Grant("*", "location.position");
        house.Ledger.Grant("photo", "location.position");
        house.Gate.Refresh();
        Assert.False(house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").IsPermitted);
        Assert.False(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
    }

    [Fact]
    public void AGrantWhoseScopeCannotBeReadAllowsNothing()
    {
        var house = new House();
        house.Ledger.Grant("fleet-location", "location.position", "5 miles");
        house.Ledger.Grant("photo", "image.photo", "thumbnails");
        house.Gate.Refresh();
        Assert.False(house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").IsPermitted);
        Assert.False(house.Gate.Decide(Stage.Admit, "photo", "image.photo").IsPermitted);
    }

    [Fact]
    [Promise("R9", "R10")]
    public void AWithdrawalReachesWhatIsStored()
    {
        var house = new House();
        var grant = house.Desk.Grant("fleet-location", "location.position", "1km", "subject", "cli").Events[0].Id;
        Assert.True(house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor", grant).IsPermitted);
        house.Desk.Withdraw("fleet-location", null, "subject", "cli");
        Assert.Equal(DenyReason.Withdrawn, house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor").Reason);

        // Granted again: what the old grant let in is not raised from the dead.
        var again = house.Desk.Grant("fleet-location", "location.position", "1km", "subject", "cli").Events[0].Id;
        Assert.Equal(DenyReason.Withdrawn, house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor", grant).Reason);
        Assert.True(house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor", again).IsPermitted);
        Assert.Equal(2, house.Counters["denied.send.withdrawn"]);
    }

    [Fact]
    [Promise("R10")]
    public void ANarrowerGrantReachesWhatIsStored()
    {
        var house = new House();
        var finer = house.Desk.Grant("fleet-location", "location.position", "1km", "subject", "cli").Events[0].Id;
        var narrower = house.Desk.Grant("fleet-location", "location.position", "10km", "subject", "cli");
        Assert.Equal([new ConsentPair("fleet-location", "location.position")], narrower.Erase);
        Assert.False(((IGate)house.Gate).Decide(Stage.Send, "fleet-location", "location.position", "vendor", finer).IsPermitted);

        // A wider one leaves the coarser data as lawful as it was.
        var wider = house.Desk.Grant("fleet-location", "location.position", "1km", "subject", "cli");
        Assert.Empty(wider.Erase);
        Assert.True(house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor", narrower.Events[0].Id).IsPermitted);
    }

    [Fact]
    public void DecidingAllocatesNothing()
    {
        var gate = new House().Gate;
        var permitted = 0;
        long Round()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++)
            {
                permitted += gate.Decide(Stage.Send, "telemetry", "instrument.measurement", "vendor").IsPermitted ? 1 : 0;
                permitted += gate.Decide(Stage.Send, "photo", "image.photo", "vendor").IsPermitted ? 1 : 0;
                permitted += gate.MayCollect("location.position") ? 1 : 0;
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Round();
        Assert.Equal(0, Round());
        Assert.Equal(20_000, permitted);
    }

    [Fact]
    public void ReadingsOfABasicFunctionPassUncopiedAndWithoutAllocation()
    {
        var house = new House();
        var rows = new RawRows(Measurements);
        for (var i = 0; i < 100; i++)
        {
            rows.Columns.Append(i, [20 + (i * 0.01), 101_325], i % 3 == 0 ? 0b01UL : 0b11UL);
        }

        var same = false;
        var sink = new Sink { OnTake = taken => same = taken.Values(0).Overlaps(rows.Columns.Values(0)) };
        Assert.Equal(1, house.Gate.Admit(rows, sink));
        Assert.True(same);
        Assert.Same(Measurements, sink.All[0].Set);
        Assert.Equal("telemetry", sink.All[0].Permit.Function);
        Assert.False(sink.All[0].Permit.Personal);

        var blind = new CountingSink();
        house.Gate.Admit(rows, blind);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            house.Gate.Admit(rows, blind);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    [Promise("R44")]
    public void DeniedReadingsAreCountedByReason()
    {
        var house = new House();
        var sink = new Sink();
        Assert.Equal(0, house.Gate.Admit(House.Positions((47, 8), (47, 8)), sink));
        Assert.Equal(8, house.Counters["denied.admit.not-granted"]);

        // What a geofence compares and forgets may not be kept.
        Assert.Equal(8, house.Counters["denied.admit.prohibited"]);

        var unknown = new RawRows(new StreamSet("x", "device.hostname", [new("n", "1")]));
        unknown.Columns.Append(1, [42], 1);
        Assert.Equal(0, house.Gate.Admit(unknown, sink));
        Assert.Equal(1, house.Counters["denied.admit.no-rule"]);

        house.Desk.Grant("fleet-location", null, null, "subject", "cli");
        house.Desk.Withdraw("fleet-location", null, "subject", "cli");
        house.Gate.Admit(House.Positions((47, 8)), sink);
        Assert.Equal(4, house.Counters["denied.admit.withdrawn"]);
        Assert.Empty(sink.All);
    }

    [Fact]
    public void APermitThatDidNotChangeStaysTheSameObject()
    {
        var house = new House();
        var before = house.Gate.Decide(Stage.Admit, "telemetry", "instrument.measurement").Permit;
        house.Desk.Grant("fleet-location", null, null, "subject", "cli");
        Assert.Same(before, house.Gate.Decide(Stage.Admit, "telemetry", "instrument.measurement").Permit);
    }

    [Fact]
    public void WhatTheAgentDoesUnderAPermitIsInThePermit()
    {
        var house = new House();
        var id = house.Desk.Grant("fleet-location", null, "10km", "subject", "cli").Events[0].Id;
        var permit = house.Gate.Decide(Stage.Admit, "fleet-location", "location.position").Permit!;
        Assert.Equal((LegalBasis.Consent, Precision.Cell10km, TimeSpan.FromDays(30), id), (permit.Basis, permit.Precision, permit.Term, permit.ConsentId));
        Assert.Equal((house.Policy.Version, house.Policy.Hash, true), (permit.PolicyVersion, permit.PolicyHash, permit.Personal));
        Assert.Equal(["vendor"], permit.Recipients);
    }

    [Fact]
    public void DecisionsAreWholeWhileConsentsChange()
    {
        var house = new House();
        using var stop = new CancellationTokenSource();
        Exception? wrong = null;
        var reader = new Thread(() =>
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    var decision = house.Gate.Decide(Stage.Admit, "fleet-location", "location.position");
                    Assert.Equal(decision.IsPermitted, decision.Reason == DenyReason.None);
                    Assert.True(house.Gate.Decide(Stage.Admit, "telemetry", "instrument.measurement").IsPermitted);
                }
            }
            catch (Exception e)
            {
                wrong = e;
            }
        });
        reader.Start();
        for (var i = 0; i < 50; i++)
        {
            house.Desk.Grant("fleet-location", null, null, "subject", "cli");
            house.Desk.Withdraw("fleet-location", null, "subject", "cli");
        }

        stop.Cancel();
        reader.Join();
        Assert.Null(wrong);
    }
}
