using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>The hash-chained audit. An entry costs one row and the head, however many there are; entries are sealed. Holds nothing in memory
/// that a transaction which failed would have to take back. Thread-safe.</summary>
internal sealed class AuditLedger : IAuditChain, IDisposable
{
    private const int WriteBytes = 16 << 10;

    /// <summary>Entries copied in one transaction.</summary>
    private const int CopyMax = 64;

    private const string Columns = "number, boot_id, boot_ns, wall_ns, quality, salt, entry, commitment, hash";

    private readonly StoreContext _context;
    private readonly byte[] _headKey = new byte[32];
    private readonly AesGcm _entryKey;
    private AuditHeadRow _lastKnown;

    /// <summary>Opens the log and looks whether it is whole.</summary>
    public AuditLedger(StoreContext context)
    {
        _context = context;
        _entryKey = context.Identity.CipherFor("audit-entries");
        context.Identity.DeriveKey("audit-head", _headKey);
        Broken = Check(context.Database.Writer, readEntries: false).Problem;
        _lastKnown = Tail(context.Database.Writer);
    }

    /// <inheritdoc/>
    public string Broken { get; private set; }

    /// <inheritdoc/>
    public AuditHead Head
    {
        get
        {
            lock (_context.WriteLock)
            {
                var tail = Tail(_context.Database.Writer);
                return new AuditHead(tail.First, tail.Last, Hex(tail.Hash));
            }
        }
    }

    private long EntriesMax => Math.Clamp(
        _context.Options.StateBytesMax / _context.Limits.Audit.StateBytesPerEntry, _context.Limits.Audit.EntriesMin,
        Math.Max(_context.Limits.Audit.EntriesMin, _context.Limits.Audit.EntriesMax));

    /// <inheritdoc/>
    public long Append(AuditEntry entry)
    {
        lock (_context.WriteLock)
        {
            var head = AuditHeadRow.Empty;
            _context.Write(writer => head = AppendWithin(writer, entry), WriteBytes);
            _lastKnown = head;
            return head.Last;
        }
    }

    /// <summary>Adds an entry within the caller's transaction, so that it stands or falls with what it tells about.</summary>
    public AuditHeadRow AppendWithin(Connection writer, AuditEntry entry)
    {
        var tail = Tail(writer);
        var number = tail.Last + 1;
        var at = _context.Clock.Now();
        var plain = AuditCodec.Encode(entry, _context.Limits.Audit.DetailCharsMax);
        var salt = RandomNumberGenerator.GetBytes(AuditCodec.SaltBytes);
        var commitment = AuditCodec.Commit(salt, plain);
        var hash = AuditCodec.Chain(tail.Hash, number, at, commitment);
        Insert(writer, new Row(number, at, salt, Sealed.Seal(_entryKey, plain, Context(number)), commitment, hash));
        var head = tail with { Last = number, Hash = hash };
        if (Broken.Length == 0)
        {
            head = Fold(writer, head);
            head.Write(writer, _headKey);
        }

        return head;
    }

    /// <inheritdoc/>
    public IReadOnlyList<AuditRecord> Read(long from, int max)
    {
        lock (_context.WriteLock)
        {
            return [.. Rows(_context.Database.Writer, from, max).Select(row => new AuditRecord(
                row.Number, row.At, Open(row) is { } plain ? AuditCodec.Decode(plain) : null, Hex(row.Commitment), Hex(row.Hash)))];
        }
    }

    /// <inheritdoc/>
    public AuditCheck Verify()
    {
        lock (_context.WriteLock)
        {
            return Check(_context.Database.Writer, readEntries: true);
        }
    }

    /// <inheritdoc/>
    public string? HashAt(long number)
    {
        lock (_context.WriteLock)
        {
            var writer = _context.Database.Writer;
            var tail = Tail(writer);
            return number == tail.First - 1 ? Hex(tail.Base)
                : Rows(writer, number, 1) is [var row] && row.Number == number ? Hex(row.Hash)
                : null;
        }
    }

    /// <inheritdoc/>
    public bool EraseSalt(long number)
    {
        var erased = false;
        _context.Write(writer =>
        {
            using var erase = writer.Once("UPDATE audit SET salt = zeroblob(0), entry = zeroblob(0) WHERE number = ?1 AND length(salt) > 0");
            erased = erase.Bind(1, number).Run() > 0;
            if (erased)
            {
                AppendWithin(writer, new AuditEntry(
                    AuditKind.Erasure, "entry-erased", Detail: string.Create(CultureInfo.InvariantCulture, $"entry {number}")));
            }
        }, WriteBytes);
        return erased;
    }

