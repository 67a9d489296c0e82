using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Requests, corrections and keys of persons. What people say is sealed. Thread-safe.</summary>
internal sealed class RequestLedger : IRequestLedger, IDisposable
{
    private const string RequestColumns =
        "id, kind, state, reference, function, field, channel, verification, ground, received, verified, answered, text, answer";

    private const int WriteBytes = 16 << 10;
    private readonly StoreContext _context;
    private readonly AesGcm _key;

    public RequestLedger(StoreContext context)
    {
        _context = context;
        _key = context.Identity.CipherFor("request-ledger");
    }

    /// <inheritdoc/>
    public SubjectRequest Add(SubjectRequest request)
    {
        lock (_context.WriteLock)
        {
            var writer = _context.Database.Writer;
            if (writer.Scalar("SELECT count(*) FROM requests") >= _context.Limits.RequestsMax)
            {
                Forget(writer);
            }

            var stored = request with { Id = writer.Scalar("SELECT ifnull(max(id), 0) FROM requests") + 1 };
            Update(stored);
            return stored;
        }
    }

    /// <inheritdoc/>
    public void Update(SubjectRequest request) => _context.Write(
        writer =>
        {
            using var put = writer.Once(
                $"INSERT OR REPLACE INTO requests({RequestColumns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
            put.Bind(1, request.Id).Bind(2, (long)request.Kind).Bind(3, (long)request.State).Bind(4, request.Reference).Bind(5, request.Function)
                .Bind(6, request.Field).Bind(7, request.Channel).Bind(8, request.Verification).Bind(9, request.Ground)
                .Bind(10, StampBytes.Write(request.ReceivedAt)).Bind(11, StampBytes.Write(request.VerifiedAt))
                .Bind(12, StampBytes.Write(request.AnsweredAt)).Bind(13, Seal(request.Text, request.Reference + "/text"))
                .Bind(14, Seal(request.Answer, request.Reference + "/answer")).Run();
        },
        WriteBytes);

    /// <inheritdoc/>
    public IReadOnlyList<SubjectRequest> Requests() => Read($"SELECT {RequestColumns} FROM requests ORDER BY id", row => new SubjectRequest(
        row.Int(0), (RequestKind)row.Int(1), (RequestState)row.Int(2), row.Text(3), row.Text(4), row.Text(5), Open(row.Blob(12), row.Text(3) + "/text"),
        row.Text(6), StampBytes.Read(row.Blob(9)))
    {
        Verification = row.Text(7),
        Ground = row.Text(8),
        VerifiedAt = StampBytes.Read(row.Blob(10)),
        AnsweredAt = StampBytes.Read(row.Blob(11)),
        Answer = Open(row.Blob(13), row.Text(3) + "/answer"),
    });

    /// <inheritdoc/>
    public Correction Add(Correction correction)
    {
        lock (_context.WriteLock)
        {
            var writer = _context.Database.Writer;
            if (writer.Scalar("SELECT count(*) FROM corrections") >= _context.Limits.RequestsMax)
            {
                throw new StoreFault(StoreFaultKind.Refused, $"{_context.Limits.RequestsMax} corrections are kept already", retry: false);
            }

            var stored = correction with { Id = writer.Scalar("SELECT ifnull(max(id), 0) FROM corrections") + 1 };
            _context.Write(
                _ =>
                {
                    using var put = writer.Once(
                        "INSERT INTO corrections(id, function, field, from_ns, to_ns, reference, at, statement) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
                    put.Bind(1, stored.Id).Bind(2, stored.Function).Bind(3, stored.Field).Bind(4, stored.FromWallUnixNs)
                        .Bind(5, stored.ToWallUnixNs).Bind(6, stored.Reference).Bind(7, StampBytes.Write(stored.At))
                        .Bind(8, Seal(stored.Statement, stored.Reference)).Run();
                },
                WriteBytes);
            return stored;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Correction> Corrections() => Read(
        "SELECT id, function, field, from_ns, to_ns, reference, at, statement FROM corrections ORDER BY id",
        row => new Correction(row.Int(0), row.Text(1), row.Text(2), row.Int(3), row.Int(4), Open(row.Blob(7), row.Text(5)), row.Text(5),
            StampBytes.Read(row.Blob(6))));

    /// <inheritdoc/>
    public void Add(SubjectKey key)
    {
        lock (_context.WriteLock)
        {
            if (_context.Database.Writer.Scalar("SELECT count(*) FROM subject_keys") >= _context.Limits.SubjectKeysMax)
            {
                throw new StoreFault(StoreFaultKind.Refused,
                    $"{_context.Limits.SubjectKeysMax} keys are registered already; remove one with 'privacy key remove'", retry: false);
            }

            _context.Write(writer =>
            {
                using var put = writer.Once("INSERT OR REPLACE INTO subject_keys(key_id, label, public_key, at) VALUES(?1, ?2, ?3, ?4)");
                put.Bind(1, key.KeyId).Bind(2, key.Label).Bind(3, key.PublicKey.Span).Bind(4, StampBytes.Write(key.AddedAt)).Run();
            });
        }
    }

    /// <inheritdoc/>
    public bool RemoveKey(string keyId)
    {
        var removed = false;
        _context.Write(writer =>
        {
            using var delete = writer.Once("DELETE FROM subject_keys WHERE key_id = ?1");
            removed = delete.Bind(1, keyId).Run() > 0;
        });
        return removed;
    }

    /// <inheritdoc/>
    public IReadOnlyList<SubjectKey> Keys() => Read(
        "SELECT key_id, label, public_key, at FROM subject_keys ORDER BY key_id",
        static row => new SubjectKey(row.Text(0), row.Text(1), row.Blob(2).ToArray(), StampBytes.Read(row.Blob(3))));

    /// <inheritdoc/>
    public void EraseTexts()
    {
        foreach (var request in Requests().Where(static r => r.State is RequestState.Done or RequestState.Refused && r.Text.Length + r.Answer.Length > 0))
        {
            Update(request with { Text = "", Answer = "" });
        }

        _context.Write(static writer =>
        {
            writer.Execute("DELETE FROM corrections");
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    // Answered ones first; an open one is never forgotten.
    private void Forget(Connection writer)
    {
        using var first = writer.Once("DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE state >= 2 ORDER BY id LIMIT 1)");
        if (first.Run() == 0)
        {
            throw new StoreFault(StoreFaultKind.Refused, $"{_context.Limits.RequestsMax} requests wait already: answer some", retry: false);
        }

        _context.Counters.Add("dropped.requests-forgotten");
    }

    private List<T> Read<T>(string sql, Func<Statement, T> read)
    {
        var all = new List<T>();
        lock (_context.WriteLock)
        {
            using var rows = _context.Database.Writer.Once(sql);
            while (rows.Step())
            {
                all.Add(read(rows));
            }
        }

        return all;
    }

    private byte[] Seal(string text, string context) => Sealed.Seal(_key, Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(context));

    private string Open(ReadOnlySpan<byte> box, string context)
    {
        var plain = new byte[Math.Max(0, box.Length - Sealed.Overhead)];
        return Sealed.TryOpen(_key, box, plain, Encoding.UTF8.GetBytes(context))
            ? Encoding.UTF8.GetString(plain)
            : throw new StoreFault(StoreFaultKind.Corrupt, "the ledger of requests was changed", retry: false);
    }
}
