using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Privacy;
using FieldAgent.Simulation;
using FieldAgent.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>Audit and incidents on a real store: what is signed, published and proved.</summary>
public sealed class AccountTests
{
    [Fact]
    public void A_checkpoint_is_signed_for_each_audience_with_its_own_key_and_two_recipients_cannot_tell_that_they_know_the_same_board()
    {
        using var bench = new Account();
        bench.Audit.Append(Entry(1));
        bench.Audit.Checkpoint();
        var own = Read(bench.Store.Audit.Checkpoints()[0].Document);
        var vendor = Read(bench.Published("vendor"));
        var partner = Read(bench.Published("partner"));
        Assert.Equal(3, new[] { own.KeyId, vendor.KeyId, partner.KeyId }.Distinct().Count());
        Assert.Equal(["board", "vendor", "partner"], new[] { own, vendor, partner }.Select(static d => (string)d.Document["audience"]!));
        Assert.Equal(bench.Store.Audit.Head.Hash, (string)own.Document["hash"]!);
        Assert.Equal((1, 1), ((long)own.Document["number"]!, (long)own.Document["count"]!));
        foreach (var member in new[] { "hash", "number" })
        {
            Assert.Equal(3, new[] { own, vendor, partner }.Select(d => d.Document[member]!.ToJsonString()).Distinct().Count());
        }

        bench.Audit.Append(Entry(2));
        bench.Audit.Checkpoint();
        Assert.Equal((long)vendor.Document["number"]! + 1, (long)Read(bench.Published("vendor")).Document["number"]!);
    }

    [Fact]
    public void Checkpoints_are_made_at_the_start_every_day_and_after_so_many_entries_and_not_of_an_empty_log()
    {
        using var bench = new Account(new AuditLimits { CheckpointEvery = 5 });
        bench.Audit.Checkpoint();
        Assert.Empty(bench.Store.Audit.Checkpoints());
        for (var i = 1; i <= 12; i++)
        {
            bench.Audit.Append(Entry(i));
        }

        Assert.Equal([5, 10], bench.Store.Audit.Checkpoints().Select(static c => c.Number));
        using var stop = new CancellationTokenSource();
        var clock = new LeapingClock(c =>
        {
            if (c.BootNs > TimeSpan.FromDays(2.5).ToNs())
            {
                stop.Cancel();
            }
        });
        var book = new AuditBook(
            bench.Store.Audit, bench.Store.Outbox, bench.Store.Keys, ["vendor"], clock, new Counters(), new AuditLimits(), NullLogger.Instance);
        var before = clock.BootNs;
        book.Run(stop.Token);
        Assert.Equal([5, 10, 12], bench.Store.Audit.Checkpoints().Select(static c => c.Number));
        Assert.True(clock.BootNs - before >= TimeSpan.FromDays(2).ToNs());
    }

    [Fact]
    public void A_log_that_was_cut_off_or_rewritten_is_shown_by_a_checkpoint_that_a_recipient_kept()
    {
        using var bench = new Account();
        for (var i = 1; i <= 3; i++)
        {
            bench.Audit.Append(Entry(i));
        }

        var state = bench.Copy();
        for (var i = 4; i <= 6; i++)
        {
            bench.Audit.Append(Entry(i));
        }

        bench.Audit.Checkpoint();
        var published = bench.Published("vendor");
        var good = bench.Audit.Verify(published);
        Assert.True(good.Ok, good.Problem + good.Published);
        Assert.Contains("is as it was", good.Published, StringComparison.Ordinal);

        // Put back as it was: whole in itself, so only the checkpoint shows it.
        bench.Restore(state);
        Assert.True(bench.Audit.Verify().Ok);
        var cut = bench.Audit.Verify(published);
        Assert.False(cut.Ok);
        Assert.Contains("cut off", cut.Published, StringComparison.Ordinal);

        for (var i = 4; i <= 6; i++)
        {
            bench.Audit.Append(Entry(i + 100));
        }

        var rewritten = bench.Audit.Verify(published);
        Assert.False(rewritten.Ok);
        Assert.Contains("rewritten", rewritten.Published, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_kept_on_the_board_shows_it_as_well_and_another_boards_or_a_forged_one_is_not_believed()
    {
        using var bench = new Account();
        bench.Audit.Append(Entry(1));
        var state = bench.Copy();
        bench.Audit.Append(Entry(2));
        bench.Audit.Checkpoint();
        var kept = bench.Store.Audit.Checkpoints()[0].Document;
        using var other = new Account();
        other.Audit.Append(Entry(1));
        other.Audit.Checkpoint();
        Assert.Contains("another board", bench.Audit.Verify(other.Published("vendor")).Published, StringComparison.Ordinal);
        var forged = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bench.Published("vendor")).Replace("\"v\":1", "\"v\":2", StringComparison.Ordinal));
        Assert.Contains("does not hold", bench.Audit.Verify(forged).Published, StringComparison.Ordinal);
        Assert.False(bench.Audit.Verify("nonsense"u8).Ok);
        using (var signer = new DeviceSigner(bench.Store.Keys, "vendor"))
        {
            Assert.Contains("no checkpoint", bench.Audit.Verify(SignedDocument.Sign(signer, new JsonObject { ["type"] = "x" })).Published, StringComparison.Ordinal);
        }

        bench.Restore(state);
        bench.Store.Audit.KeepCheckpoint(2, kept);
        Assert.Contains("cut off", bench.Audit.Verify().Problem, StringComparison.Ordinal);
    }

