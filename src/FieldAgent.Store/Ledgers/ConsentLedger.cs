using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>The append-only ledger. Each row carries a code over itself and the one before, so a row that was changed, or is missing
/// in the middle, is noticed. Thread-safe.</summary>
internal sealed class ConsentLedger : IConsentLedger
{
    private const string Columns =
        "id, action, function, field, scope, role, method, policy_version, policy_hash, boot_id, boot_ns, wall_ns, quality, mac, "
        + "notice_hash, language, controller_id, reason, reference, expires_ns";

    private readonly StoreContext _context;
    private readonly byte[] _key = new byte[32];
    private List<(ConsentEvent Event, byte[] Mac)> _rows = [];

    /// <summary>Reads and checks the ledger.</summary>
    /// <exception cref="StoreFault">Tampered: it was changed.</exception>
    public ConsentLedger(StoreContext context)
    {
        _context = context;
        context.Identity.DeriveKey("consent-ledger", _key);
        _rows = Read(context.Database.Writer, _key);
    }

    /// <inheritdoc/>
    public ConsentEvent Append(ConsentEvent consent)
    {
        lock (_context.WriteLock)
        {
            if (_rows.Count >= _context.Limits.ConsentsMax)
            {
                throw new StoreFault(StoreFaultKind.Refused,
                    $"the consent ledger holds its {_context.Limits.ConsentsMax} events: something appends without end", retry: false);
            }

            var stored = consent with { Id = _rows.Count == 0 ? 1 : _rows[^1].Event.Id + 1 };
            var mac = Mac(_key, stored, _rows.Count == 0 ? [] : _rows[^1].Mac);
            _context.Write(writer => Insert(writer, stored, mac));
            _rows.Add((stored, mac));
            return stored;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ConsentEvent> All()
    {
        lock (_context.WriteLock)
        {
            return [.. _rows.Select(static row => row.Event)];
        }
    }

    /// <summary>Carries the events of a database that was set aside over, when every one of them reads.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="StoreFault">They do not read: none was carried over.</exception>
    public int Salvage(Connection old)
    {
        lock (_context.WriteLock)
        {
            var rows = Read(old, _key);
            WriteAll(rows);
            _rows = rows;
            return rows.Count;
        }
    }

    /// <summary>Writes all events into a database that took the place of the old one.</summary>
    public void WriteAgain() => WriteAll(_rows);

    /// <summary>Reads and checks the events of a database that another process may be using.</summary>
    public static IReadOnlyList<ConsentEvent> ReadAll(Connection connection, Identity identity)
    {
        Span<byte> key = stackalloc byte[32];
        identity.DeriveKey("consent-ledger", key);
        return [.. Read(connection, key.ToArray()).Select(static row => row.Item1)];
    }

    private static List<(ConsentEvent, byte[])> Read(Connection connection, byte[] key)
    {
        var rows = new List<(ConsentEvent, byte[])>();
        byte[] last = [];
        using var all = connection.Once($"SELECT {Columns} FROM consents ORDER BY id");
        while (all.Step())
        {
            if (all.Blob(9).Length != 16)
            {
                throw Changed(all.Int(0));
            }

            var consent = new ConsentEvent(all.Int(0), (ConsentAction)all.Int(1), all.Text(2), all.Text(3), all.Text(4), all.Text(5),
                all.Text(6), all.Text(7), all.Text(8), new Stamp(new Guid(all.Blob(9)), all.Int(10), all.Int(11), (ClockQuality)all.Int(12)))
            {
                NoticeHash = all.Text(14),
                Language = all.Text(15),
                ControllerId = all.Text(16),
                Reason = all.Text(17),
                Reference = all.Text(18),
                ExpiresWallUnixNs = all.Int(19),
            };
            var mac = Mac(key, consent, last);
            if (consent.Id != rows.Count + 1 || !CryptographicOperations.FixedTimeEquals(mac, all.Blob(13)))
            {
                throw Changed(consent.Id);
            }

            rows.Add((consent, mac));
            last = mac;
        }

        return rows;
    }

    private static StoreFault Changed(long id) => new(StoreFaultKind.Tampered,
        string.Create(CultureInfo.InvariantCulture, $"the consent ledger was changed at event {id}"), retry: false);

    private static byte[] Mac(byte[] key, ConsentEvent consent, byte[] last)
    {
        var at = consent.At;
        var text = string.Join('\n',
            Convert.ToHexString(last), Number(consent.Id), Number((long)consent.Action), Text(consent.Function), Text(consent.Field),
            Text(consent.Scope), Text(consent.Role), Text(consent.Method), Text(consent.PolicyVersion), Text(consent.PolicyHash),
            at.BootId.ToString("N"), Number(at.BootNs), Number(at.WallUnixNs), Number((long)at.Quality));
        if (HasDetails(consent))
        {
            // rows from before there were any keep their code
            text = string.Join('\n', text, Text(consent.NoticeHash), Text(consent.Language), Text(consent.ControllerId), Text(consent.Reason),
                Text(consent.Reference), Number(consent.ExpiresWallUnixNs));
        }

        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

        static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

        // the length first, so that no two rows have the same text
        static string Text(string value) => string.Create(CultureInfo.InvariantCulture, $"{value.Length}:{value}");
    }

    private static bool HasDetails(ConsentEvent consent) =>
        consent.NoticeHash.Length + consent.Language.Length + consent.ControllerId.Length + consent.Reason.Length + consent.Reference.Length > 0
        || consent.ExpiresWallUnixNs != 0;

    private static void Insert(Connection connection, ConsentEvent consent, byte[] mac)
    {
        using var put = connection.Once(
            $"INSERT INTO consents({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
            + "?15, ?16, ?17, ?18, ?19, ?20)");
        put.Bind(1, consent.Id).Bind(2, (long)consent.Action).Bind(3, consent.Function).Bind(4, consent.Field).Bind(5, consent.Scope)
            .Bind(6, consent.Role).Bind(7, consent.Method).Bind(8, consent.PolicyVersion).Bind(9, consent.PolicyHash)
            .Bind(10, consent.At.BootId.ToByteArray()).Bind(11, consent.At.BootNs).Bind(12, consent.At.WallUnixNs)
            .Bind(13, (long)consent.At.Quality).Bind(14, mac).Bind(15, consent.NoticeHash).Bind(16, consent.Language)
            .Bind(17, consent.ControllerId).Bind(18, consent.Reason).Bind(19, consent.Reference).Bind(20, consent.ExpiresWallUnixNs).Run();
    }

    private void WriteAll(List<(ConsentEvent Event, byte[] Mac)> rows) =>
        _context.Write(writer =>
        {
            foreach (var (consent, mac) in rows)
            {
                Insert(writer, consent, mac);
            }
        }, 4096 + (rows.Count * 1024L));
}
