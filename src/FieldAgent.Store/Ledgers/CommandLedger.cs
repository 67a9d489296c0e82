using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Commands seen, until they expire. Results are sealed: they may hold readings. Thread-safe.</summary>
internal sealed class CommandLedger : ICommandLedger, IDisposable
{
    private readonly StoreContext _context;
    private readonly AesGcm _key;

    public CommandLedger(StoreContext context)
    {
        _context = context;
        _key = context.Identity.CipherFor("command-ledger");
    }

    /// <inheritdoc/>
    public CommandRecord? Begin(string id, string name, long expiresWallUnixNs)
    {
        lock (_context.WriteLock)
        {
            var writer = _context.Database.Writer;
            using (var find = writer.Once("SELECT name, state, result FROM commands WHERE id = ?1"))
            {
                if (find.Bind(1, id).Step())
                {
                    var known = new CommandRecord(id, find.Text(0), (CommandState)find.Int(1), Open(find.Blob(2), id));
                    find.Reset();
                    return known;
                }
            }

            _context.Write(_ =>
            {
                Forget(writer);
                using var put = writer.Once("INSERT INTO commands(id, name, state, result, expires_ns) VALUES(?1, ?2, ?3, ?4, ?5)");
                put.Bind(1, id).Bind(2, name).Bind(3, (long)CommandState.Accepted).Bind(4, Seal("", id)).Bind(5, expiresWallUnixNs).Run();
            }, WriteBytes);
            return null;
        }
    }

    /// <inheritdoc/>
    public void Advance(string id, CommandState state, string resultJson)
    {
        if (resultJson.Length > _context.Limits.CommandResultCharsMax)
        {
            // the state counts; a result this long is not kept for a second delivery
            _context.Counters.Add("dropped.command-result");
            resultJson = "";
        }

        var sealedResult = Seal(resultJson, id);
        _context.Write(
            writer =>
            {
                using var put = writer.Once("UPDATE commands SET state = ?2, result = ?3 WHERE id = ?1");
                put.Bind(1, id).Bind(2, (long)state).Bind(3, sealedResult).Run();
            },
            WriteBytes + sealedResult.Length);
    }

    /// <summary>Forgets all commands.</summary>
    public void Clear() => _context.Write(
        static writer =>
        {
            using var delete = writer.Once("DELETE FROM commands");
            delete.Run();
        },
        WriteBytes);

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    // With each new command more are forgotten than are added, and the transaction stays small.
    private const int ForgetMax = 4;

    private const int WriteBytes = 24 << 10;

    // Expired ones cannot be delivered again; by a clock nobody has set, nothing is expired.
    private void Forget(Connection writer)
    {
        var now = _context.Clock.Now();
        if (now.Quality > ClockQuality.Unsynced)
        {
            using var expired = writer.Once("DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE expires_ns < ?1 ORDER BY expires_ns LIMIT ?2)");
            expired.Bind(1, now.WallUnixNs).Bind(2, ForgetMax).Run();
        }

        var over = writer.Scalar("SELECT count(*) FROM commands") - _context.Limits.CommandsMax + 1;
        if (over > 0)
        {
            using var first = writer.Once("DELETE FROM commands WHERE id IN (SELECT id FROM commands ORDER BY expires_ns LIMIT ?1)");
            _context.Counters.Add("dropped.commands-forgotten", first.Bind(1, over).Run());
        }
    }

    private byte[] Seal(string result, string id) =>
        Sealed.Seal(_key, Encoding.UTF8.GetBytes(result), Encoding.UTF8.GetBytes(id));

    private string Open(ReadOnlySpan<byte> box, string id)
    {
        var plain = new byte[Math.Max(0, box.Length - Sealed.Overhead)];
        return Sealed.TryOpen(_key, box, plain, Encoding.UTF8.GetBytes(id)) ? Encoding.UTF8.GetString(plain) : "";
    }
}
