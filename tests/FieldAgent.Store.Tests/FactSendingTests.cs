using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

/// <summary>Facts that leave in documents are accounted for as blocks are: who may have them before they leave, who has them after the answer.</summary>
public class FactSendingTests
{
    private const string Compatibility = "compatibility";
    private const string Model = "device.model";
    private const string Name = "os.name";

    [Fact]
    [Promise("R32", "R78")]
    public void A_document_that_waits_nobody_has_one_that_is_sent_one_may_have_and_the_answer_makes_it_delivered()
    {
        using var bench = new Bench();
        var outbox = bench.Store.Outbox;
        var first = outbox.Put(Facts("vendor", Model, Name));
        var second = outbox.Put(Facts("vendor", Model));
        outbox.Put(Facts("partner", Model));
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.True(outbox.Sending(first.Id));
        Assert.True(outbox.Sending(second.Id));
        Assert.All(bench.Store.Deliveries.Possible(), static one => Assert.Equal(("vendor", Compatibility, true), (one.Recipient, one.Function, one.IsFacts)));
        Assert.Equal([(Model, 2L), (Name, 1L)], bench.Store.Deliveries.Possible().Select(static one => (one.Field, one.Items)).Order());

        outbox.Sent(first.Id);
        Assert.Equal([(Model, 1L)], bench.Store.Deliveries.Possible().Select(static one => (one.Field, one.Items)));
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        outbox.Sent(second.Id);
        Assert.Empty(bench.Store.Deliveries.Possible());
        bench.Reopen();
        Assert.Empty(bench.Store.Deliveries.Possible());
        var model = Assert.Single(bench.Store.Deliveries.All(), static run => run.Field == Model);
        Assert.Equal(("vendor", Compatibility, 2L, 2L, true, 7L), (model.Recipient, model.Function, model.Items, model.Readings, model.IsFacts, model.ConsentId));
        Assert.Equal((LegalBasis.Consent, "compat", TimeSpan.FromDays(90)), (model.Basis, model.Purpose, model.Term));
        Assert.Equal(TimeSpan.FromMinutes(5).ToNs(), model.LastWallUnixNs - model.FirstWallUnixNs);
        Assert.InRange(model.FromReadingWallUnixNs, 1, model.FirstWallUnixNs);
        Assert.Single(bench.Store.Deliveries.All(), static run => run.Field == Name);

        // its numbers are the outbox's: nothing of a spool is found by them
        Assert.Null(bench.Store.Deliveries.Find("vendor", Compatibility, first.Id));
        Assert.Equal((0, 1), (Rows(bench, "possible_facts"), Rows(bench, "outbox_contents")));
    }

    [Fact]
    [Promise("R78")]
    public void It_is_on_the_card_before_it_leaves_and_costs_one_transaction_a_rule_and_run()
    {
        using var bench = new Bench();
        var outbox = bench.Store.Outbox;
        List<Notice> all = [.. Enumerable.Range(0, 10).Select(_ => outbox.Put(Facts("vendor", Model)))];
        var receipt = outbox.Put(OutboxTests.Make("vendor", "a receipt"));
        using var folder = new TempFolder();
        using (var before = Raw.Open(bench.Options.Directory))
        {
            var untouched = Raw.Number(before, "PRAGMA data_version");
            Assert.True(outbox.Sending(receipt.Id));
            Assert.Equal(untouched, Raw.Number(before, "PRAGMA data_version"));
            Assert.True(outbox.Sending(all[3].Id));
            var noted = Raw.Number(before, "PRAGMA data_version");
            Assert.NotEqual(untouched, noted);
            Assert.All(all[3..], notice => Assert.True(outbox.Sending(notice.Id)));
            Assert.Equal(noted, Raw.Number(before, "PRAGMA data_version"));
        }

        OpenTests.Copy(bench.Options.Directory, folder.File("cut"));
        using (var cut = new Bench(directory: folder.File("cut"), clock: bench.Clock))
        {
            // all that waits from there on may have left
            var possible = Assert.Single(cut.Store.Deliveries.Possible());
            Assert.Equal(("vendor", Compatibility, Model, 7L), (possible.Recipient, possible.Function, possible.Field, possible.Items));
            Assert.All(all[3..], notice => cut.Store.Outbox.Sent(notice.Id));
            Assert.Empty(cut.Store.Deliveries.Possible());
            cut.Reopen();
            Assert.Empty(cut.Store.Deliveries.Possible());
        }

        // an orderly end: exactly what was sent and not answered
        Assert.All(all[5..], notice => outbox.Sent(notice.Id));
        bench.Reopen();
        var left = Assert.Single(bench.Store.Deliveries.Possible());
        Assert.Equal((2L, all[3].Id, all[4].Id), (left.Items, left.FromSequence, left.ToSequence));
    }

