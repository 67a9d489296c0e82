using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.Tests;

/// <summary>What was sent and never acknowledged is treated as held by its recipient, in every answer and every request.</summary>
public sealed class PossibleDeliveryTests
{
    private const string Fleet = "fleet-location";
    private const string Place = "location.position";

    [Fact]
    [Promise("R78", "R91")]
    public void Deleting_what_was_sent_when_the_connection_broke_asks_its_recipient_and_says_that_it_may_have_it()
    {
        using var bench = Granted();
        using (var reader = bench.Store.Spool.OpenReader("vendor"))
        {
            Send(reader, 2);

            // the connection is gone, and no answer has come
            reader.Rewind();
            var said = bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled"));
            Assert.Contains("vendor may have part of it: it was sent when the connection broke", said.Message);
            Assert.Contains("numbers 1 to 2", said.Message);
            Assert.Contains("again and again until they acknowledge: vendor", said.Message);
            Assert.DoesNotContain("nobody was given", said.Message);
            Assert.DoesNotContain("was given", said.Message);
            Assert.Equal(2, (int)JsonNode.Parse(said.Json![0])!["possible"]![0]!["items"]!);
        }

        var request = Assert.Single(Requests(bench));
        var scope = Assert.Single(Scopes(request));
        Assert.Equal((Fleet, Place, 1, 2, 0), ((string)scope["function"]!, (string)scope["field"]!, (int)scope["from"]!, (int)scope["to"]!, (int)scope["items"]!));
        Assert.Equal((1, 2), ((int)scope["possible"]!["from"]!, (int)scope["possible"]!["to"]!));
        Assert.Contains("vendor may have part of it, and was asked to erase its part: pending", string.Join('\n', bench.Ok("erasure-receipt").Lines!));

        // and once more: asked already, until it is acknowledged
        Assert.Contains("still to acknowledge: vendor", bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled")).Message);
        Assert.True(bench.Store.Outbox.Acknowledge("vendor", request.Reference));
        bench.Reopen();
        Assert.Contains("already deleted by: vendor", bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled")).Message);
        Assert.Empty(Requests(bench));
    }

    [Fact]
    [Promise("R10", "R78")]
    public void A_withdrawal_reports_exactly_what_is_on_its_way_and_asks_for_it_and_the_answer_that_still_comes_is_asked_for_once()
    {
        using var bench = Granted();
        using var reader = bench.Store.Spool.OpenReader("vendor");
        var sent = Send(reader, 3);
        reader.Acknowledge(sent[0].Id);
        bench.Parts.Erasures.UnderWay = (function, field) => function == Fleet && field == Place
            ? [.. sent[1..].Select(static item => new ItemUnderWay("vendor", Fleet, Place, item.Id, item.Sequence, 1))] : [];
        var said = bench.Ok("consent-withdraw", ("function", Fleet), ("role", "subject"));
        Assert.Contains("on its way to vendor at that moment, and may still arrive: fleet-location location.position, numbers 2, 3 (2 messages)", said.Message);
        Assert.Contains("vendor was given 1 block or picture of it", said.Message);
        Assert.Contains("vendor may have more of it: it is on its way and not acknowledged yet", said.Message);
        Assert.Contains("asked to erase what was sent, again and again until it is acknowledged: vendor", said.Message);
        var json = JsonNode.Parse(said.Json![0])!;
        Assert.Equal([2, 3], json["underWay"]!.AsArray().Select(static one => (int)one!["seq"]!));
        Assert.Equal(["vendor"], json["given"]!.AsArray().Select(static one => (string)one!));
        var scope = Assert.Single(Scopes(Assert.Single(Requests(bench))));
        Assert.Equal((1, 3, 1), ((int)scope["from"]!, (int)scope["to"]!, (int)scope["items"]!));

        // the answers come: delivered now, and asked for already
        reader.Acknowledge(sent[1].Id);
        reader.Acknowledge(sent[2].Id);
        bench.Parts.Consents.FinishInterrupted();
        Assert.Single(Requests(bench));
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.Equal(3, bench.Store.Deliveries.All().Sum(static run => run.Items));
    }

    [Fact]
    [Promise("R78")]
    public void A_killed_agent_may_have_sent_what_waits_and_its_successor_asks()
    {
        using var bench = Granted();
        using (var reader = bench.Store.Spool.OpenReader("vendor"))
        {
            Send(reader, 1);
            Killed(bench);
        }

        bench.Open();
        Assert.Contains("vendor may have part", string.Join('\n', bench.Ok("privacy-show").Lines!));
        var said = bench.Ok("consent-withdraw", ("function", Fleet), ("role", "subject"));
        Assert.Contains("vendor may have part of it: it was sent when the connection broke or the agent ended", said.Message);
        Assert.Contains("until it is acknowledged: vendor", said.Message);
        Assert.Equal(Fleet, (string)Assert.Single(Scopes(Assert.Single(Requests(bench))))["function"]!);
    }

    [Fact]
    [Promise("R78")]
    public void What_was_never_sent_nobody_has_and_nobody_is_asked()
    {
        using var bench = Granted();
        using (var reader = bench.Store.Spool.OpenReader("vendor"))
        {
            Assert.True(reader.TryRead(new SpoolItem()));
            Assert.Contains("nobody was given any of it", bench.Ok("consent-withdraw", ("function", Fleet), ("role", "subject")).Message);
        }

        Assert.Contains("nobody was given any of it", bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled")).Message);
        Killed(bench);
        bench.Open();
        Assert.Contains("nobody was given any of it", bench.Ok("privacy-close").Message);
        Assert.Empty(Requests(bench));
        Assert.Empty(bench.Parts.Erasures.Asked());
    }

    [Fact]
    [Promise("R32", "R69", "R78")]
    public void Once_all_is_acknowledged_it_is_as_if_it_had_always_been_so()
    {
        using var bench = Granted();
        using (var reader = bench.Store.Spool.OpenReader("vendor"))
        {
            foreach (var item in Send(reader, 3))
            {
                reader.Acknowledge(item.Id);
            }
        }

        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.DoesNotContain("may have", string.Join('\n', bench.Ok("privacy-show").Lines!));
        Assert.DoesNotContain("may have", string.Join('\n', bench.Ok("deliveries").Lines!));
        var said = bench.Ok("privacy-delete", ("category", "location"), ("reason", "purpose-fulfilled")).Message!;
        Assert.Contains("vendor was given 3 blocks and pictures of it", said);
        Assert.DoesNotContain("may have", said);
        Assert.Null(Assert.Single(Scopes(Assert.Single(Requests(bench))))["possible"]);
    }

    [Fact]
    [Promise("R32", "R69", "R89", "R93")]
    public void The_overview_the_list_of_deliveries_the_reason_and_the_export_name_who_may_have_it()
    {
        using var bench = Granted();
        using var reader = bench.Store.Spool.OpenReader("vendor");
        var sent = Send(reader, 2);
        reader.Acknowledge(sent[0].Id);
        bench.Store.Deliveries.Settle();
        Assert.Contains("vendor (1 items), vendor may have more", string.Join('\n', bench.Ok("privacy-show").Lines!));
        Assert.Contains("vendor may have more than it acknowledged: fleet-location location.position, number 2", string.Join('\n', bench.Ok("deliveries").Lines!));
        Assert.Contains("delivered to vendor", string.Join('\n', bench.Ok("privacy-why", ("what", "fleet-location:1")).Lines!));
        Assert.Contains("number 2: vendor may have it", string.Join('\n', bench.Ok("privacy-why", ("what", "fleet-location:2")).Lines!));
        Assert.False(bench.Do("privacy-why", ("what", "fleet-location:3")).Ok);
        Assert.Contains("told, again and again until it is acknowledged: vendor", bench.Ok(
            "privacy-correct", ("function", Fleet), ("field", Place), ("statement", "it was in the car")).Message);
        using var archive = new MemoryStream();
        bench.Parts.Export.WriteTo(archive);
        Assert.Contains("\"fromSeq\":2", System.Text.Encoding.UTF8.GetString(archive.ToArray()));
    }

    private static PartsBench Granted()
    {
        var bench = new PartsBench();
        bench.Ok("consent-grant", ("function", Fleet), ("precision", "1km"), ("role", "subject"));
        for (var i = 0; i < 4; i++)
        {
            bench.Fill(Fleet, Place);
        }

        return bench;
    }

    private static List<(long Id, long Sequence)> Send(ISpoolReader reader, int count)
    {
        var sent = new List<(long, long)>();
        var item = new SpoolItem();
        while (sent.Count < count && reader.TryRead(item))
        {
            if (item.Kind == SpoolItemKind.Block)
            {
                Assert.True(reader.Sending(item.Id));
                sent.Add((item.Id, item.Sequence));
            }
        }

        Assert.Equal(count, sent.Count);
        return sent;
    }

    // What the card holds is all that is left of the agent.
    private static void Killed(PartsBench bench)
    {
        var (state, kept) = (bench.File("state"), bench.File("kept"));
        foreach (var path in Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories).Where(static p => !p.EndsWith("/lock", StringComparison.Ordinal)))
        {
            var target = Path.Join(kept, Path.GetRelativePath(state, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new FileStream(target, FileMode.Create);
            source.CopyTo(copy);
        }

        bench.Close();
        foreach (var path in Directory.EnumerateFiles(state))
        {
            File.Delete(path);
        }

        foreach (var path in Directory.EnumerateFiles(kept, "*", SearchOption.AllDirectories))
        {
            File.Move(path, Path.Join(state, Path.GetRelativePath(kept, path)), overwrite: true);
        }
    }

    private static IReadOnlyList<Notice> Requests(PartsBench bench) =>
        [.. bench.Store.Outbox.Waiting("vendor", 0, 1000).Where(static notice => notice.Kind == NoticeKind.Erasure && notice.UntilAcknowledged)];

    private static IReadOnlyList<JsonObject> Scopes(Notice request) =>
        [.. JsonNode.Parse(request.Json.Span)!["document"]!["scopes"]!.AsArray().Select(static one => one!.AsObject())];
}
