using System.Text.Json.Nodes;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Privacy;
using FieldAgent.Simulation;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>A withdrawal that is cut off is carried to its end later; nobody is asked twice, and nothing is called done before it is.</summary>
public sealed class ConsentFollowUpTests
{
    [Fact]
    [Promise("R10", "R78")]
    public void A_withdrawal_that_could_not_be_finished_holds_says_so_and_is_finished_later()
    {
        using var house = new StoreHouse();
        house.Consents.Grant("fleet-location", null, "1km", new ConsentBy("subject", "cli"));
        house.Delivered.Add(StoreHouse.Run(1, 40));
        house.Eraser.Broken = true;
        var said = house.Consents.Withdraw("fleet-location", null, new ConsentBy("subject", "cli"));
        Assert.False(said.Ok);
        Assert.Contains("not finished", said.Message);
        Assert.False(house.Gate.Decide(Stage.Send, "fleet-location", "location.position", "vendor").IsPermitted);
        Assert.True(house.FollowUp.HasUnfinished);
        Assert.Single(house.Requests());
        Assert.Null(house.Store.Documents.Find(DocumentTypes.ConsentReceipt, 2, DeviceSigner.Board));

        house.Eraser.Broken = false;
        house.Consents.FinishInterrupted();
        Assert.False(house.FollowUp.HasUnfinished);
        Assert.Single(house.Requests());
        Assert.NotNull(house.Store.Documents.Find(DocumentTypes.ConsentReceipt, 2, DeviceSigner.Board));
        Assert.Equal([new ErasureScope("fleet-location", "location.position")], Assert.Single(house.Store.Eraser.Reports()).Scopes);
        house.Consents.FinishInterrupted();
        Assert.Single(house.Requests());
        Assert.Single(house.Store.Eraser.Reports());
    }

    [Fact]
    [Promise("R78")]
    public void What_arrives_after_its_withdrawal_is_asked_back_too_once()
    {
        using var house = new StoreHouse();
        house.Consents.Grant("fleet-location", null, "1km", new ConsentBy("subject", "cli"));
        Assert.True(house.Consents.Withdraw("fleet-location", null, new ConsentBy("subject", "cli")).Ok);
        Assert.Empty(house.Requests());
        house.Delivered.Add(StoreHouse.Run(1, 3));
        house.Consents.FinishInterrupted();
        house.Consents.FinishInterrupted();
        var request = Assert.Single(house.Requests());
        Assert.True(house.Store.Outbox.Acknowledge("vendor", request.Reference));
        house.Consents.FinishInterrupted();
        Assert.Empty(house.Requests());
        Assert.True(house.Erasures.Asked()[0].Asked.Acknowledged);

        // Granted again, delivered again, withdrawn again: asked again, for what is new.
        house.Clock.Advance(TimeSpan.FromMinutes(1));
        house.Consents.Grant("fleet-location", null, "1km", new ConsentBy("subject", "cli"));
        house.Delivered.Add(StoreHouse.Run(4, 9));
        house.Consents.FinishInterrupted();
        Assert.Empty(house.Requests());
        house.Consents.Withdraw("fleet-location", null, new ConsentBy("subject", "cli"));
        var scope = JsonNode.Parse(Assert.Single(house.Requests()).Json.Span)!["document"]!["scopes"]![0]!;
        Assert.Equal((4, 9), ((int)scope["from"]!, (int)scope["to"]!));
    }

    [Fact]
    [Promise("R11")]
    public void Earlier_receipts_stay_as_they_were()
    {
        using var house = new StoreHouse();
        house.Consents.Grant("photo", null, null, new ConsentBy("subject", "cli"));
        var first = house.Store.Documents.Find(DocumentTypes.ConsentReceipt, 1, DeviceSigner.Board)!.Json.ToArray();
        house.Clock.Advance(TimeSpan.FromMinutes(1));
        house.Consents.Withdraw("*", null, new ConsentBy("subject", "cli"));
        Assert.Equal(first, house.Store.Documents.Find(DocumentTypes.ConsentReceipt, 1, DeviceSigner.Board)!.Json.ToArray());
        Assert.Equal([1L, 2L], house.Store.Documents.All(DocumentTypes.ConsentReceipt).Select(static one => one.About));
    }

    /// <summary>A real store with consents on it, an eraser that can break, and deliveries that a test makes up.</summary>
    private sealed class StoreHouse : IDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly Audiences _audiences;

        public StoreHouse()
        {
            var counters = new Counters();
            Store = StateStore.Open(
                new StoreOptions { Directory = _folder.File("state"), FreeBytesMin = 0, Recipients = ["vendor"] }, Clock, counters, NullLogger.Instance);
            Gate = new Gate(Policy.Shipped(), Store.Consents, counters, Clock);
            Eraser = new BreakableEraser(Store.Eraser);
            _audiences = new Audiences(Store.Keys, static name => name + "-name", static () => 0);
            Erasures = new ErasureNotices(Store.Documents, _audiences, () => Gate.Policy, Eraser, new MadeUp(Delivered), Store.Outbox);
            FollowUp = new ConsentFollowUp(
                Gate, Store.Consents, Store.Documents, _audiences, Eraser, Erasures, Store.Outbox, ["vendor"]);
            Consents = new ConsentService(new ConsentDesk(Gate, Store.Consents, Clock), Gate, FollowUp, Erasures, []);
        }

        public SimulatedClock Clock { get; } = new();

        public StateStore Store { get; }

        public Gate Gate { get; }

        public BreakableEraser Eraser { get; }

        public List<DeliveryRecord> Delivered { get; } = [];

        public ErasureNotices Erasures { get; }

        public ConsentFollowUp FollowUp { get; }

        public ConsentService Consents { get; }

        public static DeliveryRecord Run(long from, long to) => new(
            "vendor", "fleet-location", "location.position", from, to, to - from + 1, 100, 1, 2, "find-and-service", LegalBasis.Consent,
            Precision.Cell1km, TimeSpan.FromDays(30), 1, "1", "");

        public IReadOnlyList<Notice> Requests() => [.. Store.Outbox.Waiting("vendor", 0, 1000).Where(static notice => notice.UntilAcknowledged)];

        public void Dispose()
        {
            _audiences.Dispose();
            Store.Dispose();
            _folder.Dispose();
        }
    }

    private sealed class MadeUp(List<DeliveryRecord> records) : IDeliveryLedger
    {
        public IReadOnlyList<DeliveryRecord> All() => records;

        public DeliveryRecord? Find(string recipient, string function, long sequence) => null;
    }

    private sealed class BreakableEraser(IEraser inner) : IEraser
    {
        public event Action<ErasureReport>? Verified
        {
            add => inner.Verified += value;
            remove => inner.Verified -= value;
        }

        public bool Broken { get; set; }

        public ErasureReport Erase(IReadOnlyList<ErasureScope> scopes, GapReason reason, string ground) =>
            Broken ? throw new StoreFault(StoreFaultKind.Io, "the card does not answer", retry: true) : inner.Erase(scopes, reason, ground);

        public IReadOnlyList<ErasureReport> Reports() => inner.Reports();
    }
}
