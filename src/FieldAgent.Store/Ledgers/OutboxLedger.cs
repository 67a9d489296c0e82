using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Documents until their recipient has them. Sealed: a receipt tells what a person decided. Thread-safe.</summary>
internal sealed class OutboxLedger : IOutbox, IDisposable
{
    /// <summary>What a row takes besides its document: columns, index, part of a page.</summary>
    private const int RowBytes = 512;

    private const int WriteBytes = 16 << 10;

    // Where the bound is reached: what only tells, before what asks to be acknowledged; the oldest first.
    private const string LeastImportant = "SELECT id FROM outbox ORDER BY until_acknowledged, id LIMIT 1";

    private readonly StoreContext _context;
    private readonly AesGcm _key;

    public OutboxLedger(StoreContext context)
    {
        _context = context;
        Span<byte> key = stackalloc byte[RootKey.Bytes];
        context.Identity.DeriveKey("outbox", key);
        _key = new AesGcm(key, Sealed.TagBytes);
        CryptographicOperations.ZeroMemory(key);
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
            _context.Write(writer => stored = Insert(writer, notice), WriteBytes + (notice.Json.Length * 2L));
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
            var found = Read(writer, "WHERE recipient = ?1 AND id > ?2 ORDER BY id LIMIT ?3", s => s.Bind(1, recipient).Bind(2, after).Bind(3, max), unreadable);
            foreach (var id in unreadable)
            {
                // Nobody will ever read it; said by the counter.
                _context.Counters.Add("dropped.notices-unreadable");
                Sent(id, evenUnacknowledged: true);
            }

            return found.Count == 0 && unreadable.Count > 0 ? Waiting(recipient, unreadable[^1], max) : found;
        }
    }

    /// <inheritdoc/>
    public void Sent(long id) => Sent(id, evenUnacknowledged: false);

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

            Sent(id, evenUnacknowledged: true);
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
            foreach (var notice in Read(old, "ORDER BY id", static s => s, unreadable))
            {
                _context.Write(writer => Insert(writer, notice), WriteBytes + (notice.Json.Length * 2L));
            }

            if (unreadable.Count > 0)
            {
                _context.Counters.Add("dropped.notices-unreadable", unreadable.Count);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private void Sent(long id, bool evenUnacknowledged) =>
        _context.Write(writer =>
        {
            using var delete = writer.Once("DELETE FROM outbox WHERE id = ?1 AND until_acknowledged <= ?2");
            delete.Bind(1, id).Bind(2, evenUnacknowledged ? 1 : 0).Run();
        }, WriteBytes);

    private Notice Insert(Connection writer, Notice notice)
    {
        if (notice.Kind == NoticeKind.Audit)
        {
            using var older = writer.Once("DELETE FROM outbox WHERE recipient = ?1 AND kind = ?2 AND until_acknowledged = 0");
            older.Bind(1, notice.Recipient).Bind(2, (long)notice.Kind).Run();
        }

        while (IsOver(writer, notice.Json.Length))
        {
            using var delete = writer.Once($"DELETE FROM outbox WHERE id = ({LeastImportant})");
            delete.Run();
            _context.Counters.Add("dropped.notices");
        }

        using var put = writer.Once(
            "INSERT INTO outbox(recipient, kind, reference, until_acknowledged, document) VALUES(?1, ?2, ?3, ?4, ?5)");
        put.Bind(1, notice.Recipient).Bind(2, (long)notice.Kind).Bind(3, notice.Reference).Bind(4, notice.UntilAcknowledged ? 1 : 0)
            .Bind(5, Sealed.Seal(_key, notice.Json.Span, Context(notice.Recipient, notice.Kind, notice.Reference, notice.UntilAcknowledged)))
            .Run();
        return notice with { Id = writer.Scalar("SELECT last_insert_rowid()") };
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

    private List<Notice> Read(Connection connection, string which, Func<Statement, Statement> bind, List<long> unreadable)
    {
        var found = new List<Notice>();
        using var rows = connection.Once("SELECT id, recipient, kind, reference, until_acknowledged, document FROM outbox " + which);
        bind(rows);
        while (rows.Step())
        {
            var notice = new Notice(rows.Int(0), rows.Text(1), (NoticeKind)rows.Int(2), rows.Text(3), default, rows.Int(4) != 0);
            var box = rows.Blob(5);
            var json = new byte[Math.Max(0, box.Length - Sealed.Overhead)];
            if (Sealed.TryOpen(_key, box, json, Context(notice.Recipient, notice.Kind, notice.Reference, notice.UntilAcknowledged)))
            {
                found.Add(notice with { Json = json });
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
