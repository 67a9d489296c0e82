using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

public class OutboxTests
{
    [Fact]
    public void A_notice_waits_through_a_restart_until_the_broker_has_it()
    {
        using var bench = new Bench();
        var added = 0;
        bench.Store.Outbox.Added += () => added++;
        var first = bench.Store.Outbox.Put(Make("vendor", "one"));
        var other = bench.Store.Outbox.Put(Make("partner", "two"));
        Assert.Equal(2, added);
        bench.Reopen();
        var waiting = Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 10));
        Assert.Equal((first.Id, first.Reference, "one"), (waiting.Id, waiting.Reference, Encoding.UTF8.GetString(waiting.Json.Span)));
        bench.Store.Outbox.Sent(first.Id);
        bench.Store.Outbox.Sent(first.Id);
        Assert.Empty(bench.Store.Outbox.Waiting("vendor", 0, 10));
        bench.Store.Outbox.Sent(other.Id);
        bench.Reopen();
        Assert.True(bench.Store.Outbox.Put(Make("vendor", "three")).Id > other.Id, "a number came twice: a courier would pass it over");
    }

    [Fact]
    [Promise("R78")]
    public void What_nobody_answered_is_never_taken_for_acknowledged()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { NoticesMax = 3 } });
        var outbox = bench.Store.Outbox;
        var asked = Enumerable.Range(0, 3).Select(i => outbox.Put(Make("vendor", $"erase {i}", NoticeKind.Erasure, untilAcknowledged: true))).ToList();
        outbox.Sent(asked[0].Id);
        Assert.All(asked, notice => Assert.True(outbox.IsUnacknowledged("vendor", notice.Reference)));
        Assert.True(outbox.Acknowledge("vendor", asked[1].Reference));
        Assert.False(outbox.IsUnacknowledged("vendor", asked[1].Reference));

        // it gave way to others at the bound
        asked.Add(outbox.Put(Make("vendor", "erase 3", NoticeKind.Erasure, untilAcknowledged: true)));
        outbox.Put(Make("vendor", "erase 4", NoticeKind.Erasure, untilAcknowledged: true));
        Assert.DoesNotContain(outbox.Waiting("vendor", 0, 9), notice => notice.Id == asked[0].Id);
        Assert.True(outbox.IsUnacknowledged("vendor", asked[0].Reference));

        // the name ends: it goes out once, and nobody can answer
        bench.Store.Epochs.Rotate(erase: false);
        bench.Reopen();
        Assert.True(bench.Store.Outbox.IsUnacknowledged("vendor", asked[2].Reference));
        bench.Store.Outbox.Sent(asked[2].Id);
        Assert.Empty(bench.Store.Outbox.Waiting("vendor", 0, 9));
        Assert.True(bench.Store.Outbox.IsUnacknowledged("vendor", asked[2].Reference));
    }

    [Fact]
    [Promise("R85")]
    public void One_that_waits_longer_than_its_rule_keeps_it_is_unreadable_at_once_and_destroyed_and_told_anew()
    {
        using var bench = new Bench();
        var facts = bench.Store.Outbox.Put(Make("vendor", "the model", NoticeKind.Facts) with { Term = TimeSpan.FromDays(90) });
        bench.Store.Outbox.Put(Make("vendor", "a receipt"));
        bench.Store.Facts.Note("vendor", "compatibility", new byte[32]);
        bench.Clock.Advance(TimeSpan.FromDays(89));
        bench.Store.Sweeper.Sweep();
        bench.Reopen();
        Assert.Equal(2, bench.Store.Outbox.Waiting("vendor", 0, 10).Count);
        Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 1));

        // past its term, and nobody has looked yet
        bench.Clock.Advance(TimeSpan.FromDays(1));
        var receipt = Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 10));
        Assert.Equal(receipt.Id, Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 1)).Id);
        Assert.Equal(2, Count(bench));
        bench.Store.Sweeper.Tick();
        Assert.Equal((1, 0), (Count(bench), Count(bench, "outbox_terms")));
        Assert.Equal(1, bench.Counters["dropped.notices-expired"]);
        Assert.Empty(bench.Store.Facts.Told("vendor", "compatibility"));
        Assert.False(bench.Store.Outbox.Acknowledge("vendor", facts.Reference));
    }

    [Fact]
    [Promise("R85")]
    public void A_clock_that_runs_ahead_untrusted_hides_it_and_destroys_nothing_and_one_set_back_gives_it_no_longer()
    {
        using var bench = new Bench();
        bench.Store.Outbox.Put(Make("vendor", "the model", NoticeKind.Facts) with { Term = TimeSpan.FromDays(90) });
        var wall = bench.Clock.Now().WallUnixNs;
        const long day = 86_400 * ClockExtensions.NsPerSecond;
        bench.Clock = new FieldAgent.Simulation.SimulatedClock(wall + (400 * day), quality: ClockQuality.Unsynced, bootId: new Guid(2, 0, 0, new byte[8]));
        bench.Reopen();
        bench.Store.Sweeper.Sweep();
        Assert.Empty(bench.Store.Outbox.Waiting("vendor", 0, 10));
        Assert.Equal(1, Count(bench));
        bench.Clock.SetWall(wall + day, ClockQuality.Ntp);
        bench.Store.Sweeper.Tick();
        Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 10));
        bench.Clock.Advance(TimeSpan.FromDays(80));
        bench.Store.Sweeper.Tick();
        bench.Clock.SetWall(wall - (100 * day), ClockQuality.Ntp);
        bench.Clock.Advance(TimeSpan.FromDays(9.1));
        bench.Store.Sweeper.Tick();
        Assert.Equal(0, Count(bench));
    }

    [Fact]
    public void One_that_wants_an_acknowledgement_waits_for_its_own_recipients()
    {
        using var bench = new Bench();
        var notice = bench.Store.Outbox.Put(Make("vendor", "erase it", NoticeKind.Erasure, untilAcknowledged: true));
        bench.Store.Outbox.Sent(notice.Id);
        Assert.Single(bench.Store.Outbox.Waiting("vendor", 0, 10));
        Assert.False(bench.Store.Outbox.Acknowledge("partner", notice.Reference));
        Assert.False(bench.Store.Outbox.Acknowledge("vendor", "unheard-of"));
        Assert.True(bench.Store.Outbox.Acknowledge("vendor", notice.Reference));
        Assert.False(bench.Store.Outbox.Acknowledge("vendor", notice.Reference));
        Assert.Empty(bench.Store.Outbox.Waiting("vendor", 0, 10));
    }

    [Fact]
    public void The_same_reference_is_stored_once_and_a_newer_checkpoint_takes_the_older_ones_place()
    {
        using var bench = new Bench();
        var notice = Make("vendor", "receipt");
        Assert.Equal(bench.Store.Outbox.Put(notice), bench.Store.Outbox.Put(notice));
        bench.Store.Outbox.Put(Make("vendor", "checkpoint 1", NoticeKind.Audit));
        bench.Store.Outbox.Put(Make("partner", "checkpoint 1", NoticeKind.Audit));
        bench.Store.Outbox.Put(Make("vendor", "checkpoint 2", NoticeKind.Audit));
        Assert.Equal(["receipt", "checkpoint 2"], Texts(bench, "vendor"));
        Assert.Equal(["checkpoint 1"], Texts(bench, "partner"));
    }

    [Fact]
    public void It_is_bounded_in_number_and_bytes_and_gives_up_first_what_nobody_must_acknowledge()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { NoticesMax = 5 } });
        bench.Store.Outbox.Put(Make("vendor", "must", NoticeKind.Erasure, untilAcknowledged: true));
        for (var i = 0; i < 9; i++)
        {
            bench.Store.Outbox.Put(Make("vendor", $"{i}"));
        }

        Assert.Equal(["must", "5", "6", "7", "8"], Texts(bench, "vendor"));
        Assert.Equal(5, bench.Counters["dropped.notices"]);
        bench.Reopen(o => o with { Limits = new StoreLimits { NoticeBytesMax = 10_000, NoticesBytesMax = 20_000 } });
        for (var i = 0; i < 9; i++)
        {
            bench.Store.Outbox.Put(Make("vendor", new string('x', 9_000)));
        }

        Assert.Equal(["must", new string('x', 9_000), new string('x', 9_000)], Texts(bench, "vendor"));
        Assert.Equal(StoreFaultKind.Refused, Assert.Throws<StoreFault>(() => bench.Store.Outbox.Put(Make("vendor", new string('x', 10_001)))).Kind);
    }

    [Fact]
    public void It_is_sealed_at_rest_and_a_row_that_was_changed_is_dropped_and_counted()
    {
        using var bench = new Bench();
        bench.Store.Outbox.Put(Make("vendor", "who-decided-what-canary"));
        bench.Store.Outbox.Put(Make("vendor", "second"));
        bench.Store.Dispose();
        foreach (var file in Directory.GetFiles(bench.Options.Directory))
        {
            Assert.DoesNotContain("who-decided-what-canary", Encoding.Latin1.GetString(File.ReadAllBytes(file)), StringComparison.Ordinal);
        }

        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "UPDATE outbox SET recipient = 'partner' WHERE id = 1");
        }

        bench.Reopen();
        Assert.Empty(bench.Store.Outbox.Waiting("partner", 0, 10));
        Assert.Equal(["second"], Texts(bench, "vendor"));
        Assert.Equal(1, bench.Counters["dropped.notices-unreadable"]);
    }

    [Fact]
    public void It_is_carried_over_from_a_database_set_aside()
    {
        using var bench = new Bench();
        for (var i = 0; i < 20; i++)
        {
            bench.Store.Outbox.Put(Make("vendor", $"{i}", untilAcknowledged: i % 2 == 0));
        }

        bench.Store.Dispose();
        using (var database = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(database, "INSERT INTO migrations VALUES(1000, 'of the future')");
        }

        bench.Reopen();
        Assert.Equal(OpenKind.Reset, bench.Store.OpenOutcome.Kind);
        Assert.Equal(20, bench.Store.Outbox.Waiting("vendor", 0, 100).Count);
    }

    internal static Notice Make(string recipient, string json, NoticeKind kind = NoticeKind.Consent, bool untilAcknowledged = false) =>
        new(0, recipient, kind, Notice.NewReference(), Encoding.UTF8.GetBytes(json), untilAcknowledged);

    private static long Count(Bench bench, string table = "outbox")
    {
        using var database = Raw.Open(bench.Options.Directory);
        return Raw.Number(database, $"SELECT count(*) FROM {table}");
    }

    private static IEnumerable<string> Texts(Bench bench, string recipient) =>
        bench.Store.Outbox.Waiting(recipient, 0, 100).Select(static n => Encoding.UTF8.GetString(n.Json.Span));
}
