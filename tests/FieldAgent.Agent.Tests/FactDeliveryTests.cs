using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.Tests;

/// <summary>Facts that left in documents are in every answer and every request, as blocks and pictures are.</summary>
public sealed class FactDeliveryTests
{
    private const string Compatibility = "compatibility";
    private const string Model = "device.model";
    private const string Crash = "diagnostics.crash";

    [Fact]
    [Promise("R67", "R78", "R91")]
    public void Deleting_facts_asks_who_may_have_them_and_what_waits_is_erased_unsent()
    {
        using var bench = new PartsBench();
        var sent = Put(bench, Compatibility, Model);
        var unsent = Put(bench, Compatibility, Model, "os.name");
        Assert.Contains("nobody was given any of it", bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled")).Message);
        Assert.True(bench.Store.Outbox.Sending(sent.Id));
        var reply = bench.Ok("privacy-delete", ("category", Compatibility), ("reason", "purpose-fulfilled"));
        Assert.Contains("erased on this board: 2 blocks, pictures and documents", reply.Message);
        Assert.Contains("vendor may have part of it: it was sent when the connection broke or the agent ended, and never acknowledged (compatibility device.model, 1 document of facts)", reply.Message);
        Assert.Contains("again and again until they acknowledge: vendor", reply.Message);
        var possible = JsonNode.Parse(reply.Json![0])!["possible"]![0]!;
        Assert.Equal(("facts", 1), ((string)possible["kind"]!, (int)possible["items"]!));
        Assert.Null(possible["toSeq"]);
        Assert.False(bench.Store.Outbox.Sending(unsent.Id));
        var request = Assert.Single(Requests(bench));
        var scope = Assert.Single(Scopes(request));
        Assert.Equal((Compatibility, Model, 0), ((string)scope["function"]!, (string)scope["field"]!, (int)scope["items"]!));
        Assert.Matches("^2[0-9]{3}-.*Z$", (string)scope["facts"]!["to"]!);
        Assert.Contains("vendor may have part of it, and was asked to erase its part: pending", string.Join('\n', bench.Ok("erasure-receipt").Lines!));

        // asked already; and once it is acknowledged it is deleted there
        Assert.Contains("still to acknowledge: vendor", bench.Ok("privacy-delete", ("category", Compatibility), ("reason", "purpose-fulfilled")).Message);
        Assert.True(bench.Store.Outbox.Acknowledge("vendor", request.Reference));
        Assert.Contains("already deleted by: vendor", bench.Ok("privacy-delete", ("category", Compatibility), ("reason", "purpose-fulfilled")).Message);

        // told anew since: there is something to ask for again
        var anew = Put(bench, Compatibility, Model);
        Assert.True(bench.Store.Outbox.Sending(anew.Id));
        bench.Store.Outbox.Sent(anew.Id);
        Assert.Contains("until they acknowledge: vendor", bench.Ok("privacy-delete", ("category", Compatibility), ("reason", "purpose-fulfilled")).Message);
    }

    [Fact]
    [Promise("R10", "R78", "R112")]
    public void A_withdrawal_asks_who_was_given_a_crash_report_and_says_what_is_on_its_way()
    {
        using var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", "diagnostics"), ("field", Crash), ("role", "subject"));
        var given = Put(bench, "diagnostics", Crash);
        var flying = Put(bench, "diagnostics", Crash);
        var waits = Put(bench, "diagnostics", Crash);
        Assert.True(bench.Store.Outbox.Sending(given.Id));
        Assert.True(bench.Store.Outbox.Sending(flying.Id));
        bench.Store.Outbox.Sent(given.Id);
        bench.Parts.Erasures.UnderWay = (function, field) => field == Crash ? [new ItemUnderWay("vendor", function, field, flying.Id, flying.Id, 1, IsFacts: true)] : [];
        var said = bench.Ok("consent-withdraw", ("function", "diagnostics"), ("field", Crash), ("role", "subject")).Message!;
        Assert.Contains("on its way to vendor at that moment, and may still arrive: diagnostics diagnostics.crash, 1 document of facts (1 message)", said);
        Assert.Contains("vendor was given 1 document of facts of it", said);
        Assert.Contains("vendor may have more of it: it is on its way and not acknowledged yet", said);
        Assert.Contains("until it is acknowledged: vendor", said);
        Assert.DoesNotContain(bench.Store.Outbox.Waiting("vendor", 0, 100), static notice => notice.Kind == NoticeKind.Facts);
        Assert.False(bench.Store.Outbox.Sending(waits.Id));

        // the answer comes: delivered, and asked for already
        bench.Store.Outbox.Sent(flying.Id);
        bench.Parts.Consents.FinishInterrupted();
        Assert.Single(Requests(bench));
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.Equal(2, Assert.Single(bench.Store.Deliveries.All()).Items);
    }

    [Fact]
    [Promise("R69", "R78", "R94")]
    public void Closing_the_account_asks_for_facts_too()
    {
        using var bench = new PartsBench();
        var given = Put(bench, Compatibility, Model);
        Assert.True(bench.Store.Outbox.Sending(given.Id));
        bench.Store.Outbox.Sent(given.Id);
        var said = bench.Ok("privacy-close").Message;
        Assert.Contains("vendor was given 1 document of facts of it", said);
        Assert.Contains("until they acknowledge: vendor", said);
    }

    [Fact]
    [Promise("R32", "R68", "R69", "R89", "R93")]
    public void The_overview_the_list_of_deliveries_the_reason_and_the_export_name_who_has_facts_and_who_may()
    {
        using var bench = new PartsBench();
        var given = Put(bench, Compatibility, Model);
        var sent = Put(bench, Compatibility, "os.name");
        Assert.True(bench.Store.Outbox.Sending(given.Id));
        Assert.True(bench.Store.Outbox.Sending(sent.Id));
        bench.Store.Outbox.Sent(given.Id);
        var show = bench.Ok("privacy-show").Lines!;
        Assert.Contains(show, static line => line.Contains("os.name", StringComparison.Ordinal) && line.Contains("1 document of facts", StringComparison.Ordinal));
        Assert.Contains(show, static line => line.Contains(Model, StringComparison.Ordinal) && line.Contains("vendor (1 items)", StringComparison.Ordinal));
        Assert.Contains(show, static line => line.Contains("os.name", StringComparison.Ordinal) && line.Contains("vendor may have part", StringComparison.Ordinal));
        var deliveries = string.Join('\n', bench.Ok("deliveries").Lines!);
        Assert.Matches("vendor +compatibility +device.model +facts +1 +1 ", deliveries);
        Assert.Contains("vendor may have more than it acknowledged: compatibility os.name, 1 document of facts", deliveries);
        var why = string.Join('\n', bench.Ok("privacy-why", ("what", ClockExtensions.ToDate(given.Holds[0].AtWallUnixNs).ToString("O"))).Lines!);
        Assert.Contains("compatibility device.model, 1 document of facts: delivered to vendor", why);
        Assert.Contains("basis contract", why);
        Assert.Contains("compatibility os.name, 1 document of facts: vendor may have it", why);
        Assert.False(bench.Do("privacy-why", ("what", $"{Compatibility}:{given.Id}")).Ok);
        using var archive = new MemoryStream();
        bench.Parts.Export.WriteTo(archive);
        var text = Encoding.UTF8.GetString(archive.ToArray());
        Assert.Contains("\"field\":\"device.model\",\"kind\":\"facts\",\"fromSeq\":null", text);
        Assert.Contains("\"field\":\"os.name\",\"kind\":\"facts\"", text);
        Assert.Contains("\"field\":\"os.name\",\"value\":\"text of os.name\"", text);
        Assert.Contains("told, again and again until it is acknowledged: vendor", bench.Ok(
            "privacy-correct", ("function", Compatibility), ("field", Model), ("statement", "it is another one")).Message);

        // a statement about what is erased does not leave any more
        bench.Ok("privacy-delete", ("category", Compatibility), ("reason", "purpose-fulfilled"));
        Assert.DoesNotContain(bench.Store.Outbox.Waiting("vendor", 0, 100), static notice => notice.Holds.Count > 0);
    }

    private static Notice Put(PartsBench bench, string function, params string[] fields) => bench.Store.Outbox.Put(
        new Notice(0, "vendor", NoticeKind.Facts, Notice.NewReference(), Document(fields), UntilAcknowledged: false)
        {
            Holds = [.. fields.Select(field => NoticeContent.Of(bench.Gate.Decide(Stage.Admit, function, field).Permit!, bench.Clock.Now().WallUnixNs))],
        });

    private static byte[] Document(IEnumerable<string> fields) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["document"] = new JsonObject { ["facts"] = new JsonObject(fields.Select(static field => KeyValuePair.Create(field, (JsonNode?)("text of " + field)))) },
    }.ToJsonString());

    private static IReadOnlyList<Notice> Requests(PartsBench bench) =>
        [.. bench.Store.Outbox.Waiting("vendor", 0, 1000).Where(static notice => notice.Kind == NoticeKind.Erasure && notice.UntilAcknowledged)];

    private static IReadOnlyList<JsonObject> Scopes(Notice request) =>
        [.. JsonNode.Parse(request.Json.Span)!["document"]!["scopes"]!.AsArray().Select(static one => one!.AsObject())];
}