    /// <inheritdoc/>
    public void KeepCheckpoint(long number, ReadOnlySpan<byte> document)
    {
        var kept = document.ToArray();
        _context.Write(writer =>
        {
            using var put = writer.Once("INSERT OR REPLACE INTO audit_checkpoints(number, document) VALUES(?1, ?2)");
            put.Bind(1, number).Bind(2, kept).Run();
            using var old = writer.Once(
                "DELETE FROM audit_checkpoints WHERE number < (SELECT number FROM audit_checkpoints ORDER BY number DESC LIMIT 1 OFFSET ?1)");
            old.Bind(1, _context.Limits.Audit.CheckpointsMax - 1).Run();
        }, WriteBytes + kept.Length);
    }

    /// <inheritdoc/>
    public IReadOnlyList<(long Number, byte[] Document)> Checkpoints()
    {
        lock (_context.WriteLock)
        {
            return Checkpoints(_context.Database.Writer);
        }
    }

    /// <inheritdoc/>
    public void BeginAnew()
    {
        lock (_context.WriteLock)
        {
            _context.Write(writer =>
            {
                var tail = Tail(writer);
                new AuditHeadRow(tail.Last + 1, tail.Hash, tail.Last, tail.Hash).Write(writer, _headKey);
                writer.Execute($"DELETE FROM audit WHERE number <= {tail.Last.ToString(CultureInfo.InvariantCulture)}; DELETE FROM audit_checkpoints");
            }, WriteBytes);
            Broken = "";
            _lastKnown = Tail(_context.Database.Writer);
        }
    }

    /// <summary>Goes on after another database took the place of the old one: its entries are out of reach, the chain continues.</summary>
    public void WriteAgain() => _context.Write(writer =>
        new AuditHeadRow(_lastKnown.Last + 1, _lastKnown.Hash, _lastKnown.Last, _lastKnown.Hash).Write(writer, _headKey));

