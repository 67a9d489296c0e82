using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Documents until their recipient has them. Sealed: a receipt tells what a person decided. Thread-safe.</summary>
internal sealed partial class OutboxLedger : IOutbox, IDisposable
{
    /// <summary>What a row takes besides its document: columns, index, part of a page.</summary>
    private const int RowBytes = 512;

    private const int WriteBytes = 16 << 10;

    // Where the bound is reached: what only tells, before what asks to be acknowledged; the oldest first.
    private const string LeastImportant = "SELECT id FROM outbox ORDER BY until_acknowledged, id LIMIT 1";

    private const string RetiredTo = "outbox/retired-to";

    private readonly StoreContext _context;
    private readonly SealedValues _values;
    private readonly AesGcm _key;
    private long _retiredTo;

    public OutboxLedger(StoreContext context, SealedValues values)
    {
        _context = context;
        _values = values;
        _key = context.Identity.CipherFor("outbox");
        _facts = new PossibleFacts(context);
        _facts.Load(context.Database.Writer);
    }

    /// <inheritdoc/>
    public event Action? Added;

    private long BytesMax => Math.Max(
        _context.Limits.NoticeBytesMax + RowBytes, Math.Min(_context.Limits.NoticesBytesMax, _context.Options.StateBytesMax / 16));

