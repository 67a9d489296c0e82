using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

public sealed class ReceiptTests
{
    private static readonly FixedKeys Keys = new();

    [Fact]
    [Promise("R4", "R11", "R12")]
    public void A_receipt_tells_what_was_granted_and_verifies_offline_and_a_changed_one_does_not()
    {
        var house = new House();
        house.Desk.Grant("fleet-location", null, "1km", new ConsentBy("operator", "cli") { Attestation = "form 17" });
        using var board = new Audience(Keys, DeviceSigner.Board, "pseudonym");
        var signed = Signed(house, board);
        var read = SignedDocument.TryVerify(signed, out var why);
        Assert.True(read is not null, why);
        Assert.Equal(board.Signer.KeyId, read!.KeyId);
        var lines = string.Join('\n', DocumentText.Of(read.Document));
        Assert.Contains("given: fleet-location location.position (1km), by the operator (cli)", lines);
        Assert.Contains("declaring: form 17", lines);
        Assert.Contains("fieldagent consent withdraw fleet-location", lines);

        var changed = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(signed).Replace("1km", "exact", StringComparison.Ordinal));
        Assert.Null(SignedDocument.TryVerify(changed, out why));
        Assert.Contains("changed", why);
    }

    [Fact]
    [Promise("R4", "R78")]
    public void Every_document_satisfies_its_published_schema()
    {
        using var schemas = new ContractSchemas();
        var house = new House();
        using var board = new Audience(Keys, DeviceSigner.Board, "board");
        using var vendor = new Audience(Keys, "vendor", "vendor-name");
        house.Desk.Grant("fleet-location", null, "1km", "subject", "cli");
        house.Desk.Grant("photo", "image.location", null, "guardian", "cli");
        house.Desk.Grant("geofence", null, null, "operator", "cli");
        house.Desk.Withdraw("*", null, "subject", "cli");
        house.Ledger.Grant("of-an-old-policy", "location.position");
        house.Desk.Withdraw("*", null, "subject", "cli");
        house.Desk.Refuse(DeskCalls.By("subject"));
        house.Desk.Resume(DeskCalls.By("subject"));
        foreach (var act in ConsentActs.After(house.Ledger.All(), 0))
        {
            foreach (var audience in new[] { board, vendor })
            {
                if (ConsentReceipt.Write(house.Policy, act, audience) is { } document)
                {
                    schemas.Add(DocumentTypes.ConsentReceipt, SignedDocument.Sign(audience.Signer, document));
                }
            }
        }

        schemas.Add(DocumentTypes.ErasureRequest, SignedDocument.Sign(vendor.Signer, ErasureDocuments.Request(
            vendor, vendor.Reference("x", 1), "consent-withdrawn", house.Clock.Now(), [Delivered(1, 5), Delivered(6, 9)], [], vendor.Reference("y", 1))));
        schemas.Add(DocumentTypes.ErasureRequest, SignedDocument.Sign(vendor.Signer, ErasureDocuments.Request(
            vendor, vendor.Reference("x", 1), "erasure-requested", house.Clock.Now(), [Delivered(1, 5)],
            [new PossibleDelivery("vendor", "fleet-location", "location.position", 6, 9, 0, 1, 2, 3, 4)], "")));
        schemas.Add(DocumentTypes.ErasureReceipt, SignedDocument.Sign(board.Signer, ErasureDocuments.Receipt(
            board, Report(house.Clock.Now()),
            [new AskedRecipient("vendor", vendor.Reference("x", 1), Acknowledged: true), new AskedRecipient("partner", vendor.Reference("z", 1), false, IsPossible: true)])));
        Assert.Equal("", schemas.Violations());
        Assert.Equal(3, schemas.Used.Count);
    }

    [Fact]
    [Promise("R71", "R72")]
    public void Two_recipients_cannot_tell_that_their_receipts_are_of_one_board()
    {
        var house = new House();
        house.Desk.Grant("fleet-location", null, "1km", "subject", "cli");
        using var a = new Audience(Keys, "vendor", "name-for-a");
        using var b = new Audience(Keys, DeviceSigner.Board, "name-for-b");
        var (one, other) = (Signed(house, a), Signed(house, b));
        foreach (var name in new[] { "receipt_id", "record_id", "pii_principal_id" })
        {
            Assert.NotEqual((string)Document(one)[name]!, (string)Document(other)[name]!);
        }

        Assert.NotEqual(a.Signer.KeyId, b.Signer.KeyId);
        Assert.Equal(one.Length, Signed(house, a).Length);
        Assert.Equal((string)Document(one)["receipt_id"]!, (string)Document(Signed(house, a))["receipt_id"]!);
    }

    [Fact]
    [Promise("R72")]
    public void A_recipient_gets_no_receipt_of_what_does_not_concern_it()
    {
        var house = new House();
        house.Desk.Grant("fleet-location", null, "1km", "subject", "cli");
        using var stranger = new Audience(Keys, "somebody-else", "x");
        Assert.Null(ConsentReceipt.Write(house.Policy, Assert.Single(ConsentActs.After(house.Ledger.All(), 0)), stranger));
    }

    [Fact]
    public void One_command_is_one_act_and_what_was_granted_again_is_not_erased()
    {
        var house = new House();
        house.Desk.Grant("photo", null, null, "subject", "cli");
        house.Desk.Grant("fleet-location", null, "1km", "subject", "cli");
        var withdrawn = house.Desk.Withdraw("*", null, "subject", "cli");
        Assert.Equal(2, withdrawn.Events.Count);
        var act = Assert.Single(ConsentActs.After(house.Ledger.All(), 2));
        Assert.Equal(withdrawn.Events, act.Events);
        house.Desk.Grant("photo", null, null, "subject", "cli");
        Assert.Equal([new ConsentPair("fleet-location", "location.position")], ConsentActs.ToErase(house.Ledger.All(), act, house.Policy));

        house.Desk.Grant("fleet-location", null, "1km", "subject", "cli");
        Assert.Equal([new ConsentPair("fleet-location", "location.position")], house.Desk.Grant("fleet-location", null, "10km", "subject", "cli").Erase);
    }

    [Fact]
    public void An_unknown_type_is_told_by_its_plain_members_and_nothing_can_break_a_line()
    {
        var lines = DocumentText.Of(new JsonObject { ["type"] = "of-tomorrow", ["n"] = 7, ["text"] = "a\u001b[31m\nb", ["deep"] = new JsonObject() });
        Assert.Equal(["n: 7", "text: a?[31m?b"], lines);
        Assert.NotEmpty(DocumentText.Of(new JsonObject { ["type"] = DocumentTypes.ConsentReceipt, ["events"] = "x", ["purposes"] = new JsonArray(1, "y") }));
    }

    private static byte[] Signed(House house, Audience audience) => SignedDocument.Sign(
        audience.Signer, ConsentReceipt.Write(house.Policy, ConsentActs.After(house.Ledger.All(), 0)[^1], audience)!);

    private static JsonNode Document(byte[] signed) => JsonNode.Parse(signed)!["document"]!;

    private static DeliveryRecord Delivered(long from, long to) => new(
        "vendor", "fleet-location", "location.position", from, to, to - from + 1, 10, 1, 2, "p", LegalBasis.Consent, Precision.Cell1km,
        TimeSpan.FromDays(30), 1, "1", "");

    private static ErasureReport Report(Stamp at) => new(
        3, ErasureState.Verified, [new ErasureScope("fleet-location", "location.position")], GapReason.ConsentWithdrawn, "withdrawn", 2, 20, 1,
        "method", 5, 1000, 0, [new ErasureScope("photo", "image.photo", 1_700_000_000_000_000_000)], ["flash"], at, at);
}