    /// <summary>Carries the log of a database that was set aside over; where it is not whole, only its last hash, and the chain goes on.</summary>
    /// <returns>What is wrong with it; empty when all was carried over.</returns>
    /// <exception cref="StoreFault">It cannot be read at all.</exception>
    public string Salvage(Connection old)
    {
        lock (_context.WriteLock)
        {
            var check = Check(old, readEntries: false);
            if (!check.IsWhole)
            {
                _lastKnown = Tail(old);
                WriteAgain();
                return check.Problem;
            }

            var head = Tail(old);
            for (var next = head.First; next <= head.Last;)
            {
                var rows = Rows(old, next, CopyMax);
                _context.Write(writer =>
                {
                    rows.ForEach(row => Insert(writer, row));
                    (head with { Last = rows[^1].Number, Hash = rows[^1].Hash }).Write(writer, _headKey);
                }, WriteBytes + (rows.Count * 1024L));
                next = rows[^1].Number + 1;
            }

            foreach (var (number, document) in Checkpoints(old))
            {
                KeepCheckpoint(number, document);
            }

            _lastKnown = head;
            return "";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _entryKey.Dispose();

    private AuditHeadRow Fold(Connection writer, AuditHeadRow head)
    {
        var over = head.Last - head.First + 1 - EntriesMax;
        if (over <= 0)
        {
            return head;
        }

        var gone = Rows(writer, head.First, (int)Math.Min(over, _context.Limits.Audit.FoldMax))[^1];
        var folded = head with { First = gone.Number + 1, Base = gone.Hash };
        folded.Write(writer, _headKey);
        using var delete = writer.Once("DELETE FROM audit WHERE number < ?1");
        _context.Counters.Add("audit.folded", delete.Bind(1, folded.First).Run());
        return folded;
    }

    // Where the chain is continued. A broken one is continued behind all that is there, and its head stays as it was found.
    private AuditHeadRow Tail(Connection connection)
    {
        var head = AuditHeadRow.Read(connection, _headKey, out var isGenuine) ?? AuditHeadRow.Empty;
        if (isGenuine && Broken is not { Length: > 0 })
        {
            return head;
        }

        using var last = connection.Once("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
        if (!last.Step())
        {
            return head;
        }

        var tail = last.Int(0) >= head.Last ? head with { Last = last.Int(0), Hash = last.Blob(1).ToArray() } : head;
        last.Reset();
        return tail;
    }

    private AuditCheck Check(Connection connection, bool readEntries)
    {
        var head = AuditHeadRow.Read(connection, _headKey, out var isGenuine);
        if (head is null)
        {
            var isNew = connection.Scalar("SELECT count(*) FROM audit") + connection.Scalar("SELECT count(*) FROM audit_checkpoints") == 0;
            return new AuditCheck(isNew ? "" : "the record of where the log ends is missing", 1, 0, 0);
        }

        AuditCheck Wrong(string problem) => new(problem, head.First, head.Last, 0);
        if (!isGenuine)
        {
            return Wrong("the record of where the log ends was changed");
        }

        var previous = head.Base;
        var next = head.First;
        long erased = 0;
        while (Rows(connection, next, CopyMax) is { Count: > 0 } rows)
        {
            foreach (var row in rows)
            {
                var number = row.Number.ToString(CultureInfo.InvariantCulture);
                if (row.Number > head.Last)
                {
                    return Wrong($"entry {number} was not written by the agent");
                }

                if (row.Number != next)
                {
                    return Wrong($"entry {next.ToString(CultureInfo.InvariantCulture)} is missing");
                }

                if (!row.Hash.AsSpan().SequenceEqual(AuditCodec.Chain(previous, row.Number, row.At, row.Commitment))
                    || row.Salt.Length == 0 != (row.Entry.Length == 0) || (readEntries && row.Salt.Length > 0 && !Commits(row)))
                {
                    return Wrong($"entry {number} was changed, or is another's");
                }

                erased += row.Salt.Length == 0 ? 1 : 0;
                previous = row.Hash;
                next++;
            }
        }

        return next != head.Last + 1
            ? Wrong(string.Create(CultureInfo.InvariantCulture, $"the log ends at entry {next - 1}, but {head.Last} were written: the last ones were cut off"))
            : !previous.AsSpan().SequenceEqual(head.Hash)
                ? Wrong($"entry {head.Last.ToString(CultureInfo.InvariantCulture)} was changed, or is another's")
                : new AuditCheck("", head.First, head.Last, erased);
    }

    private bool Commits(Row row) => Open(row) is { } plain && AuditCodec.Commit(row.Salt, plain).AsSpan().SequenceEqual(row.Commitment);

    private byte[]? Open(Row row)
    {
        var plain = new byte[Math.Max(0, row.Entry.Length - Sealed.Overhead)];
        return plain.Length > 0 && Sealed.TryOpen(_entryKey, row.Entry, plain, Context(row.Number)) ? plain : null;
    }

    private static void Insert(Connection writer, Row row)
    {
        using var put = writer.Once($"INSERT INTO audit({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        put.Bind(1, row.Number).Bind(2, row.At.BootId.ToByteArray()).Bind(3, row.At.BootNs).Bind(4, row.At.WallUnixNs)
            .Bind(5, (long)row.At.Quality).Bind(6, row.Salt).Bind(7, row.Entry).Bind(8, row.Commitment).Bind(9, row.Hash).Run();
    }

    private static List<Row> Rows(Connection connection, long from, int max)
    {
        var found = new List<Row>();
        using var rows = connection.Once($"SELECT {Columns} FROM audit WHERE number >= ?1 ORDER BY number LIMIT ?2");
        rows.Bind(1, from).Bind(2, max);
        while (rows.Step())
        {
            var bootId = rows.Blob(1).Length == 16 ? new Guid(rows.Blob(1)) : Guid.Empty;
            found.Add(new Row(rows.Int(0), new Stamp(bootId, rows.Int(2), rows.Int(3), (ClockQuality)rows.Int(4)), rows.Blob(5).ToArray(),
                rows.Blob(6).ToArray(), rows.Blob(7).ToArray(), rows.Blob(8).ToArray()));
        }

        return found;
    }

    private static List<(long Number, byte[] Document)> Checkpoints(Connection connection)
    {
        var found = new List<(long, byte[])>();
        using var rows = connection.Once("SELECT number, document FROM audit_checkpoints ORDER BY number");
        while (rows.Step())
        {
            found.Add((rows.Int(0), rows.Blob(1).ToArray()));
        }

        return found;
    }

    private static byte[] Context(long number)
    {
        var context = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(context, number);
        return context;
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private sealed record Row(long Number, Stamp At, byte[] Salt, byte[] Entry, byte[] Commitment, byte[] Hash);
}
