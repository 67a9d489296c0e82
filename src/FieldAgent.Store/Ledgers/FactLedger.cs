using FieldAgent.Core;

namespace FieldAgent.Store.Ledgers;

/// <summary>What recipients were told of facts. Thread-safe.</summary>
internal sealed class FactLedger(StoreContext context) : IFactLedger
{
    private const int WriteBytes = 8 << 10;

    /// <inheritdoc/>
    public byte[] Told(string recipient, string function)
    {
        lock (context.WriteLock)
        {
            using var find = context.Database.Writer.Once("SELECT digest FROM facts_told WHERE recipient = ?1 AND function = ?2");
            find.Bind(1, recipient).Bind(2, function);
            return find.Step() ? find.Blob(0).ToArray() : [];
        }
    }

    /// <inheritdoc/>
    public void Note(string recipient, string function, ReadOnlySpan<byte> digest)
    {
        var bytes = digest.ToArray();
        Write("INSERT INTO facts_told(recipient, function, digest) VALUES(?1, ?2, ?3) ON CONFLICT(recipient, function) DO UPDATE SET digest = ?3",
            recipient, function, bytes);
    }

    /// <inheritdoc/>
    public void Forget(string recipient, string function)
    {
        if (Told(recipient, function).Length > 0)
        {
            Write("DELETE FROM facts_told WHERE recipient = ?1 AND function = ?2", recipient, function, null);
        }
    }

    private void Write(string sql, string recipient, string function, byte[]? digest)
    {
        lock (context.WriteLock)
        {
            context.Write(writer =>
            {
                using var statement = writer.Once(sql);
                statement.Bind(1, recipient).Bind(2, function);
                if (digest is not null)
                {
                    statement.Bind(3, digest);
                }

                statement.Run();
            }, WriteBytes);
        }
    }
}