    [Fact]
    [Promise("R10", "R78", "R91")]
    public void An_erasure_takes_what_waits_whole_and_what_of_it_was_sent_its_recipient_may_have_until_an_answer_says_that_it_has()
    {
        using var bench = new Bench();
        var outbox = bench.Store.Outbox;
        var sent = outbox.Put(Facts("vendor", Model));
        var unsent = outbox.Put(Facts("vendor", Name, Model));
        var other = outbox.Put(Facts("vendor", Name));
        var receipt = outbox.Put(OutboxTests.Make("vendor", "a receipt"));
        bench.Store.Facts.Note("vendor", Compatibility, new byte[32]);
        Assert.True(outbox.Sending(sent.Id));
        var report = bench.Store.Eraser.Erase([new ErasureScope(Compatibility, Model)], GapReason.Erased, "request");
        Assert.Equal((2L, ErasureState.Verified), (report.Items, report.State));
        Assert.Equal([other.Id, receipt.Id], outbox.Waiting("vendor", 0, 10).Select(static notice => notice.Id));
        Assert.False(outbox.Sending(unsent.Id));
        Assert.False(outbox.Sending(sent.Id));
        Assert.Empty(bench.Store.Facts.Told("vendor", Compatibility));
        var possible = Assert.Single(bench.Store.Deliveries.Possible());
        Assert.Equal((Model, sent.Id, sent.Id, 1L), (possible.Field, possible.FromSequence, possible.ToSequence, possible.Items));

        // the answer was on its way
        outbox.Sent(sent.Id);
        Assert.Empty(bench.Store.Deliveries.Possible());
        Assert.Equal(Model, Assert.Single(bench.Store.Deliveries.All()).Field);

        // and without an answer it stays for the term of deliveries
        Assert.True(outbox.Sending(other.Id));
        bench.Store.Eraser.Erase([new ErasureScope(Compatibility, Name)], GapReason.ConsentWithdrawn, "withdrawn");
        bench.Reopen();
        Assert.Equal(Name, Assert.Single(bench.Store.Deliveries.Possible()).Field);
        bench.Clock.Advance(TimeSpan.FromTicks(bench.Options.Limits.DeliveryTermNs / 100) + TimeSpan.FromDays(1));
        Assert.Empty(bench.Store.Deliveries.Possible());
    }

    [Fact]
    [Promise("R86", "R91")]
    public void What_is_held_stays_until_the_hold_ends_and_what_came_later_is_not_touched()
    {
        using var bench = new Bench();
        var holds = new FakeHolds(Compatibility);
        bench.Store.Holds = holds;
        var outbox = bench.Store.Outbox;
        var held = outbox.Put(Facts("vendor", Model));
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        bench.Store.Eraser.Erase([new ErasureScope(ErasureScope.Any, ErasureScope.Any)], GapReason.Erased, "request");
        Assert.Equal(held.Id, Assert.Single(outbox.Waiting("vendor", 0, 10)).Id);
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        var later = outbox.Put(Facts("vendor", bench.Clock.Now().WallUnixNs, Model));
        holds.Functions.Clear();
        bench.Store.Sweeper.Sweep();
        Assert.Equal(later.Id, Assert.Single(outbox.Waiting("vendor", 0, 10)).Id);
    }

    [Fact]
    [Promise("R78")]
    public void Whatever_takes_a_document_away_after_it_was_sent_leaves_who_may_have_it()
    {
        using var bench = new Bench(static o => o with { Limits = new StoreLimits { NoticesMax = 3 } });
        var outbox = bench.Store.Outbox;
        var replaced = Sent(outbox, "replaced", "a");
        outbox.Drop(replaced.Id);
        var evicted = Sent(outbox, "evicted", "b");
        for (var i = 0; i < 3; i++)
        {
            outbox.Put(OutboxTests.Make("vendor", $"{i}", NoticeKind.Erasure, untilAcknowledged: true));
        }

        Assert.DoesNotContain(outbox.Waiting("vendor", 0, 10), notice => notice.Id == evicted.Id);
        Assert.All(outbox.Waiting("vendor", 0, 10), notice => outbox.Acknowledge("vendor", notice.Reference));
        var expired = outbox.Put(Facts("vendor", "c") with { Term = TimeSpan.FromDays(1) });
        Assert.True(outbox.Sending(expired.Id));
        bench.Clock.Advance(TimeSpan.FromDays(2));
        bench.Store.Sweeper.Tick();
        bench.Reopen();
        Assert.Equal(["a", "b", "c"], bench.Store.Deliveries.Possible().Select(static one => one.Field).Order());

        static Notice Sent(IOutbox outbox, string _, string field)
        {
            var notice = outbox.Put(Facts("vendor", field));
            Assert.True(outbox.Sending(notice.Id));
            return notice;
        }
    }

