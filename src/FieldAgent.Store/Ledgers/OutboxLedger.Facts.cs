using FieldAgent.Core;
using FieldAgent.Store.Erasure;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>The data in documents: who has it or may have it, and its erasure.</summary>
internal sealed partial class OutboxLedger
{
    // There from the first start on of a program that notes which facts it sends.
    private const string NotedName = "facts-noted";

    private const int ContentBytes = 1 << 10;

    private readonly PossibleFacts _facts;

    /// <summary>Where delivered facts are noted.</summary>
    public required DeliveryLedger Deliveries { get; init; }

    /// <summary>What recipients may have of facts.</summary>
    public IReadOnlyList<PossibleDelivery> Possible()
    {
        lock (_context.WriteLock)
        {
            return _facts.All();
        }
    }

    /// <inheritdoc/>
    public bool Sending(long id)
    {
        lock (_context.WriteLock)
        {
            var writer = _context.Database.Writer;
            if (!IsWaiting(writer, id))
            {
                return false;
            }

            if (_facts.Find(id) is null && OutboxContents.Find(writer, id) is { Kind: NoticeKind.Facts } notice)
            {
                _facts.Begin();
                _facts.Open(notice);
                if (_facts.HasUnsaved)
                {
                    Write(_ => _facts.Open(notice), WriteBytes + (notice.Holds.Count * ContentBytes));
                }
                else
                {
                    _facts.Saved();
                }
            }

            return true;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Notice> Holding()
    {
        lock (_context.WriteLock)
        {
            return Readable(Read(_context.Database.Writer, "WHERE id IN (SELECT notice FROM outbox_contents) ORDER BY id", static s => s, []));
        }
    }

    /// <inheritdoc/>
    public void Drop(long id) => Forget(id, isDelivered: false, evenUnacknowledged: true);

    /// <inheritdoc/>
    public void TakeOver(Func<Notice, IReadOnlyList<NoticeContent>> contentsOf, Func<IEnumerable<(string Recipient, string Function, string Field)>> told)
    {
        lock (_context.WriteLock)
        {
            var database = _context.Database;
            var isFirst = database.GetMeta(NotedName) is null;
            var unknown = Read(
                database.Writer, "WHERE kind = ?1 AND id NOT IN (SELECT notice FROM outbox_contents) ORDER BY id", static s => s.Bind(1, (long)NoticeKind.Facts), []);
            if (!isFirst && unknown.Count == 0)
            {
                return;
            }

            var last = database.Writer.Scalar("SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)");
            var before = isFirst && !database.IsFresh && last > 0 ? told().ToList() : [];
            Write(
                writer =>
                {
                    foreach (var notice in unknown)
                    {
                        var holds = notice with { Holds = contentsOf(notice) };
                        OutboxContents.Insert(writer, holds);
                        _facts.Assume(new HoldingNotice(notice.Id, notice.Recipient, notice.Kind, holds.Holds));
                    }

                    foreach (var (recipient, function, field) in before)
                    {
                        _facts.Assume(recipient, function, field, last);
                    }

                    database.SetMeta(NotedName, "1"u8);
                },
                WriteBytes + ((unknown.Count + before.Count) * ContentBytes));
        }
    }

    /// <summary>The documents that an erasure takes. The write lock is held until they are erased.</summary>
    public IReadOnlyList<long> Chosen(ErasureChoice choice) => [.. OutboxContents.Read(_context.Database.Writer)
        .Where(notice => notice.Holds.Any(one => choice.TakesDocument(one.Function, one.Field, one.AtWallUnixNs))).Select(static notice => notice.Id)];

    /// <summary>The rules whose data waits in documents.</summary>
    public IEnumerable<(string Function, string Field)> Rules() =>
        OutboxContents.Read(_context.Database.Writer).SelectMany(static notice => notice.Holds).Select(static one => (one.Function, one.Field)).Distinct();

    /// <summary>Erases documents within the transaction of an erasure; what of them was sent is noted in it. What is still so and still permitted is told
    /// anew, as readings go on: also where one document held more than is erased.</summary>
    public void Erase(Connection writer, IReadOnlyList<long> documents, ErasureChoice choice)
    {
        _facts.Begin();
        foreach (var id in documents)
        {
            using var retell = writer.Once(
                "DELETE FROM facts_told WHERE (recipient, function) IN (SELECT recipient, function FROM outbox_contents WHERE notice = ?1)");
            retell.Bind(1, id).Run();
            _facts.Lost(id);
            Delete(writer, id);
        }

        // the digest is made of the facts
        var told = new List<string>();
        using (var functions = writer.Once("SELECT DISTINCT function FROM facts_told"))
        {
            while (functions.Step())
            {
                told.Add(functions.Text(0));
            }
        }

        foreach (var function in told.Where(choice.TakesSome))
        {
            using var forget = writer.Once("DELETE FROM facts_told WHERE function = ?1");
            forget.Bind(1, function).Run();
        }

        _facts.Save(writer);
    }

    /// <summary>The erasure's transaction is over.</summary>
    /// <param name="done">True when it succeeded.</param>
    public void Erased(bool done)
    {
        if (done)
        {
            _facts.Saved();
        }
        else
        {
            _facts.Failed();
        }
    }

    /// <summary>Another database has taken the place of the old one.</summary>
    /// <exception cref="StoreFault">It could not be written.</exception>
    public void WriteAgain()
    {
        lock (_context.WriteLock)
        {
            _facts.BeginAnew();
            Write(writer => _context.Database.SetMeta(NotedName, "1"u8), WriteBytes);
        }
    }

    // Best effort: what is not written now makes the next start say more than is so, not less.
    private void Close()
    {
        lock (_context.WriteLock)
        {
            _facts.Close();
            if (!_facts.HasUnsaved || _context.Database.IsClosed)
            {
                return;
            }

            try
            {
                Write(static _ => { }, WriteBytes);
            }
            catch (StoreFault)
            {
                _context.Counters.Add("store.unsettled");
            }
        }
    }

    private void Write(Action<Connection> action, long bytes)
    {
        try
        {
            _context.Write(
                writer =>
                {
                    _facts.Begin();
                    action(writer);
                    _facts.Save(writer);
                },
                bytes);
        }
        catch
        {
            _facts.Failed();
            throw;
        }

        _facts.Saved();
    }

    private static bool IsWaiting(Connection connection, long id)
    {
        using var find = connection.Once("SELECT count(*) FROM outbox WHERE id = ?1");
        return find.Bind(1, id).Scalar() > 0;
    }
}