    /// <inheritdoc/>
    public Notice Put(Notice notice)
    {
        if (notice.Json.Length > _context.Limits.NoticeBytesMax)
        {
            throw new StoreFault(StoreFaultKind.Refused, string.Create(CultureInfo.InvariantCulture,
                $"a document of {notice.Json.Length} bytes does not fit a message of {_context.Limits.NoticeBytesMax}"), retry: false);
        }

        Notice stored;
        lock (_context.WriteLock)
        {
            var known = IdOf(_context.Database.Writer, notice.Recipient, notice.Reference);
            if (known != 0)
            {
                return notice with { Id = known };
            }

            stored = notice;
            Write(writer => stored = Insert(writer, notice), WriteBytes + (notice.Json.Length * 2L) + (notice.Holds.Count * ContentBytes));
        }

        Added?.Invoke();
        return stored;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Notice> Waiting(string recipient, long after, int max)
    {
        lock (_context.WriteLock)
        {
            var writer = _context.Database.Writer;
            var unreadable = new List<long>();
            var found = Read(
                writer, "WHERE recipient = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                s => s.Bind(1, recipient).Bind(2, Math.Max(after, _retiredTo)).Bind(3, max), unreadable);
            foreach (var id in unreadable)
            {
                // Nobody will ever read it; said by the counter.
                _context.Counters.Add("dropped.notices-unreadable");
                Drop(id);
            }

            if (found.Count == 0)
            {
                return unreadable.Count > 0 ? Waiting(recipient, unreadable[^1], max) : found;
            }

            var last = found[^1].Id;
            return Readable(found) is { Count: > 0 } readable ? readable : Waiting(recipient, last, max);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Notice> Retired(string recipient, int max)
    {
        lock (_context.WriteLock)
        {
            return Readable(Read(
                _context.Database.Writer, "WHERE recipient = ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
                s => s.Bind(1, recipient).Bind(2, _retiredTo).Bind(3, max), []));
        }
    }

    /// <summary>Forgets what has certainly waited longer than it may. Those who did not get it are told anew what is still so.</summary>
    /// <exception cref="StoreFault">It could not be written; it is unreadable, and tried again.</exception>
    public void DropExpired()
    {
        lock (_context.WriteLock)
        {
            var overdue = Terms(_context.Database.Writer).Where(term => _context.Terms.LeftNs(term.Start, term.TermNs) <= 0).Select(static term => term.Notice).ToList();
            if (overdue.Count == 0)
            {
                return;
            }

            Write(writer =>
            {
                foreach (var id in overdue)
                {
                    using var retell = writer.Once("DELETE FROM facts_told WHERE recipient = (SELECT recipient FROM outbox WHERE id = ?1)");
                    retell.Bind(1, id).Run();
                    _context.Counters.Add("dropped.notices-expired", IsWaiting(writer, id) ? 1 : 0);
                    _facts.Lost(id);
                    Delete(writer, id);
                }

                writer.Execute("DELETE FROM outbox_terms WHERE notice NOT IN (SELECT id FROM outbox)");
            }, WriteBytes + (overdue.Count * ContentBytes));
        }
    }

    /// <summary>The pseudonym of <paramref name="epoch"/> is the present one: what an earlier one left is retired. Repeating it does nothing.</summary>
    /// <exception cref="StoreFault">It could not be noted; until it is, nothing may be sent.</exception>
    public void BeginEpoch(int epoch)
    {
        lock (_context.WriteLock)
        {
            var known = _values.Get(RetiredTo) is { } bytes ? Encoding.ASCII.GetString(bytes).Split(' ') : ["0", "0"];
            _retiredTo = long.Parse(known[1], CultureInfo.InvariantCulture);
            if (int.Parse(known[0], CultureInfo.InvariantCulture) != epoch)
            {
                _retiredTo = _context.Database.Writer.Scalar("SELECT ifnull(max(id), 0) FROM outbox");
                _values.Set(RetiredTo, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{epoch} {_retiredTo}")));
            }
        }
    }

    /// <inheritdoc/>
    public void Sent(long id) => Forget(id, isDelivered: true, evenUnacknowledged: id <= Volatile.Read(ref _retiredTo));

    /// <inheritdoc/>
    public bool IsUnacknowledged(string recipient, string reference)
    {
        lock (_context.WriteLock)
        {
            using var find = _context.Database.Writer.Once(
                "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE recipient = ?1 AND reference = ?2 "
                + "UNION ALL SELECT 1 FROM outbox_unanswered WHERE recipient = ?1 AND reference = ?2)");
            return find.Bind(1, recipient).Bind(2, reference).Scalar() > 0;
        }
    }

    /// <inheritdoc/>
    public bool Acknowledge(string recipient, string reference)
    {
        lock (_context.WriteLock)
        {
            var id = IdOf(_context.Database.Writer, recipient, reference);
            if (id == 0)
            {
                return false;
            }

            Write(
                writer =>
                {
                    _facts.Lost(id);
                    Delete(writer, id);
                },
                WriteBytes);
            return true;
        }
    }

    /// <summary>Carries over what waits in a database that was set aside, as far as it reads.</summary>
    /// <exception cref="StoreFault">The rest of it does not read, or it has no outbox.</exception>
    public void Salvage(Connection old)
    {
        lock (_context.WriteLock)
        {
            var unreadable = new List<long>();
            var waiting = Read(old, "ORDER BY id", static s => s, unreadable);

            // facts wait no more: their term lies in the other database; what is still so is told anew
            foreach (var notice in waiting.Where(static notice => notice.Kind != NoticeKind.Facts))
            {
                Write(writer => Insert(writer, notice), WriteBytes + (notice.Json.Length * 2L));
            }

            _facts.Salvage(old);
            Write(static _ => { }, WriteBytes);
            if (unreadable.Count > 0)
            {
                _context.Counters.Add("dropped.notices-unreadable", unreadable.Count);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _key.Dispose();
    }

    // What wanted an answer and goes without one is remembered: nobody may take it for answered.
    private void Forget(long id, bool isDelivered, bool evenUnacknowledged)
    {
        lock (_context.WriteLock)
        {
            var delivered = !isDelivered ? null
                : _facts.Find(id) ?? (OutboxContents.Find(_context.Database.Writer, id) is { Kind: NoticeKind.Facts } facts ? facts : null);
            Write(
                writer =>
                {
                    if (evenUnacknowledged)
                    {
                        NoteUnanswered(writer, id);
                    }

                    if (delivered is not null)
                    {
                        _facts.Answered(delivered);
                        Deliveries.Note(writer, delivered);
                    }

                    using var delete = writer.Once("DELETE FROM outbox WHERE id = ?1 AND until_acknowledged <= ?2");
                    if (delete.Bind(1, id).Bind(2, evenUnacknowledged ? 1 : 0).Run() > 0)
                    {
                        _facts.Lost(id);
                        OutboxContents.Delete(writer, id);
                    }
                },
                WriteBytes + ((delivered?.Holds.Count ?? 1) * ContentBytes));
        }
    }

    private void NoteUnanswered(Connection writer, long id)
    {
        using var note = writer.Once(
            "INSERT OR IGNORE INTO outbox_unanswered(recipient, reference) SELECT recipient, reference FROM outbox WHERE id = ?1 AND until_acknowledged = 1");
        note.Bind(1, id).Run();

        // as many as there are requests on the shelf at most; beyond that any, the references are random
        using var bound = writer.Once("DELETE FROM outbox_unanswered WHERE (SELECT count(*) FROM outbox_unanswered) > ?1 AND reference = (SELECT min(reference) FROM outbox_unanswered)");
        bound.Bind(1, _context.Limits.NoticesMax).Run();
    }

    private static void Delete(Connection writer, long id)
    {
        using var delete = writer.Once("DELETE FROM outbox WHERE id = ?1");
        delete.Bind(1, id).Run();
        OutboxContents.Delete(writer, id);
    }

    private Notice Insert(Connection writer, Notice notice)
    {
        if (notice.Kind == NoticeKind.Audit)
        {
            using var older = writer.Once("DELETE FROM outbox WHERE recipient = ?1 AND kind = ?2 AND until_acknowledged = 0");
            older.Bind(1, notice.Recipient).Bind(2, (long)notice.Kind).Run();
        }

        while (IsOver(writer, notice.Json.Length))
        {
            var least = writer.Scalar(LeastImportant);
            NoteUnanswered(writer, least);
            _facts.Lost(least);
            Delete(writer, least);
            _context.Counters.Add("dropped.notices");
        }

        using var put = writer.Once(
            "INSERT INTO outbox(recipient, kind, reference, until_acknowledged, document) VALUES(?1, ?2, ?3, ?4, ?5)");
        put.Bind(1, notice.Recipient).Bind(2, (long)notice.Kind).Bind(3, notice.Reference).Bind(4, notice.UntilAcknowledged ? 1 : 0)
            .Bind(5, Sealed.Seal(_key, notice.Json.Span, Context(notice.Recipient, notice.Kind, notice.Reference, notice.UntilAcknowledged)))
            .Run();
        var stored = notice with { Id = writer.Scalar("SELECT last_insert_rowid()") };
        OutboxContents.Insert(writer, stored);
        if (notice.Term is { } term)
        {
            var start = _context.Terms.StartNow();
            using var expiry = writer.Once(
                "INSERT INTO outbox_terms(notice, term_ns, board_ns, wall_ns, quality, floor_ns) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
            expiry.Bind(1, stored.Id).Bind(2, term.ToNs()).Bind(3, start.BoardNs).Bind(4, start.WallNs).Bind(5, (long)start.Quality)
                .Bind(6, start.FloorOffsetNs).Run();
        }

        return stored;
    }

    private bool IsOver(Connection writer, int bytes)
    {
        var count = writer.Scalar("SELECT count(*) FROM outbox");
        return count > 0 && (count >= _context.Limits.NoticesMax
            || writer.Scalar("SELECT sum(length(document)) FROM outbox") + ((count + 1) * RowBytes) + bytes > BytesMax);
    }

    private static long IdOf(Connection writer, string recipient, string reference)
    {
        using var find = writer.Once("SELECT id FROM outbox WHERE recipient = ?1 AND reference = ?2");
        return find.Bind(1, recipient).Bind(2, reference).Scalar();
    }

    private static List<(long Notice, long TermNs, TermStart Start)> Terms(Connection connection)
    {
        var terms = new List<(long, long, TermStart)>();
        using var rows = connection.Once("SELECT notice, term_ns, board_ns, wall_ns, quality, floor_ns FROM outbox_terms");
        while (rows.Step())
        {
            terms.Add((rows.Int(0), rows.Int(1), new TermStart(rows.Int(2), rows.Int(3), (ClockQuality)rows.Int(4), rows.Int(5))));
        }

        return terms;
    }

    // What may wait no longer, as far as any clock says.
    private List<Notice> Readable(List<Notice> found)
    {
        if (found.Exists(static notice => notice.Kind == NoticeKind.Facts))
        {
            var over = Terms(_context.Database.Writer).Where(term => _context.Terms.IsUnreadable(term.Start, term.TermNs)).Select(static term => term.Notice).ToHashSet();
            found.RemoveAll(notice => over.Contains(notice.Id));
        }

        return found;
    }

    private List<Notice> Read(Connection connection, string which, Func<Statement, Statement> bind, List<long> unreadable)
    {
        var found = new List<Notice>();
        var knowsContents = OutboxContents.IsKnown(connection);
        using var rows = connection.Once("SELECT id, recipient, kind, reference, until_acknowledged, document FROM outbox " + which);
        bind(rows);
        while (rows.Step())
        {
            var notice = new Notice(rows.Int(0), rows.Text(1), (NoticeKind)rows.Int(2), rows.Text(3), default, rows.Int(4) != 0);
            var box = rows.Blob(5);
            var json = new byte[Math.Max(0, box.Length - Sealed.Overhead)];
            if (Sealed.TryOpen(_key, box, json, Context(notice.Recipient, notice.Kind, notice.Reference, notice.UntilAcknowledged)))
            {
                found.Add(notice with { Json = json, Holds = knowsContents ? OutboxContents.Find(connection, notice.Id)?.Holds ?? [] : [] });
            }
            else
            {
                unreadable.Add(notice.Id);
            }
        }

        return found;
    }

    // What binds a document to its row: it cannot be turned to another recipient.
    private static byte[] Context(string recipient, NoticeKind kind, string reference, bool untilAcknowledged) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"outbox\n{recipient}\n{(int)kind}\n{reference}\n{(untilAcknowledged ? 1 : 0)}"));
}