    [Fact]
    [Promise("R110")]
    public void An_incident_says_what_happened_what_was_done_and_what_to_do_and_waits_signed_for_every_recipient_once()
    {
        using var bench = new Account();
        bench.Incidents.Raise(IncidentKind.CredentialsRefused, "broker of partner");
        bench.Incidents.Raise(IncidentKind.CredentialsRefused, "broker of partner");
        var incident = Assert.Single(bench.Incidents.All());
        Assert.Equal(2, incident.Times);
        foreach (var text in new[] { incident.Situation, incident.Measures, incident.Advice, incident.Remedy })
        {
            Assert.True(text.Length > 20, text);
        }

        foreach (var recipient in new[] { "vendor", "partner" })
        {
            var notice = Assert.Single(bench.Store.Outbox.Waiting(recipient, 0, 9));
            Assert.Equal(NoticeKind.Incident, notice.Kind);
            var document = Read(notice.Json.ToArray()).Document;
            Assert.Equal("credentials-refused", (string)document["kind"]!);
            foreach (var member in new[] { "situation", "measures", "advice", "remedy", "time" })
            {
                Assert.NotEqual("", (string)document[member]!);
            }

            // One recipient is not told of another.
            Assert.DoesNotContain("broker of", Encoding.UTF8.GetString(notice.Json.Span), StringComparison.Ordinal);
        }

        Assert.True(bench.Incidents.Clear(incident.Id, "operator"));
        Assert.False(bench.Incidents.Clear(incident.Id, "operator"));
        Assert.Equal(["credentials-refused", "cleared"], bench.Audit.Read(1, 9).Select(static r => r.Entry!.What));
    }

    [Fact]
    public void Every_kind_of_incident_has_words_of_its_own()
    {
        var texts = Enum.GetValues<IncidentKind>().Select(IncidentText.Of).ToList();
        Assert.Equal(texts.Count, texts.Select(static t => t.Word).Distinct().Count());
        Assert.All(texts, static t => Assert.All(new[] { t.Situation, t.Measures, t.Advice, t.Remedy }, static s => Assert.EndsWith(".", s, StringComparison.Ordinal)));
    }

    [Fact]
    public void No_checkpoint_is_signed_of_a_broken_log()
    {
        using var bench = new Account();
        bench.Audit.Append(Entry(1));
        bench.Tamper("DELETE FROM audit");
        Assert.NotEqual("", bench.Audit.Broken);
        bench.Audit.Append(Entry(2));
        bench.Audit.Checkpoint();
        Assert.Empty(bench.Store.Audit.Checkpoints());
        bench.Audit.BeginAnew("administrator");
        Assert.Single(bench.Store.Audit.Checkpoints());
        Assert.True(bench.Audit.Verify().Ok);
    }

    private static SignedDocument Read(byte[] signed)
    {
        var document = SignedDocument.TryVerify(signed, out var why);
        Assert.True(document is not null, why);
        return document!;
    }

    private static AuditEntry Entry(int i) => new(AuditKind.Consent, "withdrawn", "fleet-location", Detail: $"{i}");

    /// <summary>A store with its audit and incidents.</summary>
    private sealed class Account : IDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly SimulatedClock _clock = new();
        private readonly AuditLimits _limits;

        public Account(AuditLimits? limits = null)
        {
            _limits = limits ?? new AuditLimits();
            Open();
        }

        public StateStore Store { get; private set; } = null!;

        public AuditBook Audit { get; private set; } = null!;

        public IncidentBook Incidents { get; private set; } = null!;

        private string State => _folder.File("state");

        public byte[] Published(string recipient) => Store.Outbox.Waiting(recipient, 0, 100).Last(static n => n.Kind == NoticeKind.Audit).Json.ToArray();

        /// <summary>The database as it is now.</summary>
        public byte[] Copy()
        {
            Store.Dispose();
            var copy = File.ReadAllBytes(Path.Join(State, "state.db"));
            Open();
            return copy;
        }

        public void Restore(byte[] database)
        {
            Store.Dispose();
            File.WriteAllBytes(Path.Join(State, "state.db"), database);
            Open();
        }

        public void Tamper(string sql)
        {
            Store.Dispose();
            using (var database = new SqliteConnection($"Data Source={Path.Join(State, "state.db")};Pooling=False"))
            {
                database.Open();
                using var command = database.CreateCommand();
                command.CommandText = "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; " + sql;
                command.ExecuteNonQuery();
            }

            Open();
        }

        public void Dispose()
        {
            Store.Dispose();
            _folder.Dispose();
        }

        private void Open()
        {
            string[] recipients = ["vendor", "partner"];
            Store = StateStore.Open(
                new StoreOptions { Directory = State, Recipients = [.. recipients], FreeBytesMin = 0 }, _clock, new Counters(), NullLogger.Instance);
            Audit = new AuditBook(Store.Audit, Store.Outbox, Store.Keys, recipients, _clock, new Counters(), _limits, NullLogger.Instance);
            Incidents = new IncidentBook(Store.Incidents, Audit, Store.Outbox, Store.Keys, recipients, new Counters(), NullLogger.Instance);
        }
    }
}