    [Fact]
    [Promise("R78")]
    public void A_database_that_is_set_aside_leaves_who_may_have_what_and_who_has_it()
    {
        using var bench = new Bench();
        var sent = bench.Store.Outbox.Put(Facts("vendor", Model));
        var delivered = bench.Store.Outbox.Put(Facts("vendor", Name));
        Assert.True(bench.Store.Outbox.Sending(sent.Id));
        Assert.True(bench.Store.Outbox.Sending(delivered.Id));
        bench.Store.Outbox.Sent(delivered.Id);
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "INSERT INTO migrations VALUES(1000, 'of the future')");
        }

        bench.Reopen();
        Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
        Assert.Equal(Model, Assert.Single(bench.Store.Deliveries.Possible()).Field);
        var run = Assert.Single(bench.Store.Deliveries.All());
        Assert.Equal((Name, true), (run.Field, run.IsFacts));
        bench.Reopen();
        Assert.Equal(Model, Assert.Single(bench.Store.Deliveries.Possible()).Field);
    }

    [Fact]
    [Promise("R78")]
    public void What_a_program_left_that_noted_nothing_its_recipients_may_have()
    {
        using var bench = new Bench();
        var waits = bench.Store.Outbox.Put(Facts("vendor", Model));
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            // as an earlier program leaves it
            Raw.Execute(database, "DELETE FROM outbox_contents");
            Raw.Execute(database, "DELETE FROM meta WHERE name = 'facts-noted'");
        }

        bench.Reopen();
        Assert.Empty(Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 10)).Holds);
        TakeOver(Content(Model, 1), ("partner", Compatibility, Name));
        Assert.Equal([("partner", Name, 0L), ("vendor", Model, 1L)], bench.Store.Deliveries.Possible().Select(static one => (one.Recipient, one.Field, one.Items)).Order());
        Assert.Equal(Model, Assert.Single(Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 10)).Holds).Field);
        bench.Store.Outbox.Sent(waits.Id);
        bench.Reopen();
        TakeOver(Content(Model, 1), ("partner", Compatibility, Model));
        Assert.Equal(("partner", Name), bench.Store.Deliveries.Possible().Select(static one => (one.Recipient, one.Field)).Single());

        // it ran again for a while: it sent what had been described, and left something of its own
        bench.Store.Outbox.Put(Facts("vendor", "sent.by-it"));
        var own = bench.Store.Outbox.Put(Facts("vendor", "of-its.own"));
        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, $"DELETE FROM outbox WHERE id <> {own.Id}");
            Raw.Execute(database, $"DELETE FROM outbox_contents WHERE notice = {own.Id}");
        }

        bench.Reopen();
        TakeOver(Content("of-its.own", 1));
        string[] fields = ["of-its.own", Name, "sent.by-it"];
        Assert.Equal(fields.Order(), bench.Store.Deliveries.Possible().Select(static one => one.Field).Order());
        bench.Store.Outbox.Sent(own.Id);
        bench.Reopen();
        Assert.Equal(fields[1..].Order(), bench.Store.Deliveries.Possible().Select(static one => one.Field).Order());

        void TakeOver(NoticeContent content, params (string, string, string)[] told) => bench.Store.Outbox.TakeOver(_ => [content], () => told);
    }

    internal static Notice Facts(string recipient, params string[] fields) => Facts(recipient, 1_000_000_000_000_000_000, fields);

    private static Notice Facts(string recipient, long atNs, params string[] fields) =>
        OutboxTests.Make(recipient, "facts", NoticeKind.Facts) with { Holds = [.. fields.Select(field => Content(field, atNs))] };

    internal static NoticeContent Content(string field, long atNs, string function = Compatibility) =>
        new(function, field, "compat", LegalBasis.Consent, Precision.Exact, TimeSpan.FromDays(90), 7, "1", "hash", atNs);

    private static long Rows(Bench bench, string table)
    {
        using var database = Raw.Open(bench.Options.Directory);
        return Raw.Number(database, $"SELECT count(*) FROM {table}");
    }
}
